"""Places that are not this machine: what they hold, and the bytes of it.

S3, Google Storage, Azure and HDFS are read through pyarrow, the web and the rest through fsspec; both
are imported when the first such place is asked for.  Paths are those of a URL after its host, "/a/b".
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, cast
from urllib.parse import quote

from ..base import Damaged
from .reasons import PATIENCE, reason
from .streams import Forward
from .writing import write_by_arrow, write_by_fsspec

BY_ARROW = ("s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss")
WEB = ("http", "https")
HELD_BYTES = 16 << 20  # of a web page that must be copied; a larger one goes to a temporary file
AHEAD = 8 << 20  # bytes asked for at once
NOTHING_TOLD = "?"  # before the version of a file that another scan must read again
TAGS = ("ETag", "sha", "blob_id")  # where a library tells which version of a file there is
UNWRITABLE = "nothing can be written to the web"
NEED_HUB = "needs huggingface_hub; install it with: pip install 'dedup-corpus[hub]'"
NEED = "needs fsspec; install it with: pip install 'dedup-corpus[remote]'"


class File(NamedTuple):
    """A file or folder of a host; size -1 is not known, mtime_ns 0 is not known."""

    path: str
    is_folder: bool
    size: int
    mtime_ns: int
    version: str = ""  # its ETag, where size or time are not known; see `_version`


def _version(size: int, mtime_ns: int, tag: str) -> str:
    """The ETag of a file, where it is needed; where nothing tells a change, one that is never the same."""
    if size >= 0 and mtime_ns:
        return ""
    return tag or ("" if mtime_ns else f"{NOTHING_TOLD}{time.time_ns()}")


class Host(Protocol):
    """A place; all methods raise what the library behind it raises, see `reason`."""

    def facts(self, path: str) -> File | None:
        """Return what is there, None when nothing is."""

    def below(self, path: str, deep: bool) -> list[File]:
        """Return what is in a folder, or in it and all folders below it."""

    def open(self, path: str, size: int) -> BinaryIO:
        """Return the bytes of a file; an error in the middle is Damaged."""

    def write(self, local: Path, path: str) -> None:
        """Make or replace a file with the bytes of one of this machine: it is there whole or not at all."""

    def remove(self, path: str) -> None:
        """Remove a file."""


@lru_cache(maxsize=64)
def host_of(scheme: str, base: str) -> Host:
    """The host whose URLs begin with `base`, "s3://bucket" or "https://host", its options in the query."""
    if scheme in BY_ARROW:
        return _Arrow(base)
    try:
        import fsspec
    except ImportError:
        raise Damaged(NEED) from None
    if scheme == "hf":
        try:
            import huggingface_hub  # noqa: F401
        except ImportError:
            raise Damaged(NEED_HUB) from None
    return _Web(fsspec, scheme, base) if scheme in WEB else _Fsspec(fsspec, base)


def with_defaults(scheme: str, query: str) -> str:
    """Return the options of a store with those of the environment."""
    options = dict(pair.split("=", 1) for pair in query.split("&") if pair)
    if scheme == "s3":
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        protocol, _, host = endpoint.rstrip("/").rpartition("://")
        if host and "endpoint_override" not in options:
            options |= {"endpoint_override": quote(host), "scheme": protocol or "https"}
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if region:
            options.setdefault("region", region)
    if scheme in ("gs", "gcs"):
        options.setdefault("retry_limit_seconds", str(PATIENCE))  # else a quarter of an hour
    return "&".join(f"{k}={v}" for k, v in options.items())


class _Arrow:
    """A file system of pyarrow."""

    def __init__(self, base: str) -> None:
        from pyarrow import fs

        self._fs, root = fs.FileSystem.from_uri(base)
        self._library, self._root = fs, root.rstrip("/")

    def _file(self, info: Any) -> File:
        folder = info.type == self._library.FileType.Directory
        return File(info.path[len(self._root) :], folder, info.size or 0, info.mtime_ns or 0)

    def facts(self, path: str) -> File | None:
        info = self._fs.get_file_info((self._root + path).rstrip("/") or "/")
        missing = self._library.FileType.NotFound
        if info.type != missing:
            return self._file(info)
        if self._root and self._fs.get_file_info(self._root).type == missing:
            raise Damaged("no such bucket")
        return None

    def below(self, path: str, deep: bool) -> list[File]:
        where = self._library.FileSelector((self._root + path).rstrip("/") or "/", recursive=deep)
        return [self._file(info) for info in self._fs.get_file_info(where)]

    def open(self, path: str, size: int) -> BinaryIO:
        opened = self._fs.open_input_file(self._root + path)
        return _buffered(_Checked(opened, opened.size()), opened.size())

    def write(self, local: Path, path: str) -> None:
        write_by_arrow(self._fs, local, self._root + path)

    def remove(self, path: str) -> None:
        self._fs.delete_file(self._root + path)


class _Fsspec:
    """Any file system of fsspec."""

    def __init__(self, fsspec: Any, base: str) -> None:
        self._base = base.partition("?")[0]
        self._fs, _ = fsspec.core.url_to_fs(base)
        self._root = self._fs._strip_protocol(self._base + "/").rstrip("/")

    def _at(self, path: str) -> str:
        return cast(str, self._fs._strip_protocol(self._base + path))

    def _file(self, info: dict[str, Any]) -> File:
        name = info["name"].removeprefix(self._root)
        known = (info.get(key) for key in ("mtime", "LastModified", "last_modified", "modified", "created"))
        mtime_ns = _nanoseconds(next((t for t in known if t is not None), 0))
        size = -1 if info.get("size") is None else int(info["size"])
        tag = next((str(info[name]) for name in TAGS if info.get(name)), "")
        version = _version(size, mtime_ns, tag)
        return File("/" + name.lstrip("/"), info["type"] == "directory", size, mtime_ns, version)

    def facts(self, path: str) -> File | None:
        self._fs.invalidate_cache()
        with contextlib.suppress(FileNotFoundError):
            return self._file(self._fs.info(self._at(path)))
        return None

    def below(self, path: str, deep: bool) -> list[File]:
        if deep:
            return [self._file(i) for i in self._fs.find(self._at(path), withdirs=True, detail=True).values()]
        return [self._file(i) for i in self._fs.ls(self._at(path), detail=True)]

    def open(self, path: str, size: int) -> BinaryIO:
        return _buffered(_Checked(self._fs.open(self._at(path), "rb"), size), size)

    def write(self, local: Path, path: str) -> None:
        write_by_fsspec(self._fs, local, self._at(path))

    def remove(self, path: str) -> None:
        self._fs.rm_file(self._at(path))


class _Web:
    """The web.  A file is read forward; one that is read from its end (a zip archive) is copied first."""

    def __init__(self, fsspec: Any, scheme: str, base: str) -> None:
        try:
            import aiohttp
        except ImportError:
            raise Damaged(NEED.replace("fsspec;", "fsspec and aiohttp;")) from None
        # NOTE: aiohttp gives up after five minutes, however much it has read, unless told otherwise
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE, sock_read=PATIENCE)
        client = {"timeout": timeout, "trust_env": True}
        self._fs = fsspec.filesystem(scheme, client_kwargs=client, skip_instance_cache=True)
        self._base = base

    def facts(self, path: str) -> File | None:
        try:
            info = self._fs.info(self._base + path)
        except FileNotFoundError as error:
            if getattr(error.__cause__, "status", 0) in (404, 410) or not error.__cause__:
                return None
            raise error.__cause__ from None  # NOTE: fsspec calls every failure "not found"
        size = -1 if info.get("size") is None else int(info["size"])
        mtime_ns = _http_time(info.get("Last-Modified", ""))
        return File(path, False, size, mtime_ns, _version(size, mtime_ns, info.get("ETag", "")))

    def below(self, path: str, deep: bool) -> list[File]:
        if deep:
            raise Damaged("** is not possible on the web, where folders cannot be told from files")
        links = self._fs.ls(self._base + path.rstrip("/") + "/", detail=False)
        names = (link.removeprefix(self._base) for link in links if link.startswith(self._base + "/"))
        return [File(name.rstrip("/"), name.endswith("/"), -1, 0) for name in names]

    def open(self, path: str, size: int) -> BinaryIO:
        headers = {"Accept-Encoding": "identity"}

        def opened() -> Any:
            return self._fs.open(self._base + path, "rb", block_size=0, size=1, headers=headers)

        return cast(BinaryIO, io.BufferedReader(_Download(opened, size), 1 << 18))

    def write(self, local: Path, path: str) -> None:
        raise Damaged(UNWRITABLE)

    def remove(self, path: str) -> None:
        raise Damaged(UNWRITABLE)


def _buffered(raw: io.RawIOBase, size: int) -> BinaryIO:
    """A raw stream -> one that asks for many bytes at once, but for no more than there are."""
    return cast(BinaryIO, io.BufferedReader(raw, AHEAD if size < 0 else max(1, min(AHEAD, size + 1))))


def _short(at: int, size: int) -> Damaged:
    return Damaged(f"it was cut off after {at:,} of {size:,} bytes")


class _Checked(io.RawIOBase):
    """A stream of a library that can seek; what it raises is Damaged, and so is an end before the end."""

    def __init__(self, stream: Any, size: int) -> None:
        super().__init__()
        self._stream, self._size = stream, size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._stream.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self._stream.tell())

    def readinto(self, into: Any) -> int:
        at = self.tell()
        n = len(into) if self._size < 0 else min(len(into), max(0, self._size - at))
        try:
            data = self._stream.read(n) if n else b""
        except Exception as error:  # libraries raise what they like
            raise Damaged(f"the connection broke off: {reason(error)}") from None
        if n and not data and self._size >= 0:
            raise _short(at, self._size)
        into[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            with contextlib.suppress(Exception):
                self._stream.close()
        super().close()


class _Download(Forward):
    """A file of the web, from its start; asked for its end, it is copied and read from the copy."""

    def __init__(self, opened: Callable[[], Any], size: int) -> None:
        super().__init__()
        self._open, self._size = opened, size
        self._copy: Any = None
        self._stream = self._get()

    def _get(self) -> Any:
        try:
            return self._open()
        except Exception as error:
            raise Damaged(reason(error)) from None

    def _next(self, size: int) -> bytes:
        if self._copy is not None:
            return cast(bytes, self._copy.read(size))
        try:
            data = cast(bytes, self._stream.read(size))
        except Exception as error:
            raise Damaged(f"the connection broke off after {self._at:,} bytes: {reason(error)}") from None
        if not data and self._at < self._size:
            raise _short(self._at, self._size)
        return data

    def _copied(self) -> Any:
        copy: Any = tempfile.SpooledTemporaryFile(max_size=HELD_BYTES)  # noqa: SIM115
        try:
            while data := self.read(1 << 18):
                copy.write(data)
        except BaseException:
            copy.close()
            raise
        return copy

    def _again(self) -> None:
        self._stream.close()
        self._stream = self._get()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            return self.seek(self._at + offset)
        if whence == os.SEEK_END and self._copy is None:
            self.seek(0)
            self._copy = self._copied()
        if self._copy is None:
            return super().seek(offset, whence)
        self._at = self._copy.seek(offset, whence)
        return self._at

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            if self._copy is not None:
                self._copy.close()
        super().close()


def _http_time(text: str) -> int:
    """The date of a header -> nanoseconds since 1970; 0 when there is none."""
    from email.utils import parsedate_to_datetime

    with contextlib.suppress(ValueError, TypeError):
        return int(parsedate_to_datetime(text).timestamp()) * 10**9
    return 0


def _nanoseconds(moment: Any) -> int:
    """A time as some library has it -> nanoseconds since 1970; 0 when it cannot be told."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return int((moment.timestamp() if hasattr(moment, "timestamp") else float(moment)) * 1e6) * 1000
    return 0
