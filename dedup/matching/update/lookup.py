"""Find in which documents hashes occur as anchors, and the anchors of some documents."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.array_table import ArrayTable
from ...core.features import KEPT_CHUNKS, AnchorChunk, Anchors
from ...core.parallel import ParallelMap
from ...core.sorted_arrays import expand_ranges, offsets_from_sizes
from .. import boilerplate, kernels

KEY_RANGES = 8  # of keys, whose rows are put in order one at a time on each thread
GATHERED = 4096  # documents that stand anywhere, whose anchors are taken at a time


@dataclass(frozen=True)
class HashedDocs(ArrayTable):
    """Hashes uint64[n] and the documents int32[n] in which they occur, in any order."""

    hash: NDArray[np.uint64]
    doc: NDArray[np.int32]


class SortedHashes:
    """Distinct hashes uint64[n], sorted, in which others are looked up."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self.keys = keys
        self.slots = np.empty(1 << max(5, (2 * len(keys)).bit_length()), np.int32)
        kernels.slots_of(keys, self.slots)

    def numbers(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the index of each hash: uint64[m] -> int64[m], -1 where it is not here."""
        return np.asarray(kernels.numbers_of(self.slots, self.keys, hashes))

    def has(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell which hashes are here: uint64[m] -> bool[m]."""
        return self.numbers(hashes) >= 0


def likely_table(keys: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return a table of counts for keys uint64[n]; few other hashes seem to be in it."""
    table = np.zeros(1 << max(5, (2 * len(keys)).bit_length()), np.uint8)
    kernels.count_hashes(table, keys, 1)
    return table


@dataclass(frozen=True)
class Occurrences:
    """For each of some hashes: whether it stands in more groups than matter; the documents of the others.

    many bool[m]; rows int64[n], the number of a key << 32 | a document, rising: those
    of keys that are not `many`, as often as the document has them.
    """

    table: SortedHashes
    many: NDArray[np.bool_]
    rows: NDArray[np.int64]

    @property
    def key(self) -> NDArray[np.int64]:
        """Return the index of the key of each row, int64[n]."""
        return self.rows >> 32

    @property
    def doc(self) -> NDArray[np.int32]:
        """Return the document of each row, int32[n]."""
        return (self.rows & 0xFFFFFFFF).astype(np.int32)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """Return the hashes uint64[m], sorted."""
        return self.table.keys

    def renumbered(self, docs: NDArray[np.int32]) -> Occurrences:
        """Renumber the documents: docs[d] for d, in the same order."""
        return Occurrences(self.table, self.many, self.rows & ~np.int64(0xFFFFFFFF) | docs[self.doc])

    def with_rows(self, more: HashedDocs) -> Occurrences:
        """Add rows; those of other hashes are left out."""
        key = self.table.numbers(more.hash)
        few = key >= 0
        few[few] = ~self.many[key[few]]
        rows = np.concatenate([self.rows, key[few] << 32 | more.doc[few]])
        rows.sort()
        return Occurrences(self.table, self.many, rows)


@dataclass(frozen=True)
class Lookup:
    """The anchors of all documents, in which hashes are looked up.

    A hash is of an anchor whose bit in `skip` is not set, or of `in_row` of them in a row.  One in more than
    `most` groups int32[n_docs] is `many`, and its documents are not told.
    """

    anchors: Anchors
    skip: NDArray[np.uint8]
    in_row: int
    group: NDArray[np.int32]
    most: int
    parallel_map: ParallelMap

    def find(self, keys: NDArray[np.uint64], wanted: NDArray[np.bool_]) -> Occurrences:
        """Hashes uint64[m], rising -> which of the `wanted` documents bool[n_docs] have them."""
        table, many, rows = SortedHashes(keys), np.zeros(len(keys), np.bool_), np.zeros(0, np.int64)
        step, chunks = max(1, -(-len(keys) // KEY_RANGES)), list(self.anchors.places())
        ranges = [range(start, min(start + step, len(keys))) for start in range(0, len(keys), step)]
        for first, last in _doubling(len(chunks)):
            left = np.flatnonzero(~many)
            if not len(left):
                break
            some = table if len(left) == len(keys) else SortedHashes(keys[left])
            parts = [rows, *self._rows_in(chunks[first:last], wanted, some, left)]
            kept, turned = zip(*self.parallel_map(partial(self._settled, parts), ranges), strict=True)
            rows, many = np.concatenate(kept), many | np.concatenate(turned)
        return Occurrences(table, many, rows)

    def find_unknown(
        self, known: Occurrences, keys: NDArray[np.uint64], wanted: NDArray[np.bool_]
    ) -> Occurrences:
        """Find the same; what is `known` of more documents, of these or other hashes, is not looked for."""
        number = known.table.numbers(keys)
        told = number >= 0
        told[told] = ~known.many[number[told]]
        others = np.flatnonzero(~told)
        more = self.find(keys[others], wanted)
        many, place = np.zeros(len(keys), np.bool_), np.full(len(known.keys), -1, np.int64)
        many[others], place[number[told]] = more.many, np.flatnonzero(told)
        mine = (place[known.key] >= 0) & wanted[known.doc]
        rows = [place[known.key[mine]] << 32 | known.doc[mine], others[more.key] << 32 | more.doc]
        return Occurrences(SortedHashes(keys), many, np.sort(np.concatenate(rows)))

    def are_many(self, rows: NDArray[np.int64], keys: range) -> NDArray[np.bool_]:
        """Rows as in Occurrences -> bool[n]: which keys stand in more than `most` groups."""
        indptr = offsets_from_sizes(np.bincount((rows >> 32) - keys.start, minlength=len(keys)))
        docs = (rows & 0xFFFFFFFF).astype(np.int32)
        return np.asarray(kernels.distinct_groups(indptr, docs, self.group, self.most) > self.most)

    def _rows_in(
        self,
        places: list[tuple[int, int]],
        wanted: NDArray[np.bool_],
        keys: SortedHashes,
        numbers: NDArray[np.int64],
    ) -> list[NDArray[np.int64]]:
        """Look up keys, which have these numbers, in chunks of anchors -> rows, rising in each part."""
        likely = likely_table(keys.keys)

        def one_chunk(place: tuple[int, int]) -> NDArray[np.int64]:
            chunk = self.anchors.chunk(*place)
            facts = (wanted[chunk.first_doc : place[1]], self.skip, chunk.begin, self.in_row)
            found = kernels.looked_up(chunk.hash, chunk.start, *facts, likely, keys.slots, keys.keys, numbers)
            found += chunk.first_doc
            found.sort()
            return found

        parts = []
        for done, found in enumerate(self.parallel_map(one_chunk, places)):
            parts.append(found)
            if done % KEPT_CHUNKS == KEPT_CHUNKS - 1:
                self.anchors.release_pages()
        return parts

    def _settled(
        self, parts: list[NDArray[np.int64]], keys: range
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rising rows -> those of some keys, in order, but for the keys that are many; bool[n], these."""
        ends = [np.searchsorted(part, [keys.start << 32, keys.stop << 32]) for part in parts]
        rows = np.concatenate([part[i:j] for part, (i, j) in zip(parts, ends, strict=True)])
        rows.sort()
        many = self.are_many(rows, keys)
        return rows[~many[(rows >> 32) - keys.start]], many


def _doubling(n: int) -> list[tuple[int, int]]:
    """Return ranges of doubling size: 0 to 1, to 3, to 7, and so on to n."""
    at = [0, *((1 << i) - 1 for i in range(1, n.bit_length()) if (1 << i) - 1 < n), n]
    return [(i, j) for i, j in itertools.pairwise(at) if i < j]


def of_docs(anchors: Anchors, docs: NDArray[np.int32]) -> tuple[AnchorChunk, NDArray[np.int64]]:
    """Return the anchors of documents int32[m], renumbered 0..m - 1, and their indices among all anchors."""
    start, rows = places_of(anchors, docs)
    hashes, position = (
        _gathered(anchors, column, start, rows) for column in (anchors.hash, anchors.position)
    )
    return AnchorChunk(0, 0, start, hashes, position), rows


def hashes_of(
    anchors: Anchors, docs: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the hashes of the anchors of documents int32[m] as CSR, int64[m + 1], and their indices."""
    start, rows = places_of(anchors, docs)
    return _gathered(anchors, anchors.hash, start, rows), start, rows


def places_of(anchors: Anchors, docs: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the anchors of documents int32[m], and their starts int64[m + 1]."""
    sizes = anchors.start[docs + 1] - anchors.start[docs]
    return offsets_from_sizes(sizes), expand_ranges(anchors.start[docs], sizes)


def _gathered(
    anchors: Anchors, column: NDArray[Any], start: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[Any]:
    """Return some rows of a column, a few documents at a time.

    NOTE: each takes whole pages of a mapped file into memory.
    """
    out = np.empty(len(rows), column.dtype)
    for first in range(0, len(start) - 1, GATHERED):
        some = slice(int(start[first]), int(start[min(first + GATHERED, len(start) - 1)]))
        out[some] = column[rows[some]]
        anchors.release_pages()
    return out


def passages_of(anchors: Anchors, docs: NDArray[np.int32]) -> HashedDocs:
    """Return the passages of documents int32[m], sorted."""
    hashes, start, _ = hashes_of(anchors, docs)
    of_doc = np.repeat(docs, np.diff(start))
    found, first = kernels.in_a_row(hashes, of_doc, boilerplate.IN_A_ROW)
    return HashedDocs(found, of_doc[first])


def in_passages(chunk: AnchorChunk, known: SortedHashes) -> NDArray[np.bool_]:
    """Return bool[n]: the anchors that are part of a known passage."""
    found, first = kernels.in_a_row(chunk.hash, chunk.doc, boilerplate.IN_A_ROW)
    out, first = np.zeros(len(chunk.hash), np.bool_), first[known.has(found)]
    for step in range(boilerplate.IN_A_ROW):
        out[first + step] = True
    return out
