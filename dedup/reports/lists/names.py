"""Sources -> the paths of an exported corpus, which stay inside its folder."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

from ...core.documents import Source
from ...readers.registry import CODEC_OF, READERS
from ...readers.storage.urls import is_url

MAX_NAME = 255  # bytes
PART = b".dedup-part"  # the name of a file that is being written


def target_names(sources: list[Source]) -> list[bytes]:
    """Sources -> paths below the target that can never lead out of it, each once.

    The common folder of all sources is dropped; the rest of the tree is kept.  Of two that would be one
    path, or a file and a folder of one name (as there may be at URLs), the second gets #2 before its suffix.

    >>> a, b, c = (Source(p, "text", "", 0, 0) for p in (b"in/a/x.txt", b"in/b/x.txt", b"../../passwd"))
    >>> target_names([a, b]), target_names([c])
    ([b'a/x.txt', b'b/x.txt'], [b'passwd'])
    >>> target_names([a, Source(b"in/c.zip!../../x", "text", "", 0, 0, b"in/c.zip", 0)])
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
