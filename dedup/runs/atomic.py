"""Write files so that a crash leaves the old file or the new one, and checksum them."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from ..readers.storage.addresses import flush

# ------------------------------------------------------------------ writing


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to disk, rename it."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with open(part, "xb") as f:  # a link of that name is not followed
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    os.replace(part, path)
    flush(path.parent)


def parts_of(path: Path) -> list[Path]:
    """Return the files of a table, in order: the file, or the files of the folder."""
    return sorted(path.iterdir()) if path.is_dir() else [path]


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file, or of a folder with the files of one table, in order."""
    found = 0
    for part in parts_of(path):
        with open(part, "rb") as f:
            while data := f.read(1 << 20):
                found = zlib.crc32(data, found)
    return found


def flushed(path: Path) -> int:
    """Flush a file to disk, and return its checksum."""
    flush(path)
    return checksum(path)
