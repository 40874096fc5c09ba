"""The tables of the run folder, written by executors: the same as `folder.RunFolder.commit` writes.

A table of a run of at most PART documents is one file; else a folder of files, PART documents in each,
whose names are in their order.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .. import candidates, intake
from ..folder import flush, flushed, write_table
from ..model import CHANGED, OK, TOO_SHORT, Evidence, Forms, Spans, Verdict, VerifiedPairs
from ..run import Run
from ..settings import Settings
from ..store import FILES, HEADER, header
from ..tables import TABLES
from .arrow import Columns, Mapper, batch, each, mapped, numbers, texts, unpacked
from .flow import Found
from .reading import DOCUMENT
from .store import Frame

PART = 1 << 18
DONE: Columns = {"rows": "int64"}
SUM: Columns = {"name": "string", "checksum": "int64"}


def blank_run(s: Settings) -> Run:
    """A run of no documents."""
    block, rows, _ = intake.sign([], s)
    held = candidates.held_in_memory([rows], np.zeros(1, np.int64), s)
    none, zero, ints = np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int64)
    verdict = Verdict(none, none, none, np.zeros(0, np.int8), zero, zero, zero, zero, zero, ints, ints, [])
    evidence = Evidence(VerifiedPairs.none(), np.zeros(0, np.bool_), Forms.none())
    pairs, kinds = VerifiedPairs.none(), np.zeros(0, np.int8)
    load = (lambda: held.signatures), (lambda: held.anchors), (lambda: evidence), (lambda: Spans.none(0))
    return Run([], [], block.documents, pairs, kinds, verdict, {}, *load, held.anchors.start)


def _plain(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return pa.table([_cast(table.column(f.name), f.type) for f in schema], schema=schema)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_fixed_size_binary(kind):
        data = b"".join(values.to_pylist())
        return pa.FixedSizeBinaryArray.from_buffers(kind, len(values), [None, pa.py_buffer(data)])
    return values.cast(kind)


def _boilerplate(table: pa.Table, schema: pa.Schema) -> pa.Table:
    (start, at), (end, _) = (
        unpacked([x or b"" for x in texts(table, n)], np.int64) for n in ("start", "end")
    )
    columns = [np.repeat(numbers(table, "doc"), np.diff(at)), start, end]
    return pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _writer(name: str, folder: str, single: bool, keys: list[str], schema: pa.Schema) -> Mapper:
    """-> rows of a table, those of a part together -> its file."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in each(batches, "part"):
            part = int(numbers(table, "part")[0])
            order = np.lexsort([numbers(table, key) for key in reversed(keys)])
            make = _boilerplate if name == "boilerplate" else _plain
            made = make(table.take(pa.array(order)).combine_chunks(), schema)
            path = Path(folder, f"{name}.parquet")
            if not single:
                path.mkdir(exist_ok=True)
                path = path / f"part-{part:08d}.parquet"
            mine = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
            write_table(made, mine)
            flush(mine)
            os.replace(mine, path)  # subtle: a task may run twice, and both write the same bytes
            yield batch(DONE, {"rows": [made.num_rows]})

    return run


def write_tables(found: Found, folder: Path, n_docs: int, s: Settings, part: int = PART) -> dict[str, int]:
    """The result -> tables in the folder; returns the rows of each but `sources`."""
    from pyspark.sql import functions as f

    blank, sizes = {name: make(blank_run(s)) for name, make in TABLES.items()}, {}
    for name, (frame, keys) in _rows(found, s).items():
        number = f.floor(f.col(keys[0]) / part) if n_docs > part else f.lit(0)
        parted = frame.withColumn("part", number.cast("bigint")).repartition("part")
        write = _writer(name, str(folder), n_docs <= part, keys, blank[name].schema)
        done = mapped(parted.sortWithinPartitions("part"), write, DONE).agg(f.sum("rows")).first()
        sizes[name] = int(done[0] or 0)
        if not (folder / f"{name}.parquet").exists():
            write_table(blank[name], folder / f"{name}.parquet")
    return sizes


def _rows(found: Found, s: Settings) -> dict[str, tuple[Frame, list[str]]]:
    """The rows of each table, and by what they are sorted."""
    from pyspark.sql import functions as f

    documents = stated(found.documents, found.letters, s.k).withColumn("status", f.col("state"))
    documents = documents.withColumn("n_anchors", (f.length("anchor_hash") / 8).cast("bigint"))
    spans = found.boilerplate.select(f.col("doc").alias("same"), "start", "end")
    spans = found.letters.select("doc", "same").join(spans, "same").select("doc", "start", "end")
    return {
        "documents": (documents.select("doc", *DOCUMENT, "n_anchors"), ["doc"]),
        "pairs": (found.pairs, ["left", "right"]),
        "compared": (found.compared.withColumnRenamed("part", "by_anchors"), ["left", "right"]),
        "forms": (found.forms.drop("same"), ["doc"]),
        "boilerplate": (spans, ["doc"]),
        "verdict": (found.verdict, ["doc"]),
    }


def stated(documents: Frame, letters: Frame, k: int) -> Frame:
    """Documents with their final `state`, and the note that goes with it."""
    from pyspark.sql import functions as f

    short = f.concat(f.col("n_letters").cast("string"), f.lit(f" letters; a shingle has {k}"))
    lost = (f.col("state") == CHANGED) & (f.col("status") == OK)
    gone = f.lit("the file changed or vanished during the scan")
    note = f.when(f.col("state") == TOO_SHORT, short).when(lost, gone).otherwise(f.col("note"))
    return documents.join(letters.select("doc", "state"), "doc").withColumn("note", note)


# ------------------------------------------------------------------ the files of the store

COLUMNS = {
    **{"signatures": "values", "skeletons": "skeletons"},
    **{"anchor_hashes": "anchor_hash", "anchor_positions": "anchor_place"},
}


def _placer(folder: str) -> Mapper:
    """-> rows (at, values, ...) sorted by document -> written where they belong in the files.

    subtle: a task may run twice, and both write the same bytes to the same places.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        files = {name: os.open(Path(folder, f"{name}.npy"), os.O_WRONLY) for name in COLUMNS}
        try:
            for one in batches:
                for name, column in COLUMNS.items():
                    start = numbers(one, "doc" if name in ("signatures", "skeletons") else "anchors_before")
                    _place(files[name], texts(one, column), start, name)
                yield batch(DONE, {"rows": [one.num_rows]})
        finally:
            for file in files.values():
                os.close(file)

    return run


def _place(file: int, rows: list[bytes], start: Any, name: str) -> None:
    """Write each row at its place; rows that follow one another are written at once."""
    item = np.dtype(FILES[name]).itemsize
    width = max(map(len, rows), default=0) if name in ("signatures", "skeletons") else item
    at = (HEADER + start.astype(np.int64) * width).tolist()
    i = 0
    while i < len(rows):
        j, end = i + 1, at[i] + len(rows[i])
        while j < len(rows) and at[j] == end:
            end += len(rows[j])
            j += 1
        data = memoryview(b"".join(rows[i:j]))
        written = 0
        while written < len(data):
            written += os.pwrite(file, data[written:], at[i] + written)
        i = j


def write_store(documents: Frame, folder: Path, n_docs: int, n_anchors: int, s: Settings) -> None:
    """Documents (doc, anchors_before, and the columns of the pass) -> the .npy files of the folder."""
    from pyspark.sql import functions as f

    for name, dtype in FILES.items():
        shape = (n_docs, s.num_perm) if name in ("signatures", "skeletons") else (n_anchors,)
        with open(folder / f"{name}.npy", "wb") as file:
            file.write(header(dtype, shape))
            file.truncate(HEADER + int(np.prod(shape)) * np.dtype(dtype).itemsize)
    rows = documents.select("doc", "anchors_before", *COLUMNS.values())
    mapped(rows, _placer(str(folder)), DONE).agg(f.sum("rows")).first()


def checksums(spark: Any, folder: Path) -> dict[str, int]:
    """The tables in a folder -> the checksum of each, made by executors, which flush them to disk."""
    names = sorted(p.name for p in folder.iterdir())

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for one in batches:
            for number in one.column(0).to_pylist():
                found = {"name": [names[number]], "checksum": [flushed(Path(folder, names[number]))]}
                yield batch(SUM, found)

    rows = mapped(spark.range(0, len(names), 1, len(names)), run, SUM)
    found = {row["name"]: int(row["checksum"]) for row in rows.collect()}
    order = [*(f"{name}.parquet" for name in TABLES), *(f"{name}.npy" for name in FILES)]
    return {name: found[name] for name in order}
