"""The tables of the run folder, written by executors: the same as `folder.RunFolder.commit` writes.

A table of a run of at most PART documents is one file; else a folder of files, PART documents in each,
whose names are in their order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..folder import write_table
from ..intake import collect
from ..model import CHANGED, TOO_SHORT, Spans, Verdict, VerifiedPairs
from ..run import Run
from ..settings import Settings
from ..tables import tables_of
from .arrow import Columns, batch, ddl, in_groups, numbers, texts, unpacked
from .flow import Found
from .reading import DOCUMENT
from .store import Frame
from .verifying import FIGURES

PART = 1 << 18
DONE: Columns = {"table": "string", "rows": "int64"}


def schemas(s: Settings) -> dict[str, pa.Schema]:
    """The schema of each table."""
    return {name: table.schema for name, table in empty(s).items()}


def empty(s: Settings) -> dict[str, pa.Table]:
    """The tables of a run of no documents."""
    return tables_of(empty_run(s))


def empty_run(s: Settings) -> Run:
    """A run of no documents."""
    documents, signatures, anchors, *_ = collect([], s)
    none, zero = np.zeros(0, np.int32), np.zeros(0)
    ints = np.zeros(0, np.int64)
    verdict = Verdict(none, none, none, np.zeros(0, np.int8), *[zero] * 5, ints, ints, [])
    pairs, kinds = VerifiedPairs.none(), np.zeros(0, np.int8)
    load = (lambda: signatures), (lambda: anchors)
    return Run([], [], documents, pairs, kinds, verdict, Spans.none(0), {}, *load)


def _documents(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [_cast(table.column(f.name), f.type) for f in schema]
    return pa.table(columns, schema=schema)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_fixed_size_binary(kind):
        data = b"".join(values.to_pylist())
        return pa.FixedSizeBinaryArray.from_buffers(kind, len(values), [None, pa.py_buffer(data)])
    return values.cast(kind)


def _signatures(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = []
    for name, kind in (("values", schema.field("signature")), ("skeletons", schema.field("skeleton"))):
        flat = unpacked(texts(table, name), np.uint32)[0]
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), kind.type.list_size))
    return pa.table(columns, schema=schema)


def _exploded(table: pa.Table, names: dict[str, Any], repeated: str = "doc") -> dict[str, Any]:
    flat = {name: unpacked([x or b"" for x in texts(table, name)], dtype) for name, dtype in names.items()}
    starts = next(iter(flat.values()))[1]
    return {
        repeated: np.repeat(numbers(table, repeated), np.diff(starts)),
        **{n: v for n, (v, _) in flat.items()},
    }


def _anchors(table: pa.Table, schema: pa.Schema) -> pa.Table:
    found = _exploded(table, {"anchor_hash": np.uint64, "anchor_place": np.int32})
    return pa.table(
        [
            pa.array(found[n]).cast(f.type)
            for n, f in zip(("anchor_hash", "doc", "anchor_place"), schema, strict=True)
        ],
        schema=schema,
    )


def _boilerplate(table: pa.Table, schema: pa.Schema) -> pa.Table:
    found = _exploded(table, {"start": np.int64, "end": np.int64})
    return pa.table([pa.array(found[f.name]).cast(f.type) for f in schema], schema=schema)


MAKE: dict[str, Callable[[pa.Table, pa.Schema], pa.Table]] = {
    "documents": _documents,
    "signatures": _signatures,
    "anchors": _anchors,
    "pairs": _documents,
    "boilerplate": _boilerplate,
    "verdict": _documents,
}


def _writer(name: str, folder: str, single: bool, keys: list[str], schema: pa.Schema) -> Any:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in in_groups(batches, ["part"], rows=1, size=1):
            part = int(numbers(table, "part")[0])
            order = np.lexsort([numbers(table, key) for key in reversed(keys)])
            made = MAKE[name](table.take(pa.array(order)).combine_chunks(), schema)
            path = Path(folder, f"{name}.parquet")
            if not single:
                path.mkdir(exist_ok=True)
                path = path / f"part-{part:08d}.parquet"
            mine = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
            write_table(made, mine, name)
            os.replace(mine, path)  # subtle: a task may run twice, and both write the same bytes
            yield batch(DONE, {"table": [name], "rows": [made.num_rows]})

    return run


def write_tables(found: Found, folder: Path, n_docs: int, s: Settings, part: int = PART) -> dict[str, int]:
    """The result -> tables in the folder; returns the rows of each but `sources`."""
    from pyspark.sql import functions as f

    short = f.concat(f.col("n_letters").cast("string"), f.lit(f" letters; a shingle has {s.k}"))
    note = f.when(f.col("state") == TOO_SHORT, short).otherwise(f.col("note"))
    note = f.when(f.col("state") == CHANGED, _changed_note()).otherwise(note)
    documents = found.documents.join(found.letters.select("doc", "state"), "doc")
    documents = documents.withColumn("note", note).withColumn("status", f.col("state"))
    spans = found.boilerplate.select(f.col("doc").alias("same"), "start", "end")
    spans = found.letters.select("doc", "same").join(spans, "same").select("doc", "start", "end")
    rows: dict[str, tuple[Frame, list[str]]] = {
        "documents": (documents.select("doc", *DOCUMENT), ["doc"]),
        "signatures": (found.documents.select("doc", "values", "skeletons"), ["doc"]),
        "anchors": (found.documents.select("doc", "anchor_hash", "anchor_place"), ["doc"]),
        "pairs": (found.pairs.select(*FIGURES, "relation"), ["left", "right"]),
        "boilerplate": (spans, ["doc"]),
        "verdict": (found.verdict, ["doc"]),
    }
    blank, kinds = empty(s), schemas(s)
    sizes = {}
    for name, (frame, keys) in rows.items():
        number = f.floor(f.col(keys[0]) / part).cast("bigint") if n_docs > part else f.lit(0).cast("bigint")
        parted = frame.withColumn("part", number).repartition("part").sortWithinPartitions("part")
        write = _writer(name, str(folder), n_docs <= part, keys, kinds[name])
        done = parted.mapInArrow(write, ddl(DONE)).agg(f.sum("rows")).first()
        sizes[name] = int(done[0] or 0)
        if not (folder / f"{name}.parquet").exists():
            write_table(blank[name], folder / f"{name}.parquet", name)
    return sizes


def _changed_note() -> Any:
    from pyspark.sql import functions as f

    return f.coalesce(
        f.nullif(f.col("note"), f.lit("")), f.lit("the file changed or vanished during the scan")
    )
