"""The numbers of documents: in the order of their sources, and of their places in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from . import plan
from .checkpoints import Frame


@dataclass(frozen=True)
class Counts:
    """What stands before each window of each source, in their order."""

    before: pa.Table  # source, window, base (documents), lines (of its source), anchors
    n_docs: int
    n_anchors: int
    fields: list[tuple[str, str]]  # by source: text field, id field

    @property
    def amounts(self) -> plan.Amounts:
        """Of all documents."""
        return plan.Amounts(self.n_docs, self.n_anchors)


def counted(passed: Frame, n_sources: int) -> Counts:
    """The documents after the pass -> how many stand before each window, and the fields of each source."""
    from pyspark.sql import functions as f

    document = f.col("ordinal") >= 0
    sums = [
        f.count(f.when(document, 1)),
        f.sum(f.when(document, 0).otherwise(f.col("n_letters"))),
        f.coalesce(f.sum(f.length("anchor_hash") / 8), f.lit(0)).cast("bigint"),
        f.max(f.when(~document, f.col("encoding"))),
        f.max(f.when(~document, f.col("id"))),
    ]
    rows = sorted(tuple(r) for r in passed.groupBy("source", "window").agg(*sums).collect())
    fields = [("", "")] * n_sources
    for source, _, _, _, _, text, name in rows:
        fields[source] = (text or fields[source][0], name or fields[source][1])
    numbers = np.array([row[:5] for row in rows], np.int64).reshape(-1, 5)
    source, window, n_docs, n_lines, n_anchors = numbers.T
    lines = np.cumsum(n_lines) - n_lines
    first = np.flatnonzero(np.r_[True, source[1:] != source[:-1]]) if len(source) else source
    lines -= np.repeat(lines[first], np.diff(np.r_[first, len(source)]))
    columns = {"source": source.astype(np.int32), "window": window, "base": np.cumsum(n_docs) - n_docs}
    columns |= {"lines": lines, "anchors": np.cumsum(n_anchors) - n_anchors}
    return Counts(pa.table(columns), int(n_docs.sum()), int(n_anchors.sum()), fields)


def numbered(spark: Any, passed: Frame, counts: Counts) -> Frame:
    """Documents with their numbers, in the order of (source, place in the source)."""
    from pyspark.sql import functions as f

    before = f.broadcast(spark.createDataFrame(counts.before))
    joined = passed.where("ordinal >= 0").join(before, ["source", "window"])
    record = f.when(f.col("record") > 0, f.col("record") + f.col("lines")).otherwise(f.col("record"))
    joined = joined.withColumn("record", record).withColumn("doc", f.col("base") + f.col("ordinal"))
    return joined.drop("base", "lines", "anchors")


def placed(spark: Any, passed: Frame, counts: Counts) -> Frame:
    """The same, and `anchors_before`: how many anchors all documents before it have; in order by window."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    order = Window.partitionBy("source", "window").orderBy("ordinal")
    order = order.rowsBetween(Window.unboundedPreceding, -1)
    own = f.coalesce(f.sum(f.length("anchor_hash") / 8).over(order), f.lit(0)).cast("bigint")
    before = f.broadcast(spark.createDataFrame(counts.before).select("source", "window", "anchors"))
    rows = passed.where("ordinal >= 0").withColumn("own", own).join(before, ["source", "window"])
    rows = rows.withColumn("anchors_before", f.col("anchors") + f.col("own")).drop("anchors")
    return numbered(spark, rows, counts)
