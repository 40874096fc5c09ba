"""What grows with the text, signatures and anchors, written by executors: the .npy files of a run.

In a folder of this machine each is one file, and every task writes into the middle of it.  At an address
that cannot be done: there each is a folder of parts, which one after the other are the same file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...core.settings import Settings
from ...readers.storage.addresses import StorageFolder, is_address
from ...runs.array_store import FILES, HEADER, header
from ...runs.atomic import flushed
from ..arrow import Batches, Columns, batch, mapped, numbers, offsets_from_sizes, texts
from ..checkpoints import Frame
from .tables import WRITTEN, WrittenTables, put

DONE: Columns = {"rows": "int64"}
SUM: Columns = {"number": "int64", "checksum": "int64"}
PART_BYTES = 32 << 20  # of one file, in a part of it
COLUMNS = {
    **{"signatures": "values", "skeletons": "skeletons"},
    **{"anchor_hashes": "anchor_hash", "anchor_positions": "anchor_place"},
}


def write_arrays(
    documents: Frame, tables: StorageFolder, n_docs: int, n_anchors: int, s: Settings, written: WrittenTables
) -> None:
    """Documents (doc, anchors_before, and the columns of the pass) -> the .npy files."""
    heads = {}
    for name, dtype in FILES.items():
        shape = (n_docs, s.num_perm) if name in ("signatures", "skeletons") else (n_anchors,)
        heads[name] = header(dtype, shape)
    if is_address(tables.at):
        _in_parts(documents, tables, heads, max(1, PART_BYTES // (4 * s.num_perm)), written)
    else:
        sizes = [(n_docs if i < 2 else n_anchors) for i in range(len(FILES))]
        _in_place(documents, Path(tables.at), heads, dict(zip(FILES, sizes, strict=True)), s, written)


# ------------------------------------------------------------------ one file each


def _in_place(
    documents: Frame,
    folder: Path,
    heads: dict[str, bytes],
    rows: dict[str, int],
    s: Settings,
    written: WrittenTables,
) -> None:
    from pyspark.sql import functions as f

    for name, head in heads.items():
        width = s.num_perm if name in ("signatures", "skeletons") else 1
        with open(folder / f"{name}.npy", "wb") as file:
            file.write(head)
            file.truncate(HEADER + rows[name] * width * np.dtype(FILES[name]).itemsize)
    placed = documents.select("doc", "anchors_before", *COLUMNS.values())
    mapped(placed, partial(_put_in_place, str(folder)), DONE).agg(f.sum("rows")).first()
    names = list(FILES)

    def summed(batches: Batches) -> Iterator[pa.RecordBatch]:
        for one in batches:
            for number in one.column(0).to_pylist():
                found = flushed(Path(folder, f"{names[number]}.npy"))
                yield batch(SUM, {"number": [number], "checksum": [found]})

    for row in mapped(documents.sparkSession.range(0, len(names), 1, len(names)), summed, SUM).collect():
        written.checksums[f"{names[row['number']]}.npy"] = int(row["checksum"])


def _put_in_place(folder: str, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Rows (at, values, ...) sorted by document -> written where they belong in the files.

    NOTE: a task may run twice, and both write the same bytes to the same places.
    """
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


# ------------------------------------------------------------------ in parts


def _in_parts(
    documents: Frame,
    tables: StorageFolder,
    heads: dict[str, bytes],
    docs_of_part: int,
    written: WrittenTables,
) -> None:
    from pyspark.sql import functions as f

    part = f.floor(f.col("doc") / docs_of_part).cast("bigint").alias("part")
    rows = documents.select("doc", part, *COLUMNS.values()).repartition("part")
    made = mapped(
        rows.sortWithinPartitions("part", "doc"), partial(_put_in_parts, tables, PART_BYTES), WRITTEN
    ).collect()
    for name, head in heads.items():
        (first,) = put(tables, f"{name}.npy", "head", 0, head).to_pylist()
        own = [row for row in made if row["file"] == f"{name}.npy"]
        written.add(f"{name}.npy", [first.values(), *own])


def _put_in_parts(tables: StorageFolder, part_bytes: int, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Rows sorted by part and document -> files of about `part_bytes`, more of them where a part has more.

    NOTE: where a file ends depends on its rows only, never on how they are cut into batches.
    """
    held: dict[str, list[bytes]] = {name: [] for name in COLUMNS}
    sizes, nth, current = dict.fromkeys(COLUMNS, 0), dict.fromkeys(COLUMNS, 0), -1

    def put_held(name: str) -> pa.RecordBatch:
        own = f"part-{current:08d}-{nth[name]:04d}"
        made = put(tables, f"{name}.npy", own, 0, b"".join(held[name]))
        held[name], sizes[name], nth[name] = [], 0, nth[name] + 1
        return made

    for table in (pa.Table.from_batches([one]) for one in batches if one.num_rows):
        ends = [*offsets_from_sizes(table, ["part"]).tolist()[1:], table.num_rows]
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            some = table.slice(start, end - start)
            part = int(numbers(some, "part")[0])
            if part != current:
                yield from (put_held(name) for name in COLUMNS if sizes[name])
                current, nth = part, dict.fromkeys(COLUMNS, 0)
            for name, column in COLUMNS.items():
                for row in texts(some, column):
                    held[name].append(row)
                    sizes[name] += len(row)
                    if sizes[name] >= part_bytes:
                        yield put_held(name)
    yield from (put_held(name) for name in COLUMNS if sizes[name])
