"""Cache what a scan has read so far: finished blocks and texts, on disk until the run is committed.

    unfinished/
      log                  a line for each finished block, in order
      KEY                  the documents of a block, named by what they were made from
      texts                the UTF-8 texts of all blocks
      signatures.npy ...   the rows of all blocks (see store.py)

A scan that was killed goes on after the last block of the log; and no text is read or decoded twice,
whatever it was packed in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.documents import Documents
from ..core.features import FeatureRows
from .array_store import RowRanges, Writer
from .tables import columns_of, documents_of


@dataclass(frozen=True)
class Block:
    """A few parts after the pass: their documents in order, records counted from the start of each part."""

    documents: Documents
    parts: NDArray[np.int64]  # [n_parts, 3]: source, documents, lines
    n_anchors: NDArray[np.int64]  # [n_docs]
    text_at: NDArray[np.int64]  # [n_docs]: where the text of each begins in the cache, or -1
    text_bytes: NDArray[np.int64]  # [n_docs]
    old_doc: NDArray[np.int32]  # [n_docs]: its number in the last run; -1 where it was read anew


def key_of(*facts: object) -> str:
    """Return the name of a block, by all that decides what it holds."""
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


class IngestCache:
    """Finished blocks in a folder; those of an earlier scan that are still there are found again.

    NOTE: nothing is flushed to disk, so after a power cut a file may have its name but not its
    content; blocks written before the machine last started are therefore not trusted.
    """

    def __init__(self, folder: Path, num_perm: int) -> None:
        self.folder = folder
        boot = folder / "boot"
        if folder.is_symlink():  # nothing that lies elsewhere is cleared or written to
            folder.unlink()
        linked = folder.is_dir() and any(p.is_symlink() for p in folder.iterdir())
        if linked or not boot.exists() or boot.read_bytes() != _boot():
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        boot.write_bytes(_boot())
        self._texts = os.open(folder / "texts", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._end = os.fstat(self._texts).st_size
        self._lock = threading.Lock()
        self._log: Any = None  # open for writing from the first new block on
        self._n_blocks = 0  # taken over or written
        self.store = Writer(folder, num_perm)
        self._earlier = self._whole(self._logged())

    def close(self) -> None:
        """Close the files."""
        os.close(self._texts)
        self.store.close()
        if self._log:
            self._log.close()

    # ------------------------------------------------------------------ blocks, in order

    def earlier(self, key: str) -> Block | None:
        """Return the next block, if an earlier scan has finished it, and all those before it."""
        if (
            self._log is None
            and self._n_blocks < len(self._earlier)
            and self._earlier[self._n_blocks][0] == key
        ):
            with contextlib.suppress(OSError, ValueError, KeyError, pa.ArrowException):
                block = _unpacked((self.folder / key).read_bytes())
                if not len(block.text_at) or (block.text_at + block.text_bytes).max() <= self._end:
                    self._n_blocks += 1
                    return block
        self._start_log()
        return None

    def _start_log(self) -> None:
        """Begin a log in which all blocks are new."""
        if self._log is None:
            taken = self._earlier[: self._n_blocks]
            self.store.cut(sum(n for _, n, _ in taken), sum(n for _, _, n in taken))
            self._log = open(self.folder / "log.part", "w")  # noqa: SIM115
            self._log.writelines(json.dumps(line) + "\n" for line in taken)
            self._log.flush()
            os.replace(self.folder / "log.part", self.folder / "log")

    def add(self, key: str, block: Block, rows: FeatureRows | RowRanges) -> None:
        """Add the next block."""
        self._start_log()
        if isinstance(rows, RowRanges):
            self.store.copy(rows)
        else:
            self.store.add(**{f.name: getattr(rows, f.name) for f in dataclasses.fields(rows)})
        self.store.flush()
        part = self.folder / f"{key}.part"
        part.write_bytes(_packed(block))
        part.rename(self.folder / key)
        self._log.write(json.dumps([key, len(block.documents), int(block.n_anchors.sum())]) + "\n")
        self._log.flush()

    def finish(self) -> None:
        """Note that all blocks are there."""
        self._start_log()
        self.store.finish()

    def _logged(self) -> list[tuple[str, int, int]]:
        """Return the blocks of an earlier scan: key, documents, anchors."""
        out = []
        with contextlib.suppress(OSError, ValueError, TypeError):
            for line in (self.folder / "log").read_text().splitlines():
                key, n_docs, n_anchors = json.loads(line)
                out.append((str(key), int(n_docs), int(n_anchors)))
        return out

    def _whole(self, blocks: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
        """Return the first blocks, as long as all their rows are in the store.

        NOTE: a scan that was killed while it committed has moved files of the store away already.
        """
        docs = min(self.store.size("signatures"), self.store.size("skeletons"))
        anchors = min(self.store.size("anchor_hashes"), self.store.size("anchor_positions"))
        for i, (_, n_docs, n_anchors) in enumerate(blocks):
            docs, anchors = docs - n_docs, anchors - n_anchors
            if min(docs, anchors, n_docs, n_anchors) < 0:
                return blocks[:i]
        return blocks

    # ------------------------------------------------------------------ texts, from any thread

    def put(self, texts: NDArray[np.uint8]) -> int:
        """Add texts, one after the other -> where they begin."""
        with self._lock:
            start = self._end
            self._end += len(texts)
        written = 0
        while written < len(texts):
            written += os.pwrite(self._texts, texts[written:].data, start + written)
        return start

    def read(self, at: int, size: int) -> bytes:
        """Read a text."""
        data = os.pread(self._texts, size, at)
        while len(data) < size:  # one call gives at most 2 GiB
            more = os.pread(self._texts, size - len(data), at + len(data))
            if not more:
                raise OSError(f"{self.folder / 'texts'}: is shorter than it was")
            data += more
        return data


def _boot() -> bytes:
    """Return when this machine was started, as far as that can be known."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    return b"unknown"


ARRAYS = ("parts", "n_anchors", "text_at", "text_bytes", "old_doc")


def _packed(block: Block) -> bytes:
    out = io.BytesIO()
    table = pa.table(columns_of(block.documents))
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    head = json.dumps({"documents": out.tell()}).encode().ljust(64)
    for name in ARRAYS:
        np.lib.format.write_array(out, getattr(block, name), allow_pickle=False)
    return head + out.getvalue()


def _unpacked(data: bytes) -> Block:
    size = 64 + json.loads(data[:64])["documents"]
    documents = documents_of(pa.ipc.open_stream(data[64:size]).read_all())
    rest = io.BytesIO(data[size:])
    return Block(documents, *(np.lib.format.read_array(rest, allow_pickle=False) for _ in ARRAYS))
