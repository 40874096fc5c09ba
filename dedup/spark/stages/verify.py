"""Pairs of documents, verified on executors: their texts are joined to them block by block.

A block is a document and at most some hundred pairs in which it is the larger one, so its text is sent
once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...clustering import verdict
from ...core.features import Spans
from ...core.pairs import CandidatePairs, VerifiedPairs
from ...core.settings import Settings
from ...matching import verify
from ...runs.tables import packed
from ...text.normalize import letter_table
from ..arrow import Batches, Columns, batch, in_groups, mapped, numbers, texts
from ..checkpoints import Frame

FIGURES: Columns = {
    name: "binary" if values.ndim > 1 else "bool" if values.dtype == np.bool_ else "int64"
    for name, values in VerifiedPairs.none().columns().items()
}
VERIFIED: Columns = {**FIGURES, "sure": "bool"}  # sure: by its texts alone
SIDES = ("left", "right")
PAIRS_OF_BLOCK = 256
FEW = 1_000_000  # rows that are sent to all tasks


def figures(pairs: VerifiedPairs, docs: NDArray[np.int64]) -> dict[str, Any]:
    """Verified pairs of documents docs[0], docs[1], ... -> columns of FIGURES."""
    columns = pairs.columns() | dict(zip(SIDES, docs[pairs.docs].reshape(-1, 2).T, strict=True))
    return {name: packed(values) if values.ndim > 1 else values for name, values in columns.items()}


def pairs_of(table: pa.Table, docs: NDArray[np.int64]) -> VerifiedPairs:
    """Columns of FIGURES -> verified pairs, sorted, numbered by their places in docs, rising."""

    def column(name: str, row: NDArray[Any]) -> NDArray[Any]:
        if row.ndim:
            return np.frombuffer(b"".join(texts(table, name)), row.dtype)
        return np.searchsorted(docs, numbers(table, name)) if name in SIDES else numbers(table, name)

    return VerifiedPairs.none().merged(VerifiedPairs.of_columns(column))


def spans_of(starts: list[bytes | None], ends: list[bytes | None]) -> Spans:
    """Packed stretches of boilerplate of each document -> Spans."""
    start, end = (np.frombuffer(b"".join(x or b"" for x in side), np.int64) for side in (starts, ends))
    sizes = np.array([len(x or b"") // 8 for x in starts], np.int64)
    return Spans(start, end, np.r_[0, np.cumsum(sizes)].astype(np.int64))


class TaskTexts:
    """The texts that came with some rows: (doc, text, start, end), where text is not null."""

    def __init__(self, table: pa.Table) -> None:
        rows = np.flatnonzero(table.column("text").is_valid().to_numpy(zero_copy_only=False))
        docs, first = np.unique(numbers(table, "doc")[rows], return_index=True)
        self.docs = docs
        some = table.take(pa.array(rows[first]))
        self.texts = texts(some, "text")
        self.spans = spans_of(texts(some, "start"), texts(some, "end"))

    def verified(self, pairs: NDArray[np.int64], s: Settings) -> VerifiedPairs:
        """Pairs int64[n, 2] of documents here -> verified, numbered by their places in `docs`."""
        local = CandidatePairs.of(np.searchsorted(self.docs, pairs).astype(np.int32))
        n_bytes = np.array([len(t) for t in self.texts], np.int64)

        def read(some: NDArray[np.int32]) -> list[bytes | None]:
            return [self.texts[d] for d in some.tolist()]

        limits = verdict.thresholds(s)
        return verify.verify(local, n_bytes, read, letter_table(), s.k, self.spans, limits, map)


def _verify_blocks(s: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    limits = verdict.thresholds(s)
    for table in in_groups(batches, ["block", "chunk"]):
        pairs = table.filter(table.column("text").is_null())
        here = TaskTexts(table)
        both = np.stack([numbers(pairs, "left"), numbers(pairs, "right")], axis=1)
        found = here.verified(both, s)
        classified = limits.classify(found)
        sure = classified.similar | classified.apart | classified.noisy_part
        yield batch(VERIFIED, {**figures(found, here.docs), "sure": sure})


@dataclass(frozen=True)
class Library:
    """The texts of all documents (doc, text), and their boilerplate (doc, start, end)."""

    texts: Frame
    frames: Frame

    def of(self, wanted: Frame, few: bool) -> Frame:
        """Rows with a doc -> the same with text, start, end.

        Where they are few, they go to the texts; else the texts go to them.
        """
        from pyspark.sql import functions as f

        found = (f.broadcast(wanted) if few else wanted).join(self.texts, "doc")
        return found.join(self.frames, "doc", "left")


def blocks(pairs: Frame, library: Library, few: bool) -> Frame:
    """Pairs (left, right, block) -> rows of pairs and of their texts, block by block."""
    from pyspark.sql import functions as f

    counts = pairs.groupBy("block").count().where(f.col("count") > PAIRS_OF_BLOCK)
    other = f.when(f.col("left") == f.col("block"), f.col("right")).otherwise(f.col("left"))
    chunks = f.ceil(f.coalesce("count", f.lit(1)) / PAIRS_OF_BLOCK)
    pairs = pairs.join(counts, "block", "left")
    pairs = pairs.withColumn("chunk", f.pmod(f.xxhash64(other), chunks).cast("bigint"))
    pairs = pairs.select("block", "chunk", "left", "right")
    sides = [pairs.select("block", "chunk", f.col(side).alias("doc")) for side in ("left", "right")]
    wanted = library.of(sides[0].union(sides[1]).distinct(), few)
    rows = wanted.unionByName(pairs, allowMissingColumns=True)
    return rows.repartition("block", "chunk").sortWithinPartitions("block", "chunk")


def verified(pairs: Frame, library: Library, s: Settings, few: bool = False) -> Frame:
    """Pairs (left, right, n_left, n_right) -> VERIFIED, a row of each."""
    from pyspark.sql import functions as f

    larger = f.when(f.col("n_left") > f.col("n_right"), f.col("left")).otherwise(f.col("right"))
    rows = blocks(pairs.select("left", "right", larger.alias("block")), library, few)
    return mapped(rows, partial(_verify_blocks, s), VERIFIED)
