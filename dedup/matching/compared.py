"""All pairs that a scan compares: each once, and none that an earlier scan has compared already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.pairs import TURNED, CandidatePairs, VerifiedPairs, pair_keys
from ..core.sorted_arrays import distinct, is_in


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


def turned(pairs: VerifiedPairs, docs: NDArray[np.int32]) -> VerifiedPairs:
    """The pairs with other numbers int32[n, 2], the smaller one on the left, sorted."""
    turn = docs[:, 0] > docs[:, 1]

    def exchanged(columns: NDArray[Any], order: Sequence[int]) -> NDArray[Any]:
        return np.where(turn.reshape(-1, *[1] * (columns.ndim - 1)), columns[..., order], columns)

    sizes = exchanged(np.stack([pairs.size_left, pairs.size_right], axis=1), [1, 0])
    out = replace(
        pairs,
        docs=exchanged(docs, [1, 0]).astype(np.int32),
        size_left=sizes[:, 0],
        size_right=sizes[:, 1],
        bones=exchanged(pairs.bones, [0, 2, 1]),
        own=exchanged(pairs.own, [0, 2, 1]),
        content=exchanged(pairs.content, TURNED),
        slots=exchanged(pairs.slots, [0, 1, 3, 2]),
    )
    return out.where(np.argsort(pair_keys(out.docs)))
