"""Shingle hashes -> anchors; anchors -> candidate (part, whole) pairs.

Winnowing (Schleimer, Wilkerson and Aiken 2003, "Winnowing: local algorithms for document
fingerprinting"): from each window of w consecutive shingles keep the smallest hash, of equal ones
the last.  Two texts that share a run of w + k - 1 letters share an anchor for certain, and a whole
shares nearly all the anchors of its part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def containment_candidates(
    anchors: Anchors, group: NDArray[np.int32], max_groups: int, min_share: float
) -> CandidatePairs:
    """Anchors -> pairs of documents where one may hold the other.

    An anchor that stands in more than `max_groups` different groups of near-duplicates (`group`
    int32[n_docs]) is boilerplate and makes no pair.  A pair is a candidate when the two share at
    least `min_share` of the remaining anchors of the one that has fewer, and at least two.
    """
    from . import kernels

    n_docs = len(group)
    hashes, docs = _distinct(anchors)  # sorted by hash, then doc
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]]) if len(hashes) else np.zeros(0, np.int64)
    indptr = np.r_[starts, len(hashes)].astype(np.int64)
    term = np.repeat(np.arange(len(starts), dtype=np.int64), np.diff(indptr))
    usable = kernels.usable_terms(indptr, docs, group, max_groups)
    keep = usable[term]
    term, docs = term[keep], docs[keep]
    # postings by term, and terms by document, of what is left
    postings = np.r_[0, np.cumsum(np.bincount(term, minlength=len(starts)))].astype(np.int64)
    by_doc = np.argsort(docs, kind="stable")
    doc_indptr = np.r_[0, np.cumsum(np.bincount(docs, minlength=n_docs))].astype(np.int64)
    pairs = kernels.shared_term_pairs(postings, docs, doc_indptr, term[by_doc], min_share)
    return CandidatePairs.of(pairs)


def _distinct(anchors: Anchors) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Anchors -> (hash, doc) without repeats, sorted."""
    order = np.lexsort((anchors.doc, anchors.hash))
    hashes, docs = anchors.hash[order], anchors.doc[order]
    if len(hashes):
        first = np.r_[True, (hashes[1:] != hashes[:-1]) | (docs[1:] != docs[:-1])]
        hashes, docs = hashes[first], docs[first]
    return hashes, docs
