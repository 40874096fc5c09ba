"""Dataclasses of arrays that have equally many rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Table = TypeVar("Table", bound="ArrayTable")


@dataclass(frozen=True)
class ArrayTable:
    """Arrays of n rows each, one a field."""

    def where(self: Table, rows: NDArray[Any]) -> Table:
        """Select rows, by bool[n] or by int64[m]."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def concatenated(cls: type[Table], parts: Sequence[Table]) -> Table:
        """Join several, one after the other."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))
