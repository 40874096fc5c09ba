"""Rows divided by a hash into buckets that are worked on one at a time, so that memory stays bounded."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels

N_BUCKETS = 64
HELD_BYTES = 128 << 20  # kept in memory before they go to files


class Buckets:
    """Rows of a hash uint64 and other columns, in order; row i goes to bucket hash[i] mod N_BUCKETS.

    The lowest bits are taken: those in front are not spread evenly among anchors, which are minima.
    """

    def __init__(self, dtypes: Sequence[Any], folder: Path | None, limit: int = HELD_BYTES) -> None:
        self._dtypes, self._folder, self._limit = [np.dtype(t) for t in dtypes], folder, limit
        self._held: list[list[list[NDArray[Any]]]] = [[[] for _ in dtypes] for _ in range(N_BUCKETS)]
        self._bytes = 0
        self._files: list[Any] = []
        self._counts = np.zeros(N_BUCKETS, np.int64)

    def add(self, hashes: NDArray[np.uint64], *columns: NDArray[Any]) -> None:
        """Add rows."""
        order, starts = kernels.by_low_bits(hashes, N_BUCKETS)
        for c, column in enumerate((hashes, *columns)):
            parts = np.split(column[order].astype(self._dtypes[c], copy=False), starts[1:-1])
            self._bytes += column.nbytes
            for b, part in enumerate(parts):
                if len(part):
                    self._held[b][c].append(part)
        if self._bytes > self._limit:
            self._spill()

    def _spill(self) -> None:
        """Move what is held to files, one for each bucket and column."""
        if not self._files:
            self._files = [
                [tempfile.TemporaryFile(dir=self._folder) for _ in self._dtypes]  # noqa: SIM115
                for _ in range(N_BUCKETS)
            ]
        for files, columns in zip(self._files, self._held, strict=True):
            for file, parts in zip(files, columns, strict=True):
                for part in parts:
                    file.write(part.data)
                parts.clear()
        self._bytes = 0

    def bucket(self, number: int) -> list[NDArray[Any]]:
        """Return the columns of one bucket, the hash first.  Several threads may ask for several buckets."""
        out = []
        for c, dtype in enumerate(self._dtypes):
            parts = self._held[number][c]
            if self._files:
                file = self._files[number][c]
                file.seek(0)
                parts = [np.frombuffer(file.read(), dtype), *parts]
            out.append(np.concatenate(parts) if parts else np.zeros(0, dtype))
        return out

    def close(self) -> None:
        """Remove the files."""
        for files in self._files:
            for file in files:
                file.close()
        self._files, self._held = [], []

    def __enter__(self) -> Buckets:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
