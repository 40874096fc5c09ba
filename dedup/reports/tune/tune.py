"""Run -> what a person needs to choose `min_jaccard`: no labels, no new scan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clustering import verdict
from ...core.pairs import CandidatePairs
from ...core.settings import Settings
from ...core.verdicts import CONTAINED, NEAR, RELATIONS, REWRITTEN, SCANNED, of_equal_letters
from ...matching.bands import recall
from ...matching.views import LETTERS
from ...runs.run import Run
from ..figures import row_figures
from .borderline import Borderline, borderline, candidates_of, not_joined
from .recall import measured_recall
from .whatif import decided_at

STEP = 0.05  # of the histogram and of the lines that are tried
HIGHEST = 0.95  # line that is tried
KINDS = {"near": NEAR, "scanned": SCANNED, "contained": CONTAINED, "rewritten": REWRITTEN}
Report = dict[str, Any]


def tune(run: Run, sample: int = 200, seed: int = 1, shown: int = 3) -> Report:
    """A run -> histogram, S-curve, what other lines would drop, pairs near the line, recall: plain values.

    `sample` documents are held against all others to measure the recall, 0 to leave that out.
    """
    settings = Settings.of_run(run.summary)
    candidates = candidates_of(run)
    near_line = borderline(run, candidates)
    return {
        "settings": {
            n: getattr(settings, n)
            for n in ("min_jaccard", "min_containment", "min_skeleton", "min_aligned", "k")
        },
        "documents": len(run.documents),
        "pairs": int((~of_equal_letters(run.pair_relations)).sum()),
        "same_letters": int(of_equal_letters(run.pair_relations).sum()),
        "histogram": histogram(run, candidates),
        "s_curve": s_curve(settings),
        "lines": what_if(run),
        "near_line": {"above": int(near_line.joined.sum()), "below": int((~near_line.joined).sum())},
        "above": _pairs(run, near_line, near_line.nearest(True, shown)),
        "below": _pairs(run, near_line, near_line.nearest(False, shown)),
        "recall": measured_recall(run, sample, seed) if sample else None,
    }


def edges(min_jaccard: float) -> NDArray[np.float64]:
    """Return the edges of the bins: every 0.05 from 0 to 1, and the line itself.

    >>> [round(x, 2) for x in edges(0.52)[9:13].tolist()]
    [0.45, 0.5, 0.52, 0.55]
    """
    return np.unique(np.round([*np.arange(0, 1 + STEP / 2, STEP), min_jaccard], 10))


def histogram(run: Run, candidates: CandidatePairs) -> list[Report]:
    """Count pairs by the Jaccard that is compared with the line, in bins from..to (the last with its end).

    near, scanned, contained, rewritten: verified pairs of that relation, without those of equal letters;
    not_joined: candidates that reached no threshold, by their Jaccard as estimated from the signatures.
    """
    settings = Settings.of_run(run.summary)
    limits, bins = verdict.thresholds(settings), edges(settings.min_jaccard)
    jaccard = limits.classify(run.pairs).deciding_jaccard
    rest = not_joined(run, candidates)[1]
    counts = {name: _binned(jaccard[run.pair_relations == kind], bins) for name, kind in KINDS.items()}
    counts["not_joined"] = _binned(rest, bins)
    return [
        {"from": low, "to": high, **{name: int(n[i]) for name, n in counts.items()}}
        for i, (low, high) in enumerate(zip(bins[:-1].tolist(), bins[1:].tolist(), strict=True))
    ]


def _binned(values: NDArray[np.float64], bins: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.histogram(values, bins)[0]


def s_curve(s: Settings) -> Report:
    """Return how likely the bands of a scan make a pair of each Jaccard, of texts of one length, a candidate.

    >>> curve = s_curve(Settings())
    >>> all(p["found"] >= 0.99 for p in curve["points"] if p["jaccard"] >= 0.5)
    True
    """
    bands = LETTERS.bands(s).columns
    points = [
        {"jaccard": j, "found": round(recall(j, bands, s.num_perm), 4)} for j in edges(s.min_jaccard).tolist()
    ]
    return {"bands": len(bands), "rows": bands.shape[1], "points": points}


def what_if(run: Run) -> list[Report]:
    """Return what the run would have decided at its own line and at those above it."""
    line = Settings.of_run(run.summary).min_jaccard
    higher = [x for x in edges(line).tolist() if line < x <= HIGHEST]
    return [_what_if(run, x) for x in (line, *higher)]


def _what_if(run: Run, line: float) -> Report:
    v = decided_at(run, line).verdict
    dropped = run.ok & (v.witness != np.arange(len(v.witness)))
    sizes = np.bincount(v.cluster[run.ok], minlength=1)
    kinds = np.bincount(v.relation[dropped], minlength=len(RELATIONS))
    return {
        "min_jaccard": line,
        "dropped": int(dropped.sum()),
        "kept": int(run.ok.sum() - dropped.sum()),
        "clusters": int((sizes > 1).sum()),
        "largest_cluster": int(sizes.max(initial=0)),
        "relations": {RELATIONS[r]: int(n) for r, n in enumerate(kinds.tolist()) if n},
    }


def _pairs(run: Run, near_line: Borderline, rows: list[int]) -> list[Report]:
    docs = near_line.pairs.docs
    return [
        {
            "left": run.name(int(docs[row, 0])),
            "right": run.name(int(docs[row, 1])),
            "deciding_jaccard": float(near_line.jaccard[row]),
            "line": float(near_line.line[row]),
            "figures": row_figures(near_line.pairs, row),
        }
        for row in rows
    ]
