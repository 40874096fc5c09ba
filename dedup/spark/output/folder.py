"""Where a scan on Spark puts its run: a run folder of this machine, or one at an address.

At an address no file is locked: one scan at a time may write it.  The one that began last holds it: each
writes its name into `lock` when it begins, and one that finds another name there publishes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import BadRun, BadSetting, DedupError, Lost
from ...readers.storage.addresses import TEMPORARY, StorageFolder, is_address, plain
from ...runs import folder as run_folder
from ...runs.manifest import LOCK, MANIFEST, UNFINISHED, manifest_of_run

CHECKPOINTS = "spark.dedup.checkpoints"
Publish = Callable[[dict[str, int], dict[str, int], dict[str, Any]], None]


@dataclass(frozen=True)
class Target:
    """A run folder that is open for one scan."""

    name: str
    below: bytes  # sources below this path or address are the run's own
    tables: StorageFolder
    unfinished: StorageFolder  # where the stages of this run have their checkpoints
    publish: Publish  # rows and checksums of the tables, the account -> the run is there
    own: str = ""  # the name of this scan, where no lock keeps others out


@contextlib.contextmanager
def writing(run: str | os.PathLike[str], conf: dict[str, str]) -> Iterator[Target]:
    """Open a run folder, by its path or address, for one scan on Spark.

    On an error its tables are removed; what stages have done stays when the scan is interrupted.
    Raises BadRun, and BadSetting for an address of checkpoints that cannot be one.
    """
    _refuse("run", str(run))
    with _at_address(plain(str(run)), conf) if is_address(run) else _on_disk(Path(run), conf) as target:
        yield target


def _refuse(what: str, given: str) -> None:
    """Raise BadSetting for what Hadoop takes for an address and Python for a path: dbfs:/x."""
    if not is_address(given) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", given):
        raise BadSetting(f"{what}: {given!r} is neither a path nor an address such as hdfs://HOST/PATH")


def _tidy(tables: StorageFolder) -> None:
    """Remove what tasks that failed have left half written."""
    for info in tables.inside():
        if info.base_name.startswith(TEMPORARY):
            tables.remove(info.base_name)


@contextlib.contextmanager
def _on_disk(run: Path, conf: dict[str, str]) -> Iterator[Target]:
    with run_folder.writing(run) as opened:
        real = os.path.realpath(opened.folder)
        unfinished = _unfinished(real, conf) or StorageFolder(str(opened.unfinished.absolute()))
        tables = StorageFolder(str(opened.tables.absolute()))

        def publish(rows: dict[str, int], checksums: dict[str, int], summary: dict[str, Any]) -> None:
            _tidy(tables)
            opened.publish(rows, checksums, summary)

        target = Target(str(run), os.fsencode(real), tables, unfinished, publish)
        try:
            yield target
        except Lost:
            raise
        except DedupError:
            unfinished.remove()
            raise
        unfinished.remove()


def _unfinished(run: str, conf: dict[str, str]) -> StorageFolder | None:
    """Return where the checkpoints of a run are when they are to be elsewhere."""
    given = conf.get(CHECKPOINTS, "")
    if not given:
        return None
    _refuse(CHECKPOINTS, given)
    base = plain(given) if is_address(given) else os.path.abspath(given)
    return StorageFolder(f"{base}/dedup-{hashlib.blake2b(run.encode(), digest_size=8).hexdigest()}")


@contextlib.contextmanager
def _at_address(run: str, conf: dict[str, str]) -> Iterator[Target]:
    place, mine = StorageFolder(run), f"{socket.gethostname()} {os.getpid()} {time.time_ns()}\n".encode()
    before = {info.base_name for info in place.inside()}
    if before and not before & {LOCK, MANIFEST}:
        raise BadRun(f"{run}: is not a run folder and not empty; name another one with --run")
    numbers = [int(found[1]) for name in before if (found := re.match(r"tables-(\d+)(-|$)", name))]
    token = os.urandom(4).hex()
    own = f"tables-{max(numbers, default=0) + 1:06d}-{token}"
    tables = place / own
    unfinished = _unfinished(run, conf) or place / UNFINISHED

    told = BadRun(f"{run}: another scan has begun to write this run folder since; this one has stopped")

    def overtaken() -> bool:
        return place.read(LOCK) != mine

    def publish(rows: dict[str, int], checksums: dict[str, int], summary: dict[str, Any]) -> None:
        _tidy(tables)
        manifest = manifest_of_run(own, rows, checksums, summary)
        if overtaken():
            raise told
        place.write(MANIFEST, manifest)
        with contextlib.suppress(BadRun):  # the run is there, whatever else is left
            for info in place.inside():
                name = info.base_name
                if (name.startswith("tables-") and name != own) or name.startswith(TEMPORARY):
                    place.remove(name)
            unfinished.remove()

    place.write(LOCK, mine)
    below = os.path.realpath(run.removeprefix("file://")) if run.startswith("file:") else run
    try:
        yield Target(run, os.fsencode(below), tables, unfinished, publish, token)
    except BaseException as error:
        lost = False
        with contextlib.suppress(Exception):  # what went wrong before is what is told
            # NOTE: an error, or a signal, may come after the manifest has been written
            if own.encode() not in (place.read(MANIFEST) or b""):
                tables.remove()
            lost = isinstance(error, Exception) and overtaken()  # and what it needs is gone
            if isinstance(error, DedupError) and not isinstance(error, Lost) and not lost:
                unfinished.remove()
        if lost:
            raise told from None
        raise


def for_spark(spark: Any, at: str) -> str:
    """A path or address -> as Spark names it: s3:// is s3a:// but where the session knows s3 itself (EMR)."""
    scheme = at.partition("://")[0]
    if scheme == "s3" and not _knows(spark, "s3"):
        return f"s3a{at[2:]}"
    return at


def _knows(spark: Any, scheme: str) -> bool:
    with contextlib.suppress(Exception):  # a session over Spark Connect has no such place to ask
        return bool(spark.sparkContext._jsc.hadoopConfiguration().get(f"fs.{scheme}.impl"))
    return False
