"""Documents and the sources they come from.

A document is known by its number in the run, counted from 0.  Documents are sorted by (source path, record),
so the same corpus gives the same numbers whatever the order of reading.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

OK, EMPTY, BINARY, UNREADABLE, BAD_RECORD, CHANGED, TOO_SHORT, TOO_LARGE = range(8)
STATUS = (
    *("ok", "empty", "binary", "unreadable", "bad record", "changed while read"),
    *("too short to judge", "too large"),
)
COUNTED = ("n_letters", "n_upper", "n_marks", "n_bones")  # in the order of Signed.counts
NUMBER = "number"
FAULTS = (UNREADABLE, BAD_RECORD, CHANGED, TOO_LARGE)  # of a scan that has them the exit code is 2


@dataclass(frozen=True)
class Document:
    """A text given from Python: `dedup.scan_texts([Document("...", id="a"), ...])`.

    `fields` has the values that `prefer="field:NAME"` asks for.
    """

    text: str | None
    id: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """One file, member of an archive, standard input, or text given from Python, and how it is read."""

    path: bytes  # as given, for the eye and the lists; b"-" is standard input
    reader: str  # a name in READERS
    codec: str  # how it is packed: "", gz, bz2, xz, zst
    size: int  # of the file; of the archive, for a member
    mtime_ns: int
    file: bytes = b""  # where the bytes are, when not at `path`: the archive, or where a pipe was copied to
    member: int = -1  # its place among the members of the archive
    given: bytes = b""  # the path on the command line by which it was found
    problem: str = ""  # why nothing could be read; "" when all is well
    version: str = ""  # the ETag of a URL whose size or time is not known

    @property
    def at(self) -> bytes:
        return self.file or self.path


@dataclass(frozen=True)
class Documents:
    """One row per document seen, set aside or not; every array has n_docs rows."""

    source: NDArray[np.int32]  # index into sources
    record: NDArray[np.int64]  # line number in the source, 0 for a whole file
    offset: NDArray[np.int64]  # where its bytes begin in the (unpacked) source
    n_bytes: NDArray[np.int64]  # how many they are there
    n_letters: NDArray[np.int64]
    n_upper: NDArray[np.int64]
    n_marks: NDArray[np.int64]  # punctuation marks
    n_bones: NDArray[np.int64]  # skeleton shingles
    letters_hash: NDArray[np.uint64]  # [n_docs, 2]
    status: NDArray[np.int8]  # index into STATUS
    encoding: list[str]
    id: list[str]  # the record's own id, "" when it has none
    note: list[str]  # why it was set aside
    fields: list[str]  # values of its record that a policy asks for, as a JSON object
    repairs: list[str]  # what was done to its text before the letters were taken, "html,entities"
    written: list[bytes]  # digest of the bytes of a whole file, b"" where they are those of its text
    id_type: list[str]  # NUMBER where the record has a number as its id, else ""

    def __len__(self) -> int:
        return len(self.source)

    def whole_ids(self) -> list[int | None] | None:
        """Return the ids as whole numbers of 64 bits, None for no id; None where one is anything else."""
        ids = [self.typed_id(doc) for doc in range(len(self)) if self.id[doc]]
        if not ids or not all(type(i) is int and -(1 << 63) <= i < 1 << 63 for i in ids):
            return None
        return [int(name) if name else None for name in self.id]

    def typed_id(self, doc: int) -> str | int | float:
        """Return the id of a document as its record has it: a number, or text; "" when it has none."""
        found: str | int | float = self.id[doc]
        if self.id_type[doc] == NUMBER:
            found = json.loads(self.id[doc])
        return found
