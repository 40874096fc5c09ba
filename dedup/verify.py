"""Candidate pairs + texts -> exact overlap, Jaccard and containment.  No estimate decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .model import CONTAINED, NEAR, REWRITTEN, CandidatePairs, Spans, VerifiedPairs

BATCH_BYTES = 4 << 20  # of text held at a time on each thread; their shingle sets take 8 to 16 times that


def batches(
    pairs: CandidatePairs, n_bytes: NDArray[np.int64], limit: int = BATCH_BYTES
) -> Iterator[NDArray[np.int32]]:
    """Candidate pairs -> parts int32[m, 2] whose documents, but the largest, have `limit` bytes at most.

    Pairs are taken component by component, and in one by the larger document, so a document is in one
    part only unless its component is larger than the limit, and a long one is not read for every pair.
    """
    if not len(pairs):
        return
    nodes, local = np.unique(pairs.docs, return_inverse=True)
    local = local.reshape(-1, 2).astype(np.int32)
    label = kernels.components(len(nodes), local)[local[:, 0]]
    left, right = pairs.docs.T
    larger = np.where(n_bytes[left] > n_bytes[right], left, right)
    order = np.lexsort((left + right - larger, larger, label))
    held: set[int] = set()
    size, largest, start = 0, 0, 0
    for i, pair in enumerate(pairs.docs[order].tolist()):
        new = [int(n_bytes[d]) for d in pair if d not in held]
        if held and size + sum(new) - max(largest, *new, 0) > limit:
            yield pairs.docs[order[start:i]]
            held, size, largest, start = set(), 0, 0, i
            new = [int(n_bytes[d]) for d in pair]
        held.update(pair)
        size, largest = size + sum(new), max(largest, *new, 0)
    yield pairs.docs[order[start:]]


def verify(
    pairs: CandidatePairs,
    n_bytes: NDArray[np.int64],
    read: Callable[[NDArray[np.int32]], list[bytes | None]],
    table: Any,
    k: int,
    spans: Spans,
    run_all: Callable[..., Iterable[VerifiedPairs]],
) -> VerifiedPairs:
    """Candidate pairs -> the same pairs with their exact figures, whatever those are.

    `read(docs)` gives the UTF-8 text of each document, or None where it can no longer be read as it
    was; pairs with such a document are left out.  `spans` is the boilerplate of each document.
    """

    def one_batch(part: NDArray[np.int32]) -> VerifiedPairs:
        docs, local = np.unique(part, return_inverse=True)
        texts = read(docs)
        there = np.array([t is not None for t in texts])
        buffer, starts = kernels.joined([t or b"" for t in texts])
        local = local.reshape(-1, 2)
        readable = there[local].all(axis=1)
        asked = local[readable].astype(np.int32)
        sets = kernels.marked_sets(buffer, starts, table, k, spans.of_docs(docs))
        counts = kernels.figures(*sets, asked)
        bones = kernels.overlaps(*kernels.skeleton_sets(buffer, starts, table), asked)
        in_runs = _in_runs(buffer, starts, table, 3 * k, asked, counts)
        n, left, right = counts[:, :3].T
        return VerifiedPairs(part[readable], n, left, right, bones, counts[:, 3:], in_runs)

    parts = [VerifiedPairs.none(), *run_all(one_batch, batches(pairs, n_bytes))]
    return VerifiedPairs.none().merged(VerifiedPairs.concatenated(parts))


def _in_runs(
    buffer: NDArray[np.uint8],
    starts: NDArray[np.int64],
    table: Any,
    run: int,
    pairs: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """float64[n]: the share of the smaller text's runs of letters that the much larger one holds, else 1.

    A long text holds most short shingles of any other by chance, but not whole runs of them.
    """
    out = np.ones(len(pairs))
    smaller, larger = counts[:, 1:3].min(axis=1), counts[:, 1:3].max(axis=1)
    rows = np.flatnonzero((larger > MANY_TIMES * smaller) & (2 * counts[:, 0] > smaller))
    if len(rows):
        docs, local = np.unique(pairs[rows], return_inverse=True)
        some, places = kernels.joined([buffer[starts[d] : starts[d + 1]].tobytes() for d in docs.tolist()])
        runs = kernels.overlaps(
            *kernels.shingle_sets(some, places, table, run), local.reshape(-1, 2).astype(np.int32)
        )
        out[rows] = runs[:, 0] / np.maximum(1, runs[:, 1:].min(axis=1))
    return out


MANY_TIMES = 8  # so much larger is a text that may hold a short one by chance
MIN_IN_RUNS = 0.5  # of a part's runs of letters that such a text must hold
MIN_OWN_SHARE = 0.25  # of a text that must be no boilerplate for the rest of it to speak for it
MIN_JACCARD_OF_FRAMES = 0.8  # of two texts that are little but boilerplate


@dataclass(frozen=True)
class Thresholds:
    """What two documents must reach to be one; all figures are exact."""

    min_jaccard: float
    min_containment: float
    min_part: int  # shingles of a part, below which it is never called contained
    min_skeleton: float
    min_bones: int  # skeleton shingles of each, below which nothing is called rewritten

    def framed(self, pairs: VerifiedPairs) -> NDArray[np.bool_]:
        """bool[n]: there is boilerplate in one of the two."""
        return (pairs.own[:, 1] < pairs.size_left) | (pairs.own[:, 2] < pairs.size_right)

    def judged_without(self, pairs: VerifiedPairs) -> NDArray[np.bool_]:
        """bool[n]: enough is left of both without their boilerplate to go by."""
        left, right = pairs.own[:, 1], pairs.own[:, 2]
        share = np.minimum(left / np.maximum(pairs.size_left, 1), right / np.maximum(pairs.size_right, 1))
        return (np.minimum(left, right) >= self.min_part) & (share >= MIN_OWN_SHARE)

    def deciding_jaccard(self, pairs: VerifiedPairs) -> NDArray[np.float64]:
        """float64[n]: the Jaccard held against the line, that without boilerplate where enough is left."""
        own = self.framed(pairs) & self.judged_without(pairs)
        return np.where(own, pairs.discounted_jaccard, pairs.jaccard)

    def alike(self, pairs: VerifiedPairs) -> NDArray[np.bool_]:
        """bool[n]: alike by their shingles; where there is boilerplate, by what else there is.

        Two texts that are little but boilerplate must be nearly the same.
        """
        strict = self.framed(pairs) & ~self.judged_without(pairs)
        line = np.where(strict, max(self.min_jaccard, MIN_JACCARD_OF_FRAMES), self.min_jaccard)
        return self.deciding_jaccard(pairs) >= line

    def rewritten(self, pairs: VerifiedPairs) -> NDArray[np.bool_]:
        """bool[n]: alike by their skeletons, and clearly more so than by their shingles.

        Texts that share a passage word for word are alike in both views to the same degree, so the
        skeleton must exceed the Jaccard by two of its standard errors.  A skeleton must also speak for
        its text: at least one shingle of it to 20 of the letters.
        """
        fewer = np.minimum(pairs.bones[:, 1], pairs.bones[:, 2])
        sparse = np.maximum(
            pairs.size_left - 20 * pairs.bones[:, 1], pairs.size_right - 20 * pairs.bones[:, 2]
        )
        s = pairs.skeleton_jaccard
        more = s - pairs.jaccard >= 2 * np.sqrt(s * (1 - s) / np.maximum(fewer, 1))
        enough = (fewer >= self.min_bones) & (sparse <= 0)
        enough &= ~self.framed(pairs) | self.judged_without(pairs)
        return enough & (s >= self.min_skeleton) & more

    def left_in_right(self, pairs: VerifiedPairs) -> NDArray[np.bool_]:
        """bool[n]: the left document is part of the right one.  Short texts stand in long ones by chance."""
        return self._part(pairs, pairs.size_left, pairs.left_in_right, pairs.own[:, 1])

    def right_in_left(self, pairs: VerifiedPairs) -> NDArray[np.bool_]:
        """bool[n]: the right document is part of the left one."""
        return self._part(pairs, pairs.size_right, pairs.right_in_left, pairs.own[:, 2])

    def _part(
        self,
        pairs: VerifiedPairs,
        size: NDArray[np.int64],
        share: NDArray[np.float64],
        own_size: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        plain = (share >= self.min_containment) & (size >= self.min_part)
        own_share = pairs.own[:, 0] / np.maximum(own_size, 1)
        own = (own_share >= self.min_containment) & (own_size >= self.min_part) & self.judged_without(pairs)
        return np.where(self.framed(pairs), own, plain) & (pairs.in_runs >= MIN_IN_RUNS)

    def reached(self, pairs: VerifiedPairs) -> NDArray[np.bool_]:
        """bool[n]: one document, in any of the ways."""
        part = self.left_in_right(pairs) | self.right_in_left(pairs)
        return self.alike(pairs) | part | self.rewritten(pairs)

    def relation(self, pairs: VerifiedPairs) -> NDArray[np.int8]:
        """int8[n]: the mildest relation that holds of near, contained and rewritten."""
        part = self.left_in_right(pairs) | self.right_in_left(pairs)
        kind = np.where(self.alike(pairs), NEAR, np.where(part, CONTAINED, REWRITTEN))
        return kind.astype(np.int8)
