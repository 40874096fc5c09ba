"""The run folder: Parquet tables and run.json.

    .dedup/
      run.json              settings, versions, summary, timings, and the name of the table folder
      tables-000001/        sources, documents, pairs, boilerplate, verdict (.parquet), and what grows with
                            the text: signatures, skeletons, anchor_hashes, anchor_positions (.npy); and
                            steps.npz, from which the next scan goes on; texts.arrow, the texts of a run
                            that was made from texts in memory
      decisions.jsonl       what was decided in a review (see decisions.py)
      lock                  held while a scan writes
      unfinished/           what a scan at work has read so far; after a kill the next one goes on from there

A scan writes a new table folder and then renames run.json over the old one: that rename is the only
moment at which the run changes, so a scan that is killed leaves the last good run as it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..core.errors import BadRun, DedupError, Locked, Lost
from ..readers.storage.addresses import flush, local_folder
from .array_store import FILES
from .atomic import flushed, write_atomically
from .manifest import LASTING, LOCK, MANIFEST, STEPS, TEXTS, UNFINISHED, manifest_of, manifest_of_run
from .opening import n_rows, on_disk
from .run import Run
from .tables import TABLES
from .texts import write_texts

WRITERS = 3  # tables written, or flushed to disk, at a time


def write_parquet(table: pa.Table, sink: Any) -> None:
    """Write one table of a run; numbers without a dictionary, which makes them slower and no smaller."""
    words = [f.name for f in table.schema if pa.types.is_string(f.type) or pa.types.is_binary(f.type)]
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True, use_dictionary=words)


def written(table: pa.Table, path: Path) -> int:
    """Write one table of a run to a file, and flush it to disk -> its checksum."""
    with open(path, "xb") as f:
        write_parquet(table, f)
    return flushed(path)


class RunFolder:
    """A run folder that is open for writing, under its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        numbers = [int(p.name[7:]) for p in folder.glob("tables-*") if p.name[7:].isdigit()]
        self.tables = folder / f"tables-{max(numbers, default=0) + 1:06d}"
        self.tables.mkdir()
        self.unfinished = folder / UNFINISHED
        self.committed = False

    def commit(self, run: Run, of: bool = False) -> Run:
        """Write the tables, then the manifest; only then remove what the manifest no longer names.

        `of` the last run in this folder it is, where only the verdict is new; the other tables are linked.
        -> the run as it is on disk.
        """
        tables, arrays = [f"{name}.parquet" for name in TABLES], [f"{name}.npy" for name in FILES]
        linked = self._linked([*(f"{name}.parquet" for name in LASTING), *arrays, STEPS, TEXTS]) if of else {}
        with ThreadPoolExecutor(WRITERS) as pool:
            found = {}
            for name in arrays if not of else ():
                os.replace(self.unfinished / name, self.tables / name)
                found[name] = pool.submit(flushed, self.tables / name)
            for name, make in zip(tables, TABLES.values(), strict=True):
                if name not in linked:
                    found[name] = pool.submit(written, make(run), self.tables / name)
            if not of and run.steps is not None:
                run.steps.save(self.tables / STEPS)
                found[STEPS] = pool.submit(flushed, self.tables / STEPS)
            if not of and run.texts is not None:
                write_texts(run.texts, self.tables / TEXTS)
                found[TEXTS] = pool.submit(flushed, self.tables / TEXTS)
        every = {**linked, **{name: file.result() for name, file in found.items()}}
        checksums = {name: every[name] for name in (*tables, *arrays, STEPS, TEXTS) if name in every}
        sizes = {name: n_rows(self.tables / f"{name}.parquet") for name in TABLES}
        self.publish(sizes, checksums, run.summary)
        return on_disk(run, self.tables, checksums)

    def _linked(self, names: list[str]) -> dict[str, int]:
        """Link files of the last run into this one -> their checksums."""
        last, manifest = manifest_of(self.folder)
        known = {name: manifest["checksums"][name] for name in names if name in manifest["checksums"]}
        for name in known:
            _link(last / name, self.tables / name)
        return known

    def publish(self, rows: dict[str, int], checksums: dict[str, int], summary: dict[str, Any]) -> None:
        """Name the written tables in the manifest, and remove what it no longer names."""
        flush(self.tables)
        write_atomically(self.folder / MANIFEST, manifest_of_run(self.tables.name, rows, checksums, summary))
        self.committed = True
        self.clean(keep=self.tables)

    def clean(self, keep: Path | None, unfinished: bool = True) -> None:
        """Remove table folders other than `keep`, and what is unfinished."""
        for other in self.folder.glob("tables-*"):
            if other != keep:
                shutil.rmtree(other, ignore_errors=True)
        if unfinished:
            shutil.rmtree(self.unfinished, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    """Link a file that never changes, or copy it where the file system has no links.

    A table of a very large run is a folder of files.
    """
    if source.is_dir():
        target.mkdir()
        for part in source.iterdir():
            _link(part, target / part.name)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextlib.contextmanager
def writing(folder: str | os.PathLike[str]) -> Iterator[RunFolder]:
    """Open a run folder for one scan; on an error the unfinished tables are removed.

    What has been read stays for the next scan when this one is interrupted, but not when the disk is
    full or the input is at fault.

    Raises BadRun when it cannot be made, holds something else, or another scan is at work in it.
    """
    folder = local_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / LOCK).exists() and not (folder / MANIFEST).exists():
            raise BadRun(f"{folder}: is not a run folder and not empty; name another one with --run")
        lock = open(folder / LOCK, "a")  # noqa: SIM115 (held until the scan ends)
    except OSError as error:
        raise BadRun(
            f"{folder}: cannot be used as run folder: {(error.strerror or str(error)).lower()}"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Locked(
                f"{folder}: another scan is writing this run folder; use --wait SECONDS, or another --run"
            ) from None
        current = _current_tables(folder)
        opened = RunFolder(folder)
        try:
            yield opened
            if not opened.committed:
                opened.clean(keep=current)
        except (Lost, ConnectionError, TimeoutError):  # of what the scan talks to: the folder is not at fault
            opened.clean(keep=current, unfinished=False)
            raise
        except OSError as error:
            opened.clean(keep=current)
            raise BadRun(
                f"{error.filename or folder}: cannot be written: {error.strerror or error}"
            ) from None
        except DedupError:
            opened.clean(keep=current)
            raise
        except BaseException:
            opened.clean(keep=current, unfinished=False)
            raise


def _current_tables(folder: Path) -> Path | None:
    """Return the table folder that a valid manifest names."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        return folder / json.loads((folder / MANIFEST).read_bytes())["tables"]
    return None


def leftovers(folder: Path) -> bool:
    """Tell whether a killed scan has left something that the next one removes."""
    return (folder / UNFINISHED).exists() or len(list(folder.glob("tables-*"))) > 1
