"""Open a run: a run folder, or its address, with the decisions of its review."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..core.errors import BadRun
from ..core.features import Spans
from ..core.pairs import Evidence
from ..matching.update.state import CandidateState
from ..readers.storage.addresses import is_address
from .array_store import ArrayStore
from .atomic import checksum, parts_of
from .manifest import DECISIONS, SMALL, STEPS, TEXTS, manifest_of
from .run import Run
from .summary_shape import SHAPE, check_shape
from .tables import TABLES, evidence_of, run_of, spans_of
from .texts import SavedTexts


def n_rows(path: Path) -> int:
    """Count the rows of a table, a file or a folder of files."""
    return sum(pq.read_metadata(part).num_rows for part in parts_of(path))


@contextlib.contextmanager
def opened_parts(path: Path) -> Iterator[list[pq.ParquetFile]]:
    """Open the files of a table, in order, with the checksums of their pages."""
    # NOTE: not `read_table` or `dataset`, which load pyarrow.dataset and take a third longer to start
    with contextlib.ExitStack() as stack:
        opened = (pq.ParquetFile(p, page_checksum_verification=True) for p in parts_of(path))
        yield [stack.enter_context(file) for file in opened]


# ------------------------------------------------------------------ opening


def open_run(folder: str | os.PathLike[str], as_scanned: bool = False) -> Run:
    """Open a run folder, or its address -> its run, with the decisions of its review, or as it was scanned.

    Raises BadRun when it is missing, of another version or damaged.
    """
    if is_address(folder):
        from . import remote

        return remote.open_copy(os.fspath(folder), partial(open_run, as_scanned=as_scanned))
    folder = Path(folder)
    tables, manifest = manifest_of(folder)
    with _damaged(folder):
        run = _read(tables, manifest)
    return run if as_scanned else as_decided(run, folder)


def as_decided(run: Run, folder: Path) -> Run:
    """Apply the decisions of the review in a run folder to a run as it was scanned."""
    if not (folder / DECISIONS).exists():
        return run
    from . import review, review_log

    return review.apply(run, review_log.read(folder))


def _read(tables: Path, manifest: dict[str, Any]) -> Run:
    small = {name: _read_table(tables, name, manifest["checksums"]) for name in SMALL}
    for name in TABLES:
        n = small[name].num_rows if name in small else n_rows(tables / f"{name}.parquet")
        if n != manifest["rows"][name]:
            raise ValueError(f"{name} has {n} rows, not {manifest['rows'][name]}")
    check_shape(manifest)
    run = run_of(small, {name: manifest[name] for name in SHAPE})
    return on_disk(run, tables, manifest["checksums"])


def _read_table(tables: Path, name: str, checksums: dict[str, int]) -> pa.Table:
    path = tables / f"{name}.parquet"
    _check(path, checksums)
    with _damaged(path), opened_parts(path) as parts:
        return pa.concat_tables([part.read() for part in parts])


def _check(path: Path, checksums: dict[str, int]) -> None:
    with _damaged(path):
        if checksum(path) != checksums[path.name]:
            raise ValueError("its bytes are not those that were written")


def on_disk(run: Run, tables: Path, checksums: dict[str, int]) -> Run:
    """Let a run read its large tables from its folder, and check them, when they are asked for."""
    num_perm, seed, k = (int(run.summary["settings"][name]) for name in ("num_perm", "seed", "k"))

    @cache
    def store() -> ArrayStore:
        with _damaged(tables):
            assert run.anchor_start is not None
            return ArrayStore(tables, len(run.documents), num_perm, run.anchor_start)

    def checked(*names: str) -> ArrayStore:
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

    def steps() -> CandidateState | None:
        if STEPS not in checksums:
            return None
        _check(tables / STEPS, checksums)
        with _damaged(tables / STEPS):
            return CandidateState.load(tables / STEPS)

    texts = None
    if TEXTS in checksums:
        texts = SavedTexts(tables / TEXTS, len(run.documents), lambda: _check(tables / TEXTS, checksums))
    return replace(
        run,
        tables=tables,
        texts=texts,
        load_steps=steps,
        load_signatures=lambda: checked("signatures", "skeletons").signatures(seed, k),
        load_anchors=lambda: checked("anchor_hashes", "anchor_positions").anchors,
        load_evidence=evidence,
        load_spans=spans,
    )


@contextlib.contextmanager
def _damaged(path: Path) -> Iterator[None]:
    """Raise BadRun for whatever a damaged table or manifest raises."""
    try:
        yield
    except (OSError, pa.ArrowException, LookupError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join((str(error) or repr(error)).split())[:200]
        raise BadRun(f"{path}: is damaged ({reason}); scan again") from None
