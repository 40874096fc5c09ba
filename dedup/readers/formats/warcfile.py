"""The records of a WARC file as bytes: gzipped one by one, gzipped as a whole, or plain.

warcio reads a record, but passes over one that is cut off in silence and stops at one that is damaged;
so the records are told apart here.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from ..base import Damaged
from ..storage.streams import FREE_BYTES, MAX_RATIO, unpacked
from .archives import Lent

HEADER_BYTES = 1 << 20  # a header that is longer is no header
READ_BYTES = 1 << 16
MAX_DAMAGED = 1000  # records of a file before the rest is given up
BEGINNING = 512  # bytes that tell whether a gzipped record begins there
GZIP = b"\x1f\x8b\x08"
LENGTH = re.compile(rb"^Content-Length:\s*(\d{1,15})\s*$", re.I | re.M)


class Frame(NamedTuple):
    """A record: where it stands, its bytes (unpacked), or what is wrong with it."""

    offset: int
    n_bytes: int
    data: bytes = b""
    size: int = 0  # unpacked; more than len(data) where it was too long to be held
    problem: str = ""

    @property
    def held(self) -> int:
        return len(self.data)


def opened(stream: BinaryIO) -> tuple[BinaryIO, bool]:
    """A file -> (the stream in which its records stand, whether each is gzipped by itself)."""
    stream.seek(0)
    if stream.read(3) != GZIP:
        stream.seek(0)
        return stream, False
    if _one_record(stream):
        return stream, True
    size = stream.seek(0, io.SEEK_END)
    return unpacked(lambda: cast(BinaryIO, io.BufferedReader(Lent(stream))), "gz", size), False


def _one_record(stream: BinaryIO) -> bool:
    """Tell whether the first gzip member ends where the first record does."""
    stream.seek(0)
    unpack = zlib.decompressobj(31)
    try:
        head = unpack.decompress(stream.read(READ_BYTES), READ_BYTES)
        end, length = _header(head)
        size, wanted = len(head), end + length + 4
        while end and not unpack.eof and size <= wanted:
            data = unpack.unconsumed_tail or stream.read(READ_BYTES)
            if not data:
                break
            size += len(unpack.decompress(data, READ_BYTES))
    except zlib.error:
        return True  # told where the records are read
    return size <= wanted


def _header(head: bytes) -> tuple[int, int]:
    """The first bytes of a record -> (where its header ends, the length of its content); (0, 0) if none."""
    end = min((at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := head.find(mark)) >= 0), default=0)
    found = LENGTH.search(head, 0, end)
    return (end, int(found[1])) if head.startswith(b"WARC/") and found else (0, 0)


def frames(stream: BinaryIO, gzipped: bool, limit: int) -> Iterator[Frame]:
    """Return the records in order; of one longer than `limit` the bytes are not held.

    A damaged one has a problem, and the next one that begins like a record is looked for.
    """
    at = damaged = 0
    read = _member if gzipped else _plain
    while True:
        try:
            frame = read(stream, at, limit)
            if frame is None:
                return
        except (zlib.error, Damaged, EOFError) as error:
            why = str(error) if isinstance(error, Damaged) else "the record is damaged or cut off"
            after = _next(stream, at + 1, gzipped)
            damaged += 1
            if damaged > MAX_DAMAGED:
                yield Frame(at, 0, problem=f"{why}, as are {MAX_DAMAGED:,} before: the rest is lost")
                return
            yield Frame(at, (after or stream.seek(0, io.SEEK_END)) - at if gzipped else 0, problem=why)
            if not after:
                return
            at = after
            continue
        yield frame
        at = frame.offset + frame.n_bytes


def _member(stream: BinaryIO, at: int, limit: int) -> Frame | None:
    """Return the gzip member at an offset; None at the end."""
    stream.seek(at)
    data = stream.read(READ_BYTES)
    while data and not data.strip(b"\0"):  # padding
        at += len(data)
        data = stream.read(READ_BYTES)
    if not data:
        return None
    unpack = zlib.decompressobj(31)
    held, size, read = [], 0, len(data)
    while True:
        piece = unpack.decompress(data, READ_BYTES)
        size += len(piece)
        if size <= limit + HEADER_BYTES:
            held.append(piece)
        if size > max(FREE_BYTES, MAX_RATIO * read):
            raise Damaged(f"a record unpacks to more than {MAX_RATIO} times its size")
        if unpack.eof:
            whole = b"".join(held) if size <= limit + HEADER_BYTES else held[0]
            return Frame(at, read - len(unpack.unused_data), whole, size)
        data = unpack.unconsumed_tail
        if not data:
            data = stream.read(READ_BYTES)
            read += len(data)
        if not data and not piece:
            raise EOFError


def _plain(stream: BinaryIO, at: int, limit: int) -> Frame | None:
    """Return the record at an offset of a stream; None at the end."""
    stream.seek(at)
    head = b""
    while line := stream.readline(READ_BYTES):
        head += line
        if line in (b"\r\n", b"\n"):
            if head.strip():
                break
            at, head = at + len(head), b""
        elif len(head) > HEADER_BYTES:
            break
    if not head:
        return None
    end, length = _header(head)
    if not end:
        raise Damaged("no WARC header where a record should begin")
    if length > limit:
        stream.seek(at + end + length)
        data = head
    else:
        data = head + stream.read(length)
        if len(data) < end + length:
            raise Damaged("the record is cut off")
    gap = stream.read(4)
    n_gap = len(gap) - len(gap.lstrip(b"\r\n"))
    if not b"WARC".startswith(gap[n_gap:]):
        raise Damaged("the record is longer or shorter than its header says")
    return Frame(at, end + length + n_gap, data, end + length)


def _next(stream: BinaryIO, start: int, gzipped: bool) -> int:
    """Return where the next record begins, from an offset on; 0 when there is none."""
    mark = GZIP if gzipped else b"\nWARC/"
    stream.seek(start)
    held, at = b"", start
    while True:
        data = stream.read(1 << 20)
        held += data
        sure = max(0, len(held) - BEGINNING) if data else len(held)  # a mark before it can be judged
        found = held.find(mark)
        while 0 <= found < sure:
            if not gzipped:
                return at + found + 1
            if _begins(held[found : found + BEGINNING]):
                return at + found
            found = held.find(mark, found + 1)
        if not data:
            return 0
        at, held = at + sure, held[sure:]


def _begins(data: bytes) -> bool:
    """Tell whether a gzipped record begins here."""
    try:
        return zlib.decompressobj(31).decompress(data, 5) == b"WARC/"
    except zlib.error:
        return False
