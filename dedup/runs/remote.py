"""A run at an address -> a copy of it on this machine, which is opened as any run folder is.

    $XDG_CACHE_HOME/dedup/runs/ADDRESS/MANIFEST/     both names are checksums
      run.json, decisions.jsonl, tables-.../         as in a run folder; parts are put together

Each file is brought once, checked against the checksum in the manifest, and renamed into its place.  A run
that was written anew has another manifest, so another folder; the copies of older ones are removed.  The
files that grow with the text (.npy) are brought when something asks for them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from ..core.errors import BadRun, OutputExists
from ..readers.storage.addresses import StorageFolder, joined_checksum, plain, told
from . import atomic
from .array_store import FILES
from .manifest import DECISIONS, LOCK, MANIFEST, STEPS, TEXTS, manifest_of
from .run import Run
from .tables import TABLES

T = TypeVar("T")
PARQUET, ARRAYS = [f"{name}.parquet" for name in TABLES], [f"{name}.npy" for name in FILES]
CONNECTIONS = 8
SHOWN_FROM = 8 << 20  # bytes; less is there before anybody wonders


def open_copy(address: str, open_folder: Callable[[Path], Run]) -> Run:
    """Open the run at an address by its copy here.  Raises BadRun when it is damaged or not to be had."""
    copy = Copy.of(address)
    texts = [TEXTS] if TEXTS in copy.checksums else []
    run = copy.used(partial(open_folder, copy.path), [*PARQUET, *texts])
    signatures, anchors = run.load_signatures, run.load_anchors
    assert signatures is not None
    assert anchors is not None
    return replace(
        run,
        load_signatures=lambda: copy.used(signatures, ARRAYS),
        load_anchors=lambda: copy.used(anchors, ARRAYS),
    )


def whole(address: str) -> Path:
    """An address -> the folder of the whole copy of its run.  Raises BadRun."""
    copy = Copy.of(address)
    copy.bring([*PARQUET, *ARRAYS, *({TEXTS} & set(copy.checksums))])
    return copy.path


def pull(address: str, to: Path) -> int:
    """Copy the run at an address to a new run folder of this machine -> its bytes.

    A copy that broke off is gone on with.  Raises OutputExists where something else is there, BadRun.
    """
    with _told(to):
        copy = Copy.of(address, to)
        n = copy.bring(list(copy.checksums))
        (to / LOCK).touch()
        atomic.write_atomically(to / MANIFEST, copy.manifest)
    return n


def _refuse(to: Path, tables: str) -> None:
    """Raise OutputExists unless there is nothing, or what an earlier copy of the same run has begun."""
    if to.exists() and (not to.is_dir() or {p.name for p in to.iterdir()} - {tables, DECISIONS}):
        raise OutputExists(f"{to}: exists already; name a new folder")


@dataclass(frozen=True)
class Copy:
    """A run at an address, and the folder that its files are brought to."""

    place: StorageFolder
    path: Path
    manifest: bytes
    tables: str
    checksums: dict[str, int]

    @classmethod
    def of(cls, address: str, to: Path | None = None) -> Copy:
        """Read the manifest from the address, each time; all else is brought when it is asked for."""
        place = StorageFolder(plain(address))
        manifest = place.read(MANIFEST)
        if manifest is None:
            raise BadRun(f"{place}: no run here; make one with: dedup scan ... --engine spark --run {place}")
        with tempfile.TemporaryDirectory(prefix="dedup-") as scratch, _named(place, scratch):
            Path(scratch, MANIFEST).write_bytes(manifest)
            tables, values = manifest_of(Path(scratch))
        checksums = values.get("checksums")
        if not isinstance(checksums, dict) or set(checksums) - {STEPS, TEXTS} != {*PARQUET, *ARRAYS}:
            raise BadRun(f"{place}/{MANIFEST}: is damaged (it lacks checksums); scan again")
        path = to or _cached(place, manifest)
        copy = cls(place, path, manifest, tables.name, checksums)
        with _told(path):
            if to:
                _refuse(to, tables.name)
            path.mkdir(parents=True, exist_ok=True, mode=0o777 if to else 0o700)
            if not to and not (path / MANIFEST).exists():
                atomic.write_atomically(path / MANIFEST, manifest)
            copy._decisions()
            if not to:
                _only(path)
        return copy

    def used(self, read: Callable[[], T], names: list[str]) -> T:
        """Bring some files, then read them; if the copy is damaged, bring them anew."""
        self.bring(names)
        here = self.path / self.tables
        with _named(self.place, str(self.path)):
            try:
                return read()
            except BadRun:
                bad = [here / name for name in names if atomic.checksum(here / name) != self.checksums[name]]
                if not bad:
                    raise
            for path in bad:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            self.bring(names)
            return read()

    def bring(self, names: list[str]) -> int:
        """Bring the files that are not here yet -> their bytes.  Raises BadRun."""
        here = self.path / self.tables
        missing = [name for name in names if not (here / name).exists()]
        if not missing:
            return 0
        with _told(here):
            here.mkdir(parents=True, exist_ok=True)
            _tidy(here)
            pieces = {name: self._pieces(name) for name in missing}
            total = sum(size for found in pieces.values() for _, size in found)
            with ThreadPoolExecutor(CONNECTIONS) as pool, _progress(self.place, total) as on_bytes:
                for name, found in pieces.items():
                    self._bring(name, found, pool, on_bytes)
        return total

    def _pieces(self, name: str) -> list[tuple[str, int]]:
        """A file of the run -> (name, bytes) of it, or of its parts in their order."""
        at = f"{self.tables}/{name}"
        size = self.place.size(at)
        if size >= 0:
            return [(at, size)]
        parts = [i for i in self.place.inside(at) if i.is_file and i.base_name[0] not in "._"]
        if not parts:
            raise BadRun(
                f"{self.place}/{at}: is missing, or was written anew just now; try again, or scan again"
            )
        return [(f"{at}/{i.base_name}", int(i.size or 0)) for i in parts]

    def _bring(
        self,
        name: str,
        pieces: list[tuple[str, int]],
        pool: ThreadPoolExecutor,
        on_bytes: Callable[[int], None],
    ) -> None:
        """Bring one file: a table in parts becomes a folder of them, an array in parts one file."""
        target = self.path / self.tables / name
        mine = target.with_name(f".{name}.{os.getpid()}-{os.urandom(4).hex()}")
        apart = pieces[0][0] != f"{self.tables}/{name}" and name in PARQUET
        jobs, at = [], 0
        if apart:
            mine.mkdir()
        for piece, size in pieces:
            into = mine / piece.rpartition("/")[2] if apart else mine
            into.touch(mode=0o600)  # NOTE: here, as a piece under way could make it anew after its removal
            jobs.append((piece, into, 0 if apart else at, on_bytes))
            at += size
        try:
            found = list(pool.map(lambda job: self._piece(*job), jobs))
            if joined_checksum(found) != self.checksums.get(name):
                raise BadRun(
                    f"{self.place}/{self.tables}/{name}: is damaged, or was written anew just now "
                    "(its bytes are not those that were written); try again, or scan again"
                )
            try:
                os.replace(mine, target)
            except OSError:
                if not target.exists():  # else another process has been quicker
                    raise
        finally:
            shutil.rmtree(mine) if mine.is_dir() else mine.unlink(missing_ok=True)

    def _piece(self, name: str, into: Path, at: int, on_bytes: Callable[[int], None]) -> tuple[int, int]:
        """Bring a piece to its place in a file -> (CRC-32, bytes)."""
        checksum = size = 0
        handle = os.open(into, os.O_WRONLY | os.O_CLOEXEC)
        try:
            with self.place.open(name) as stream:
                while data := self._read(stream):
                    checksum = zlib.crc32(data, checksum)
                    while data:
                        written = os.pwrite(handle, data, at + size)
                        data, size = data[written:], size + written
                        on_bytes(written)
        finally:
            os.close(handle)
        return checksum, size

    def _read(self, stream: BinaryIO) -> bytes:
        with told(self.place.at):
            return stream.read(1 << 22)

    def _decisions(self) -> None:
        """Bring what was decided in a review, where the run was copied to its address with it."""
        made = self.place.read(DECISIONS)
        path = self.path / DECISIONS
        if made is None:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_bytes() != made:
            atomic.write_atomically(path, made)


def _cached(place: StorageFolder, manifest: bytes) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    names = [hashlib.blake2b(x, digest_size=8).hexdigest() for x in (place.at.encode(), manifest)]
    return Path(cache, "dedup", "runs", *names)


def _tidy(tables: Path) -> None:
    """Remove what a process has left half brought that is there no more."""
    for old in tables.glob(".*.[0-9]*-*"):
        pid = old.name.rpartition(".")[2].partition("-")[0]
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        except (OSError, ValueError):
            continue


def _only(path: Path) -> None:
    """Remove the copies of what was at the same address before."""
    for other in path.parent.iterdir():
        if other.name != path.name:
            shutil.rmtree(other, ignore_errors=True)


@contextmanager
def _named(place: StorageFolder, path: str) -> Iterator[None]:
    """Name the address in errors, rather than the copy."""
    try:
        yield
    except BadRun as error:
        raise BadRun(str(error).replace(path, place.at)) from None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadRun(f"{error.filename or path}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _progress(place: StorageFolder, total: int) -> Iterator[Callable[[int], None]]:
    """Return what counts bytes, and tells of them at a terminal where they are many."""
    done, told = 0, time.monotonic()
    shown = total >= SHOWN_FROM and sys.stderr is not None and sys.stderr.isatty()

    def count(n: int) -> None:
        nonlocal done, told
        done += n
        if shown and time.monotonic() - told > 0.2:
            told = time.monotonic()
            sys.stderr.write(f"\r{place}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB brought here")
            sys.stderr.flush()

    try:
        yield count
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
