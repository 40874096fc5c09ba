"""Where the bytes of a source are: a file or URL, packed or not, or a member of an archive -> a stream."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import BinaryIO, cast

from ...core.documents import Source
from ..base import Damaged
from ..formats import archives
from . import urls
from .streams import unpacked


def open_file(source: Source) -> BinaryIO:
    """Return the bytes of the file of a source, as they are on disk or at its URL.

    NOTE: a pipe that has taken the place of the file since it was listed would block for ever.
    """
    if urls.is_url(source.at):
        return urls.open_url(source)
    handle = os.open(source.at, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Damaged("is not a regular file any more")
    return cast(BinaryIO, os.fdopen(handle, "rb"))


def open_archive(source: Source) -> archives.Open:
    """Return a way to open the archive that a source is, or is a member of."""
    return lambda codec: unpacked(lambda: open_file(source), codec, source.size)


def open_source(source: Source) -> BinaryIO:
    """Return the unpacked bytes of a source as a stream that can seek."""
    if source.member < 0:
        return unpacked(lambda: open_file(source), source.codec, source.size)
    opener = open_archive(source)
    return unpacked(
        lambda: archives.open_member(urls.file_name(source.at), opener, source.member),
        source.codec,
        source.size,
    )


def unchanged(source: Source) -> bool:
    """Tell whether the file still has the size and the time it had when it was listed."""
    if urls.is_url(source.at):
        return urls.unchanged(source)
    try:
        now = os.stat(source.at)
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (source.size, source.mtime_ns)


def all_unchanged(sources: Iterable[Source]) -> dict[bytes, bool]:
    """Sources -> whether the file of each, by its `at`, is still as it was listed."""
    one_each = {source.at: source for source in sources if not source.problem}
    remote = [source for at, source in one_each.items() if urls.is_url(at)]
    asked = urls.all_unchanged(remote) if remote else {}
    return {at: asked[at] if at in asked else unchanged(source) for at, source in one_each.items()}


def exists(source: Source) -> bool:
    """Tell whether the file of a source is still there, changed or not."""
    return urls.exists(source) if urls.is_url(source.at) else os.path.exists(source.at)
