"""The account of a run: what was seen, kept, dropped and set aside, and what it would save."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from . import __version__
from .model import RELATIONS, STATUS
from .run import Run
from .settings import Settings

LISTED = 1000  # set-aside documents named in the summary


def summary(
    run: Run, settings: Settings, skipped: dict[str, int], seconds: dict[str, float]
) -> dict[str, Any]:
    """Run -> its account as plain values: what run.json holds and `--json` prints."""
    d, v = run.documents, run.verdict
    aside = np.flatnonzero(~run.ok)
    reasons = Counter(STATUS[s] for s in d.status[aside].tolist())
    relations = Counter(RELATIONS[r] for r in v.relation[run.dropped].tolist())
    return {
        "version": __version__,
        "settings": settings.deciding(),
        "documents": {
            "seen": len(d),
            "kept": int(run.kept.sum()),
            "dropped": int(run.dropped.sum()),
            "set_aside": len(aside),
        },
        "bytes": {
            "seen": int(d.n_bytes.sum()),
            "dropped": int(d.n_bytes[run.dropped].sum()),
        },
        "sources": len(run.sources),
        "skipped": skipped,
        "relations": {name: relations[name] for name in RELATIONS if relations[name]},
        "clusters": {
            "count": int(run.cluster_ids.max(initial=0)),
            "documents": len(run.clustered),
            "relations": _clusters_by_relation(run),
            "largest": largest(run, 5),
        },
        "set_aside": {
            "reasons": dict(sorted(reasons.items())),
            "documents": [
                {"path": run.name(i), "reason": STATUS[d.status[i]], "note": d.note[i]}
                for i in aside[:LISTED].tolist()
            ],
        },
        "seconds": {k: round(t, 3) for k, t in seconds.items()},
    }


def _clusters_by_relation(run: Run) -> dict[str, int]:
    """How many clusters have, as their furthest relation, each of them."""
    worst = np.zeros(int(run.cluster_ids.max(initial=0)) + 1, np.int8)
    np.maximum.at(worst, run.cluster_ids[run.clustered], run.verdict.relation[run.clustered])
    counts = Counter(RELATIONS[r] for r in worst[1:].tolist())
    return {name: counts[name] for name in RELATIONS if counts[name]}


def largest(run: Run, n: int) -> list[dict[str, Any]]:
    """The n largest clusters: id, size, canonical, and their first members."""
    sizes = np.bincount(run.cluster_ids[run.clustered])
    order = sorted(range(1, len(sizes)), key=lambda i: (-sizes[i], i))[:n]
    out = []
    for i in order:
        docs = run.clustered[run.cluster_ids[run.clustered] == i]
        canonical = int(run.verdict.canonical[docs[0]])
        members = [run.member(m) for m in docs.tolist() if m != canonical][:5]
        out.append(
            {
                "cluster_id": i,
                "size": int(sizes[i]),
                "canonical": run.name(canonical),
                "reason": run.verdict.reason[canonical],
                "members": [
                    {
                        "path": m.path,
                        "relation": m.relation,
                        "jaccard": m.jaccard,
                        "containment": m.containment,
                        "skeleton_jaccard": m.skeleton_jaccard,
                    }
                    for m in members
                ],
            }
        )
    return out


def problems(run: Run) -> list[tuple[str, str]]:
    """(where, what) of each document that was set aside through a fault: exit code 2 when there is any."""
    from .model import BAD_RECORD, CHANGED, UNREADABLE

    bad = np.flatnonzero(np.isin(run.documents.status, (BAD_RECORD, CHANGED, UNREADABLE)))
    return [(run.name(i), run.documents.note[i]) for i in bad.tolist()]
