"""Run -> the clusters of the page and their documents, as columns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import safe
from ...readers.storage.sources import unchanged
from ...runs.run import Run
from ..wording import lost
from .figures import Groups

MEMBERS = 1000  # documents of one cluster that are listed
ROW, CLUSTER = 38, 30  # bytes of the figures of a document and of a cluster in the page, at most about
OK, CHANGED, GONE = range(3)  # what became of a document's file since the scan


@dataclass(frozen=True)
class Listed:
    """The clusters of the page, largest first, and their documents: canonical, other kept, dropped ones.

    clusters int64[n]: their ids; sizes int64[n]: all their documents; indptr int64[n + 1]: those that are
    listed, docs int32[m].
    """

    clusters: NDArray[np.int64]
    sizes: NDArray[np.int64]
    indptr: NDArray[np.int64]
    docs: NDArray[np.int32]
    all_clusters: int
    cut_members: int


def listed(run: Run, max_clusters: int, max_bytes: int) -> Listed:
    """Run -> the clusters that go into the page, the largest first, and their documents in order."""
    docs, ids = run.clustered, run.cluster_ids[run.clustered]
    size = np.bincount(ids) if len(ids) else np.zeros(1, np.int64)
    keys = (
        *(docs, -run.verdict.value[docs], run.verdict.relation[docs], ~run.kept[docs]),
        *(run.verdict.canonical[docs] != docs, ids, -size[ids]),
    )
    docs = docs[np.lexsort(keys)]
    ids = run.cluster_ids[docs]
    first = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if len(ids) else np.zeros(0, np.int64)
    rank = np.arange(len(ids)) - np.repeat(first, size[ids[first]])
    shown = rank < MEMBERS
    ends = np.r_[first[1:], len(ids)].astype(np.int64)
    n = min(max_clusters, _fitting(run, docs, shown, ends, max_bytes))
    order = ids[first]
    counts = np.minimum(size[order[:n]], MEMBERS)
    return Listed(
        order[:n],
        size[order[:n]],
        np.r_[0, np.cumsum(counts)].astype(np.int64),
        docs[: ends[n - 1] if n else 0][shown[: ends[n - 1] if n else 0]],
        len(order),
        int(size[order[:n]].sum() - counts.sum()),
    )


def _fitting(
    run: Run, docs: NDArray[np.int32], shown: NDArray[np.bool_], ends: NDArray[np.int64], room: int
) -> int:
    """Return how many of the first clusters, which end before docs[ends], take no more than `room` bytes."""
    folders: set[bytes] = set()
    start = 0
    for n, end in enumerate(ends.tolist()):
        room -= CLUSTER
        for doc in docs[start:end][shown[start:end]].tolist():
            name = run.names[doc]
            folder = name[: _cut(run, doc)]
            room -= len(name) - len(folder) + ROW + (0 if folder in folders else len(folder) + 3)
            folders.add(folder)
        if room < 0:
            return n
        start = end
    return len(ends)


def _cut(run: Run, doc: int) -> int:
    """Return where the name of a document is cut into the folder, or file of records, and the rest."""
    return run.names[doc].rfind(b":" if run.documents.record[doc] else b"/") + 1


def columns(run: Run, listed: Listed, groups: Groups) -> dict[str, Any]:
    """Return the listed clusters and documents as columns of plain values; figures in thousandths."""
    v, d, docs = run.verdict, run.documents, listed.docs
    place = np.full(len(d), -1, np.int64)  # of each document in its cluster
    place[docs] = np.arange(len(docs)) - np.repeat(listed.indptr[:-1], np.diff(listed.indptr))
    folders, folder, tails = _names(run, docs.tolist())
    firsts = np.unique(np.array(folder, np.int64), return_index=True)[1]  # all of a folder are of one group
    reasons = sorted({v.reason[doc] for doc in docs[listed.indptr[:-1]].tolist()})
    number = {reason: i for i, reason in enumerate(reasons)}
    dropped_bytes = np.where(run.dropped, d.n_bytes, 0)
    saved = np.bincount(run.cluster_ids, dropped_bytes)[listed.clusters].astype(np.int64)
    kept = np.bincount(run.cluster_ids, run.kept)[listed.clusters].astype(np.int64)
    return {
        "clusters": {
            "id": listed.clusters,
            "size": listed.sizes,
            "listed": np.diff(listed.indptr),
            "kept": kept,
            "saved": saved,
            "reason": [number[v.reason[doc]] for doc in docs[listed.indptr[:-1]].tolist()],
        },
        "reasons": reasons,
        "folders": folders,
        "group": groups.of_source[d.source[docs[firsts]]],
        "documents": {
            "folder": folder,
            "tail": tails,
            "witness": np.where(run.kept[docs], -1, place[v.witness[docs]]),
            "relation": v.relation[docs],
            "figure": v.figure[docs],
            "value": _thousandths(v.value[docs]),
            "line": _thousandths(v.line[docs]),
            "jaccard": _thousandths(v.jaccard[docs]),
            "containment": _thousandths(v.containment[docs]),
            "size": v.size[docs],
            "witness_size": v.witness_size[docs],
            "bytes": d.n_bytes[docs],
            "state": _states(run, docs),
        },
        "skeleton": _some(v.skeleton_jaccard[docs], ~np.isnan(v.skeleton_jaccard[docs])),
        "lost": {int(row): lost(v.lost[docs[row]]) for row in np.flatnonzero(v.lost[docs])},
        "discounted": [
            _some(without[docs], (v.discounted_jaccard != v.jaccard)[docs])
            for without in (v.discounted_jaccard, v.discounted_containment)
        ],
    }


def _thousandths(figure: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(np.nan_to_num(figure) * 1000).astype(np.int64)


def _some(figure: NDArray[np.float64], mask: NDArray[np.bool_]) -> dict[int, int]:
    """Return a figure where mask is true, by row, in thousandths."""
    rows = np.flatnonzero(mask)
    return dict(zip(rows.tolist(), _thousandths(figure[rows]).tolist(), strict=True))


def _names(run: Run, docs: list[int]) -> tuple[list[str], list[int], list[str]]:
    """Documents -> (folders and files of records, each once; which is each one's; the rest of its name)."""
    seen: dict[bytes, int] = {}
    number, tails = [], []
    for doc in docs:
        name = run.names[doc]
        cut = _cut(run, doc)
        number.append(seen.setdefault(name[:cut], len(seen)))
        tails.append(safe(os.fsdecode(name[cut:])))
    return [safe(os.fsdecode(folder)) for folder in seen], number, tails


def _states(run: Run, docs: NDArray[np.int32]) -> list[int]:
    """Return what became of the file of each document since the scan: OK, CHANGED or GONE."""
    if run.texts is not None:
        return [OK] * len(docs)
    sources = run.documents.source[docs].tolist()
    of_source = {s: _state(run, s) for s in set(sources)}
    return [of_source[s] for s in sources]


def _state(run: Run, source: int) -> int:
    if unchanged(run.sources[source]):
        return OK
    return CHANGED if os.path.exists(run.sources[source].at) else GONE
