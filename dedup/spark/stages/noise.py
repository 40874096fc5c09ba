"""Documents that share rare values and may be noisy copies: `matching.noise` on executors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...core.by_letters import ABOUT_AS_LONG, SHORT
from ...core.settings import Settings
from ...matching.noise import framed, may_be_copies, rare, shared
from ...text.normalize import letter_table
from ..arrow import Batches, Columns, batch, in_groups, mapped, numbers, texts
from ..checkpoints import Frame
from .bands import signatures
from .verify import Library, TaskTexts, blocks, spans_of

VALUE: Columns = {"value": "int64", "doc": "int64", "n_letters": "int64", "framed": "bool"}
PAIR: Columns = {"left": "int64", "right": "int64"}


def _values(s: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Documents (doc, n_letters, values, start, end) -> a row of VALUE for each value of a signature."""
    places = np.arange(s.num_perm, dtype=np.int64) << 32
    for one in batches:
        found = signatures(one, "values", s).astype(np.int64) | places
        frames = spans_of(texts(one, "start"), texts(one, "end"))
        facts = numbers(one, "doc"), numbers(one, "n_letters"), framed(numbers(one, "n_letters"), frames)
        docs, sizes, in_frame = (np.repeat(fact, s.num_perm) for fact in facts)
        yield batch(VALUE, {"value": found.ravel(), "doc": docs, "n_letters": sizes, "framed": in_frame})


def _copies(batches: Batches) -> Iterator[pa.RecordBatch]:
    """Rows of pairs and of their texts, block by block -> the pairs (PAIR) that may be copies."""
    for table in in_groups(batches, ["block", "chunk"]):
        pairs = table.filter(table.column("text").is_null())
        here = TaskTexts(table)
        both = np.stack([numbers(pairs, "left"), numbers(pairs, "right")], axis=1)
        local = np.searchsorted(here.docs, both).astype(np.int32)

        def read(docs: NDArray[np.int32], here: TaskTexts = here) -> list[bytes | None]:
            return [here.texts[d] for d in docs.tolist()]

        found = both[may_be_copies(local, read, letter_table(), map)]
        yield batch(PAIR, {"left": found[:, 0], "right": found[:, 1]})


def noisy_pairs(firsts: Frame, known: Frame, library: Library, s: Settings) -> Frame:
    """Documents (doc, n_letters, values), known pairs (left, right) -> (left, right, n_left, n_right).

    They are the candidates of `matching.noise.find_noisy_pairs`.
    """
    from pyspark.sql import functions as f

    documents = firsts.where(f.col("n_letters") >= SHORT).select("doc", "n_letters", "values")
    n_docs = documents.count()
    documents = documents.join(library.frames, "doc", "left")
    values = mapped(documents, partial(_values, s), VALUE)
    few = values.groupBy("value").count().where(f.col("count").between(2, rare(n_docs))).select("value")
    values = values.join(few, "value")
    sides = [
        values.select(
            *("value", f.col("doc").alias(side), f.col("n_letters").alias(f"n_{side}")),
            f.col("framed").alias(f"framed_{side}"),
        )
        for side in ("left", "right")
    ]
    pairs = sides[0].join(sides[1], "value").where("left < right and not (framed_left and framed_right)")
    shorter, longer = (take("n_left", "n_right") for take in (f.least, f.greatest))
    pairs = pairs.where(shorter >= ABOUT_AS_LONG * longer)
    pairs = pairs.groupBy("left", "right", "n_left", "n_right").count()
    pairs = pairs.where(f.col("count") >= shared(n_docs)).drop("count")
    pairs = pairs.join(known, ["left", "right"], "left_anti")
    rows = blocks(pairs.select("left", "right", f.col("left").alias("block")), library, False)
    return pairs.join(mapped(rows, _copies, PAIR), ["left", "right"])
