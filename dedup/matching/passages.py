"""Shingle hashes -> anchors; anchors -> candidate (part, whole) pairs.

Winnowing (Schleimer, Wilkerson and Aiken 2003, "Winnowing: local algorithms for document
fingerprinting"): from each window of w consecutive shingles keep the smallest hash, of equal ones
the last.  Two texts that share a run of w + k - 1 letters share an anchor for certain, and a whole
shares nearly all the anchors of its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import rules
from ..core.features import AnchorChunk, Anchors, Spans
from ..core.pairs import CandidatePairs
from ..core.parallel import trim_memory
from ..core.sorted_arrays import group_equal, offsets_from_sizes
from . import kernels
from .partition import N_BUCKETS, Buckets


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


RANGES = 16  # of documents, taken one at a time on each thread
DOCS_OF_GROUP = 64  # of one group of near-duplicates, looked at for each anchor
PAIRS_WITH_GROUP = 4  # candidates that a document makes with one group
IN_A_ROW = 3  # anchors that make a passage
MAX_GROUPS = 64  # an anchor that stands in more groups makes no candidates, boilerplate or not
FEW_ANCHORS = 128  # a document with more is looked for by every SAMPLED-th of them
SAMPLED = 4  # a power of two
MAX_TALLY = 26  # the largest table of counts has 2^26 bytes

ParallelMap = Callable[..., Iterable[Any]]


@dataclass(frozen=True)
class KnownPassages:
    """What makes boilerplate: `common` passages uint64, rising, stand in many groups of near-duplicates;
    `frames` in many groups of `owning` documents bool[n_docs], which have a long run without common ones."""

    common: NDArray[np.uint64]
    frames: NDArray[np.uint64]
    owning: NDArray[np.bool_]

    @staticmethod
    def none(n_docs: int) -> KnownPassages:
        """Nothing is common."""
        return KnownPassages(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(n_docs, np.bool_))


@dataclass(frozen=True)
class Boilerplate:
    """Which anchors are boilerplate, a bit for each, and where that leaves each document.

    n_anchors, n_left int64[n_docs]: different anchors of the documents that were looked at, and those of
    them that are no boilerplate.
    """

    bits: NDArray[np.uint8]
    spans: Spans
    n_anchors: NDArray[np.int64]
    n_left: NDArray[np.int64]
    known: KnownPassages

    @property
    def n_effective(self) -> NDArray[np.int64]:
        """int64[n_docs]: by how many anchors each is matched."""
        return rules.effective_anchors(self.n_anchors, self.n_left)


def boilerplate(
    anchors: Anchors,
    mine: NDArray[np.bool_],
    group: NDArray[np.int32],
    max_holders: int,
    own_run: int,
    scratch: Path | None = None,
    parallel_map: ParallelMap = map,
) -> Boilerplate:
    """Anchors -> those that stand in many texts which otherwise differ.

    A passage, three anchors in a row, is common when it stands in more than `max_holders` groups of
    near-duplicates (`group` int32[n_docs]); one anchor alone may be a phrase that many use.  A text
    otherwise differs when some stretch of it, `own_run` letters long, has no common passage: a page in
    a site frame does, the hundredth copy of a post with a few changed words does not.  Boilerplate is
    the passages that stand in more than `max_holders` groups of such texts.  Documents where `mine`
    bool[n_docs] is false have no part in it.  What does not fit into memory goes to files in `scratch`.
    """
    with _frequent_passages(anchors, mine, max_holders + 1, scratch, parallel_map) as buckets:

        def common_in(holders: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
            def one_bucket(number: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
                passages, docs, first = buckets.bucket(number)
                order, passages = group_equal(passages)
                docs = docs[order]
                indptr = starts_of_equals(passages)
                many = kernels.distinct_groups(indptr, docs, holders, max_holders) > max_holders
                return first[order[np.repeat(many, np.diff(indptr))]], passages[indptr[:-1][many]]

            bits, hashes = np.zeros(len(anchors.hash) // 8 + 1, np.uint8), [np.zeros(0, np.uint64)]
            for found, passages in parallel_map(one_bucket, range(N_BUCKETS)):
                kernels.set_bits(bits, found, IN_A_ROW)
                hashes.append(passages)
            return bits, np.sort(np.concatenate(hashes))

        bits, common = common_in(group)

        def own_runs(chunk: AnchorChunk) -> NDArray[np.int64]:
            return kernels.own_runs(chunk.start, _bits_of(bits, chunk), chunk.position)

        runs = np.concatenate([np.zeros(0, np.int64), *parallel_map(own_runs, anchors.chunks())])
        owning = mine & (runs >= own_run)
        bits, frames = common_in(np.where(owning, group, np.int32(-1)))
    return replace(marked(anchors, mine, bits, parallel_map), known=KnownPassages(common, frames, owning))


def _frequent_passages(
    anchors: Anchors, mine: NDArray[np.bool_], least: int, scratch: Path | None, parallel_map: ParallelMap
) -> Buckets:
    """The passages that stand in `least` places or more: hash, document, place of the first anchor."""
    counts = _table(len(anchors.hash) // 2)

    def passages_in(chunk: AnchorChunk) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int64]]:
        passages, first = kernels.in_a_row(chunk.hash, chunk.doc, IN_A_ROW)
        docs = chunk.doc[first]
        wanted = mine[docs]
        return passages[wanted], docs[wanted], first[wanted] + chunk.begin

    def often_in(chunk: AnchorChunk) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int64]]:
        passages, docs, first = passages_in(chunk)
        often = kernels.are_frequent(counts, passages, least)
        return passages[often], docs[often], first[often]

    for passages, _, _ in parallel_map(passages_in, anchors.chunks()):
        kernels.count_hashes(counts, passages, least)
    buckets = Buckets((np.uint64, np.int32, np.int64), scratch)
    for rows in parallel_map(often_in, anchors.chunks()):
        buckets.add(*rows)
    return buckets


def no_boilerplate(anchors: Anchors, mine: NDArray[np.bool_], parallel_map: ParallelMap = map) -> Boilerplate:
    """Nothing is boilerplate; `mine` bool[n_docs] are the documents that are looked at."""
    return marked(anchors, mine, np.zeros(len(anchors.hash) // 8 + 1, np.uint8), parallel_map)


def marked(
    anchors: Anchors, mine: NDArray[np.bool_], bits: NDArray[np.uint8], parallel_map: ParallelMap = map
) -> Boilerplate:
    """Anchors, and a bit for each that is boilerplate -> where that leaves each document."""

    def one_chunk(chunk: AnchorChunk) -> tuple[Any, ...]:
        flags = _bits_of(bits, chunk)
        start, end, indptr = kernels.spans_of(chunk.start, flags, chunk.position)
        return start, end, np.diff(indptr), *kernels.different_anchors(chunk.hash, chunk.start, flags).T

    found = [(np.zeros(0, np.int64),) * 5, *parallel_map(one_chunk, anchors.chunks())]
    start, end, sizes, n_anchors, n_left = (np.concatenate(column) for column in zip(*found, strict=True))
    counts = np.where(mine, n_anchors, 0), np.where(mine, n_left, 0)
    return Boilerplate(
        bits, Spans(start, end, offsets_from_sizes(sizes)), *counts, KnownPassages.none(len(mine))
    )


def own_anchors(
    anchors: Anchors, wanted: NDArray[np.bool_], known: Boilerplate, parallel_map: ParallelMap = map
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """-> half of each different anchor that is no boilerplate, by document as CSR, with int64[n_docs + 1].

    Of the documents that are `wanted` bool[n_docs]; the others have none.
    """

    def one_chunk(chunk: AnchorChunk) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        own = own_of(chunk, wanted, known.bits)
        sizes = np.bincount(chunk.doc[own] - chunk.first_doc, minlength=len(chunk.start) - 1)
        return half(chunk.hash[own]), sizes

    found = [(np.zeros(0, np.uint32), np.zeros(0, np.int64)), *parallel_map(one_chunk, anchors.chunks())]
    hashes, sizes = _columns(found)
    return hashes, offsets_from_sizes(sizes)


def own_of(chunk: AnchorChunk, wanted: NDArray[np.bool_], bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool[n]: anchors that are no boilerplate, each once, of documents that are `wanted` bool[n_docs]."""
    mine = wanted[chunk.first_doc : chunk.first_doc + len(chunk.start) - 1]
    return kernels.own_anchors(chunk.hash, chunk.start, mine, _bits_of(bits, chunk))


def half(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The lower 32 bits of hashes."""
    return hashes.astype(np.uint32)


def _bits_of(bits: NDArray[np.uint8], chunk: AnchorChunk) -> NDArray[np.bool_]:
    return kernels.get_bits(bits, chunk.begin, chunk.begin + len(chunk.hash))


def _table(n_bytes: int) -> NDArray[np.uint8]:
    """A table of counts, about so large; in a larger one fewer hashes share a place."""
    return np.zeros(1 << min(MAX_TALLY, max(10, n_bytes.bit_length())), np.uint8)


def containment_candidates(
    anchors: Anchors,
    mine: NDArray[np.bool_],
    known: Boilerplate,
    group: NDArray[np.int32],
    min_share: float = rules.ANCHOR_SHARE,
    scratch: Path | None = None,
    parallel_map: ParallelMap = map,
) -> CandidatePairs:
    """Anchors that are no boilerplate -> pairs of documents where one may hold the other; see `directed`."""
    found, _ = directed(anchors, mine, known, group, min_share, scratch, parallel_map)
    return CandidatePairs.of(found[:, :2])


def directed(
    anchors: Anchors,
    mine: NDArray[np.bool_],
    known: Boilerplate,
    group: NDArray[np.int32],
    min_share: float = rules.ANCHOR_SHARE,
    scratch: Path | None = None,
    parallel_map: ParallelMap = map,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """-> int32[m, 3]: a document, another that it finds, by how many anchors; int64[n_docs], in the sample.

    A pair is a candidate when the two share as many different anchors as `rules.min_shared_anchors` says.
    A document of more than FEW_ANCHORS is looked for by a sample of them, so that a
    long text costs less.  Documents of one group of near-duplicates
    (`group` int32[n_docs]) make no pair here; of each other group a document is paired with the few
    that share most with it, so that two groups of thousands stay cheap.  Documents where `mine` is false
    and boilerplate have no part in it.
    """
    n_docs, n_effective = len(group), known.n_effective
    many = n_effective > FEW_ANCHORS
    buckets, n_sampled = _shared_anchors(anchors, mine, known, many, scratch, parallel_map)

    def one_bucket(number: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
        hashes, docs = buckets.bucket(number)
        order, hashes = group_equal(hashes)
        docs = docs[order]
        sure = sample(hashes) | ~many[docs]  # others serve only where a document with few anchors has them
        return kernels.postings(hashes, docs, sure, group, MAX_GROUPS, DOCS_OF_GROUP)[:3]

    with buckets:
        sizes, docs, few = _columns(parallel_map(one_bucket, range(N_BUCKETS)))
    trim_memory()
    doc_indptr, terms = kernels.terms_of_docs(sizes, docs, n_docs)
    if not few.all():
        sizes = np.add.reduceat(few, np.cumsum(sizes) - sizes, dtype=np.int64)
        docs = docs[few]
    few_postings, few_docs = offsets_from_sizes(sizes), docs
    del sizes, docs, few
    n_terms = terms_looked_for(n_effective, known.n_left, n_sampled)
    enough = rules.min_shared_anchors(n_terms, min_share).astype(np.int32)

    def some_docs(start: int) -> NDArray[np.int32]:
        limits = (enough, PAIRS_WITH_GROUP, start, min(start + step, n_docs))
        return kernels.shared_term_pairs(few_postings, few_docs, doc_indptr, terms, group, *limits)

    step = max(1, -(-n_docs // RANGES))
    pairs = [np.zeros((0, 3), np.int32), *parallel_map(some_docs, range(0, n_docs, step))]
    return np.concatenate(pairs), n_sampled


def terms_looked_for(
    n_effective: NDArray[np.int64], n_left: NDArray[np.int64], n_sampled: NDArray[np.int64]
) -> NDArray[np.int64]:
    """int64[n_docs]: by how many anchors each document is looked for, by a sample of them or by all."""
    return np.where((n_effective > FEW_ANCHORS) & (n_effective == n_left), n_sampled, n_effective)


def _columns(rows: Iterable[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
    """Rows of arrays -> each column as one array; what is joined is let go of, as there may be much of it."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    out = []
    while columns:
        out.append(np.concatenate(columns.pop(0)))
    return out


def _shared_anchors(
    anchors: Anchors,
    mine: NDArray[np.bool_],
    known: Boilerplate,
    many: NDArray[np.bool_],
    scratch: Path | None,
    parallel_map: ParallelMap,
) -> tuple[Buckets, NDArray[np.int64]]:
    """The anchors by which documents are looked for, that stand in two or more: hash, document; and others.

    With them, int64[n_docs], how many of each document's different anchors are in the sample.  Most of the
    anchors of documents with many are left out here that are in no sample, nor in any document with few.
    """
    small = mine & ~many
    in_small, shared = _table(len(anchors.hash) // 2), _table(len(anchors.hash))

    def of_small(chunk: AnchorChunk) -> NDArray[np.uint64]:
        return chunk.hash[own_of(chunk, small, known.bits)]

    def wanted(chunk: AnchorChunk) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.int64]]:
        sampled = sample(chunk.hash)
        keep = sampled | ~many[chunk.doc] | kernels.are_frequent(in_small, chunk.hash, 1)
        keep &= own_of(chunk, mine, known.bits)
        counted = np.bincount(chunk.doc[keep & sampled] - chunk.first_doc, minlength=len(chunk.start) - 1)
        return chunk.hash[keep], np.packbits(keep), counted

    def often(given: tuple[AnchorChunk, NDArray[np.uint8]]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        chunk, bits = given
        keep = np.flatnonzero(np.unpackbits(bits, count=len(chunk.hash)))
        keep = keep[kernels.are_frequent(shared, chunk.hash[keep], 2)]
        return chunk.hash[keep], chunk.doc[keep]

    for hashes in parallel_map(of_small, anchors.chunks()):
        kernels.count_hashes(in_small, hashes, 1)
    n_sampled, kept = [np.zeros(0, np.int64)], []
    for hashes, bits, counted in parallel_map(wanted, anchors.chunks()):
        kernels.count_hashes(shared, hashes, 2)
        n_sampled.append(counted)
        kept.append(bits)
    buckets = Buckets((np.uint64, np.int32), scratch)
    for rows in parallel_map(often, zip(anchors.chunks(), kept, strict=True)):
        buckets.add(*rows)
    return buckets, np.concatenate(n_sampled)


def sample(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """bool[n]: about one in SAMPLED hashes, the same ones in every document."""
    return hashes & np.uint64(SAMPLED - 1 << 8) == 0


def starts_of_equals(values: NDArray[Any]) -> NDArray[np.int64]:
    """Values in order -> indptr int64[m + 1] of the m stretches of equal ones."""
    first = np.flatnonzero(values[1:] != values[:-1]) + 1
    return np.r_[np.zeros(min(1, len(values)), np.int64), first, len(values)].astype(np.int64)
