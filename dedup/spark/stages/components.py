"""Connected components of edges too many for one process: alternating large-star and small-star.

Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii 2014, "Connected Components in MapReduce and
Beyond".  Each round brings every node nearer to the smallest of its component; the number of rounds
grows with the logarithm of the longest chain.  Each round is a stage, so lineage does not grow.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from ...core.components import connected_components
from ..arrow import Batches, Columns, batch, mapped, numbers
from ..checkpoints import Checkpoints, Frame

LABELS: Columns = {"doc": "int64", "label": "int64"}
IN_ONE_TASK = 5_000_000  # edges; so many take one executor some 400 MB and a few seconds


def components(store: Checkpoints, name: str, edges: Frame, in_one_task: int = IN_ONE_TASK) -> Frame:
    """Edges (left, right) -> (doc, label): the smallest document of each one's component."""
    if edges.limit(in_one_task + 1).count() <= in_one_task:
        one = edges.select("left", "right").coalesce(1)
        return store.stage(name, lambda: mapped(one, _united, LABELS))
    return star_rounds(store, name, edges)[0]


def _united(batches: Batches) -> Iterator[pa.RecordBatch]:
    found = [np.stack([numbers(b, "left"), numbers(b, "right")], axis=1) for b in batches]
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *found])
    nodes, local = np.unique(pairs, return_inverse=True)
    label = nodes[connected_components(len(nodes), local.reshape(-1, 2).astype(np.int32))]
    for start in range(0, len(nodes), 100_000):
        some = slice(start, start + 100_000)
        yield batch(LABELS, {"doc": nodes[some], "label": label[some]})


def star_rounds(store: Checkpoints, name: str, edges: Frame) -> tuple[Frame, int]:
    """Edges (left, right) -> ((doc, label), rounds)."""
    from pyspark.sql import functions as f

    larger, smaller = f.greatest("left", "right"), f.least("left", "right")
    now = store.stage(
        f"{name}-0000",
        lambda: edges.where("left != right").select(larger.alias("u"), smaller.alias("v")).distinct(),
    )
    before, turn = _state(now), 0
    while True:
        turn += 1
        now = store.stage(f"{name}-{turn:04d}", lambda now=now: _small_star(_large_star(now)))  # type: ignore[misc]
        state = _state(now)
        if state == before:
            break
        before = state
    found = now.select(f.col("u").alias("doc"), f.col("v").alias("label"))
    tops = now.select(f.col("v").alias("doc"), f.col("v").alias("label")).distinct()
    return store.stage(name, lambda: found.union(tops)), turn


def _state(edges: Frame) -> tuple[int, int]:
    """Two figures that are the same when the edges are."""
    from pyspark.sql import functions as f

    row = edges.agg(f.count("*"), f.sum(f.xxhash64("u", "v").cast("decimal(38,0)"))).first()
    return int(row[0]), int(row[1] or 0)


def _large_star(edges: Frame) -> Frame:
    """Each larger neighbour of a node -> the smallest of the node and its neighbours."""
    from pyspark.sql import functions as f

    both = edges.union(edges.select(f.col("v").alias("u"), f.col("u").alias("v")))
    least = both.groupBy("u").agg(f.min("v").alias("m"))
    joined = both.join(least, "u").where("v > u")
    return joined.select(f.col("v").alias("u"), f.least("u", "m").alias("v")).distinct()


def _small_star(edges: Frame) -> Frame:
    """A node and its smaller neighbours -> the smallest of them."""
    from pyspark.sql import functions as f

    least = edges.groupBy("u").agg(f.min("v").alias("m"))
    others = edges.join(least, "u").where("v != m").select(f.col("v").alias("u"), f.col("m").alias("v"))
    return others.union(least.select("u", f.col("m").alias("v"))).distinct()
