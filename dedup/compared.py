"""All pairs that a scan compares: each once, and none that an earlier scan has compared already."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .keys import distinct, is_in
from .model import CandidatePairs, VerifiedPairs, pair_keys


class Compared:
    """Candidate pairs -> their figures; what is known is not compared again."""

    def __init__(self, known: VerifiedPairs, compare: Callable[[CandidatePairs], VerifiedPairs]) -> None:
        self._known, self._compare = known, compare
        self._asked: NDArray[np.int64] = np.zeros(0, np.int64)

    def __call__(self, candidates: CandidatePairs) -> VerifiedPairs:
        """The figures of some pairs, sorted; those that cannot be read any more are left out."""
        keys = pair_keys(candidates.docs)
        self._asked = distinct(np.concatenate([self._asked, keys]))
        new = ~is_in(keys, pair_keys(self._known.docs))
        if new.any():
            self._known = self._known.merged(self._compare(CandidatePairs(candidates.docs[new])))
        return self._known.among(distinct(keys))

    def all(self) -> VerifiedPairs:
        """All pairs that were asked for, sorted."""
        return self._known.among(self._asked)
