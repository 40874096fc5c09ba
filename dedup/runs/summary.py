"""The summary of a run: what was seen, kept, dropped and set aside, and what dropping saves."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..core.documents import FAULTS, OK, STATUS, Source
from ..core.settings import Settings
from ..core.verdicts import RELATIONS
from .run import Run

LISTED = 1000  # set-aside documents, and sources, named in the summary
UNCHANGED = "unchanged"  # the only phase of a scan that finds nothing to do
MANY = 100  # documents of a source or a cluster about which a warning may be given
LOSSY = 0.05  # share of a dropped document that its witness lacks, from which on there is a warning
KEPT_OF_FORM = 5  # kept documents, most of their cluster, that make it look like a form


def summary(
    run: Run, settings: Settings, skipped: dict[str, int], seconds: dict[str, float]
) -> dict[str, Any]:
    """Return the summary of a run as plain values, as run.json holds it and `--json` prints it."""
    d, v = run.documents, run.verdict
    aside = np.flatnonzero(~run.ok)
    reasons = _named(d.status[aside], STATUS)
    sources, biggest = by_source(run), largest(run, 5)
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
        "by_source": sources[:LISTED],
        "warnings": warnings_of(sources, biggest, int(run.ok.sum()), settings),
        "skipped": skipped,
        "relations": _named(v.relation[run.dropped], RELATIONS),
        "clusters": {
            "count": int(run.cluster_ids.max(initial=0)),
            "documents": len(run.clustered),
            "relations": clusters_by_relation(run),
            "largest": biggest,
        },
        "forms": forms(run, 5),
        "lost": lost(run),
        "set_aside": {
            "reasons": dict(sorted(reasons.items())),
            "documents": [
                {"path": run.name(i), "reason": STATUS[d.status[i]], "note": d.note[i]}
                for i in aside[:LISTED].tolist()
            ],
        },
        "seconds": {k: round(t, 3) for k, t in seconds.items()},
    }


def lost(run: Run) -> dict[str, Any]:
    """Return how many dropped documents lose something, and the largest share that one loses."""
    shares = run.verdict.lost[run.dropped]
    return {"documents": int((shares > 0).sum()), "most": float(shares.max(initial=0.0))}


def clusters_by_relation(run: Run) -> dict[str, int]:
    """Count the clusters in which a document was dropped, by relation."""
    docs = np.flatnonzero(run.dropped)
    relation = run.verdict.relation[docs].astype(np.int64)
    each = np.unique(np.stack([relation, run.cluster_ids[docs]], axis=1), axis=0)
    return _named(each[:, 0].astype(np.int8), RELATIONS)


def forms(run: Run, n: int) -> dict[str, Any]:
    """Return how many instances of how many forms were kept, and the first of the n largest forms."""
    docs = np.flatnonzero(run.family_ids)
    docs = docs[np.argsort(run.family_ids[docs], kind="stable")]
    sizes = np.bincount(run.family_ids[docs], minlength=1)
    start = np.cumsum(sizes) - sizes
    biggest = np.argsort(-sizes[1:], kind="stable")[:n] + 1
    return {
        "documents": len(docs),
        "count": len(sizes) - 1,
        "largest": [
            {
                "family_id": f,
                "size": int(sizes[f]),
                "documents": [run.name(d) for d in docs[start[f] : start[f] + min(3, sizes[f])].tolist()],
            }
            for f in biggest.tolist()
        ],
    }


def _named(codes: NDArray[np.int8], names: Sequence[str]) -> dict[str, int]:
    """Count how often each name is chosen, by indices int8[n] into names."""
    counts = np.bincount(codes, minlength=len(names)).tolist()
    return {name: n for name, n in zip(names, counts, strict=True) if n}


def largest(run: Run, n: int) -> list[dict[str, Any]]:
    """Return the n largest clusters: id, size, canonical, and their first members."""
    ids = run.cluster_ids[run.clustered]  # rising
    sizes = np.bincount(ids)
    out = []
    for i in (np.argsort(-sizes[1:], kind="stable")[:n] + 1).tolist():
        docs = run.clustered[slice(*np.searchsorted(ids, [i, i + 1]))]
        canonical = int(run.verdict.canonical[docs[0]])
        members = [run.member(m) for m in docs.tolist() if m != canonical][:5]
        out.append(
            {
                "cluster_id": i,
                "size": int(sizes[i]),
                "kept": int(run.kept[docs].sum()),
                "lossy": int((run.verdict.lost[docs] > LOSSY).sum()),
                "canonical": run.name(canonical),
                "reason": run.verdict.reason[canonical],
                "members": [
                    {
                        "path": m.path,
                        "relation": m.relation,
                        "jaccard": m.jaccard,
                        "containment": m.containment,
                        "skeleton_jaccard": m.skeleton_jaccard,
                        "lost": m.lost,
                        "figure": m.figure,
                        "value": m.value,
                        "line": m.line,
                    }
                    for m in members
                ],
            }
        )
    return out


def by_source(run: Run) -> list[dict[str, Any]]:
    """Return the summary of each source: a file of many records, or a given path with all its files.

    seen = kept + dropped + set aside in each row; `lossy` are the dropped ones that lose much, `reasons` says
    why documents were set aside.
    """
    d, n = run.documents, len(run.sources)
    states = np.zeros((n, len(STATUS)), np.int64)
    np.add.at(states, (d.source, d.status), 1)
    of_record = np.bincount(d.source, d.record > 0, minlength=n) > 0
    dropped = np.bincount(d.source[run.dropped], minlength=n)
    lossy = np.bincount(d.source[run.dropped & (run.verdict.lost > LOSSY)], minlength=n)
    n_bytes = np.bincount(d.source, d.n_bytes, minlength=n).astype(np.int64)
    return rows_of_sources(run.sources, of_record, states, dropped, lossy, n_bytes)


def rows_of_sources(
    sources: Sequence[Source],
    of_record: NDArray[np.bool_],
    states: NDArray[np.int64],
    dropped: NDArray[np.int64],
    lossy: NDArray[np.int64],
    n_bytes: NDArray[np.int64],
) -> list[dict[str, Any]]:
    """Counts by source (states by status as well) -> the rows of `by_source`."""
    names = [s.path if many else s.given for s, many in zip(sources, of_record.tolist(), strict=True)]
    order = {name: i for i, name in enumerate(sorted(set(names)))}
    row = np.array([order[name] for name in names], np.int64)

    def summed(counts: NDArray[np.int64]) -> NDArray[np.int64]:
        out = np.zeros((len(order), *counts.shape[1:]), np.int64)
        np.add.at(out, row, counts)
        return out

    states, dropped, lossy, n_bytes = (summed(counts) for counts in (states, dropped, lossy, n_bytes))
    return [
        {
            "path": os.fsdecode(name),
            "seen": int(states[i].sum()),
            "kept": int(states[i, OK] - dropped[i]),
            "dropped": int(dropped[i]),
            "lossy": int(lossy[i]),
            "set_aside": int(states[i].sum() - states[i, OK]),
            "reasons": {STATUS[s]: int(states[i, s]) for s in np.flatnonzero(states[i]) if s != OK},
            "bytes": int(n_bytes[i]),
        }
        for name, i in order.items()
    ]


def warnings(run: Run, sources: list[dict[str, Any]], settings: Settings) -> list[str]:
    """Return what a person should look at before acting on the lists, one line each."""
    return warnings_of(sources, largest(run, 5), int(run.ok.sum()), settings)


def warnings_of(
    sources: list[dict[str, Any]], clusters: list[dict[str, Any]], ok: int, settings: Settings
) -> list[str]:
    """Return the same from rows by source, the largest clusters and the number of documents not set aside."""
    out = []
    for row in sources:
        lost = row["dropped"] + row["set_aside"]
        if row["seen"] >= MANY and lost > settings.warn_loss * row["seen"]:
            out.append(
                f"{row['path']}: loses {lost:,} of its {row['seen']:,} documents "
                f"({row['dropped']:,} dropped, {row['set_aside']:,} set aside); look at them with: dedup show"
            )
        if row["lossy"]:
            out.append(
                f"{row['path']}: {row['lossy']:,} of its {row['dropped']:,} dropped documents lose more "
                f"than {LOSSY:.0%} of what they say; look at them with: dedup export drop --format csv"
            )
    for cluster in clusters:
        n, look = cluster["size"], f"look at it with: dedup show {cluster['cluster_id']}"
        if cluster["lossy"]:
            out.append(
                f"{cluster['canonical']}: {cluster['lossy']:,} of the {n:,} documents of its cluster lose "
                f"more than {LOSSY:.0%} of what they say; {look}"
            )
        if cluster["kept"] >= KEPT_OF_FORM and 2 * cluster["kept"] > n:
            out.append(
                f"{cluster['canonical']}: its cluster looks like a form: {cluster['kept']:,} of {n:,} "
                f"documents say something of their own, and are kept; {look}"
            )
        if n >= MANY and n > settings.warn_cluster * ok:
            out.append(
                f"{cluster['canonical']}: its cluster holds {n:,} of {ok:,} documents, {n / ok:.0%}; {look}"
            )
    return out


def problems(run: Run) -> list[tuple[str, str]]:
    """Return (where, what) of each document set aside for a fault; any of them makes the exit code 2."""
    bad = np.flatnonzero(np.isin(run.documents.status, FAULTS))
    return [(run.name(i), run.documents.note[i]) for i in bad.tolist()]


def once_for_all(problems: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Problems of files -> the same, but what is missing on this machine is told once for all files.

    >>> once_for_all([("a.pdf", "needs: x"), ("b", "is empty"), ("c.pdf", "needs: x")])
    [('a.pdf and 1 more', 'needs: x'), ('b', 'is empty')]
    """
    wanted = Counter(what for _, what in problems if what.startswith("needs: "))
    out = []
    for where, what in problems:
        if what not in wanted:
            out.append((where, what))
        elif wanted[what]:
            more = wanted[what] - 1
            out.append((f"{where} and {more:,} more" if more else where, what))
            wanted[what] = 0
    return out
