"""Move files into a quarantine folder so that they can be moved back: a journal, and how one file moves.

The journal is a line of JSON for each file, on disk before the file is touched.  A file is linked to its new
place and then loses its old name; on another file system it is copied, compared and then removed.  So at any
moment the file is whole in its old place or in the new one, and nothing is ever written over.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath

from ..core.errors import BadInput, Locked
from ..readers.storage.addresses import flush
from .atomic import write_atomically

JOURNAL = "dedup-moved.jsonl"
NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


@dataclass(frozen=True)
class Moved:
    """A file that is moved, or about to be: absolute paths, and what its bytes are."""

    path: str
    to: str
    size: int
    digest: str


def place_below(path: PurePath, base: PurePath) -> PurePath:
    """Return the place of an absolute path below a quarantine folder; what is below `base` keeps its tree.

    >>> from pathlib import PurePosixPath as Posix, PureWindowsPath as Windows
    >>> [str(place_below(Posix(path), Posix("/in"))) for path in ("/in/a/x.txt", "/b/x.txt")]
    ['a/x.txt', 'b/x.txt']
    >>> place_below(Windows("D:/b/x.txt"), Windows("C:/in")).as_posix()
    'D/b/x.txt'
    >>> place_below(Windows("//host/share/x.txt"), Windows("C:/in")).as_posix()
    'host/share/x.txt'
    """
    if path.is_relative_to(base):
        return path.relative_to(base)
    drive = [part for part in path.drive.replace("\\", "/").replace(":", "").split("/") if part]
    return type(path)(*drive, *path.parts[1:])


def digest_of(path: str) -> str:
    """Return a digest of the bytes of a file."""
    found = hashlib.blake2b()
    with open(path, "rb") as f:
        while data := f.read(1 << 20):
            found.update(data)
    return found.hexdigest()


# ------------------------------------------------------------------ the journal


class Journal:
    """The journal of a quarantine folder, held by one command at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        self._file = open(self.path, "ab")  # noqa: SIM115 (closed by `journal`)

    def lock(self) -> None:
        """Raise Locked when another command holds it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Locked(f"{self.path.parent}: another `dedup move` is at work in it") from None

    def close(self) -> None:
        """Close the file, which lets go of it."""
        self._file.close()

    def add(self, entry: Moved) -> None:
        """Write a line; it is on disk before this returns."""
        self._file.write(self._line(entry))
        self._file.flush()
        os.fsync(self._file.fileno())

    def entries(self) -> list[Moved]:
        """Read all lines; one that a crash has torn is none, as its file was not touched."""
        lines = self.path.read_bytes().split(b"\n")
        out = []
        for number, line in enumerate(lines[:-1], 1):
            try:
                entry = Moved(**json.loads(line))
                out.append(replace(entry, to=os.path.abspath(self.path.parent / entry.to)))
            except (ValueError, TypeError):
                if number < len(lines) - 1:
                    raise BadInput(f"{self.path}, line {number}: is damaged; mend it first") from None
        return out

    def _line(self, entry: Moved) -> bytes:
        """Return the line of an entry; its new place is told from the folder, which may itself be moved."""
        to = os.path.relpath(entry.to, self.path.parent)
        return json.dumps(asdict(replace(entry, to=to))).encode() + b"\n"

    def keep(self, entries: list[Moved]) -> None:
        """Write the journal anew with these entries; without any it goes, and so do folders left empty."""
        if entries:
            write_atomically(self.path, b"".join(map(self._line, entries)))
            return
        self.path.unlink()
        for folder, _, _ in os.walk(self.path.parent, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


@contextlib.contextmanager
def journal(folder: Path, new: bool) -> Iterator[Journal]:
    """Open the journal of a quarantine folder, or begin one.  Raises BadInput and Locked."""
    if not new and not (folder / JOURNAL).is_file():
        raise BadInput(f"{folder}: has no {JOURNAL}, so nothing was moved there by `dedup move`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        opened = Journal(folder)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    with contextlib.closing(opened):
        opened.lock()
        end_torn_line(opened.path)
        flush(folder)
        yield opened


def end_torn_line(path: Path) -> None:
    """Cut what follows the last line end, so that the next line is one of its own."""
    with open(path, "r+b") as f:
        data = f.read()
        f.truncate(data.rfind(b"\n") + 1)


# ------------------------------------------------------------------ one file


def move_file(path: str, to: str) -> None:
    """Move a file to a place where nothing is.  Raises OSError, and then it is where it was."""
    os.makedirs(os.path.dirname(to), exist_ok=True)
    try:
        os.link(path, to, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _copy(path, to)
    try:
        os.unlink(path)
    except OSError:
        os.unlink(to)
        raise
    flush(Path(to).parent)
    flush(Path(path).parent)


def _copy(path: str, to: str) -> None:
    """Copy a file with its times and mode, flush it, and compare it."""
    with open(path, "rb") as source, open(to, "xb") as target:
        try:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
            shutil.copystat(path, to)
            if digest_of(path) != digest_of(to):
                raise OSError(errno.EIO, "the copy is not equal to it", path)
        except BaseException:
            os.unlink(to)
            raise


def move_back(entry: Moved) -> str:
    """Move a file back to its old place -> "" when it is there, or why it was left."""
    there, here = os.path.lexists(entry.to), os.path.lexists(entry.path)
    if not there:
        return "" if here else "is in neither place any more"
    try:
        if here:  # a kill came between, or something else is there now
            if not _is(entry.path, entry):
                return "another file is in its old place"
            os.unlink(entry.to)
        elif not _is(entry.to, entry):
            return "has changed since it was moved"
        else:
            move_file(entry.to, entry.path)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def _is(path: str, entry: Moved) -> bool:
    """Tell whether the file at a path has the bytes of an entry."""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    return os.path.getsize(path) == entry.size and digest_of(path) == entry.digest


def undo(folder: Path, dry: bool) -> tuple[list[Moved], list[tuple[str, str]]]:
    """Move back all that a journal names, the last first -> what is back, and what is left: (path, why)."""
    back: list[Moved] = []
    left: list[tuple[str, str]] = []
    with journal(folder, new=False) as opened:
        entries, remain = opened.entries(), []
        for entry in reversed(entries):
            why = "" if dry else move_back(entry)
            if why:
                left.append((entry.to, why))
                remain.append(entry)
            else:
                back.append(entry)
        if not dry:
            opened.keep(remain[::-1])
    return back, left
