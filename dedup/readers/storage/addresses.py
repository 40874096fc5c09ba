"""A folder of this machine or at an address, s3:// hdfs:// gs:// abfs:// file://, by the same calls.

Credentials and endpoints come from the environment, as the clients of such places have them; an address
holds none.  Nothing heavy is loaded until a place is read or written.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ...core.errors import BadRun
from .writing import STORES, move

if TYPE_CHECKING:
    from pyarrow import fs

ALIASES = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}  # other names of a scheme -> ours
SCHEMES = ("s3", "gs", "hdfs", "viewfs", "abfs", "abfss", "file")
TEMPORARY = ".part-of-"
BEGINS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/(/?)")  # an address, perhaps with a slash too few


def is_address(run: object) -> bool:
    """Tell whether a run folder is given by an address rather than a path.

    >>> is_address("s3://bucket/run"), is_address("run"), is_address(Path("s3:/x"))
    (True, False, False)
    """
    found = BEGINS.match(run) if isinstance(run, str) else None
    return found is not None and found[1] == "/"


def local_folder(run: str | os.PathLike[str]) -> Path:
    """A run folder of this machine -> its path.  Raises BadRun for an address."""
    if is_address(run):
        raise BadRun(
            f"{run}: is an address, where only `dedup scan --engine spark` writes; "
            f"bring it here with `dedup pull {run} FOLDER`, and name that FOLDER"
        )
    return Path(run)


def plain(address: str) -> str:
    """An address as it was given -> as it is shown, stored and opened.

    >>> plain("S3A://bucket/a//run/"), plain("file:///x/run")
    ('s3://bucket/a/run', 'file:///x/run')

    Raises BadRun for another scheme, no bucket, credentials and options.
    """
    scheme, rest = address.split("://", 1)
    scheme = ALIASES.get(scheme.lower(), scheme.lower())
    host, slash, path = rest.partition("/")
    known = f"{scheme}://"
    if scheme not in SCHEMES:
        raise BadRun(f"{known}...: no run can be there; it can be at {', '.join(s + '://' for s in SCHEMES)}")
    if (
        "?" in rest
        or "#" in rest
        or (":" in host.rpartition("@")[0])
        or ("@" in host and scheme in ("s3", "gs"))
    ):
        raise BadRun(
            f"{known}...: credentials and options do not go into the address of a run; "
            "give them by the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, AWS_REGION, ...)"
        )
    if not host and scheme not in ("file", "hdfs", "viewfs"):
        raise BadRun(f"{known}...: names no bucket")
    if host and scheme == "file":
        raise BadRun(f"{address}: a path follows file:// at once: file:///{rest}")
    return f"{known}{host}{slash}{'/'.join(filter(None, path.split('/')))}".rstrip("/" * bool(host))


@functools.lru_cache(maxsize=64)
def _system(scheme: str, host: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of pyarrow, and the part of its paths that the host is."""
    from pyarrow import fs

    from . import filesystems

    if scheme == "file":
        return fs.LocalFileSystem(), ""
    scheme = ALIASES.get(scheme, scheme)
    found, root = fs.FileSystem.from_uri(
        f"{scheme}://{host}/?{filesystems.with_defaults(scheme, '')}".rstrip("?")
    )
    return found, root.rstrip("/")


def opened(at: str) -> tuple[fs.FileSystem, str]:
    """A path or address, also as Spark names it -> (its file system, the path there).  Raises BadRun."""
    if not is_address(at):
        return _system("file", "")[0], at
    scheme, rest = at.split("://", 1)
    host, slash, path = rest.partition("/")
    with told(at):
        system, root = _system(scheme, host)
    return system, root + slash + path


@contextlib.contextmanager
def told(at: str) -> Iterator[None]:
    """What a file system raises about an address -> BadRun in one line; about a path it stays as it is."""
    try:
        yield
    except Exception as error:  # libraries raise what they like
        from . import reasons

        if isinstance(error, BadRun) or not is_address(at):
            raise
        known = isinstance(error, OSError) and error.errno
        raise BadRun(f"{at}: {os.strerror(known).lower() if known else reasons.reason(error)}") from None


@dataclass(frozen=True)
class StorageFolder:
    """A folder; the names of the files in it are relative to it, "tables/x.parquet".

    Methods raise BadRun where it is an address, else OSError.
    """

    at: str  # a path, or an address without credentials

    def __truediv__(self, name: str) -> StorageFolder:
        return StorageFolder(f"{self.at}/{name}")

    def __str__(self) -> str:
        return self.at

    def info(self, name: str = "") -> fs.FileInfo:
        """Return what is there, if anything."""
        system, path = opened(self._of(name))
        with told(self.at):
            return cast("fs.FileInfo", system.get_file_info(path.rstrip("/") or "/"))

    def size(self, name: str) -> int:
        """Return the bytes of a file; -1 where there is none."""
        found = self.info(name)
        return int(found.size or 0) if found.is_file else -1

    def inside(self, name: str = "") -> list[fs.FileInfo]:
        """Return what is in a folder, by name; nothing where it is missing."""
        from pyarrow import fs

        system, path = opened(self._of(name))
        with told(self.at):
            found = system.get_file_info(fs.FileSelector(path, allow_not_found=True))
        return sorted((f for f in found if f.base_name), key=lambda f: f.base_name)

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file; None where there is none."""
        from pyarrow import fs

        system, path = opened(self._of(name))
        with told(self.at):
            try:
                stream = system.open_input_file(path)
            except FileNotFoundError:
                bucket = path.partition("/")[0]
                if system.type_name in STORES and system.get_file_info(bucket).type == fs.FileType.NotFound:
                    raise BadRun(f"{self.at}: no such bucket") from None
                return None
            with stream:
                return cast(bytes, stream.read())

    def open(self, name: str) -> BinaryIO:
        """Return a file as a stream that can seek."""
        system, path = opened(self._of(name))
        with told(self._of(name)):
            return cast(BinaryIO, system.open_input_file(path))

    def write(self, name: str, data: Any) -> None:
        """Make or replace a file: it is there whole, or not at all."""
        system, path = opened(self._of(name))
        with told(self.at):
            if system.type_name in STORES:
                with system.open_output_stream(path) as out:
                    out.write(data)
                return
            folder, _, last = path.rpartition("/")
            system.create_dir(folder, recursive=True)
            # NOTE: not beside the file, as a folder of parts may hold nothing else
            temporary = opened(self._of(f"{TEMPORARY}{last}.{os.urandom(6).hex()}"))[1]
            with system.open_output_stream(temporary) as out:
                out.write(data)
            if system.type_name == "local":
                flush(temporary)
            move(system, temporary, path)
            if system.type_name == "local":
                flush(folder)

    def remove(self, name: str = "") -> None:
        """Remove a file, or a folder with all that is in it; nothing happens where there is none."""
        from pyarrow import fs

        system, path = opened(self._of(name))
        with told(self.at), contextlib.suppress(FileNotFoundError):  # another one has removed it
            found = system.get_file_info(path).type
            if found == fs.FileType.File:
                system.delete_file(path)
            elif found == fs.FileType.Directory:
                system.delete_dir(path)

    def _of(self, name: str) -> str:
        return f"{self.at}/{name}" if name else self.at


def flush(path: str | os.PathLike[str]) -> None:
    """Flush a file, or the names in a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ------------------------------------------------------------------ checksums of what is written in parts

_POLYNOMIAL = 0xEDB88320  # of CRC-32, its bits reversed


def joined_checksum(parts: Iterable[tuple[int, int]]) -> int:
    """(CRC-32, bytes) of stretches one after the other -> the CRC-32 of all, as zlib's crc32_combine has it.

    >>> import zlib
    >>> pieces = [b"one", b"", b"and two"]
    >>> joined_checksum((zlib.crc32(x), len(x)) for x in pieces) == zlib.crc32(b"".join(pieces))
    True
    """
    found = 0
    for checksum, size in parts:
        found = _times(_shift(size), found) ^ checksum
    return found


def _times(a: int, b: int) -> int:
    """Return the product of two polynomials over GF(2), modulo that of CRC-32."""
    product, bit = 0, 1 << 31
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = (b >> 1) ^ (_POLYNOMIAL if b & 1 else 0)
    return product


@functools.lru_cache(maxsize=4096)
def _shift(size: int) -> int:
    """x to the power of 8 size: what `size` bytes more do to a checksum."""
    power, square = 1 << 31, 1 << 23  # x^0, x^8
    while size:
        if size & 1:
            power = _times(square, power)
        square = _times(square, square)
        size >>= 1
    return power
