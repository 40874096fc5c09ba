"""Zip and tar archives: a member is a source of its own, named `archive.zip!member`."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from ..base import BROKEN, Damaged, copied, why
from ..storage.streams import FREE_BYTES, MAX_RATIO

TAR_CODECS = {
    **{b".tar": "", b".tar.gz": "gz", b".tgz": "gz", b".tar.bz2": "bz2", b".tbz2": "bz2"},
    **{b".tar.xz": "xz", b".txz": "xz", b".tar.zst": "zst", b".tzst": "zst"},
}
# what zipfile and tarfile raise besides, over bytes that make no sense
ODD = (ValueError, ArithmeticError, LookupError, RuntimeError, struct.error)

Open = Callable[[str], BinaryIO]  # codec -> the unpacked bytes of the archive


@dataclass(frozen=True)
class ArchiveMember:
    """A member: its place in the archive, its name and size, and what is wrong with it."""

    place: int
    name: bytes
    size: int
    problem: str = ""


def is_archive(name: bytes) -> bool:
    """Tell whether a name is that of an archive.

    >>> is_archive(b"a.tar.gz"), is_archive(b"b.ZIP"), is_archive(b"c.gz")
    (True, True, False)
    """
    return name.lower().endswith((b".zip", *TAR_CODECS))


def _tar_codec(name: bytes) -> str:
    return next(codec for end, codec in TAR_CODECS.items() if name.lower().endswith(end))


def members(name: bytes, open_archive: Open) -> Iterator[tuple[ArchiveMember, BinaryIO | None]]:
    """An archive -> its regular members in the order in which they stand, each with its bytes.

    The stream of a member must be read before the next one is asked for.  An archive that breaks off
    ends with a member without a name, whose problem says why.
    """
    place = -1
    try:
        walk = _zip(open_archive) if name.lower().endswith(b".zip") else _tar(open_archive, _tar_codec(name))
        for found in walk:
            place = found[0].place
            yield found
    except (*BROKEN, *ODD) as error:
        yield ArchiveMember(place + 1, b"", 0, f"{why(error)}: the rest is lost"), None


def _zip(open_archive: Open) -> Iterator[tuple[ArchiveMember, BinaryIO | None]]:
    total = 0
    with open_archive("") as stream, zipfile.ZipFile(stream) as archive:
        limit = max(FREE_BYTES, MAX_RATIO * stream.seek(0, os.SEEK_END))
        for place, info in enumerate(i for i in archive.infolist() if not i.filename.endswith("/")):
            name = info.filename.encode("utf-8", "surrogateescape")
            total += info.file_size
            member = ArchiveMember(place, name, info.file_size, _zip_problem(info, total > limit))
            if member.problem:
                yield member, None
                continue
            try:
                with archive.open(info) as opened:
                    yield member, cast(BinaryIO, opened)
            except (RuntimeError, NotImplementedError) as error:
                yield ArchiveMember(place, name, info.file_size, f"cannot be unpacked ({error})"), None


def _zip_problem(info: zipfile.ZipInfo, too_much: bool) -> str:
    """Return why a member cannot be read; `too_much`: those up to it unpack to too much."""
    if info.flag_bits & 1:
        return "is encrypted"
    if too_much or info.file_size > max(FREE_BYTES, MAX_RATIO * info.compress_size):
        return f"it unpacks to more than {MAX_RATIO} times its size"
    return ""


class _Header(tarfile.TarInfo):
    """A header of a tar.  One that is missing, cut or damaged raises, where tarfile takes it for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """A block of 512 bytes -> its header; raises Damaged, and HeaderError for the zeros at the end."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError:
            if len(buf) < tarfile.BLOCKSIZE:
                raise Damaged("the archive is cut off") from None
            if any(buf):
                raise Damaged("the archive is damaged (no header where one should stand)") from None
            raise


def _tar(open_archive: Open, codec: str) -> Iterator[tuple[ArchiveMember, BinaryIO | None]]:
    place = 0
    with (
        open_archive(codec) as stream,
        tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive,
    ):
        for info in archive:
            if info.isreg():
                name = info.name.encode("utf-8", "surrogateescape")
                yield ArchiveMember(place, name, info.size), cast(BinaryIO, archive.extractfile(info))
                place += 1
        while stream.read(1 << 20):  # the checksum of a packed tar stands behind the end that tar sees
            pass


def open_member(name: bytes, open_archive: Open, wanted: int) -> BinaryIO:
    """The bytes of one member, in memory or in a temporary file; raises Damaged when it is not there."""
    for member, stream in members(name, open_archive):
        if member.place == wanted:
            if stream is None:
                raise Damaged(member.problem)
            return _copied(stream)
    raise Damaged("it is not in the archive any more")


def _copied(stream: BinaryIO) -> BinaryIO:
    try:
        return copied(stream)
    except ODD as error:
        raise Damaged(f"the archive is damaged ({error})") from None


class Lent(io.RawIOBase):
    """A view of a stream from its start; closing it leaves the stream open."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        stream.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, into: Any) -> int:
        data = self._stream.read(len(into))
        into[: len(data)] = data
        return len(data)


@contextmanager
def lent(stream: BinaryIO) -> Iterator[Callable[[], BinaryIO]]:
    """The stream of a member -> a way to open its bytes, as often as wanted while the block runs."""
    with _copied(stream) as copy:
        yield lambda: cast(BinaryIO, io.BufferedReader(Lent(copy)))
