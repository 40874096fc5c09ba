"""The decisions of a review: a file that only grows.

`decisions.jsonl` in the run folder has an object a line, flushed to disk as it is made:

    {"number": 1, "kind": "canonical", "doc": {"path": ..., "record": 0, "letters": "..."}, ...}

kind: accept (the cluster is right as it stands), canonical (the document stands for its cluster), split
(the document is kept and belongs to no cluster), undo (of an earlier number).  Documents are named by path,
record and the hash of their letters, so a decision holds as long as the letters do, in later scans too.
The tables of the run stay as the scan wrote them.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..core.errors import BadRun, Locked
from .manifest import DECISIONS as FILE

ACCEPT, CANONICAL, SPLIT, UNDO = KINDS = ("accept", "canonical", "split", "undo")


@dataclass(frozen=True)
class Ref:
    """A reference to a document by what does not change from scan to scan."""

    path: str
    record: int
    letters: str  # hash of its letters, 32 hexadecimal digits

    @property
    def name(self) -> str:
        return f"{self.path}:{self.record}" if self.record else self.path


@dataclass(frozen=True)
class Override:
    """A decision: a line of the file."""

    number: int
    kind: str
    doc: Ref | None = None  # of accept: the canonical document
    members: str = ""  # of accept: a digest of the documents of the cluster
    undoes: int = 0
    time: str = ""

    @staticmethod
    def of(values: dict[str, Any]) -> Override:
        """Make a decision from a parsed line; raise TypeError, KeyError or ValueError."""
        doc = Ref(**values["doc"]) if values.get("doc") else None
        found = Override(**{**values, "doc": doc})
        if found.kind not in KINDS or (doc is None) != (found.kind == UNDO):
            raise ValueError(f"kind {found.kind!r}")
        return found


# ------------------------------------------------------------------ the file


def read(folder: Path) -> list[Override]:
    """Read the decisions of a run folder that hold, in order; a last line torn by a crash is none.

    Raises BadRun when another line is damaged.
    """
    try:
        lines = (folder / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadRun(f"{folder / FILE}: cannot be read: {error.strerror or error}") from None
    standing: dict[int, Override] = {}
    for number, line in enumerate(lines[:-1], 1):  # NOTE: what follows the last line end is torn, or nothing
        try:
            made = Override.of(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadRun(f"{folder / FILE}: line {number} is no decision; mend or remove that line") from None
        if made.kind == UNDO:
            standing.pop(made.undoes, None)
        else:
            standing[made.number] = made
    return list(standing.values())


class Log:
    """The file, open for one review; each decision is on disk before `add` returns."""

    def __init__(self, folder: Path) -> None:
        self.standing = read(folder)
        path = folder / FILE
        try:
            is_new = not path.exists()
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data = path.read_bytes()
            os.ftruncate(self._file, data.rfind(b"\n") + 1)  # a torn last line
            if is_new:
                _sync_folder(folder)
        except BlockingIOError:
            os.close(self._file)
            raise Locked(f"{folder}: another review is at work in it; use --wait SECONDS") from None
        except OSError as error:
            raise BadRun(f"{path}: cannot be written: {error.strerror or error}") from None
        self.standing = read(folder)
        self._last = data.count(b"\n")

    def add(self, kind: str, doc: Ref | None = None, members: str = "", undoes: int = 0) -> Override:
        """Write a decision."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        made = Override(self._last + 1, kind, doc, members, undoes, now)
        os.write(self._file, json.dumps(asdict(made)).encode() + b"\n")
        os.fsync(self._file)
        self._last += 1
        if kind != UNDO:
            self.standing.append(made)
        return made

    def undo(self, made: Override) -> None:
        """Take a decision back."""
        self.add(UNDO, undoes=made.number)
        self.standing.remove(made)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
