"""The summary of a run on Spark: as `runs.summary` makes it, from sums made by executors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import __version__
from ...core.documents import FAULTS, OK, STATUS, Source
from ...core.settings import Settings
from ...core.verdicts import DECIDING, RELATIONS
from ...runs import summary as run_summary
from ..checkpoints import Frame


@dataclass(frozen=True)
class Account:
    """The summary, the first documents set aside through a fault (where, what), and how many there are."""

    summary: dict[str, Any]
    problems: list[tuple[str, str]]
    n_problems: int


def account(
    rows: Frame,
    sources: Sequence[Source],
    settings: Settings,
    skipped: dict[str, int],
    seconds: dict[str, float],
) -> Account:
    """Rows of documents (doc, source, record, n_bytes, state, note, and the verdict) -> the account."""
    from pyspark.sql import functions as f

    ok = f.col("state") == OK
    rows = rows.withColumn("dropped", ok & (f.col("witness") != f.col("doc")))
    rows = rows.withColumn("lossy", f.col("dropped") & (f.col("lost") > run_summary.LOSSY))
    states, of_record, dropped, lossy, n_bytes, dropped_bytes = _by_source(rows, len(sources))
    by_source = run_summary.rows_of_sources(sources, of_record, states, dropped, lossy, n_bytes)
    found = rows.where("dropped").groupBy("relation").count().collect()
    relations = {RELATIONS[r]: int(n) for r, n in sorted(found)}
    kept = f.count(f.when(~f.col("dropped"), 1)).alias("kept")
    sizes = f.count("*").alias("size"), kept, f.count(f.when(f.col("lossy"), 1)).alias("lossy")
    clusters = rows.where(ok).groupBy("cluster").agg(*sizes)
    clusters = clusters.where("size > 1").cache()
    n_clusters, clustered = clusters.agg(f.count("*"), f.coalesce(f.sum("size"), f.lit(0))).first()
    within = rows.where("dropped").groupBy("relation").agg(f.countDistinct("cluster")).collect()
    largest = _largest(rows, clusters, sources)
    clusters.unpersist()
    n_ok, total = int(states[:, OK].sum()), int(states.sum())
    aside = rows.where(~ok).orderBy("doc").limit(run_summary.LISTED)
    listed = [
        {"path": _name(sources, r), "reason": STATUS[r["state"]], "note": r["note"]}
        for r in aside.select("source", "record", "state", "note").collect()
    ]
    reasons = {STATUS[i]: int(n) for i, n in enumerate(states.sum(axis=0)) if n and i != OK}
    faults = f.col("state").isin(list(FAULTS))
    bad = (
        rows.where(faults)
        .orderBy("doc")
        .limit(run_summary.LISTED)
        .select("source", "record", "note")
        .collect()
    )
    summary = {
        "version": __version__,
        "settings": settings.deciding(),
        "documents": {
            "seen": total,
            "kept": n_ok - int(dropped.sum()),
            "dropped": int(dropped.sum()),
            "set_aside": total - n_ok,
        },
        "bytes": {"seen": int(n_bytes.sum()), "dropped": int(dropped_bytes.sum())},
        "sources": len(sources),
        "by_source": by_source[: run_summary.LISTED],
        "warnings": run_summary.warnings_of(by_source, largest, n_ok, settings),
        "skipped": skipped,
        "relations": relations,
        "clusters": {
            "count": int(n_clusters),
            "documents": int(clustered),
            "relations": {RELATIONS[r]: int(n) for r, n in sorted(within)},
            "largest": largest,
        },
        "forms": _forms(rows.where(ok & ~f.col("dropped")), sources),
        "lost": _lost(rows.where("dropped")),
        "set_aside": {"reasons": dict(sorted(reasons.items())), "documents": listed},
        "seconds": {k: round(t, 3) for k, t in seconds.items()},
    }
    problems = [(_name(sources, r), r["note"]) for r in bad]
    return Account(summary, problems, int(states[:, list(FAULTS)].sum()))


def _by_source(rows: Frame, n: int) -> tuple[Any, ...]:
    """Counts by source: states, whether it is of records, dropped, lossy documents, bytes, dropped bytes."""
    from pyspark.sql import functions as f

    each = [f.count(f.when(f.col("state") == i, 1)) for i in range(len(STATUS))]
    sums = [
        f.max(f.col("record") > 0),
        f.count(f.when(f.col("dropped"), 1)),
        f.count(f.when(f.col("lossy"), 1)),
        f.sum("n_bytes"),
        f.coalesce(f.sum(f.when(f.col("dropped"), f.col("n_bytes"))), f.lit(0)),
    ]
    out = np.zeros((n, len(STATUS) + len(sums)), np.int64)
    for row in rows.groupBy("source").agg(*each, *sums).collect():
        out[row[0]] = [int(x) for x in row[1:]]
    of_record, dropped, lossy, n_bytes, dropped_bytes = out[:, len(STATUS) :].T
    return out[:, : len(STATUS)], of_record > 0, dropped, lossy, n_bytes, dropped_bytes


def _name(sources: Sequence[Source], row: Any) -> str:
    return os.fsdecode(sources[row["source"]].path + (b":%d" % row["record"] if row["record"] else b""))


def _forms(kept: Frame, sources: Sequence[Source]) -> dict[str, Any]:
    """Instances of forms, as `run_summary.forms` has them."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    mine = kept.where("family >= 0")
    families = mine.groupBy("family").agg(f.count("*").alias("size")).where("size > 1").cache()
    count, documents = families.agg(f.count("*"), f.coalesce(f.sum("size"), f.lit(0))).first()
    top = families.orderBy(f.desc("size"), "family").limit(5).collect()
    labels = [row["family"] for row in top]
    places = [f.count(f.when(f.col("family") <= label, 1)) for label in labels]
    ids = families.agg(*places).first() if labels else []
    nth = f.row_number().over(Window.partitionBy("family").orderBy("doc"))
    shown = mine.where(f.col("family").isin(labels)).withColumn("nth", nth).where("nth <= 3")
    names = shown.orderBy("doc").collect() if labels else []
    families.unpersist()
    return {
        "documents": int(documents),
        "count": int(count),
        "largest": [
            {
                "family_id": int(number),
                "size": int(row["size"]),
                "documents": [_name(sources, r) for r in names if r["family"] == row["family"]],
            }
            for row, number in zip(top, ids, strict=True)
        ],
    }


def _lost(dropped: Frame) -> dict[str, Any]:
    """Return how many dropped documents lose something, and the largest share."""
    from pyspark.sql import functions as f

    n, most = dropped.agg(
        f.count(f.when(f.col("lost") > 0, 1)), f.coalesce(f.max("lost"), f.lit(0.0))
    ).first()
    return {"documents": int(n), "most": float(most)}


def _largest(rows: Frame, clusters: Frame, sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Return the five largest clusters, as `summary.largest` has them."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    top = clusters.orderBy(f.desc("size"), "cluster").limit(5).collect()
    labels = [row["cluster"] for row in top]
    if not labels:
        return []
    places = [f.count(f.when(f.col("cluster") <= label, 1)) for label in labels]
    ids = clusters.agg(*places).first()
    mine = rows.where(f.col("cluster").isin(labels) & (f.col("state") == OK))
    nth = f.row_number().over(
        Window.partitionBy("cluster", f.col("doc") == f.col("canonical")).orderBy("doc")
    )
    shown = mine.withColumn("nth", nth).where("nth <= 5").orderBy("cluster", "doc").collect()
    out = []
    for row, number in zip(top, ids, strict=True):
        label = row["cluster"]
        of_cluster = [r for r in shown if r["cluster"] == label]
        (best,) = [r for r in of_cluster if r["doc"] == r["canonical"]]
        members = [
            {
                "path": _name(sources, r),
                "relation": RELATIONS[r["relation"]],
                "jaccard": r["jaccard"],
                "containment": r["containment"],
                "skeleton_jaccard": None if np.isnan(r["skeleton_jaccard"]) else r["skeleton_jaccard"],
                "lost": r["lost"],
                "figure": DECIDING[r["figure"]],
                "value": r["value"],
                "line": r["line"],
            }
            for r in of_cluster
            if r["doc"] != r["canonical"]
        ]
        counts = {name: int(row[name]) for name in ("size", "kept", "lossy")}
        names = {"canonical": _name(sources, best), "reason": best["reason"]}
        out.append({"cluster_id": int(number), **counts, **names, "members": members})
    return out
