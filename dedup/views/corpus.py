"""Run -> a new corpus of the kept documents, in their own formats.  The input is never touched."""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import lzma
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ..errors import BadInput, DedupError, OutputExists
from ..model import Source
from ..readers import archives
from ..readers.base import BROKEN, why
from ..readers.places import open_archive, open_source, unchanged
from ..run import Run

MODES: dict[str, Callable[[bytes, bytes], object]] = {
    "copy": shutil.copy2,
    "hardlink": os.link,
    "symlink": lambda source, target: os.symlink(os.path.abspath(source), target),
}
PACK: dict[str, Callable[[BinaryIO], Any]] = {  # how records are packed again, as their source was
    "": contextlib.nullcontext,
    "gz": lambda file: gzip.GzipFile("", "wb", fileobj=file, mtime=0),
    "bz2": lambda file: bz2.BZ2File(file, "wb"),
    "xz": lambda file: lzma.LZMAFile(file, "wb"),  # noqa: SIM115
    "zst": lambda file: pa.CompressedOutputStream(file, "zstd"),
}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)  # nothing more can be written


@dataclass
class Written:
    """What an export wrote, and what it could not."""

    documents: int = 0
    files: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)  # (path, why)


def export_corpus(
    run: Run, to: Path, mode: str = "copy", force: bool = False, with_short: bool = False
) -> Written:
    """Write the kept documents below the folder `to` -> what was written.

    A whole-file document keeps its place in the tree; of a JSON Lines source the kept lines are
    written, byte for byte, to a file of the same name (always a copy).  A file that has another size
    or time than when it was scanned is reported and left out.  Raises OutputExists when the folder
    is not empty and `force` is not given, BadInput when it holds or lies among the sources.
    """
    if run.texts is not None:
        raise BadInput("this run was made from texts in memory; there are no files to copy")
    _check_target(run, to, force)
    out = Written()
    docs = np.flatnonzero(run.kept | run.too_short if with_short else run.kept)
    source_of = run.documents.source[docs]
    names = _target_names(run.sources)
    try:
        to.mkdir(parents=True, exist_ok=True)
        for index in np.unique(source_of).tolist():
            source = run.sources[index]
            target = to / os.fsdecode(names[index])
            if not unchanged(source):
                out.problems.append(
                    (os.fsdecode(source.path), "has changed or gone since the scan; scan again")
                )
                continue
            mine = docs[source_of == index]
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if run.documents.record[mine[0]] == 0:
                    _place(source, target, mode)
                else:
                    _write_records(source, target, run, mine.tolist())
            except BROKEN as error:
                if isinstance(error, OSError) and error.errno in FULL:
                    raise
                out.problems.append((os.fsdecode(source.path), why(error)))
                continue
            out.documents += len(mine)
            out.files += 1
    except OSError as error:
        raise DedupError(f"{error.filename or to}: cannot be written: {why(error)}") from None
    return out


def _check_target(run: Run, to: Path, force: bool) -> None:
    real = os.path.realpath(os.fsencode(to))
    for source in run.sources:
        path = os.path.realpath(source.at)
        if path == real or path.startswith(real + b"/"):
            raise BadInput(
                f"{to}: holds the source {os.fsdecode(source.path)}; choose a folder apart from the input"
            )
    scanned = run.summary.get("scanned", {"folder": "/", "paths": []})
    for path in scanned["paths"]:
        folder = os.path.realpath(os.fsencode(os.path.join(scanned["folder"], path)))
        if os.path.isdir(folder) and (real + b"/").startswith(folder + b"/"):
            raise BadInput(f"{to}: lies in the input {path}; choose a folder apart from the input")
    if not any(os.path.lexists(s.at) for s in run.sources) and scanned["folder"] != os.getcwd():
        raise BadInput(f"the paths of this run are those seen from {scanned['folder']}; run this there")
    if to.exists() and not to.is_dir():
        raise OutputExists(f"{to}: is a file; choose a folder")
    if to.is_dir() and any(to.iterdir()) and not force:
        raise OutputExists(f"{to}: is not empty; give --force to write into it")


def _target_names(sources: list[Source]) -> list[bytes]:
    """Sources -> paths below the target that can never lead out of it, each once.

    The common folder of all sources is dropped; the rest of the tree is kept.  What a member of an
    archive is called cannot lead anywhere but below the archive's own name.

    >>> [_target_names([Source(p, "text", "", 0, 0) for p in paths])
    ...  for paths in ([b"in/a/x.txt", b"in/b/x.txt"], [b"../../etc/passwd"])]
    [[b'a/x.txt', b'b/x.txt'], [b'passwd']]
    """
    absolute = [os.path.normpath(os.path.join(os.getcwdb(), _harmless(s))) for s in sources]
    base = os.path.commonpath([os.path.dirname(p) for p in absolute]) if absolute else b"/"
    names = []
    taken: set[bytes] = set()
    for path in absolute:
        name, n = os.path.relpath(path, base), 1
        while name in taken:
            n += 1
            name = os.path.relpath(path, base) + b"#%d" % n
        taken.add(name)
        names.append(name)
    return names


def _harmless(source: Source) -> bytes:
    """The path of a source, without what leads upwards in the name of a member."""
    if source.path == b"-":
        return b"stdin"
    if source.member < 0:
        return source.path
    member = source.path[len(source.at) + 1 :]
    steps = [step for step in member.split(b"/") if step not in (b"", b".", b"..")]
    return source.at + b"!" + b"/".join(steps)


def _place(source: Source, target: Path, mode: str) -> None:
    """Copy or link a whole file; appears under its name only when it is complete."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        if source.member >= 0:
            opened = archives.open_member(source.at, open_archive(source), source.member)
            with opened as stream, open(part, "xb") as f:
                shutil.copyfileobj(stream, f)
        else:
            MODES[mode if source.at == source.path else "copy"](source.at, os.fsencode(part))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _write_records(source: Source, target: Path, run: Run, docs: list[int]) -> None:
    """Write the kept records of a source as they stand in it, each with a line end."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with open(part, "xb") as file, PACK[source.codec](file) as f:
            for line in _lines(source, run, docs):
                f.write(line)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _lines(source: Source, run: Run, docs: list[int]) -> Iterator[bytes]:
    with open_source(source) as stream:
        for doc in docs:
            stream.seek(int(run.documents.offset[doc]))
            line = stream.read(int(run.documents.n_bytes[doc]))
            yield line if run.documents.record[doc] == 0 else line.rstrip(b"\r") + b"\n"
