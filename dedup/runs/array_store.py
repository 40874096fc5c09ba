"""The tables that grow with the text: signatures, skeletons and anchors, as .npy files mapped into memory.

Each file is a NumPy array (`numpy.load(path, mmap_mode="r")` opens it); no pickle.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.features import Anchors, Signatures

HEADER = 128  # bytes before the data of a file, whatever its length
FILES: dict[str, Any] = {
    **{"signatures": np.uint32, "skeletons": np.uint32},
    **{"anchor_hashes": np.uint64, "anchor_positions": np.int32},
}


def header(dtype: Any, shape: tuple[int, ...]) -> bytes:
    """Return the head of a .npy file (NumPy enhancement proposal 1, version 1.0), HEADER bytes long."""
    text = f"{{'descr': '{np.dtype(dtype).str}', 'fortran_order': False, 'shape': {shape}, }}"
    return (
        b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little") + text.ljust(HEADER - 11).encode() + b"\n"
    )


COPIED = 1 << 20  # bytes at a time


@dataclass(frozen=True)
class RowRanges:
    """Rows of another store: of documents, those at `docs`; of their anchors, those at `anchors`."""

    folder: Path
    docs: list[slice]
    anchors: list[slice]


class Writer:
    """Rows added at the end of the files of a store, in document order."""

    def __init__(self, folder: Path, num_perm: int) -> None:
        self._folder = folder
        self._width = {"signatures": num_perm, "skeletons": num_perm}
        self._files = {
            name: open(folder / f"{name}.npy", "r+b" if (folder / f"{name}.npy").exists() else "w+b")  # noqa: SIM115
            for name in FILES
        }
        self.rows = dict.fromkeys(FILES, 0)

    def cut(self, n_docs: int, n_anchors: int) -> None:
        """Keep the first rows only, those of the blocks that are taken over from an earlier scan."""
        for name, file in self._files.items():
            self.rows[name] = n_docs if name in self._width else n_anchors
            file.truncate(HEADER + self.rows[name] * self._row_bytes(name))
            file.seek(0, os.SEEK_END)
            if file.tell() < HEADER:
                file.write(b"\0" * (HEADER - file.tell()))

    def size(self, name: str) -> int:
        """Return how many rows a file holds."""
        return max(0, os.fstat(self._files[name].fileno()).st_size - HEADER) // self._row_bytes(name)

    def add(self, **rows: NDArray[Any]) -> None:
        """Write some rows of each file."""
        for name, values in rows.items():
            self._files[name].write(np.ascontiguousarray(values, FILES[name]).data)
            self.rows[name] += len(values)

    def copy(self, other: RowRanges) -> None:
        """Write rows that another store holds.

        NOTE: read, not mapped into memory, which takes three times as long.
        """
        for name, file in self._files.items():
            size = self._row_bytes(name)
            with open(other.folder / f"{name}.npy", "rb", buffering=0) as source:
                for rows in other.docs if name in self._width else other.anchors:
                    source.seek(HEADER + rows.start * size)
                    left = (rows.stop - rows.start) * size
                    while left:
                        data = source.read(min(left, COPIED))
                        if not data:
                            raise OSError(f"{source.name}: is shorter than it was")
                        file.write(data)
                        left -= len(data)
                    self.rows[name] += rows.stop - rows.start

    def flush(self) -> None:
        """Hand what was written to the system, so that it outlives this process."""
        for file in self._files.values():
            file.flush()

    def finish(self) -> None:
        """Write the heads of the files, which say how long they are."""
        for name, file in self._files.items():
            width = self._width.get(name)
            shape = (self.rows[name],) if width is None else (self.rows[name], width)
            file.seek(0)
            file.write(header(FILES[name], shape))
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            file.close()

    def _row_bytes(self, name: str) -> int:
        return int(np.dtype(FILES[name]).itemsize) * self._width.get(name, 1)


class ArrayStore:
    """The files of a store, mapped into memory; `release_pages` releases the pages that were read."""

    def __init__(self, folder: Path, n_docs: int, num_perm: int, anchor_start: NDArray[np.int64]) -> None:
        """Raises ValueError or OSError when a file is missing or not as long as it should be."""
        self._folder = folder
        self._maps: dict[str, mmap.mmap] = {}
        n_anchors = int(anchor_start[-1])
        shapes = {
            **dict.fromkeys(("signatures", "skeletons"), (n_docs, num_perm)),
            **dict.fromkeys(("anchor_hashes", "anchor_positions"), (n_anchors,)),
        }
        self._arrays = {name: self._mapped(name, shape) for name, shape in shapes.items()}
        hashes, positions = self._arrays["anchor_hashes"], self._arrays["anchor_positions"]
        self.anchors = Anchors(hashes, positions, anchor_start, self.release_pages)

    def signatures(self, seed: int, k: int) -> Signatures:
        """Return the signatures and skeletons, mapped."""
        values, skeletons = self._arrays["signatures"], self._arrays["skeletons"]
        return Signatures(values, skeletons, values.shape[1], seed, k, self.release_pages)

    def release_pages(self) -> None:
        """Let go of the pages in memory; they are read again when they are asked for."""
        for mapped in self._maps.values():
            mapped.madvise(mmap.MADV_DONTNEED)

    def _mapped(self, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        path, dtype = self._folder / f"{name}.npy", np.dtype(FILES[name])
        if path.is_dir():
            raise ValueError("it is in parts, as at an address; name it as file:///FOLDER")
        size = HEADER + int(np.prod(shape)) * dtype.itemsize
        with open(path, "rb") as file:
            if file.read(HEADER) != header(dtype, shape) or os.fstat(file.fileno()).st_size != size:
                raise ValueError(f"{path.name} is not the table of {shape[0]} rows that it should be")
            # NOTE: a private writable map, so that compiled code sees the same type as for other arrays
            self._maps[name] = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
        array: NDArray[Any] = np.frombuffer(self._maps[name], dtype, offset=HEADER)
        return array.reshape(shape)
