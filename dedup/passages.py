"""Shingle hashes -> anchors; anchors -> candidate (part, whole) pairs.

Winnowing (Schleimer, Wilkerson and Aiken 2003, "Winnowing: local algorithms for document
fingerprinting"): from each window of w consecutive shingles keep the smallest hash, of equal ones
the last.  Two texts that share a run of w + k - 1 letters share an anchor for certain, and a whole
shares nearly all the anchors of its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .model import Anchors, CandidatePairs


def winnow(hashes: NDArray[np.uint64], window: int) -> list[int]:
    """Shingle hashes uint64[n] -> the places of the anchors, rising; the plain definition.

    >>> winnow(np.array([77, 74, 42, 17, 98, 50, 17, 98, 8, 88, 67, 39, 77, 74, 42, 17, 98]), 4)
    [3, 6, 8, 11, 15]
    """
    places: list[int] = []
    for start in range(max(1, len(hashes) - window + 1) if len(hashes) else 0):
        part = hashes[start : start + window]
        place = start + len(part) - 1 - int(np.argmin(part[::-1]))
        if not places or places[-1] != place:
            places.append(place)
    return places


RANGES = 16  # of hashes, taken one at a time on each thread
DOCS_OF_GROUP = 64  # of one group of near-duplicates, looked at for each anchor
PAIRS_WITH_GROUP = 4  # candidates that a document makes with one group


def containment_candidates(
    anchors: Anchors,
    group: NDArray[np.int32],
    max_groups: int,
    min_share: float,
    run_all: Callable[..., Iterable[tuple[NDArray[np.int64], NDArray[np.int32]]]] = map,
) -> CandidatePairs:
    """Anchors -> pairs of documents where one may hold the other.

    An anchor that stands in more than `max_groups` different groups of near-duplicates (`group`
    int32[n_docs]) is boilerplate and makes no pair.  A pair is a candidate when the two share at
    least `min_share` of the anchors of the one that has fewer, and at least two.  Documents of one
    group are known to be alike already and make no pair here; of each other group a document is
    paired with the few that share most with it, so that two groups of thousands stay cheap.
    """

    def one_range(prefix: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        mine = np.flatnonzero(anchors.hash >> np.uint64(60) == prefix)
        return _postings(anchors.hash[mine], anchors.doc[mine], group, max_groups)

    found = list(run_all(one_range, range(RANGES)))
    postings = np.concatenate([[0], *(size for size, _ in found)]).cumsum()
    docs = np.concatenate([docs for _, docs in found])
    term = np.repeat(np.arange(len(postings) - 1, dtype=np.int64), np.diff(postings))
    by_doc = np.argsort(docs, kind="stable")
    doc_indptr = _starts(np.bincount(docs, minlength=len(group)))
    few = kernels.first_of_group(postings, docs, group, DOCS_OF_GROUP)
    few_postings = _starts(np.bincount(term[few], minlength=len(postings) - 1))
    n_anchors = np.bincount(anchors.doc, minlength=len(group))
    pairs = kernels.shared_term_pairs(
        few_postings, docs[few], doc_indptr, term[by_doc], group, n_anchors, min_share, PAIRS_WITH_GROUP
    )
    return CandidatePairs.of(pairs)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sizes int64[n] -> indptr int64[n + 1]."""
    return np.r_[0, np.cumsum(sizes)].astype(np.int64)


def _postings(
    hashes: NDArray[np.uint64], docs: NDArray[np.int32], group: NDArray[np.int32], max_groups: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Anchors -> (in how many documents each usable one stands, those documents one after the other)."""
    order = np.lexsort((docs, group[docs], hashes))
    hashes, docs = hashes[order], docs[order]
    new = np.r_[True, hashes[1:] != hashes[:-1]] if len(hashes) else np.zeros(0, np.bool_)
    once = new | np.r_[True, docs[1:] != docs[:-1]] if len(hashes) else new
    new, docs = new[once], docs[once]
    indptr = np.r_[np.flatnonzero(new), len(docs)].astype(np.int64)
    usable = kernels.usable_terms(indptr, docs, group, max_groups)
    sizes = np.diff(indptr)
    return sizes[usable], docs[np.repeat(usable, sizes)]
