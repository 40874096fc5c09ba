"""Shingle hashes -> anchors; anchors -> candidate (part, whole) pairs.

Winnowing (Schleimer, Wilkerson and Aiken 2003, "Winnowing: local algorithms for document
fingerprinting"): from each window of w consecutive shingles keep the smallest hash, of equal ones
the last.  Two texts that share a run of w + k - 1 letters share an anchor for certain, and a whole
shares nearly all the anchors of its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .model import Anchors, CandidatePairs, Spans


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
IN_A_ROW = 3  # anchors that make a passage
MAX_GROUPS = 64  # an anchor that stands in more groups makes no candidates, boilerplate or not


def boilerplate(
    anchors: Anchors,
    group: NDArray[np.int32],
    max_holders: int,
    own_run: int,
    run_all: Callable[..., Iterable[Any]] = map,
) -> NDArray[np.bool_]:
    """Anchors, in document order -> bool[n_anchors]: those that stand in many texts which otherwise differ.

    A passage, three anchors in a row, is common when it stands in more than `max_holders` groups of
    near-duplicates (`group` int32[n_docs]); one anchor alone may be a phrase that many use.  A text
    otherwise differs when some stretch of it, `own_run` letters long, has no common passage: a page in
    a site frame does, the hundredth copy of a post with a few changed words does not.  Boilerplate is
    the passages that stand in more than `max_holders` groups of such texts.
    """
    n_docs = len(group)
    doc_starts = _starts(np.bincount(anchors.doc, minlength=n_docs))
    passages, first = kernels.in_a_row(anchors.hash, anchors.doc, IN_A_ROW)
    often = kernels.frequent(passages, max_holders + 1)
    passages, first = passages[often], first[often]
    docs = anchors.doc[first]

    def common_in(holders: NDArray[np.int32]) -> NDArray[np.bool_]:
        def one_range(prefix: int) -> NDArray[np.int64]:
            mine = np.flatnonzero(passages >> np.uint64(60) == prefix)
            mine = mine[np.argsort(passages[mine], kind="stable")]
            hashes = passages[mine]
            new = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]]) if len(hashes) else mine
            indptr = np.r_[new, len(mine)].astype(np.int64)
            many = kernels.distinct_groups(indptr, docs[mine], holders, max_holders) > max_holders
            return mine[np.repeat(many, np.diff(indptr))]

        out = np.zeros(len(anchors.hash), np.bool_)
        for found in run_all(one_range, range(RANGES)):
            for i in range(IN_A_ROW):
                out[first[found] + i] = True
        return out

    common = common_in(group)
    if not common.any():
        return common
    differs = kernels.own_runs(doc_starts, common, anchors.position) >= own_run
    return common_in(np.where(differs, group, np.int32(-1)))


def spans(anchors: Anchors, flags: NDArray[np.bool_], n_docs: int) -> Spans:
    """Anchors in document order, which are boilerplate -> the stretches of each document between such."""
    doc_starts = _starts(np.bincount(anchors.doc, minlength=n_docs))
    return Spans(*kernels.spans_of(doc_starts, flags, anchors.position))


def containment_candidates(
    anchors: Anchors,
    group: NDArray[np.int32],
    n_anchors: NDArray[np.int64],
    min_share: float,
    run_all: Callable[..., Iterable[Any]] = map,
) -> CandidatePairs:
    """Anchors that are no boilerplate -> pairs of documents where one may hold the other.

    A pair is a candidate when the two share at least `min_share` of the anchors of the one that has
    fewer (n_anchors int64[n_docs]), and at least two.  Documents of one group of near-duplicates
    (`group` int32[n_docs]) make no pair here; of each other group a document is paired with the few
    that share most with it, so that two groups of thousands stay cheap.
    """

    def one_range(prefix: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        mine = np.flatnonzero(anchors.hash >> np.uint64(60) == prefix)
        return _postings(anchors.hash[mine], anchors.doc[mine], group)

    often = kernels.frequent(anchors.hash, 2)
    anchors = anchors.where(often)
    found = list(run_all(one_range, range(RANGES)))
    postings = np.concatenate([[0], *(size for size, _ in found)]).cumsum()
    docs = np.concatenate([docs for _, docs in found])
    term = np.repeat(np.arange(len(postings) - 1, dtype=np.int64), np.diff(postings))
    by_doc = np.argsort(docs, kind="stable")
    doc_indptr = _starts(np.bincount(docs, minlength=len(group)))
    few = kernels.first_of_group(postings, docs, group, DOCS_OF_GROUP)
    few_postings = _starts(np.bincount(term[few], minlength=len(postings) - 1))
    few_docs, terms = docs[few], term[by_doc]

    def some_docs(start: int) -> NDArray[np.int32]:
        limits = (min_share, PAIRS_WITH_GROUP, start, min(start + step, len(group)))
        return kernels.shared_term_pairs(few_postings, few_docs, doc_indptr, terms, group, n_anchors, *limits)

    step = max(1, -(-len(group) // RANGES))
    pairs = [np.zeros((0, 2), np.int32), *run_all(some_docs, range(0, len(group), step))]
    return CandidatePairs.of(np.concatenate(pairs))


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sizes int64[n] -> indptr int64[n + 1]."""
    return np.r_[0, np.cumsum(sizes)].astype(np.int64)


def _postings(
    hashes: NDArray[np.uint64], docs: NDArray[np.int32], group: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Anchors -> (in how many documents each usable one stands, those documents one after the other)."""
    order = np.lexsort((docs, group[docs], hashes))
    hashes, docs = hashes[order], docs[order]
    new = np.r_[True, hashes[1:] != hashes[:-1]] if len(hashes) else np.zeros(0, np.bool_)
    once = new | np.r_[True, docs[1:] != docs[:-1]] if len(hashes) else new
    new, docs = new[once], docs[once]
    indptr = np.r_[np.flatnonzero(new), len(docs)].astype(np.int64)
    groups = kernels.distinct_groups(indptr, docs, group, MAX_GROUPS)
    usable = (groups > 1) & (groups <= MAX_GROUPS)
    sizes = np.diff(indptr)
    return sizes[usable], docs[np.repeat(usable, sizes)]
