"""Pairs of documents -> their exact figures: verified by the scan, or from the texts, read again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clustering.verdict import thresholds
from ..core.pairs import CandidatePairs, VerifiedPairs, pair_keys
from ..core.settings import Settings
from ..matching import verify
from ..readers.registry import Options, fetch
from ..runs.run import Run
from ..text.normalize import letter_table


def texts_of(run: Run, docs: NDArray[np.int32]) -> list[bytes | None]:
    """Documents int32[n] -> their UTF-8 texts; None where the file has changed or gone."""
    if run.texts is not None:
        return [run.texts[d] for d in docs.tolist()]
    fields = [Options(*f) for f in run.fields]
    return [None if got is None else got[1] for got in fetch(run.sources, fields, run.documents, docs)]


def measured(run: Run, docs: NDArray[np.int32]) -> VerifiedPairs:
    """Pairs int32[n, 2] -> their exact figures, sorted; without those whose texts are no longer there."""
    return verify.verify(
        CandidatePairs.of(docs),
        run.documents.n_bytes,
        lambda some: texts_of(run, some),
        letter_table(),
        Settings.of_run(run.summary).k,
        run.spans,
        thresholds(Settings.of_run(run.summary)),
        map,
    )


def rows_of(pairs: VerifiedPairs, docs: NDArray[Any]) -> NDArray[np.int64]:
    """Pairs int[n, 2] -> the row of each in `pairs`, which are sorted; -1 where it is not among them."""
    keys, wanted = pair_keys(pairs.docs), pair_keys(docs.reshape(-1, 2))
    at = np.searchsorted(keys, wanted)
    found = at < len(keys)
    found[found] = keys[at[found]] == wanted[found]
    return np.where(found, at, -1)


def figures(run: Run, docs: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """A few pairs -> the figures of each, verified by the scan or measured now; {} where a text is gone."""
    beside = np.array(docs, np.int32).reshape(-1, 2)
    known = rows_of(run.pairs, beside)
    missing = beside[known < 0]
    fresh = measured(run, missing) if len(missing) else VerifiedPairs.none()
    again = rows_of(fresh, beside)
    out = []
    for row, new in zip(known.tolist(), again.tolist(), strict=True):
        if row >= 0:
            out.append({"verified": True, **row_figures(run.pairs, row)})
        else:
            out.append({"verified": False, **row_figures(fresh, new)} if new >= 0 else {})
    return out


def row_figures(pairs: VerifiedPairs, row: int) -> dict[str, float]:
    """One row of pairs -> its figures as plain values."""
    one = pairs.where(np.array([row]))
    names = (
        *("jaccard", "containment", "discounted_jaccard", "discounted_containment"),
        "skeleton_jaccard",
    )
    return {name: float(getattr(one, name)[0]) for name in names}
