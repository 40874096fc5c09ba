"""What a reader is: a source -> parts (in order, on one thread) -> records (on any thread)."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, cast

from ..model import OK, Source

PART_BYTES = 4 << 20
BROKEN = (OSError, EOFError, zlib.error)  # what a file may raise while it is opened or read


@dataclass(frozen=True)
class Options:
    """What the user said about reading; "" means guess."""

    text_field: str = ""
    id_field: str = ""
    kept_fields: tuple[str, ...] = ()  # others whose values are kept with the document


@dataclass(frozen=True)
class Part:
    """A piece of a source: its bytes, or None for the whole file, still to be read."""

    source: int
    offset: int = 0
    data: bytes | None = None
    problem: str = ""  # the source broke off here


class Record(NamedTuple):
    """A document as it was read, without its text; `line` counts from 0 in its part, -1 for a whole file."""

    line: int
    offset: int
    n_bytes: int
    encoding: str = "utf-8"
    status: int = OK
    id: str = ""
    note: str = ""
    repairs: str = ""
    fields: str = ""


Read = tuple[list[Record], list[bytes], int]


@dataclass(frozen=True)
class Reader:
    """One input format.

    prepare(source, options) -> the fields to use (text_field, id_field), found by a look at the source;
    raises BadInput when they cannot be found.  parts(source, index) -> its pieces.  records(part,
    source, fields) -> the documents of one piece, in order, their UTF-8 texts, and the
    number of lines in it.  extract(raw, fields)
    -> the UTF-8 text in the bytes of one document, read again.
    """

    suffixes: tuple[str, ...]
    prepare: Callable[[Source, Options], Options]
    parts: Callable[[Source, int], Iterator[Part]]
    records: Callable[[Part, Source, Options], Read]
    extract: Callable[[bytes, Options], bytes]


def open_source(source: Source) -> BinaryIO:
    """-> the (unpacked) bytes of a source as a stream."""
    if source.gzip:
        return cast(BinaryIO, gzip.open(source.at, "rb"))
    return open(source.at, "rb")


def unchanged(source: Source) -> bool:
    """Whether the file still has the size and the time it had when it was listed."""
    try:
        now = os.stat(source.at)
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (source.size, source.mtime_ns)


def why(error: Exception) -> str:
    """An error of BROKEN -> a few words.

    >>> why(FileNotFoundError(2, "No such file or directory", "a.txt"))
    'no such file or directory'
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    if isinstance(error, EOFError):
        return "the compressed file is cut off"
    return f"the compressed file is damaged ({error})"
