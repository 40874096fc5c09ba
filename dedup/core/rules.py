"""The rules of candidates, each once, as functions of arrays.

A scan, a second scan, `check` and Spark call them, so that none finds what another misses.  An anchor or a
shingle that recurs in a document counts once wherever two documents are compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import estimates
from .thresholds import MIN_JACCARD_OF_FRAMES, MIN_OWN_SHARE

MIN_PART = 64  # shingles that a part must have to be called contained
MIN_SKELETON = 12  # skeleton shingles that each must have to be called rewritten
MIN_RECALL = 0.99  # of a pair at min_jaccard
NEAR_DUPLICATE = 0.9  # estimated Jaccard of texts that count as one where boilerplate is learned
ANCHOR_SHARE = 0.25  # of the part's anchors that the whole must share to be a candidate
MIN_OWN_ANCHORS = 16  # besides boilerplate, for what two texts share of them to tell something
RARE_ANCHORS, RARE_SHARE = 2, 0.02  # rare anchors that a noisy part and its whole share, of all of the part
LARGER = (1_000, 20_000)  # documents, from which on two must share one rare anchor or value more
OWN_SHARE = 0.3  # of the least Jaccard: two texts that have it share such a share of the fewer anchors

Counts = NDArray[np.int64]
Bools = NDArray[np.bool_]


# ------------------------------------------------------------------ values of signatures


def min_matching_values(jaccard: float, sizes: Counts, num_perm: int, sample: int) -> Counts:
    """Return how many signature values two sets of sizes int64[2, n] share if they reach `jaccard`.

    Five standard errors are allowed; see `estimates.least_matches`.  If the sample leaves nothing out, sizes
    do not matter.
    """
    line = (
        estimates.sampled_jaccard(jaccard, sizes[0], sizes[1], sample)
        if sample < estimates.EVERY
        else jaccard
    )
    return np.broadcast_to(estimates.least_matches(line, num_perm, sample), np.shape(sizes)[1])


def are_near_duplicates(matching: NDArray[Any], sizes: Counts, num_perm: int, sample: int) -> Bools:
    """Tell which pairs count as one text, by matching values and letters int64[2, n]: bool[n].

    No two sets of that Jaccard have samples less alike than where one holds the other, however much
    their letters repeat.
    """
    lowest = estimates.least_sampled_jaccard(NEAR_DUPLICATE, 1.0)
    line = np.maximum(lowest, estimates.sampled_jaccard(NEAR_DUPLICATE, sizes[0], sizes[1], sample))
    return np.asarray(matching >= line * num_perm)


def max_containment(matching: NDArray[Any], sizes: Counts, num_perm: int, sample: int) -> NDArray[np.float64]:
    """Return the highest containment that matching values and letters int64[2, n] allow: float64[n].

    Five standard errors are added to the Jaccard that the values estimate.
    """
    jaccard = matching / num_perm
    error = estimates.standard_error(jaccard, num_perm, sample)
    high = np.minimum(1.0, jaccard + estimates.STANDARD_ERRORS * error)
    return estimates.overlap(high, sizes[0], sizes[1], sample) / np.maximum(1, sizes.min(axis=0))


def may_be_one_with_frames(matching: NDArray[Any], sizes: Counts, num_perm: int, sample: int) -> Bools:
    """Tell which pairs may be near-duplicates with all their boilerplate: bool[n]."""
    return np.asarray(matching >= min_matching_values(MIN_JACCARD_OF_FRAMES, sizes, num_perm, sample))


# ------------------------------------------------------------------ anchors; all counts are of different ones


def effective_anchors(n_anchors: Counts, n_left: Counts) -> Counts:
    """Return by how many anchors a document is matched: those that are no boilerplate, or all.

    A text that is little but boilerplate is part of nothing: it must share all that it has.
    """
    return np.where(mostly_frame(n_anchors, n_left), n_anchors, n_left)


def min_shared_anchors(fewer: Counts, share: float = ANCHOR_SHARE) -> Counts:
    """Return how many anchors part and whole must share, by those of the document with fewer.

    Never fewer for one that has more, so of two documents it is the less of what each asks for.

    >>> min_shared_anchors(np.array([0, 1, 2, 9, 40])).tolist()
    [0, 1, 2, 3, 10]
    """
    return np.ceil(np.maximum(np.minimum(2, fewer), share * fewer)).astype(np.int64)


def more_shared(n_docs: int) -> int:
    """Return how many rare anchors or values more two of so many documents share than in a small corpus.

    >>> [more_shared(n) for n in (100, 10_000, 1_000_000)]
    [0, 1, 2]
    """
    return sum(n_docs > n for n in LARGER)


def min_rare_anchors(fewer: Counts, n_docs: int) -> Counts:
    """Return how many anchors that are rare in the corpus a noisy part and its whole share.

    More in a larger corpus, as pairs are many.

    >>> min_rare_anchors(np.array([2, 40, 400]), 1_000).tolist()
    [2, 2, 8]
    >>> min_rare_anchors(np.array([2, 40, 400]), 1_000_000).tolist()
    [4, 4, 8]
    """
    least = RARE_ANCHORS + more_shared(n_docs)
    return np.ceil(np.maximum(least, RARE_SHARE * fewer)).astype(np.int64)


def told_by_own(n_anchors: Counts, n_left: Counts) -> Bools:
    """Tell where some anchors are boilerplate, and the others are enough to tell documents apart: bool[n].

    They are many; or so small a share that they decide nothing.
    """
    return (n_left < n_anchors) & ((n_left >= MIN_OWN_ANCHORS) | mostly_frame(n_anchors, n_left))


def mostly_frame(n_anchors: Counts, n_left: Counts) -> Bools:
    """Tell where too little of a document is no boilerplate for the rest to represent it: bool[n].

    It may be one with another for all its boilerplate; see `thresholds.Thresholds.alike`.
    """
    return n_left < MIN_OWN_SHARE * n_anchors


def min_own_anchors(
    min_jaccard: float, min_skeleton: float, left: Counts, right: Counts
) -> NDArray[np.float64]:
    """Return how many non-boilerplate anchors two similar documents share at least.

    Copies, edited as they may be, share about as many of their anchors as of their shingles, and rewritten
    ones half as many as of their skeletons; of texts that have nothing to do with each other, one pair in a
    thousand shares a tenth.
    """
    return np.maximum(1, OWN_SHARE * min(min_jaccard, min_skeleton) * np.minimum(left, right))
