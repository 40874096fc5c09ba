"""Run -> a new corpus of the kept documents, in their own formats.  The input is never touched."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...core.documents import Source
from ...core.errors import BadInput, DedupError, OutputExists
from ...readers.base import BROKEN, why
from ...readers.formats import archives
from ...readers.registry import CODEC_OF, READERS
from ...readers.storage.sources import open_archive, open_file, open_source, unchanged
from ...readers.storage.streams import packing, unpacked
from ...readers.storage.urls import is_url
from ...runs.run import Run
from ..documents import options_of

MODES: dict[str, Callable[[bytes, bytes], object]] = {
    "copy": shutil.copy2,
    "hardlink": os.link,
    "symlink": lambda source, target: os.symlink(os.path.abspath(source), target),
}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)  # nothing more can be written
MAX_NAME = 255  # bytes
PART = b".dedup-part"  # the name of a file that is being written


@dataclass
class ExportResult:
    """What an export wrote, and what it could not."""

    documents: int = 0
    files: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)  # (path, why)


def export_corpus(
    run: Run, to: Path, mode: str = "copy", force: bool = False, with_short: bool = False
) -> ExportResult:
    """Write the kept documents below the folder `to` -> what was written.

    A whole-file document keeps its place in the tree; of a source of records the kept ones are written,
    with all their fields, to a file of the same name, format and packing (always a copy).  A member of an
    archive becomes a file below a folder with the archive's name.  A file that has another size or time
    than when it was scanned is reported and left out.  Raises OutputExists when the folder is not empty
    and `force` is not given, BadInput when it holds or lies among the sources.
    """
    if run.texts is not None:
        raise BadInput("this run was made from texts in memory; there are no files to copy")
    if mode != "copy" and any(is_url(s.at) for s in run.sources):
        raise BadInput(
            f"what was read from a URL can only be copied, not put there as a {mode}; use --mode copy"
        )
    _check_target(run, to, force)
    export = _Export(run, to, mode, run.kept | run.too_short if with_short else run.kept)
    files: list[int] = []
    members: dict[bytes, dict[int, int]] = {}  # archive -> place -> source
    for index in export.kept:
        source = run.sources[index]
        if not unchanged(source):
            export.problem(source.path, "has changed or gone since the scan; scan again")
        elif source.member < 0:
            files.append(index)
        else:
            members.setdefault(source.at, {})[source.member] = index
    try:
        to.mkdir(parents=True, exist_ok=True)
        for index in files:
            export.write(index, lambda s=run.sources[index]: open_source(s))  # type: ignore[misc]
        for archive, wanted in members.items():
            export.write_members(archive, wanted)
    except OSError as error:
        raise DedupError(f"{error.filename or to}: cannot be written: {why(error)}") from None
    return export.out


class _Export:
    """The chosen documents, bool[n_docs], on their way to a folder."""

    def __init__(self, run: Run, to: Path, mode: str, chosen: NDArray[np.bool_]) -> None:
        self.run, self.to, self.mode, self.out = run, to, mode, ExportResult()
        docs = np.flatnonzero(chosen)
        source_of = run.documents.source[docs]
        self.kept = {i: docs[source_of == i].tolist() for i in np.unique(source_of).tolist()}
        self._names = _target_names(run.sources)
        self._options = options_of(run)

    def problem(self, path: bytes, what: str) -> None:
        """Say that a source could not be written."""
        self.out.problems.append((os.fsdecode(path), what))

    def write_members(self, archive: bytes, wanted: dict[int, int]) -> None:
        """Write members of an archive (place -> source), in one walk through it."""
        opener = open_archive(self.run.sources[next(iter(wanted.values()))])
        for member, stream in archives.members(archive, opener):
            index = wanted.pop(member.place, None)
            if index is None:
                continue
            if stream is None:
                self.problem(self.run.sources[index].path, member.problem)
                continue
            try:
                with archives.lent(stream) as opened:
                    self.write(index, opened)
            except BROKEN as error:
                self.problem(self.run.sources[index].path, why(error))
        for index in wanted.values():
            self.problem(self.run.sources[index].path, "it is not in the archive any more")

    def write(self, index: int, opened: Callable[[], BinaryIO]) -> None:
        """Write the kept documents of a source; opened() -> its bytes, those of a member still packed."""
        source, docs = self.run.sources[index], self.kept[index]
        target = self.to / os.fsdecode(self._names[index])
        packed = opened if source.member >= 0 else None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if READERS[source.reader].write is not None:
                stream = unpacked(opened, source.codec, source.size) if packed else opened()
                with stream, _appearing(target) as part:
                    self._write_records(index, docs, stream, part)
            elif packed or is_url(source.at):
                raw = packed or (lambda: open_file(source))
                with raw() as stream, _appearing(target) as part, open(part, "wb") as f:
                    shutil.copyfileobj(stream, f)
            else:
                with _appearing(target) as part:
                    MODES["copy" if source.file else self.mode](source.at, os.fsencode(part))
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise
            self.problem(source.path, why(error))
            return
        self.out.documents += len(docs)
        self.out.files += 1

    def _write_records(self, index: int, docs: list[int], stream: BinaryIO, part: Path) -> None:
        source, d = self.run.sources[index], self.run.documents
        write = READERS[source.reader].write
        assert write is not None
        with open(part, "wb") as f, packing(f, source.codec) as out:
            write(stream, out, self._options[index], [(int(d.offset[i]), int(d.n_bytes[i])) for i in docs])


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """Return a file to be written, which gets its name only when it is complete."""
    part = target.with_name(os.fsdecode(PART))
    part.unlink(missing_ok=True)
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _check_target(run: Run, to: Path, force: bool) -> None:
    real = os.path.realpath(os.fsencode(to))
    for source in run.sources:
        if is_url(source.at):
            continue
        path = os.path.realpath(source.at)
        if path == real or path.startswith(real + b"/"):
            raise BadInput(
                f"{to}: holds the source {os.fsdecode(source.path)}; choose a folder apart from the input"
            )
    scanned = run.summary.get("scanned", {"folder": "/", "paths": []})
    for path in (p for p in scanned["paths"] if not is_url(os.fsencode(p))):
        folder = os.path.realpath(os.fsencode(os.path.join(scanned["folder"], path)))
        if os.path.isdir(folder) and (real + b"/").startswith(folder + b"/"):
            raise BadInput(f"{to}: lies in the input {path}; choose a folder apart from the input")
    if (
        not any(is_url(s.at) or os.path.lexists(s.at) for s in run.sources)
        and scanned["folder"] != os.getcwd()
    ):
        raise BadInput(f"the paths of this run are those seen from {scanned['folder']}; run this there")
    if to.exists() and not to.is_dir():
        raise OutputExists(f"{to}: is a file; choose a folder")
    if to.is_dir() and any(to.iterdir()) and not force:
        raise OutputExists(f"{to}: is not empty; give --force to write into it")


def _target_names(sources: list[Source]) -> list[bytes]:
    """Sources -> paths below the target that can never lead out of it, each once.

    The common folder of all sources is dropped; the rest of the tree is kept.  Of two that would be one
    path, or a file and a folder of one name (as there may be at URLs), the second gets #2 before its suffix.

    >>> a, b, c = (Source(p, "text", "", 0, 0) for p in (b"in/a/x.txt", b"in/b/x.txt", b"../../passwd"))
    >>> _target_names([a, b]), _target_names([c])
    ([b'a/x.txt', b'b/x.txt'], [b'passwd'])
    >>> _target_names([a, Source(b"in/c.zip!../../x", "text", "", 0, 0, b"in/c.zip", 0)])
    [b'a/x.txt', b'c.zip/x']
    """
    outer = [os.path.normpath(os.path.join(os.getcwdb(), _file_name(s))) for s in sources]
    base = os.path.commonpath([os.path.dirname(p) for p in outer]) if outer else b"/"
    files: set[bytes] = set()
    folders: set[bytes] = set()
    out = [b""] * len(sources)
    for i in sorted(range(len(sources)), key=lambda i: (sources[i].path, i)):
        name, source = os.path.relpath(outer[i], base), sources[i]
        if source.member >= 0:
            name = os.path.join(name, *_safe_parts(source.path[len(_file_name(source)) + 1 :]))
        out[i] = _free(name, files, folders)
    return out


def _file_name(source: Source) -> bytes:
    """Name the file of a source; what came through a pipe gets the suffixes by which it can be read again."""
    if is_url(source.path):
        return source.path.partition(b"!")[0] if source.member >= 0 else source.path
    if source.member >= 0 or not source.file:
        return source.at
    suffix = READERS[source.reader].suffixes[:1]
    codec = f".{source.codec}" if source.codec else ""
    return os.path.basename(source.file) + os.fsencode("".join(suffix) + codec)


def _safe_parts(name: bytes) -> list[bytes]:
    """The name of a member -> the parts of a path that stays where it is put.

    >>> _safe_parts(b"/../a/./b.txt"), _safe_parts(b"..")
    ([b'a', b'b.txt'], [b'member'])
    """
    parts = [p for p in name.split(b"/") if p not in (b"", b".", b"..")]
    return [p if len(p) <= 200 else p[:150] + p[-50:] for p in parts] or [b"member"]


def _free(name: bytes, files: set[bytes], folders: set[bytes]) -> bytes:
    """Return the name, or one like it that is neither taken nor below a file; it is taken then.

    >>> files, folders = set(), set()
    >>> [_free(name, files, folders) for name in (b"a", b"a/b", b"a", b"c/d", b"c")]
    [b'a', b'a#2/b', b'a#3', b'c/d', b'c#2']
    """
    path = b""
    *above, last = name.split(b"/")
    for part in above:
        path = next(p for p in _alternatives(os.path.join(path, part)) if p not in files)
        folders.add(path)
    names = _alternatives(os.path.join(path, last))
    path = next(p for p in names if not (p in files or p in folders or os.path.basename(p) == PART))
    files.add(path)
    return path


def _alternatives(path: bytes) -> Iterator[bytes]:
    """A path -> itself, then x#2, x#3, each before its suffixes and with a name that a file system takes.

    >>> list(itertools.islice(_alternatives(b"a.b/x.jsonl.gz"), 3))
    [b'a.b/x.jsonl.gz', b'a.b/x#2.jsonl.gz', b'a.b/x#3.jsonl.gz']
    """
    yield path
    folder, name = os.path.split(path)
    stem, suffix = os.path.splitext(name)
    if suffix.lower() in CODEC_OF:
        stem, inner = os.path.splitext(stem)
        suffix = inner + suffix
    for n in itertools.count(2):
        mark = b"#%d" % n + suffix
        if len(stem) + len(mark) > MAX_NAME:
            stem = stem[: MAX_NAME - len(mark)].decode("utf-8", "ignore").encode()
        yield os.path.join(folder, stem + mark)
