"""Hold what a program found against what was planted."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Truth:
    """What make_corpus.py has planted, a row per document."""

    number: dict[str, int]  # id -> row
    cluster: NDArray[np.int64]  # the row of its first document
    kind: NDArray[np.str_]


@dataclass(frozen=True)
class Score:
    """A share is nan where there is nothing to take it of."""

    pair_precision: float  # of the pairs of documents in one cluster, those that are in one planted cluster
    pair_recall: float  # of the pairs in one planted cluster, those that are in one cluster
    removal_precision: float  # of the removed documents, those of which a copy is kept
    removal_recall: float  # of the documents that could be removed so that one of each cluster stays
    kinds: dict[str, float]  # of the variants of a kind, the share in the cluster of their base


def read_truth(path: Path) -> Truth:
    """A truth.csv."""
    with open(path, newline="") as f:
        rows = [(r["id"], r["cluster"], r["kind"]) for r in csv.DictReader(f)]
    number = {name: i for i, (name, _, _) in enumerate(rows)}
    cluster = np.array([number[base] for _, base, _ in rows])
    return Truth(number, cluster, np.array([kind for _, _, kind in rows]))


def _pairs(labels: NDArray[np.int64]) -> int:
    counts = np.unique(labels, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def score(truth: Truth, result: Path) -> Score:
    """The rows `id,cluster,kept` of a program; what it does not name is kept, and alone."""
    n = len(truth.cluster)
    names = {}
    found, kept = np.arange(n), np.ones(n, np.bool_)
    with open(result, newline="") as f:
        for name, cluster, keep in csv.reader(f):
            row = truth.number[name]
            found[row] = n + names.setdefault(cluster, len(names)) if cluster else row
            kept[row] = keep == "1"
    both = found * n + truth.cluster
    right, joined, planted = _pairs(both), _pairs(found), _pairs(truth.cluster)
    size = np.bincount(truth.cluster, minlength=n)
    left = np.bincount(truth.cluster[kept], minlength=n)
    could = np.maximum(size - 1, 0)
    removed = size - left
    well = int(np.minimum(removed, could).sum())
    beside = found == found[truth.cluster]
    variants = truth.cluster != np.arange(n)
    kinds = {
        str(k): float(beside[variants & (truth.kind == k)].mean()) for k in np.unique(truth.kind[variants])
    }
    return Score(
        _share(right, joined),
        _share(right, planted),
        _share(well, int(removed.sum())),
        _share(well, int(could.sum())),
        kinds,
    )
