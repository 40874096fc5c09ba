"""Documents of equal letters that were not in their component: they follow its verdict on their group.

In a component is of each exact group only the first document and the two best.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa

from ...clustering import verdict
from ...core.settings import Settings
from ...core.verdicts import KEPT, NO_FIGURE, RELATIONS, REWRITTEN
from ..arrow import Batches, Columns, batch, ddl, mapped
from ..checkpoints import Frame
from .verdict import GROUP, RULED, VERDICT
from .verify import VERIFIED, Library, pairs_of, verified

OWN: Columns = {"left": "int64", "right": "int64", "skeleton": "double"}  # null where it is not enough
FIGURE_NAMES = ("jaccard", "containment", "discounted_jaccard", "discounted_containment")
OF_GROUP = (
    *("cluster", "canonical", "witness", *FIGURE_NAMES, "size", "witness_size"),
    *("lost", "figure", "value", "line", "family"),
)


def _own(s: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Verified pairs -> the Jaccard of their skeletons where they are rewritten."""
    limits = verdict.thresholds(s)
    for one in batches:
        table = pa.Table.from_batches([one])
        docs = np.unique(np.concatenate([table.column(x).to_numpy() for x in ("left", "right")]))
        found = pairs_of(table, docs)
        sides = docs[found.docs].reshape(-1, 2)
        classified = limits.classify(found)
        figure = pa.array(found.skeleton_jaccard, mask=~(classified.rewritten & classified.reached))
        yield batch(OWN, {"left": sides[:, 0], "right": sides[:, 1], "skeleton": figure})


def ruled(decided: Frame, documents: Frame, rest: Frame, own: Frame, s: Settings) -> Frame:
    """Decided documents, and those that follow their speaker -> the verdict of every document."""
    from pyspark.sql import functions as f

    mine = decided.where(f.col("what") == VERDICT).select("doc", *RULED)
    all_rows = mine.unionByName(_followers(rest, mapped(own, partial(_own, s), OWN)))
    itself, one, none = f.col("doc"), f.lit(1.0), f.lit(0)
    defaults = {
        **dict.fromkeys(("cluster", "canonical", "witness"), itself),
        **dict.fromkeys(("jaccard", "containment", "discounted_jaccard", "discounted_containment"), one),
        **{"relation": none, "size": none, "witness_size": none, "reason": f.lit("")},
        **{"lost": f.lit(0.0), "figure": none, "value": one, "line": one, "family": f.lit(-1)},
        "skeleton_jaccard": f.lit(float("nan")),
    }
    joined = documents.select("doc").join(all_rows, "doc", "left")
    return joined.select("doc", *(f.coalesce(name, defaults[name]).alias(name) for name in RULED))


def rest(decided: Frame, equal: Frame, few: Frame, s: Settings) -> Frame:
    """Documents of equal letters that were not in their component, with what holds for their group.

    `over` is the relation of the group to that of its witness, -1 where its speaker is kept; `follows`,
    whether the document is dropped for its speaker or the speaker's witness.
    """
    from pyspark.sql import functions as f

    groups = decided.where(f.col("what") == GROUP)
    groups = groups.select(f.col("doc").alias("same"), f.col("kind").alias("over"), *OF_GROUP)
    rest = equal.join(few.select("doc"), "doc", "left_anti").select("doc", "same", "kind")
    drops = [RELATIONS.index(name) for name in verdict.parse_relations(s.relations)]
    follows = f.col("kind").isin(drops) if drops else f.lit(False)
    return rest.join(groups, "same").withColumn("follows", follows)


def own_skeletons(rest: Frame, library: Library, s: Settings, few: int) -> Frame:
    """VERIFIED pairs of such documents with their witness, where their group is rewritten."""
    from pyspark.sql import functions as f

    rest = rest.where(f.col("follows") & (f.col("over") == REWRITTEN))
    sides = [f.least("doc", "witness").alias("left"), f.greatest("doc", "witness").alias("right")]
    pairs = rest.select(*sides, f.lit(0).alias("n_left"), f.lit(0).alias("n_right"))
    n = pairs.count()
    if not n:
        return pairs.sparkSession.createDataFrame([], ddl(VERIFIED))
    return verified(pairs, library, s, n <= few)


def _followers(rest: Frame, own: Frame) -> Frame:
    """Documents that were not in their component, OWN -> their verdicts."""
    from pyspark.sql import functions as f

    pair = (f.least("doc", "witness") == f.col("left")) & (f.greatest("doc", "witness") == f.col("right"))
    rest = rest.join(own, pair, "left")
    rewritten = f.col("over") == REWRITTEN
    lost = ~f.col("follows") | (rewritten & f.col("skeleton").isNull())
    relation = f.when(f.col("over") < 0, f.col("kind")).otherwise(f.col("over"))
    skeleton = f.when(~lost & rewritten, f.col("skeleton")).otherwise(float("nan"))
    figure = f.when(lost, NO_FIGURE).otherwise(f.col("figure")).cast("tinyint")
    value = f.when(lost, 1.0).when(rewritten, f.col("skeleton")).otherwise(f.col("value"))
    values = {
        **{name: f.when(lost, 1.0).otherwise(f.col(name)) for name in OF_GROUP if name in FIGURE_NAMES},
        **{name: f.when(lost, 0).otherwise(f.col(name)) for name in ("size", "witness_size")},
        "witness": f.when(lost, f.col("doc")).otherwise(f.col("witness")),
        "relation": f.when(lost, KEPT).otherwise(relation).cast("tinyint"),
        **{"skeleton_jaccard": skeleton, "reason": f.lit(""), "figure": figure, "value": value},
        **{"lost": f.when(lost, 0.0).otherwise(f.col("lost")), "family": f.col("family")},
        "line": f.when(lost, 1.0).otherwise(f.col("line")),
        **{name: f.col(name) for name in ("cluster", "canonical")},
    }
    return rest.select("doc", *(values[name].alias(name) for name in RULED))
