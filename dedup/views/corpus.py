"""Run -> a new corpus of the kept documents, in their own formats.  The input is never touched."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import BadInput, DedupError, OutputExists
from ..model import Source
from ..readers.base import BROKEN, why
from ..readers.places import open_file, open_source, unchanged
from ..readers.remote import is_url
from ..run import Run

MODES: dict[str, Callable[[bytes, bytes], object]] = {
    "copy": shutil.copy2,
    "hardlink": os.link,
    "symlink": lambda source, target: os.symlink(os.path.abspath(source), target),
}


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
    if mode != "copy" and any(is_url(s.at) for s in run.sources):
        raise BadInput(
            f"what was read from a URL can only be copied, not put there as a {mode}; use --mode copy"
        )
    _check_target(run, to, force)
    out = Written()
    docs = np.flatnonzero(run.kept | run.too_short if with_short else run.kept)
    source_of = run.documents.source[docs]
    names = _target_names([s.path for s in run.sources])
    try:
        for index in np.unique(source_of).tolist():
            source = run.sources[index]
            target = to / os.fsdecode(names[index])
            if not unchanged(source):
                out.problems.append(
                    (os.fsdecode(source.path), "has changed or gone since the scan; scan again")
                )
                continue
            mine = docs[source_of == index]
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                if run.documents.record[mine[0]] == 0 and source.path != b"-":
                    _place(source, target, mode)
                else:
                    _write_records(source, target, run, mine.tolist())
            except BROKEN as error:
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


def _target_names(paths: list[bytes]) -> list[bytes]:
    """Source paths -> paths below the target that can never lead out of it, each once.

    The common folder of all sources is dropped; the rest of the tree is kept.  Of two that would be one
    path, or a file and a folder of one name (as there may be at URLs), the file gets a ~.

    >>> _target_names([b"in/a/x.txt", b"in/b/x.txt"]), _target_names([b"../../etc/passwd"])
    ([b'a/x.txt', b'b/x.txt'], [b'passwd'])
    >>> _target_names([b"s3://b/x", b"s3://b/x/y", b"s3://b/z", b"s3://b/z/"])
    [b'x~', b'x/y', b'z', b'z~']
    """
    absolute = [os.path.normpath(os.path.join(os.getcwdb(), b"stdin" if p == b"-" else p)) for p in paths]
    base = os.path.commonpath([os.path.dirname(p) for p in absolute]) if absolute else b"/"
    out: list[bytes] = []
    taken = {parent for p in absolute for parent in _above(os.path.relpath(p, base))}
    for p in absolute:
        name = os.path.relpath(p, base)
        while name in taken:
            name += b"~"
        taken.add(name)
        out.append(name)
    return out


def _above(name: bytes) -> list[bytes]:
    """The folders a relative path lies in: `a/b/c` -> a, a/b."""
    parts = name.split(b"/")
    return [b"/".join(parts[:i]) for i in range(1, len(parts))]


def _place(source: Source, target: Path, mode: str) -> None:
    """Copy or link a whole file; appears under its name only when it is complete."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        if is_url(source.at):
            with open_file(source) as stream, open(part, "wb") as f:
                shutil.copyfileobj(stream, f, 1 << 20)
        else:
            MODES[mode](source.at, os.fsencode(part))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _write_records(source: Source, target: Path, run: Run, docs: list[int]) -> None:
    """Write the kept records of a source as they stand in it, each with a line end."""
    part = target.with_name(target.name + ".part")
    try:
        with gzip.open(part, "wb") if source.codec == "gz" else open(part, "wb") as f:
            f.writelines(_lines(source, run, docs))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _lines(source: Source, run: Run, docs: list[int]) -> Iterator[bytes]:
    with open_source(source) as stream:
        for doc in docs:
            stream.seek(int(run.documents.offset[doc]))
            line = stream.read(int(run.documents.n_bytes[doc]))
            yield line if run.documents.record[doc] == 0 else line.rstrip(b"\r") + b"\n"
