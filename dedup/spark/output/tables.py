"""The tables of the run folder, written by executors: the same as `folder.RunFolder.commit` writes.

A table of a run of at most PART documents is one file; else a folder of files, PART documents in each,
whose names are in their order.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from ...core.documents import CHANGED, OK, TOO_SHORT
from ...core.features import Spans
from ...core.pairs import Evidence, Spellings, VerifiedPairs
from ...core.settings import Settings
from ...core.verdicts import Verdict
from ...matching import candidates
from ...pipeline import ingest
from ...readers.storage.addresses import StorageFolder, joined_checksum
from ...runs.array_store import FILES
from ...runs.folder import write_parquet
from ...runs.run import Run
from ...runs.tables import TABLES
from ..arrow import Batches, Columns, batch, each, mapped, numbers, texts, unpacked
from ..checkpoints import Frame
from ..ingest import DOCUMENT
from ..plan import ResultFrames

PART = 1 << 18
DONE: Columns = {"rows": "int64"}
WRITTEN: Columns = {"file": "string", "part": "string", "rows": "int64", "size": "int64", "checksum": "int64"}


def blank_run(s: Settings) -> Run:
    """Return a run of no documents."""
    block, rows, _ = ingest.sign([], s)
    held = candidates.features_in_memory([rows], np.zeros(1, np.int64), s)
    none, zero, ints = np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int64)
    code = np.zeros(0, np.int8)
    figures = (zero, zero, zero, zero, zero, zero, code, zero, zero)
    verdict = Verdict(none, none, none, code, *figures, ints, ints, [], none)
    flags = np.zeros(0, np.bool_)
    evidence = Evidence(VerifiedPairs.none(), flags, flags, Spellings.none())
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


def _parquet(table: pa.Table) -> pa.Buffer:
    out = pa.BufferOutputStream()
    write_parquet(table, out)
    return out.getvalue()


def put(tables: StorageFolder, file: str, part: str, rows: int, data: Any) -> pa.RecordBatch:
    """Write a file of the run, or a part of it -> the row that tells of it.

    NOTE: a task may run twice, and both write the same bytes.
    """
    tables.write(f"{file}/{part}" if part else file, data)
    facts = [file, part, rows, memoryview(data).nbytes, zlib.crc32(data)]
    return batch(WRITTEN, dict(zip(WRITTEN, ([fact] for fact in facts), strict=True)))


def _put_tables(
    name: str,
    tables: StorageFolder,
    single: bool,
    keys: list[str],
    schema: pa.Schema,
    batches: Batches,
) -> Iterator[pa.RecordBatch]:
    """Rows of a table, those of a part together -> its file."""
    for table in each(batches, "part"):
        part = int(numbers(table, "part")[0])
        order = np.lexsort([numbers(table, key) for key in reversed(keys)])
        make = _boilerplate if name == "boilerplate" else _plain
        made = make(table.take(pa.array(order)).combine_chunks(), schema)
        own = "" if single else f"part-{part:08d}.parquet"
        yield put(tables, f"{name}.parquet", own, made.num_rows, _parquet(made))


@dataclass
class WrittenTables:
    """What has been written so far: the rows of each table, the checksum of each file."""

    rows: dict[str, int] = field(default_factory=dict)
    checksums: dict[str, int] = field(default_factory=dict)

    def add(self, file: str, parts: Iterable[Any]) -> None:
        """Return a file, or all parts of it, as their tasks have told."""
        told = sorted(map(tuple, parts))
        self.rows[file.removesuffix(".parquet")] = sum(rows for _, _, rows, _, _ in told)
        self.checksums[file] = joined_checksum((checksum, size) for _, _, _, size, checksum in told)

    def in_order(self) -> tuple[dict[str, int], dict[str, int]]:
        """Rows and checksums as the manifest has them."""
        files = [*(f"{name}.parquet" for name in TABLES), *(f"{name}.npy" for name in FILES)]
        return {name: self.rows[name] for name in TABLES}, {name: self.checksums[name] for name in files}


def write_tables(
    found: ResultFrames,
    tables: StorageFolder,
    n_docs: int,
    s: Settings,
    written: WrittenTables,
    part: int = PART,
) -> None:
    """The result -> its tables, all but `sources`."""
    from pyspark.sql import functions as f

    blank = {name: make(blank_run(s)) for name, make in TABLES.items()}
    for name, (frame, keys) in _rows(found, s).items():
        number = f.floor(f.col(keys[0]) / part) if n_docs > part else f.lit(0)
        parted = frame.withColumn("part", number.cast("bigint")).repartition("part")
        write = partial(_put_tables, name, tables, n_docs <= part, keys, blank[name].schema)
        rows = mapped(parted.sortWithinPartitions("part"), write, WRITTEN).collect()
        if rows:
            written.add(f"{name}.parquet", rows)
        else:
            write_one(name, blank[name], tables, written)


def write_one(name: str, table: pa.Table, tables: StorageFolder, written: WrittenTables) -> None:
    """Return a table that the driver has."""
    row = put(tables, f"{name}.parquet", "", table.num_rows, _parquet(table)).to_pylist()[0]
    written.add(f"{name}.parquet", [row.values()])


def _rows(found: ResultFrames, s: Settings) -> dict[str, tuple[Frame, list[str]]]:
    """Return the rows of each table, and by what they are sorted."""
    from pyspark.sql import functions as f

    documents = stated(found.documents, found.letters, s.k).withColumn("status", f.col("state"))
    documents = documents.withColumn("n_anchors", (f.length("anchor_hash") / 8).cast("bigint"))
    spans = found.boilerplate.select(f.col("doc").alias("same"), "start", "end")
    spans = found.letters.select("doc", "same").join(spans, "same").select("doc", "start", "end")
    return {
        "documents": (documents.select("doc", *DOCUMENT, "n_anchors"), ["doc"]),
        "pairs": (found.pairs, ["left", "right"]),
        "compared": (found.compared.withColumnRenamed("part", "by_anchors"), ["left", "right"]),
        "spellings": (found.spellings.drop("same"), ["doc"]),
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
