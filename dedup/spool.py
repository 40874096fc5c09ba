"""What a scan has read so far: finished blocks and their texts, on disk until the run is committed.

    unfinished/
      texts            the UTF-8 texts of all blocks, in the order in which they were finished
      BLOCK            a file per finished block, named by what it was made from

A scan that was killed finds the blocks it had finished; and no text is read or decoded twice, whatever
it was packed in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .model import Anchors, Documents
from .tables import columns_of, documents_of


@dataclass(frozen=True)
class Block:
    """A few parts after the pass: their documents in order, records counted from the start of each part."""

    documents: Documents
    signatures: NDArray[np.uint32]  # [n_docs, num_perm]
    skeletons: NDArray[np.uint32]  # [n_docs, num_perm]
    anchors: Anchors  # doc counts from the block's first document
    parts: NDArray[np.int64]  # [n_parts, 3]: source, documents, lines
    text_at: NDArray[np.int64]  # [n_docs]: where the text of each begins in the spool
    text_bytes: NDArray[np.int64]  # [n_docs]


def key_of(*facts: object) -> str:
    """Whatever decides what a block holds -> the name of its file."""
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


class Spool:
    """Finished blocks in a folder; blocks of an earlier scan that are still there are found again.

    subtle: nothing is flushed to disk, so after a power cut a file may have its name but not its
    content; blocks written before the machine last started are therefore not trusted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        boot = folder / "boot"
        if not boot.exists() or boot.read_text() != _boot():
            for old in folder.iterdir():
                old.unlink()
            boot.write_text(_boot())
        self._texts = os.open(folder / "texts", os.O_RDWR | os.O_CREAT, 0o600)
        self._end = os.fstat(self._texts).st_size
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the texts."""
        os.close(self._texts)

    def put(self, key: str, block: Block, texts: NDArray[np.uint8]) -> Block:
        """Keep a block and its texts, which stand one after the other -> the block with its text_at."""
        with self._lock:
            start = self._end
            self._end += len(texts)
        written = 0
        while written < len(texts):
            written += os.pwrite(self._texts, texts[written:].data, start + written)
        block = dataclasses.replace(block, text_at=block.text_at + start)
        part = self.folder / f"{key}.part"
        part.write_bytes(_packed(block))
        part.rename(self.folder / key)
        return block

    def find(self, key: str) -> Block | None:
        """The finished block of that key, if there is one."""
        with contextlib.suppress(OSError, ValueError, KeyError, pa.ArrowException):
            block = _unpacked((self.folder / key).read_bytes())
            if not len(block.text_at) or (block.text_at + block.text_bytes).max() <= self._end:
                return block
        return None

    def read(self, at: int, size: int) -> bytes:
        """A text of a block."""
        data = os.pread(self._texts, size, at)
        while len(data) < size:  # one call gives at most 2 GiB
            more = os.pread(self._texts, size - len(data), at + len(data))
            if not more:
                raise OSError(f"{self.folder / 'texts'}: is shorter than it was")
            data += more
        return data


def _boot() -> str:
    """When this machine was started, as far as that can be known."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return "unknown"


ARRAYS = ("signatures", "skeletons", "parts", "text_at", "text_bytes")


def _packed(block: Block) -> bytes:
    out = io.BytesIO()
    table = pa.table(columns_of(block.documents))
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    head = json.dumps({"documents": out.tell()}).encode().ljust(64)
    arrays = [getattr(block, name) for name in ARRAYS]
    for array in (*arrays, block.anchors.hash, block.anchors.doc, block.anchors.position):
        np.lib.format.write_array(out, array, allow_pickle=False)
    return head + out.getvalue()


def _unpacked(data: bytes) -> Block:
    size = 64 + json.loads(data[:64])["documents"]
    documents = documents_of(pa.ipc.open_stream(data[64:size]).read_all())
    rest = io.BytesIO(data[size:])
    signatures, skeletons, parts, at, n, *anchors = (
        np.lib.format.read_array(rest, allow_pickle=False) for _ in range(len(ARRAYS) + 3)
    )
    return Block(documents, signatures, skeletons, Anchors(*anchors), parts, at, n)
