"""Columns that are added to the records of a source while they are copied."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..base import Damaged

TEXT, INTEGER, FLAG, VALUES = "text", "integer", "flag", "values"


@dataclass(frozen=True)
class Added:
    """New columns, and their values for each record.

    A value of VALUES is (how many, a list), the list of values of the field `of[name]`.
    """

    kinds: dict[str, str]  # name of a column -> TEXT, INTEGER, FLAG or VALUES
    rows: Mapping[int, tuple[Any, ...]]  # offset of a record -> its values; a record without gets none
    of: Mapping[str, str]

    def check(self, names: Iterable[str]) -> None:
        """Raise Damaged where a record or table has a column of that name already."""
        there = [name for name in names if name in self.kinds]
        if there:
            raise Damaged(f"has a column {there[0]!r} already; export from a corpus that is not marked yet")

    def in_json(self, row: tuple[Any, ...]) -> str:
        """Return the columns of a record as the inside of a JSON object, in ASCII.

        >>> Added({"n": INTEGER, "urls": VALUES}, {}, {}).in_json((3, (2, ["a", None])))
        '"n":3,"urls":{"count":2,"values":["a",null]}'
        """
        values = zip(self.kinds, map(plain, row), strict=True)
        return json.dumps(dict(values), separators=(",", ":"), default=str)[1:-1]

    def cells(self, row: tuple[Any, ...]) -> list[str]:
        """Return the columns of a record as cells of CSV."""
        return [_cell(plain(value)) for value in row]


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    return {"count": value[0], "values": value[1]} if isinstance(value, tuple) else value


def _cell(value: Any) -> str:
    """A value -> a cell.

    >>> _cell(None), _cell(True), _cell(3), _cell({"count": 1, "values": ["a"]})
    ('', 'true', '3', '{"count": 1, "values": ["a"]}')
    """
    if value is None:
        return ""
    return json.dumps(value, default=str) if isinstance(value, bool | dict) else str(value)
