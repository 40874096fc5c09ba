"""Run -> the account and the figures behind the charts of the page."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.by_letters import aligned
from ...core.documents import STATUS
from ...core.errors import safe
from ...core.verdicts import DECIDING, RELATIONS, REWRITTEN, SCANNED
from ...readers.registry import READERS
from ...runs import summary
from ...runs.run import Run
from ..wording import RELATION_HELP, counted, lost, size

BINS = 50  # of a histogram of 0..1
ASIDE = 1000  # set-aside documents that are named
FORMS = 50  # forms that are listed
GROUPS = 24  # sources that are told apart
SIZES = (
    *((n, n) for n in range(2, 11)),
    *((11, 20), (21, 50), (51, 100), (101, 1000), (1001, 1 << 62)),
)


def account(run: Run, groups: Groups) -> dict[str, Any]:
    """Run -> what was seen, kept, dropped and set aside, by relation, source and reason."""
    n, d = len(run.documents), run.documents
    kept, dropped = int(run.kept.sum()), int(run.dropped.sum())
    seen, saved = int(d.n_bytes.sum()), int(d.n_bytes[run.dropped].sum())
    aside = np.flatnonzero(~run.ok)
    reasons = Counter(STATUS[s] for s in d.status[aside].tolist())
    return {
        "seen": n,
        "kept": kept,
        "dropped": dropped,
        "aside": len(aside),
        "saved": f"{_unbroken(saved)} of {_unbroken(seen)}" + (f" ({saved / seen:.0%})" if seen else ""),
        "clusters": int(run.cluster_ids.max(initial=0)),
        "clustered": len(run.clustered),
        "forms": _forms(run),
        "lost": _lost(run),
        "relations": _relations(run),
        "sources": _sources(run, groups),
        "reasons": sorted(reasons.items()),
        "warnings": [safe(line) for line in run.summary.get("warnings", [])],
        "skipped": [counted(n, what) for what, n in sorted(run.summary.get("skipped", {}).items())],
        "set_aside": [
            (safe(run.name(i)), STATUS[d.status[i]], safe(d.note[i])) for i in aside[:ASIDE].tolist()
        ],
        "settings": sorted((k, str(v)) for k, v in run.summary.get("settings", {}).items() if v != ""),
        "version": run.summary.get("version", ""),
    }


def _unbroken(n: int) -> str:
    """Return a number of bytes in words that stay on one line."""
    return size(n).replace(" ", "\u00a0")


def _relations(run: Run) -> list[tuple[str, int, int, str]]:
    """List (relation, documents dropped for it, clusters that have it, what differs) of each that occurs."""
    n = np.bincount(run.verdict.relation[run.dropped], minlength=len(RELATIONS))
    clusters = summary.clusters_by_relation(run)
    return [
        (name, int(n[i]), clusters[name], RELATION_HELP[name].split(";")[0])
        for i, name in enumerate(RELATIONS)
        if i and n[i]
    ]


def _lost(run: Run) -> tuple[int, str]:
    """Return how many dropped documents lose something, and the largest share in words."""
    found = summary.lost(run)
    return found["documents"], lost(found["most"]).removeprefix("lost ")


def _forms(run: Run) -> dict[str, Any]:
    """Count instances of forms, all kept; list the largest forms with some of their names."""
    found = summary.forms(run, FORMS)
    rows = [
        (form["family_id"], form["size"], [safe(name) for name in form["documents"]])
        for form in found["largest"]
    ]
    return {"documents": found["documents"], "count": found["count"], "rows": rows}


@dataclass(frozen=True)
class Groups:
    """Sources, grouped so that few are told apart: of_source int64[n_sources] counts in names."""

    of_source: NDArray[np.int64]
    names: list[str]


def grouped(run: Run) -> Groups:
    """Run -> its sources in groups.

    A group is a file of records, or the files of a folder below the one that holds them all; at most
    GROUPS, the smaller ones together.
    """
    folders = [_folder(s.path, s.reader) for s in run.sources]
    above = _common(folders)
    labels = [_group(folder, above) for folder in folders]
    documents = np.bincount(run.documents.source, minlength=len(run.sources)).tolist()
    weight: Counter[bytes] = Counter()
    for label, n in zip(labels, documents, strict=True):
        weight[label] += n
    chosen = sorted(weight, key=lambda label: (-weight[label], label))
    rest = chosen[GROUPS - 1 :] if len(chosen) > GROUPS else []
    chosen = sorted(set(chosen) - set(rest))
    number = {label: i for i, label in enumerate(chosen)}
    names = [safe(os.fsdecode(label)) or "(no folder)" for label in chosen]
    names += [f"{len(rest):,} other sources"] if rest else []
    return Groups(np.array([number.get(label, len(chosen)) for label in labels], np.int64), names)


def _folder(path: bytes, reader: str) -> bytes:
    """Return where a source belongs: a file of records to itself, a file to its folder."""
    return path[: path.rfind(b"/") + 1] if READERS[reader].whole else path


def _common(folders: list[bytes]) -> bytes:
    """Return the folder that holds them all, with its last slash."""
    shared = bytes(os.path.commonprefix([f[: f.rfind(b"/") + 1] for f in folders]) or b"")
    return shared[: shared.rfind(b"/") + 1]


def _group(folder: bytes, above: bytes) -> bytes:
    cut = folder.find(b"/", len(above))
    return folder if cut < 0 else folder[: cut + 1]


def _sources(run: Run, groups: Groups) -> list[dict[str, Any]]:
    """List groups of sources: the name, and how many documents were kept, dropped and set aside."""
    of_doc = groups.of_source[run.documents.source]
    kept, dropped, aside = (
        np.bincount(of_doc[mask], minlength=len(groups.names)).tolist()
        for mask in (run.kept, run.dropped, ~run.ok)
    )
    return [
        {"name": name, "kept": kept[i], "dropped": dropped[i], "aside": aside[i]}
        for i, name in enumerate(groups.names)
    ]


def charts(run: Run) -> dict[str, Any]:
    """Run -> what the charts are drawn from."""
    return {
        "relations": list(RELATIONS),
        "figures": [name.replace("_", " ").replace("discounted", "own") for name in DECIDING],
        "what": [RELATION_HELP.get(name, "").split(";")[0] for name in RELATIONS],
        "pairs": len(run.pairs),
        "histograms": _histograms(run),
        "sizes": _sizes(run),
    }


def _histograms(run: Run) -> list[dict[str, Any]]:
    """Count pairs by each figure: its line, and by relation the number of pairs in each bin."""
    pairs, settings = run.pairs, run.summary.get("settings", {})
    rewritten = run.pair_relations == REWRITTEN
    every = np.ones(len(pairs), np.bool_)
    out = []
    for name, figure, line, rows in (
        ("Jaccard", pairs.jaccard, "min_jaccard", every),
        ("containment", pairs.containment, "min_containment", every),
        ("skeleton Jaccard", pairs.skeleton_jaccard, "min_skeleton", rewritten),
        ("aligned letters", aligned(pairs), "min_aligned", run.pair_relations == SCANNED),
    ):
        bins = np.minimum((figure * BINS + 1e-9).astype(np.int64), BINS - 1)
        series = {
            i: np.bincount(bins[mask], minlength=BINS).tolist()
            for i in range(1, len(RELATIONS))
            if (mask := rows & (run.pair_relations == i)).any()
        }
        if series:
            out.append({"name": name, "option": line, "line": settings.get(line), "series": series})
    return out


def _sizes(run: Run) -> list[tuple[str, int]]:
    """Return how many clusters have how many documents: (documents, clusters), up to the largest there is."""
    ids = run.cluster_ids[run.clustered]
    of_cluster = np.bincount(ids)[1:] if len(ids) else np.zeros(0, np.int64)
    out = []
    for low, high in SIZES:
        label = f"{low:,}" if low == high else f"{low:,}–{high:,}" if high < 1 << 62 else f"{low:,} or more"
        out.append((label, int(((of_cluster >= low) & (of_cluster <= high)).sum())))
    while out and not out[-1][1]:
        out.pop()
    return out
