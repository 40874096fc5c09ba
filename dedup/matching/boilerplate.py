"""Learn boilerplate: passages of anchors that occur in many documents which otherwise differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import rules
from ..core.features import AnchorChunk, Anchors, Spans
from ..core.parallel import ParallelMap
from ..core.sorted_arrays import group_equal, offsets_from_sizes
from . import kernels
from .partition import N_BUCKETS, Buckets

IN_A_ROW = 3  # anchors that make a passage
MAX_TALLY = 26  # the largest table of counts has 2^26 bytes


@dataclass(frozen=True)
class KnownPassages:
    """Passages by their hashes, uint64 sorted.

    `common` passages occur in many groups of near-duplicates.  `frames`, the boilerplate, occur in many
    groups of the `owning` documents bool[n_docs]: those with a long run of letters without a common passage.
    """

    common: NDArray[np.uint64]
    frames: NDArray[np.uint64]
    owning: NDArray[np.bool_]

    @staticmethod
    def none(n_docs: int) -> KnownPassages:
        """Return no passages."""
        return KnownPassages(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(n_docs, np.bool_))


@dataclass(frozen=True)
class Boilerplate:
    """Which anchors are boilerplate, a bit for each, and where boilerplate is in each document.

    n_anchors, n_left int64[n_docs]: distinct anchors of each document that is compared, and how many of them
    are no boilerplate.
    """

    bits: NDArray[np.uint8]
    spans: Spans
    n_anchors: NDArray[np.int64]
    n_left: NDArray[np.int64]
    known: KnownPassages

    @property
    def n_effective(self) -> NDArray[np.int64]:
        """Return by how many anchors each document is matched: int64[n_docs]."""
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
    """Find the anchors that occur in many texts which otherwise differ.

    A passage is three anchors in a row; one anchor alone may be a common phrase.  It is common if it occurs
    in more than `max_holders` groups of near-duplicates (`group` int32[n_docs]).  A text otherwise differs if
    `own_run` letters of it in a row have no common passage: a page in a site frame does, the hundredth copy
    of a post with a few changed words does not.  Boilerplate is the passages that occur in more than
    `max_holders` groups of such texts.  Documents where `mine` bool[n_docs] is false are left out.  What does
    not fit into memory goes to files in `scratch`.
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
    """Return the passages that occur `least` times or more: hash, document, position of the first anchor."""
    counts = count_table(len(anchors.hash) // 2)

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
    """Take nothing as boilerplate, in documents `mine` bool[n_docs]."""
    return marked(anchors, mine, np.zeros(len(anchors.hash) // 8 + 1, np.uint8), parallel_map)


def marked(
    anchors: Anchors, mine: NDArray[np.bool_], bits: NDArray[np.uint8], parallel_map: ParallelMap = map
) -> Boilerplate:
    """Return the boilerplate of each document, by a bit for each anchor."""

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
    """Return half the hash of each distinct anchor that is no boilerplate, by document, as CSR.

    Documents that are not `wanted` bool[n_docs] get none.  Returns uint32[n] and int64[n_docs + 1].
    """

    def one_chunk(chunk: AnchorChunk) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        own = own_of(chunk, wanted, known.bits)
        sizes = np.bincount(chunk.doc[own] - chunk.first_doc, minlength=len(chunk.start) - 1)
        return half(chunk.hash[own]), sizes

    found = [(np.zeros(0, np.uint32), np.zeros(0, np.int64)), *parallel_map(one_chunk, anchors.chunks())]
    hashes, sizes = columns_of(found)
    return hashes, offsets_from_sizes(sizes)


def own_of(chunk: AnchorChunk, wanted: NDArray[np.bool_], bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return bool[n]: anchors that are no boilerplate, each once, of `wanted` documents bool[n_docs]."""
    mine = wanted[chunk.first_doc : chunk.first_doc + len(chunk.start) - 1]
    return kernels.own_anchors(chunk.hash, chunk.start, mine, _bits_of(bits, chunk))


def half(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Return the lower 32 bits of hashes."""
    return hashes.astype(np.uint32)


def _bits_of(bits: NDArray[np.uint8], chunk: AnchorChunk) -> NDArray[np.bool_]:
    return kernels.get_bits(bits, chunk.begin, chunk.begin + len(chunk.hash))


def count_table(n_bytes: int) -> NDArray[np.uint8]:
    """Return an empty table of counts of about that size; in a larger one fewer hashes share a cell."""
    return np.zeros(1 << min(MAX_TALLY, max(10, n_bytes.bit_length())), np.uint8)


def columns_of(rows: Iterable[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
    """Join the columns of rows of arrays; each part is freed once it is joined, as there may be many."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    out = []
    while columns:
        out.append(np.concatenate(columns.pop(0)))
    return out


def starts_of_equals(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the starts of the m runs of equal values in a sorted array, and its end: int64[m + 1]."""
    first = np.flatnonzero(values[1:] != values[:-1]) + 1
    return np.r_[np.zeros(min(1, len(values)), np.int64), first, len(values)].astype(np.int64)
