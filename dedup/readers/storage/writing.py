"""A file of this machine -> a file at an address, which is there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyarrow import fs

STORES = ("s3", "gcs", "abfs")  # as pyarrow calls them: where a file is there when it is closed, not before
GROWING = {"sftp", "ssh", "ftp", "smb", "webhdfs", "webdav", "file", "local", "dir", "dbfs"}  # of fsspec
PIECE = 4 << 20  # bytes sent at once


def write_by_arrow(system: fs.FileSystem, local: Path, path: str) -> None:
    """Write a file of this machine through a file system of pyarrow."""
    if system.type_name in STORES:
        _send(system, local, path)
        return
    folder, _, last = path.rpartition("/")
    system.create_dir(folder, recursive=True)
    part = f"{folder}/.{last}.{os.urandom(6).hex()}.part"
    try:
        _send(system, local, part)
        move(system, part, path)
    except BaseException:
        with contextlib.suppress(Exception):
            system.delete_file(part)
        raise


def _send(system: fs.FileSystem, local: Path, path: str) -> None:
    # NOTE: by default pyarrow packs what is written to a name such as x.gz
    with open(local, "rb") as data, system.open_output_stream(path, compression=None) as out:
        shutil.copyfileobj(data, out, PIECE)


def move(system: fs.FileSystem, source: str, target: str) -> None:
    """Rename a file over another one, where some file systems (HDFS) refuse to."""
    try:
        system.move(source, target)
    except OSError:
        if system.get_file_info(target).size is None:
            raise
        system.delete_file(target)
        system.move(source, target)


def write_by_fsspec(system: Any, local: Path, path: str) -> None:
    """Write a file of this machine through a file system of fsspec."""
    names = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
    if GROWING.isdisjoint(names):
        system.put_file(str(local), path)
        return
    folder, _, last = path.rpartition("/")
    system.makedirs(folder, exist_ok=True)
    part = f"{folder}/.{last}.{os.urandom(6).hex()}.part"
    try:
        system.put_file(str(local), part)
        with contextlib.suppress(FileNotFoundError):
            system.rm_file(path)
        system.mv(part, path)
    except BaseException:
        with contextlib.suppress(Exception):
            system.rm_file(part)
        raise
