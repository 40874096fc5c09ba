"""Run -> the pairs just above and just below their line, which only their Jaccard joins or keeps apart.

The line is `min_jaccard`; that of two pages which are mostly boilerplate is higher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clustering import verdict
from ...core.pairs import CandidatePairs, VerifiedPairs
from ...core.settings import Settings
from ...core.verdicts import of_equal_letters
from ...matching import kernels
from ...matching.candidates import find_pairs
from ...matching.views import LETTERS
from ...runs.run import Run
from ..figures import measured, rows_of

MEASURED = 400  # candidates below the line that are read again and measured


@dataclass(frozen=True)
class Borderline:
    """Pairs by distance from the line: jaccard float64[n], the line float64[n] that it must reach, and
    joined bool[n]."""

    pairs: VerifiedPairs
    jaccard: NDArray[np.float64]
    line: NDArray[np.float64]
    joined: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pairs)

    def where(self, rows: NDArray[Any]) -> Borderline:
        """Return some of the pairs, by a mask or their rows."""
        return Borderline(self.pairs.where(rows), self.jaccard[rows], self.line[rows], self.joined[rows])

    def nearest(self, joined: bool, most: int) -> list[int]:
        """Return the rows of those that are joined, or not, the nearest first."""
        return np.flatnonzero(self.joined == joined)[:most].tolist()


def candidates_of(run: Run) -> CandidatePairs:
    """Find the candidate pairs of a run by its signatures, as its scan did; without skeletons and parts."""
    s = Settings.of_run(run.summary)
    same = verdict.same_letters(run.documents)
    docs = np.flatnonzero(run.ok & (same == np.arange(len(same)))).astype(np.int32)
    return find_pairs(LETTERS, s, run.documents, run.signatures, docs, map)


def not_joined(run: Run, candidates: CandidatePairs) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return candidates int32[n, 2] that reached no threshold, and their estimated Jaccard."""
    docs = candidates.docs[rows_of(run.pairs, candidates.docs) < 0]
    return docs, kernels.matches(run.signatures.values, docs) / Settings.of_run(run.summary).num_perm


def borderline(run: Run, candidates: CandidatePairs) -> Borderline:
    """A run and its candidates -> the pairs on both sides of the line.

    Those above it are the verified pairs that no other threshold joins.  Those below were not stored: of
    the candidates that reached nothing, the most alike by estimate are read again and measured; where a
    text is gone they are left out.
    """
    limits = verdict.thresholds(Settings.of_run(run.summary))
    stored = run.pairs.where(~of_equal_letters(run.pair_relations))
    found = limits.classify(stored)
    above = stored.where(found.alike & ~found.is_part & ~found.rewritten)
    docs, estimate = not_joined(run, candidates)
    below = measured(run, docs[np.argsort(-estimate, kind="stable")[:MEASURED]])
    below = below.where(~limits.classify(below).reached)
    both = VerifiedPairs.concatenated([above, below])
    joined = np.arange(len(both)) < len(above)
    found = limits.classify(both)
    order = np.argsort(np.abs(found.deciding_jaccard - found.line), kind="stable")
    return Borderline(both, found.deciding_jaccard, found.line, joined).where(order)
