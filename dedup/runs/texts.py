"""The texts of a run that was made in Python: in a temporary file, or in its run folder as an Arrow file."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.sorted_arrays import offsets_from_sizes

WRITTEN_BYTES = 16 << 20  # of texts written at a time


class Texts(Sequence[bytes]):
    """UTF-8 texts by document, each read when it is asked for."""

    def __len__(self) -> int:
        raise NotImplementedError

    def text(self, doc: int) -> bytes:
        """Read the text of a document."""
        raise NotImplementedError

    @overload
    def __getitem__(self, doc: int) -> bytes: ...

    @overload
    def __getitem__(self, doc: slice) -> list[bytes]: ...

    def __getitem__(self, doc: int | slice) -> bytes | list[bytes]:
        if isinstance(doc, slice):
            return [self.text(d) for d in range(*doc.indices(len(self)))]
        if not -len(self) <= doc < len(self):
            raise IndexError(doc)
        return self.text(doc % len(self))


class SpooledTexts(Texts):
    """Texts in a temporary file without a name, which goes with the last that refers to it."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile(prefix="dedup-", buffering=0) as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self._sizes: list[NDArray[np.int64]] = []
        self._starts = np.zeros(1, np.int64)

    def add(self, texts: NDArray[np.uint8], sizes: NDArray[np.int64]) -> None:
        """Add the texts of the next documents, one after the other, of so many bytes each."""
        rest = memoryview(texts.data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._sizes.append(sizes)

    def finish(self) -> None:
        """Find out where each text stands: from now on they can be read."""
        self._starts = offsets_from_sizes(np.concatenate([np.zeros(0, np.int64), *self._sizes]))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def text(self, doc: int) -> bytes:
        first, end = int(self._starts[doc]), int(self._starts[doc + 1])
        return os.pread(self._file, end - first, first)


class SavedTexts(Texts):
    """Texts in an Arrow file, mapped into memory; `check` is called before the first is read."""

    def __init__(self, path: Path, n_docs: int, check: Callable[[], None]) -> None:
        self._path, self._n_docs, self._check = path, n_docs, check

    @cached_property
    def _batches(self) -> tuple[list[Any], NDArray[np.int64]]:
        self._check()
        file = pa.ipc.open_file(pa.memory_map(str(self._path)))
        batches = [file.get_batch(i) for i in range(file.num_record_batches)]
        return batches, offsets_from_sizes(np.array([len(b) for b in batches], np.int64))

    def __len__(self) -> int:
        return self._n_docs

    def text(self, doc: int) -> bytes:
        batches, starts = self._batches
        i = int(np.searchsorted(starts, doc, "right")) - 1
        found: bytes = batches[i].column(0)[doc - int(starts[i])].as_py()
        return found


def write_texts(texts: Sequence[bytes], path: Path) -> None:
    """Write texts to an Arrow file of one column."""
    schema = pa.schema([("text", pa.large_binary())])
    with open(path, "xb") as f, pa.ipc.new_file(f, schema) as out:
        held: list[bytes] = []
        size = 0
        for text in texts:
            held.append(text)
            size += len(text)
            if size >= WRITTEN_BYTES or len(held) == 1 << 16:
                out.write_batch(pa.record_batch([pa.array(held, pa.large_binary())], schema))
                held, size = [], 0
        out.write_batch(pa.record_batch([pa.array(held, pa.large_binary())], schema))
