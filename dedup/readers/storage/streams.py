"""Streams that are read forward: unpacked from gzip and its kin, or turned into UTF-8."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, BinaryIO, cast

import pyarrow as pa

from ...text.encodings import BOMS
from ..base import Damaged, Options

MAX_RATIO, FREE_BYTES = 1000, 1 << 30  # a packed file may grow to 1 GiB, or to 1000 times its size


class Forward(io.RawIOBase):
    """A stream that seeks by reading on, or from the start again."""

    def __init__(self) -> None:
        super().__init__()
        self._at = 0

    @abstractmethod
    def _next(self, size: int) -> bytes:
        """Return at most `size` of the bytes that follow; b"" at the end."""

    @abstractmethod
    def _again(self) -> None:
        """Go back to the start."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def readinto(self, into: Any) -> int:
        data = self._next(len(into))
        into[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("the end is not known before it is read")
        if offset < self._at:
            self._again()
            self._at = 0
        while self._at < offset and self.read(min(1 << 20, offset - self._at)):
            pass
        return self._at


class _Zstd(Forward):
    """A zstandard stream.  NOTE: unlike the zstandard package, pyarrow says when it is cut off.

    It then forgets what it had read of those bytes, so they are read again in smaller and smaller steps.
    """

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        self._packed, self._steps = packed, [1, 512, 1 << 20]
        self._opened: list[Any] = []  # NOTE: one that goes out of use closes what it reads
        self._again()

    def _again(self) -> None:
        self._packed.seek(0)
        self._stream = pa.CompressedInputStream(pa.PythonFile(self._packed, "r"), "zstd")
        self._opened.append(self._stream)

    def _next(self, size: int) -> bytes:
        while True:
            try:
                return cast(bytes, self._stream.read(min(size, self._steps[-1])))
            except OSError:
                self._steps.pop()
                if not self._steps:
                    raise
            self._again()
            for before in range(0, self._at, 1 << 20):
                self._stream.read(min(1 << 20, self._at - before))


CODECS: dict[str, Callable[[BinaryIO], Any]] = {
    "gz": lambda stream: gzip.GzipFile(fileobj=stream),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zst": _Zstd,
}


class Unpacked(Forward):
    """The bytes in a packed file; Damaged when they are too many for its size."""

    def __init__(self, open_packed: Callable[[], BinaryIO], codec: str, size: int) -> None:
        super().__init__()
        self._open, self._codec = open_packed, codec
        self._limit = max(FREE_BYTES, MAX_RATIO * size)
        self._start()

    def _start(self) -> None:
        self._packed = self._open()
        self._stream = CODECS[self._codec](self._packed)
        # NOTE: `read` of a file that is cut off raises and forgets what it had; `read1` gives it first
        self._read = getattr(self._stream, "read1", self._stream.read)

    def _next(self, size: int) -> bytes:
        data = self._read(size)
        if self._at + len(data) > self._limit:
            raise Damaged(f"it unpacks to more than {MAX_RATIO} times its size")
        return cast(bytes, data)

    def _again(self) -> None:
        self._shut()
        self._start()

    def _shut(self) -> None:
        self._stream.close()
        self._packed.close()

    def close(self) -> None:
        if not self.closed:
            self._shut()
        super().close()


class _Transcoded(Forward):
    """UTF-16 or UTF-32, or any encoding that is asked for, as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._stream, self._encoding = stream, encoding
        self._again()

    def _again(self) -> None:
        self._stream.seek(0)
        self._decode = codecs.getincrementaldecoder(self._encoding)("replace")
        self._held = b""

    def _next(self, size: int) -> bytes:
        while not self._held:
            data = self._stream.read(1 << 16)
            self._held = self._decode.decode(data, not data).encode("utf-8", "replace")
            if not data:
                break
        out, self._held = self._held[:size], self._held[size:]
        return out

    def close(self) -> None:
        self._stream.close()
        super().close()


def unpacked(open_packed: Callable[[], BinaryIO], codec: str, size: int) -> BinaryIO:
    """A way to open a stream -> its unpacked bytes; `size` is that of the packed ones."""
    if not codec:
        return open_packed()
    return cast(BinaryIO, io.BufferedReader(Unpacked(open_packed, codec, size), 1 << 18))


@lru_cache
def of_lines(encoding: str) -> str:
    """An encoding that was asked for, "" for none -> that of a line after `in_utf8`.

    >>> of_lines(""), of_lines("CP1252"), of_lines("utf-16")
    ('', 'cp1252', 'utf-8')
    """
    name = codecs.lookup(encoding).name if encoding else ""
    return "utf-8" if name and "\n".encode(name) != b"\n" else name


class _LeftOpen:
    """A file to be written that stays open when pyarrow closes it."""

    def __init__(self, out: BinaryIO) -> None:
        self.write, self.flush, self.closed = out.write, out.flush, False

    def close(self) -> None:
        self.closed = True


@contextmanager
def packing(out: BinaryIO, codec: str) -> Iterator[BinaryIO]:
    """A file to be written -> a stream that packs what is written to it; the same bytes each time."""
    if codec == "gz":
        with gzip.GzipFile("", "wb", fileobj=out, mtime=0) as packed:
            yield cast(BinaryIO, packed)
    elif codec == "zst":
        with pa.CompressedOutputStream(pa.PythonFile(_LeftOpen(out), "w"), "zstd") as packed:
            yield cast(BinaryIO, packed)
    elif codec:
        with {"bz2": bz2.BZ2File, "xz": lzma.LZMAFile}[codec](out, "wb") as packed:
            yield cast(BinaryIO, packed)
    else:
        yield out


def in_utf8(stream: BinaryIO, options: Options) -> BinaryIO:
    """A stream of lines -> one in which a line ends at \n: wide encodings are turned into UTF-8."""
    head = stream.read(4)
    stream.seek(0)
    mark = next((name for mark, name in BOMS if head.startswith(mark) and name != "utf-8-sig"), "")
    asked = codecs.lookup(options.encoding).name if options.encoding else ""
    if asked and of_lines(asked) == asked:
        return stream
    if asked in ("utf-16", "utf-32") and mark != asked:  # as bytes.decode has it where there is no mark
        asked += "-le"
    if asked or mark:
        return cast(BinaryIO, io.BufferedReader(_Transcoded(stream, asked or mark), 1 << 18))
    return stream
