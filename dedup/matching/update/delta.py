"""The difference between two runs: added, changed, removed and unchanged documents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...core.documents import Documents
from ...core.features import Anchors, Signatures, Spans
from ...core.sorted_arrays import unique_counts
from ..boilerplate import Boilerplate, KnownPassages
from .state import CandidateState


@dataclass(frozen=True)
class PreviousRun:
    """What the previous run found on the way to its candidates."""

    steps: CandidateState
    documents: Documents
    signatures: Signatures
    anchors: Anchors
    spans: Spans

    @property
    def boilerplate(self) -> Boilerplate:
        """Return which of its anchors were boilerplate."""
        counts = (self.steps.n_anchors.astype(np.int64), self.steps.n_left.astype(np.int64))
        known = KnownPassages(self.steps.common, self.steps.frames, self.steps.owning)
        return Boilerplate(self.steps.boilerplate, self.spans, *counts, known)


@dataclass(frozen=True)
class Change:
    """From the last run to this one.

    old_doc int32[n_docs]: its number there, -1 where it was not; new_doc int32[n_docs there]: its number now,
    -1 where it is gone.  `now` and `then` bool: the documents that are looked at, in this run and in that.
    """

    old_doc: NDArray[np.int32]
    new_doc: NDArray[np.int32]
    now: NDArray[np.bool_]
    then: NDArray[np.bool_]

    @cached_property
    def unchanged(self) -> NDArray[np.bool_]:
        """Return bool[n_docs]: compared in both runs, with the same text."""
        out = self.now & (self.old_doc >= 0)
        out[out] = self.then[self.old_doc[out]]
        return out

    @cached_property
    def unchanged_before(self) -> NDArray[np.bool_]:
        """Return bool[n_docs there]: the unchanged documents, by their numbers in the previous run."""
        out = np.zeros(len(self.new_doc), np.bool_)
        out[self.old_doc[self.unchanged]] = True
        return out

    @property
    def added(self) -> NDArray[np.int32]:
        """Return the documents compared now, and not in the previous run."""
        return np.flatnonzero(self.now & ~self.unchanged).astype(np.int32)

    @property
    def removed(self) -> NDArray[np.int32]:
        """Return the documents compared in the previous run only, by their numbers there."""
        return np.flatnonzero(self.then & ~self.unchanged_before).astype(np.int32)

    def pairs(self, old: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Pairs by their numbers there, int32[m, 2] -> (those of documents that stay; which those are).

        NOTE: documents keep their order from run to run, so pairs stay sorted.
        """
        both = np.asarray(self.unchanged_before[old].all(axis=1))
        return self.new_doc[old[both]], both

    def but(self, changed: NDArray[np.bool_]) -> Change:
        """Return the change in which some more documents bool[n_docs] count as changed."""
        new_doc, gone = self.new_doc.copy(), self.old_doc[changed & (self.old_doc >= 0)]
        new_doc[gone] = -1
        return replace(self, old_doc=np.where(changed, np.int32(-1), self.old_doc), new_doc=new_doc)

    def regrouped(self, then: NDArray[np.int32], now: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Groups int32[n_docs there], int32[n_docs] -> bool[n_docs]: of the documents that stay, those that
        are not together with the same ones any more."""
        docs = np.flatnonzero(self.unchanged)
        a, b = then[self.old_doc[docs]].astype(np.int64), now[docs].astype(np.int64)
        both, n_both = unique_counts(a << 32 | b)
        in_both = n_both[np.searchsorted(both, a << 32 | b)]
        out = np.zeros(len(now), np.bool_)
        out[docs] = (in_both != np.bincount(a)[a]) | (in_both != np.bincount(b)[b])
        return out
