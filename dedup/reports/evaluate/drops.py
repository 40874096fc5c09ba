"""Run + labels -> what the drops cost: false ones, content lost, and the kinds of pairs that join wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.verdicts import FORM, RELATIONS
from ...runs.run import Run
from .labels import Pairs, Truth

Report = dict[str, Any]
Told = Callable[[NDArray[np.int64]], tuple[NDArray[np.bool_], NDArray[np.bool_]]]


def drops(run: Run, labels: Pairs | Truth) -> Report:
    """Dropped documents whose witness the labels tell of -> counts and content lost, in all and by relation.

    A drop is false whose witness is another document by the labels.  What it loses is the share of its
    letters that the witness lacks.
    """
    docs = np.flatnonzero(run.dropped)
    known, same = _told(run, labels)(np.stack([docs, run.verdict.witness[docs]], axis=1))
    docs, same = docs[known], same[known]
    kind, lost = run.verdict.relation[docs], run.verdict.lost[docs]
    by = {
        RELATIONS[r]: _counted(same[kind == r], lost[kind == r])
        for r in range(len(RELATIONS))
        if (kind == r).any()
    }
    return {**_counted(same, lost), "copies": _copies(labels), "by_relation": by}


def joins(run: Run, labels: Pairs | Truth) -> Report:
    """Verified pairs that join documents and that the labels tell of -> by relation: how many, and false."""
    cluster = run.verdict.cluster[run.pairs.docs]
    joined = (run.pair_relations != FORM) & (cluster[:, 0] == cluster[:, 1])
    known, same = _told(run, labels)(run.pairs.docs[joined].astype(np.int64))
    kind, same = run.pair_relations[joined][known], same[known]
    return {
        RELATIONS[r]: {"pairs": int((kind == r).sum()), "false": int((~same[kind == r]).sum())}
        for r in range(len(RELATIONS))
        if (kind == r).any()
    }


def _counted(same: NDArray[np.bool_], lost: NDArray[np.float64]) -> Report:
    return {
        "dropped": len(same),
        "false": int((~same).sum()),
        "losing": int((lost > 0).sum()),
        "most_lost": float(lost.max()) if len(lost) else 0.0,
    }


def _copies(labels: Pairs | Truth) -> int | None:
    """Count the documents that could go if one of each true cluster stays; pairs do not tell."""
    return len(labels) - len(np.unique(labels.cluster)) if isinstance(labels, Truth) else None


def _told(run: Run, labels: Pairs | Truth) -> Told:
    """Return what gives for pairs int64[n, 2] whether the labels tell of them, and whether they are one."""
    n = len(run.documents)
    if isinstance(labels, Truth):
        label = np.full(n, -1, np.int64)
        label[labels.docs] = labels.cluster

        def by_cluster(docs: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
            left, right = label[docs].T
            return (left >= 0) & (right >= 0), left == right

        return by_cluster
    key = np.sort(labels.docs.astype(np.int64), axis=1) @ np.array([n, 1])
    order = np.argsort(key, kind="stable")

    def told(docs: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        asked = np.sort(docs, axis=1) @ np.array([n, 1])
        at = np.minimum(np.searchsorted(key[order], asked), max(len(key) - 1, 0))
        known = key[order][at] == asked if len(key) else np.zeros(len(asked), np.bool_)
        return known, labels.same[order][at] if len(key) else known

    return told
