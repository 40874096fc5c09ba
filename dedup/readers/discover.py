"""Paths -> the sources below them, in order."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO

from ..core.documents import Source
from .base import BROKEN, Options, why
from .formats import archives, json_array
from .storage import urls
from .storage.sources import open_archive, open_source
from .storage.streams import unpacked

SKIPPED_FOLDERS = (b"node_modules", b"__pycache__", b"__MACOSX")
AS_GUESSED = Options()
KindOf = Callable[[bytes], tuple[str, str]]  # a file's name -> its reader, how it is packed


@dataclass
class Walk:
    """A look for sources, and what it has passed over so far, by reason."""

    kind_of: KindOf
    run_folder: bytes
    follow_links: bool
    options: Options = AS_GUESSED
    skipped: Counter[str] = field(default_factory=Counter)

    def found(self, given: bytes) -> Iterator[Source]:
        """A path given -> the sources below it; one that is missing is a source with a problem."""
        if urls.is_url(given):
            yield from self._remote(given)
            return
        try:
            info = os.stat(given)
        except (OSError, ValueError) as error:
            yield from self._matching(given, why(error) if isinstance(error, OSError) else str(error))
            return
        if stat.S_ISDIR(info.st_mode):
            facts = self._below(given, {(info.st_dev, info.st_ino)})
        else:
            facts = iter([(given, info)])
        for name, about in facts:
            if isinstance(about, str):
                yield Source(name, "text", "", 0, 0, given=given, problem=about)
            elif not stat.S_ISREG(about.st_mode):
                self.skipped["not a regular file"] += 1
            elif archives.is_archive(name):
                size, time = about.st_size, about.st_mtime_ns
                yield from self._members(Source(name, "text", "", size, time, name, given=given))
            else:
                source = Source(name, *self.kind_of(name), about.st_size, about.st_mtime_ns, given=given)
                yield self._looked_at(source, partial(open_source, source))

    def _looked_at(self, source: Source, opened: Callable[[], BinaryIO]) -> Source:
        """A source -> the same with the reader that fits what is in it, where its name does not tell."""
        if source.reader != json_array.ARRAY or source.problem:
            return source
        try:
            with opened() as stream:
                return replace(source, reader=json_array.look(stream, self.options))
        except BROKEN:  # told where it is read
            return replace(source, reader=json_array.TEXT)

    def _remote(self, url: bytes) -> Iterator[Source]:
        """A URL, or a pattern of URLs -> the sources below it."""
        for source in urls.found(url, _skip_name):
            name = b"" if isinstance(source, str) else urls.file_name(source.path)
            if isinstance(source, str):
                self.skipped[source] += 1
            elif not source.problem and archives.is_archive(name):
                yield from self._members(source)
            else:
                reader, codec = self.kind_of(name)
                source = replace(source, reader=reader, codec=codec)
                yield self._looked_at(source, partial(open_source, source))

    def _matching(self, pattern: bytes, problem: str) -> Iterator[Source]:
        """A pattern that the shell has left alone -> the sources below what it matches."""
        names = sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else []
        for name in names:
            for source in self.found(name):
                yield replace(source, given=pattern)
        if not names:
            yield Source(pattern, "text", "", 0, 0, given=pattern, problem=problem)

    def _below(
        self, folder: bytes, above: set[tuple[int, int]]
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
                    if entry.is_symlink() and not self.follow_links:
                        self.skipped["symbolic link"] += 1
                    elif entry.is_dir():
                        reason = self._skip_folder(entry)
                        key = (entry.stat().st_dev, entry.stat().st_ino)
                        if reason or key in above:
                            self.skipped[reason or "folder seen before"] += 1
                        else:
                            above.add(key)
                            pending.append(entry.path)
                    else:
                        yield entry.path, entry.stat()
                except OSError as error:
                    yield entry.path, why(error)

    def _skip_folder(self, entry: os.DirEntry[bytes]) -> str:
        """Return why a folder is not entered; "" when it is."""
        if os.path.realpath(entry.path) == self.run_folder or _is_run_folder(entry.path):
            return "run folder"
        return _skip_name(entry.name)

    def _members(self, archive: Source) -> Iterator[Source]:
        """An archive -> its members as sources; names that stand twice get their number."""
        name, file = archive.path, archive.at
        seen: Counter[bytes] = Counter()
        for member, stream in archives.members(urls.file_name(file), open_archive(archive)):
            reason = next((r for part in member.name.split(b"/")[:-1] if (r := _skip_name(part))), "")
            if reason:
                self.skipped[reason] += 1
                continue
            reader, codec = self.kind_of(member.name)
            seen[member.name] += 1
            twice = b"#%d" % seen[member.name] if seen[member.name] > 1 else b""
            path = name + b"!" + member.name + twice if member.name else name
            facts = {"file": file, "reader": reader, "codec": codec, "member": member.place}
            source = replace(archive, path=path, problem=member.problem, **facts)  # type: ignore[arg-type]
            if reader != json_array.ARRAY or stream is None:
                yield source
                continue
            with archives.lent(stream) as opened:
                yield self._looked_at(source, partial(unpacked, opened, codec, source.size))


def find_sources(
    paths: Iterable[bytes],
    kind_of: KindOf,
    run_folder: bytes,
    follow_links: bool,
    options: Options = AS_GUESSED,
) -> tuple[list[Source], Counter[str]]:
    """Paths given -> (sources by name, members of an archive as they stand there; what was skipped).

    A path that is missing becomes a source with a problem.  A file reached twice (overlapping paths,
    links) is taken once, by the name that sorts first.
    """
    walk = Walk(kind_of, run_folder, follow_links, options)
    found: dict[bytes, Source] = {}
    all_given = sorted({urls.local_path(path) for path in paths})
    for given in all_given:
        for source in walk.found(given):
            while (other := found.get(source.path)) and (other.at, other.member) != (
                source.at,
                source.member,
            ):
                source = replace(source, path=source.path + b"#2")  # a file named like a member of an archive
            found.setdefault(source.path, source)
    sources = sorted(found.values(), key=_order)
    if len(all_given) == 1 and not follow_links and os.path.isdir(all_given[0]):
        return sources, walk.skipped  # below one folder without links every file has one path
    return _once(sources, walk.skipped, follow_links), walk.skipped


def _order(source: Source) -> tuple[bytes, int]:
    """Sort sources by name, and members of an archive as in the archive, so that it is read once."""
    return (source.path, -1) if source.member < 0 else (source.at, source.member)


def _skip_name(name: bytes) -> str:
    """Return why a folder of that name is not entered; "" when it is."""
    if name.startswith(b".") and name not in (b".", b".."):
        return "hidden folder"
    return name.decode() + " folder" if name in SKIPPED_FOLDERS else ""


def _is_run_folder(path: bytes) -> bool:
    """Tell whether some scan keeps its run there, this one or another."""
    return all(os.path.isfile(os.path.join(path, name)) for name in (b"run.json", b"lock"))


def _once(sources: list[Source], skipped: Counter[str], links: bool) -> list[Source]:
    """Leave out sources whose path is that of an earlier one, written another way."""
    seen: set[tuple[bytes, int]] = set()
    real_folder: dict[bytes, bytes] = {}
    out = []
    for source in sources:
        folder, name = os.path.split(source.at)
        if urls.is_url(source.at):
            real = source.at
        elif (links or source.at == source.given) and os.path.islink(source.at):
            real = os.path.realpath(source.at)
        else:  # no link: a call for each folder is enough
            if folder not in real_folder:
                real_folder[folder] = os.path.realpath(folder)
            real = os.path.join(real_folder[folder], name)
        if (real, source.member) in seen:
            skipped["same file by another path"] += 1
        else:
            seen.add((real, source.member))
            out.append(source)
    return out
