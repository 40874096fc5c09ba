"""Paths -> the sources below them, in the order of their names."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator

from ..model import Source
from .base import why

SKIPPED_FOLDERS = (b"node_modules", b"__pycache__")


def find_sources(
    paths: Iterable[bytes], reader_of: dict[bytes, str], run_folder: bytes, follow_links: bool
) -> tuple[list[Source], Counter[str]]:
    """Paths given -> (sources sorted by path, what was skipped by reason).

    A path that is missing becomes a source with a problem.  A file reached twice (overlapping paths,
    links) is taken once, by the name that sorts first.  `reader_of` maps a suffix to a reader's name.
    """
    skipped: Counter[str] = Counter()
    found: dict[bytes, Source] = {}
    for path in sorted(set(paths)):
        try:
            info = os.stat(path)
        except OSError as error:
            found[path] = Source(path, "text", False, 0, 0, problem=why(error))
            continue
        if stat.S_ISDIR(info.st_mode):
            walk = _walk(path, run_folder, follow_links, skipped, {(info.st_dev, info.st_ino)})
        else:
            walk = iter([(path, info)])
        for name, facts in walk:
            if isinstance(facts, str):
                found[name] = Source(name, "text", False, 0, 0, problem=facts)
            elif stat.S_ISREG(facts.st_mode):
                found[name] = _source(name, facts, reader_of)
            else:
                skipped["not a regular file"] += 1
    return _once(sorted(found.values(), key=lambda s: s.path), skipped), skipped


def _walk(
    folder: bytes, run_folder: bytes, follow_links: bool, skipped: Counter[str], above: set[tuple[int, int]]
) -> Iterator[tuple[bytes, os.stat_result | str]]:
    """A folder -> (path, its facts or why they cannot be had) of all that is in and below it."""
    pending = [folder]
    while pending:
        current = pending.pop()
        try:
            entries = list(os.scandir(current))
        except OSError as error:
            yield current, why(error)
            continue
        for entry in entries:
            try:
                if entry.is_symlink() and not follow_links:
                    skipped["symbolic link"] += 1
                elif entry.is_dir():
                    reason = _skip_folder(entry, run_folder)
                    key = (entry.stat().st_dev, entry.stat().st_ino)
                    if reason or key in above:
                        skipped[reason or "folder seen before"] += 1
                    else:
                        above.add(key)
                        pending.append(entry.path)
                else:
                    yield entry.path, entry.stat()
            except OSError as error:
                yield entry.path, why(error)


def _skip_folder(entry: os.DirEntry[bytes], run_folder: bytes) -> str:
    """Why a folder is not entered; "" when it is."""
    if os.path.realpath(entry.path) == run_folder or _is_run_folder(entry.path):
        return "run folder"
    if entry.name.startswith(b"."):
        return "hidden folder"
    if entry.name in SKIPPED_FOLDERS:
        return entry.name.decode() + " folder"
    return ""


def _is_run_folder(path: bytes) -> bool:
    """Whether some scan keeps its run there, this one or another."""
    return all(os.path.isfile(os.path.join(path, name)) for name in (b"run.json", b"lock"))


def _source(path: bytes, facts: os.stat_result, reader_of: dict[bytes, str]) -> Source:
    name = path.lower()
    packed = name.endswith(b".gz")
    suffix = os.path.splitext(name[:-3] if packed else name)[1]
    return Source(path, reader_of.get(suffix, "text"), packed, facts.st_size, facts.st_mtime_ns)


def _once(sources: list[Source], skipped: Counter[str]) -> list[Source]:
    """Sources without those that are the same path as an earlier one, written another way."""
    seen: set[bytes] = set()
    out = []
    for source in sources:
        real = os.path.realpath(source.path)
        if real in seen:
            skipped["same file by another path"] += 1
        else:
            seen.add(real)
            out.append(source)
    return out
