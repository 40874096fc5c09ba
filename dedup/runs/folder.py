"""The run folder: Parquet tables and run.json.

    .dedup/
      run.json              settings, versions, ledger, timings, and the name of the table folder
      tables-000001/        sources, documents, pairs, boilerplate, verdict (.parquet), and what grows with
                            the text: signatures, skeletons, anchor_hashes, anchor_positions (.npy); and
                            steps.npz, from which the next scan goes on
      decisions.jsonl       what was decided in a review (see decisions.py)
      lock                  held while a scan writes
      unfinished/           what a scan at work has read so far; after a kill the next one goes on from there

A scan writes a new table folder and then renames run.json over the old one: that rename is the only
moment at which the run changes, so a scan that is killed leaves the last good run as it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .. import __version__
from ..core.errors import BadRun, DedupError, Lost
from ..core.features import Spans
from ..core.pairs import Evidence
from ..matching.update.state import Steps
from ..readers.storage.addresses import flush, is_address, local_folder
from . import summary as ledger
from .array_store import FILES, Store
from .run import Run
from .tables import TABLES, evidence_of, run_of, spans_of

FORMAT = 5
WRITERS = 3  # tables written, or flushed to disk, at a time
MANIFEST, LOCK, UNFINISHED, DECISIONS = "run.json", "lock", "unfinished", "decisions.jsonl"
STEPS = "steps.npz"
# the tables that no new verdict changes
LASTING = ("sources", "documents", "compared", "spellings", "boilerplate")
SMALL = ("sources", "documents", "verdict", "pairs")  # the tables that are read at once

# ------------------------------------------------------------------ writing


def write_atomically(path: Path, data: bytes) -> None:
    """Write under a temporary name, flush to disk, rename."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with open(part, "xb") as f:  # a link of that name is not followed
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    os.replace(part, path)
    flush(path.parent)


def checksum(path: Path) -> int:
    """A file, or a folder of the files of one table in order -> the CRC-32 of its bytes."""
    found = 0
    for part in sorted(path.iterdir()) if path.is_dir() else [path]:
        with open(part, "rb") as f:
            while data := f.read(1 << 20):
                found = zlib.crc32(data, found)
    return found


def flushed(path: Path) -> int:
    """Flush a file to disk -> its checksum."""
    flush(path)
    return checksum(path)


def manifest_checksum(manifest: dict[str, Any]) -> int:
    """A manifest -> the CRC-32 of all that is in it, but for that itself."""
    return zlib.crc32(json.dumps({k: v for k, v in manifest.items() if k != "checksum"}).encode())


def manifest_of_run(
    tables: str, rows: dict[str, int], checksums: dict[str, int], summary: dict[str, Any]
) -> bytes:
    """The name of the table folder, what is in it, the account -> the manifest."""
    manifest = {
        "format": FORMAT,
        "program": f"dedup {__version__}",
        "tables": tables,
        "rows": rows,
        "checksums": checksums,
        **summary,
    }
    manifest["checksum"] = manifest_checksum(manifest)
    return json.dumps(manifest, indent=1, ensure_ascii=True).encode() + b"\n"


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
        linked = self._linked([*(f"{name}.parquet" for name in LASTING), *arrays, STEPS]) if of else {}
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
        every = {**linked, **{name: file.result() for name, file in found.items()}}
        checksums = {name: every[name] for name in (*tables, *arrays, STEPS) if name in every}
        sizes = {name: _n_rows(self.tables / f"{name}.parquet") for name in TABLES}
        self.publish(sizes, checksums, run.summary)
        return on_disk(run, self.tables, checksums)

    def _linked(self, names: list[str]) -> dict[str, int]:
        """Give files of the last run a place in this one -> their checksums."""
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


def _n_rows(path: Path) -> int:
    """The rows of a table, a file or a folder of files."""
    return sum(pq.read_metadata(p).num_rows for p in ([path] if path.is_file() else path.iterdir()))


def _link(source: Path, target: Path) -> None:
    """A second name for a file that never changes, or a copy where the file system knows no links.

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
            raise BadRun(
                f"{folder}: another scan is writing this run folder; wait for it, or use --run"
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
    """The table folder that a good manifest names."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        return folder / json.loads((folder / MANIFEST).read_bytes())["tables"]
    return None


def leftovers(folder: Path) -> bool:
    """Whether a scan that was killed has left something that the next one removes."""
    return (folder / UNFINISHED).exists() or len(list(folder.glob("tables-*"))) > 1


# ------------------------------------------------------------------ opening


def open_run(folder: str | os.PathLike[str], as_scanned: bool = False) -> Run:
    """A run folder, or its address -> its run, with what was decided in a review, or as it was scanned.

    Raises BadRun when it is missing, of another version or damaged.
    """
    if is_address(folder):
        from . import remote

        return remote.open_run(os.fspath(folder), as_scanned)
    folder = Path(folder)
    tables, manifest = manifest_of(folder)
    with _damaged(folder):
        run = _read(tables, manifest)
    return run if as_scanned else as_decided(run, folder)


def as_decided(run: Run, folder: Path) -> Run:
    """A run as it was scanned into a folder -> with what was decided there in a review."""
    if not (folder / DECISIONS).exists():
        return run
    from . import review  # subtle: it loads the kernels, which a run without decisions does not need

    return review.apply(run, review.read(folder))


def manifest_of(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A run folder -> (its table folder, its manifest).  Raises BadRun."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BadRun(f"{folder}: no run here; make one with: dedup scan FOLDER") from None
    except NotADirectoryError:
        raise BadRun(f"{folder}: is a file, not a run folder") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadRun(f"{folder / MANIFEST}: cannot be read ({error}); scan again") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BadRun(f"{folder / MANIFEST}: is no run manifest; scan again")
    if manifest["format"] != FORMAT:
        raise BadRun(
            f"{folder}: was written in run format {manifest['format']} ({manifest.get('program')}), "
            f"this is dedup {__version__} with format {FORMAT}; scan again"
        )
    if manifest.get("checksum") != manifest_checksum(manifest):
        raise BadRun(f"{folder / MANIFEST}: is damaged, or was changed by hand; scan again")
    name = str(manifest.get("tables", ""))
    if not name.startswith("tables-") or "/" in name:
        raise BadRun(f"{folder / MANIFEST}: names the table folder {name!r}; scan again")
    return folder / name, manifest


def _read(tables: Path, manifest: dict[str, Any]) -> Run:
    small = {name: _read_table(tables, name, manifest["checksums"]) for name in SMALL}
    for name in TABLES:
        n = small[name].num_rows if name in small else _n_rows(tables / f"{name}.parquet")
        if n != manifest["rows"][name]:
            raise ValueError(f"{name} has {n} rows, not {manifest['rows'][name]}")
    ledger.check_shape(manifest)
    run = run_of(small, {name: manifest[name] for name in ledger.SHAPE})
    return on_disk(run, tables, manifest["checksums"])


def _read_table(tables: Path, name: str, checksums: dict[str, int]) -> pa.Table:
    path = tables / f"{name}.parquet"
    _check(path, checksums)
    with _damaged(path):
        return pq.read_table(path, page_checksum_verification=True, memory_map=False)


def _check(path: Path, checksums: dict[str, int]) -> None:
    with _damaged(path):
        if checksum(path) != checksums[path.name]:
            raise ValueError("its bytes are not those that were written")


def on_disk(run: Run, tables: Path, checksums: dict[str, int]) -> Run:
    """The run with what is large in it read from its folder, and checked, when it is asked for."""
    num_perm, seed, k = (int(run.summary["settings"][name]) for name in ("num_perm", "seed", "k"))

    @functools.cache
    def store() -> Store:
        with _damaged(tables):
            assert run.anchor_start is not None
            return Store(tables, len(run.documents), num_perm, run.anchor_start)

    def checked(*names: str) -> Store:
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(lambda name: _check(tables / f"{name}.npy", checksums), names))
        return store()

    def spans() -> Spans:
        table = _read_table(tables, "boilerplate", checksums)
        with _damaged(tables):
            return spans_of(table, len(run.documents))

    def evidence() -> Evidence:
        compared, spellings = (_read_table(tables, name, checksums) for name in ("compared", "spellings"))
        with _damaged(tables):
            return evidence_of(compared, spellings)

    def steps() -> Steps | None:
        if STEPS not in checksums:
            return None
        _check(tables / STEPS, checksums)
        with _damaged(tables / STEPS):
            return Steps.load(tables / STEPS)

    return replace(
        run,
        tables=tables,
        load_steps=steps,
        load_signatures=lambda: checked("signatures", "skeletons").signatures(seed, k),
        load_anchors=lambda: checked("anchor_hashes", "anchor_positions").anchors,
        load_evidence=evidence,
        load_spans=spans,
    )


@contextlib.contextmanager
def _damaged(path: Path) -> Iterator[None]:
    """What a table or a manifest raises that makes no sense -> BadRun."""
    try:
        yield
    except (OSError, pa.ArrowException, LookupError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join((str(error) or repr(error)).split())[:200]
        raise BadRun(f"{path}: is damaged ({reason}); scan again") from None
