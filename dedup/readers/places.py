"""Where the bytes of a source are: a file, packed or not, or a member of an archive -> a stream."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO, cast

from ..model import Source
from . import archives
from .base import Damaged
from .streams import unpacked


def open_file(source: Source) -> BinaryIO:
    """-> the bytes of the file of a source, as they are on disk.

    subtle: a pipe that has taken the place of the file since it was listed would block for ever.
    """
    handle = os.open(source.at, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Damaged("is not a regular file any more")
    return cast(BinaryIO, os.fdopen(handle, "rb"))


def open_archive(source: Source) -> archives.Open:
    """-> a way to open the archive that a source is, or is a member of."""
    return lambda codec: unpacked(lambda: open_file(source), codec, source.size)


def open_source(source: Source) -> BinaryIO:
    """-> the unpacked bytes of a source as a stream that can seek."""
    if source.member < 0:
        return unpacked(lambda: open_file(source), source.codec, source.size)
    opener = open_archive(source)
    return unpacked(lambda: archives.open_member(source.at, opener, source.member), source.codec, source.size)


def unchanged(source: Source) -> bool:
    """Whether the file still has the size and the time it had when it was listed."""
    try:
        now = os.stat(source.at)
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (source.size, source.mtime_ns)
