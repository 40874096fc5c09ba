"""Passages: text that stands in two places or more, of documents that otherwise differ.

Of every stretch of `least` letters that stands in two places or more, a passage is the longest stretch around
it on which all those places agree.  What is only a longer reading of a passage with more copies, by fewer
than CHANCE letters at each end, is no passage of its own: among a hundred thousand copies of a page frame,
many are followed by the same few letters.

So where two documents share `least` letters or more, both have copies of one passage there, and the passages
that they share cover all of it but for fewer than CHANCE letters at its ends.  They are found by the anchors
of the run, as a stretch of `window` + `k` - 1 letters has one in all its copies (Schleimer, Wilkerson and
Aiken 2003, "Winnowing"), and compared letter by letter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.features import AnchorChunk, Anchors
from ..core.parallel import ParallelMap
from ..core.sorted_arrays import distinct, expand_ranges, group_equal, is_in, offsets_from_sizes
from . import kernels
from .boilerplate import columns_of, count_table, starts_of_equals
from .partition import N_BUCKETS, Buckets

SEED_KINDS = (np.uint64, np.int64, np.int32, np.uint8, np.uint8)  # what kernels.seeds gives
CHANCE = 16  # letters by which copies of a passage may agree beyond it by chance


def least_passage(window: int, k: int) -> int:
    """Return the fewest letters of a passage that is surely found.

    One more than `window` + `k` - 1, so that the stretch one letter before it has the same first anchor.
    """
    return window + k


@dataclass(frozen=True)
class Passages:
    """Copies indptr[i]..indptr[i + 1] - 1 of passage i agree in length[i] letters; in order of document.

    length int64[n], indptr int64[n + 1]; of each copy `doc` int32[m] and, in letters, `start` and `end`
    int64[m].  Passages are in the order of their first copies.
    """

    length: NDArray[np.int64]
    indptr: NDArray[np.int64]
    doc: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.length)

    @property
    def copies(self) -> NDArray[np.int64]:
        """Return the number of copies of each passage: int64[n]."""
        return np.diff(self.indptr)

    @property
    def passage(self) -> NDArray[np.int64]:
        """Return the passage of each copy: int64[m]."""
        return np.repeat(np.arange(len(self)), self.copies)

    @staticmethod
    def of(size: Any, length: Any, doc: Any, start: Any) -> Passages:
        """Make them of the copies of each, in order of passage; those given twice become one."""
        indptr = offsets_from_sizes(size)
        first = indptr[:-1]
        order = np.lexsort((-length, start[first], doc[first]))
        same = np.zeros(len(order), np.bool_)
        keys = [values[order] for values in (length, start[first], doc[first])]
        same[1:] = np.logical_and.reduce([key[1:] == key[:-1] for key in keys])
        found = Passages(length, indptr, doc, start, start + np.repeat(length, size))
        return found.select(order[~same])

    def select(self, rows: NDArray[np.int64]) -> Passages:
        """Select passages int64[m], which become 0..m - 1."""
        sizes = self.copies[rows]
        at = expand_ranges(self.indptr[rows], sizes)
        return Passages(
            self.length[rows], offsets_from_sizes(sizes), self.doc[at], self.start[at], self.end[at]
        )


# ------------------------------------------------------------------ the definition


def plain_passages(
    texts: Sequence[str], least: int, chance: int = CHANCE
) -> list[tuple[int, list[tuple[int, int]]]]:
    """Letters of n texts -> (its letters, text and first letter of each copy) of each passage.

    >>> plain_passages(["onceuponatime", "xonceuponx", "uponatimey"], 6)
    [(8, [(0, 0), (1, 1)]), (9, [(0, 4), (2, 0)])]
    """
    places = defaultdict(list)
    for t, letters in enumerate(texts):
        for s in range(len(letters) - least + 1):
            places[letters[s : s + least]].append((t, s))
    found = set()
    for at in places.values():
        if len(at) > 1:
            left = _agreed([*reversed(texts[t][:s])] for t, s in at)
            right = _agreed(texts[t][s + least :] for t, s in at)
            found.add((left + least + right, tuple((t, s - left) for t, s in at)))
    kept: list[tuple[int, tuple[tuple[int, int], ...]]] = []
    for length, copies in sorted(found, key=lambda p: (-len(p[1]), p[0], p[1])):
        t, s = copies[0]
        if not any(
            len(others) > len(copies)
            and any(
                u == t and 0 <= o - s < chance and 0 <= s + length - o - other < chance for u, o in others
            )
            for other, others in kept
        ):
            kept.append((length, copies))
    return [(length, [*at]) for length, at in sorted(kept, key=lambda p: (p[1][0], -p[0]))]


def _agreed(contexts: Iterable[Sequence[str]]) -> int:
    """Count the letters at the front of several sequences that are the same in all."""
    n = 0
    for chars in zip(*contexts):  # noqa: B905 (as far as the shortest)
        if len(set(chars)) > 1:
            break
        n += 1
    return n


# ------------------------------------------------------------------ by the anchors of a run


def _seeds_in(
    chunk: AnchorChunk, n_letters: NDArray[np.int64], window: int, k: int, least: int
) -> tuple[NDArray[Any], ...]:
    """Return what `kernels.seeds` gives of a chunk, with the numbers of its documents among all."""
    sizes = n_letters[chunk.first_doc : chunk.first_doc + len(chunk.start) - 1]
    reach = least - k - 2 * window + 1
    key, doc, *rest = kernels.seeds(chunk.hash, chunk.position, chunk.start, sizes, window, least, reach)
    return key, doc + chunk.first_doc, *rest


class Seeds:
    """The anchors of a run that may be the first of a passage's copies, in buckets by their keys.

    `texts` bool[n_docs] tells which documents have one.
    """

    def __init__(self, buckets: Buckets, n_docs: int) -> None:
        self._buckets, self.texts = buckets, np.zeros(n_docs, np.bool_)

    @staticmethod
    def of(
        anchors: Anchors,
        n_letters: NDArray[np.int64],
        window: int,
        k: int,
        least: int,
        scratch: Path | None = None,
        parallel_map: ParallelMap = map,
    ) -> Seeds:
        """Look up the anchors of documents int64[n_docs] letters long; one of 0 letters is left out."""
        counts = count_table(len(anchors.hash))

        def of_chunk(chunk: AnchorChunk) -> tuple[NDArray[Any], ...]:
            return _seeds_in(chunk, n_letters, window, k, least)

        def often(chunk: AnchorChunk) -> tuple[NDArray[Any], ...]:
            columns = of_chunk(chunk)
            rows = kernels.are_frequent(counts, columns[0], 2)
            return tuple(column[rows] for column in columns)

        for key, *_ in parallel_map(of_chunk, anchors.chunks()):
            kernels.count_hashes(counts, key, 2)
        found = Seeds(Buckets((np.uint64, np.int32, np.int32, np.uint8, np.uint8), scratch), len(n_letters))
        for rows in parallel_map(often, anchors.chunks()):
            found._buckets.add(*rows)
        for _, doc, *_ in parallel_map(found._shared, range(N_BUCKETS)):
            found.texts[doc] = True
        return found

    def _shared(self, number: int) -> tuple[NDArray[Any], ...]:
        """Return the rows of a bucket whose keys occur twice or more, equal ones together."""
        keys, *rest = self._buckets.bucket(number)
        order, keys = group_equal(keys)
        sizes = np.diff(starts_of_equals(keys))
        rows = np.repeat(sizes > 1, sizes)
        return keys[rows], *(column[order[rows]] for column in rest)

    def places(self, number: int, text: NDArray[np.int32]) -> kernels.Places:
        """Return the places of a bucket, where document d is text[d], or -1 if it could not be read."""
        keys, doc, position, near, far = self._shared(number)
        there = text[doc] >= 0
        columns = (text[doc[there]], *(c[there].astype(np.int64) for c in (position, near, far)))
        return kernels.Places(starts_of_equals(keys[there]), *columns)

    def close(self) -> None:
        """Remove the files."""
        self._buckets.close()


def passages_in(
    seeds: Seeds,
    letters: kernels.Letters,
    docs: NDArray[np.int32],
    least: int,
    parallel_map: ParallelMap = map,
) -> Passages:
    """Find the passages of documents int32[n], rising, whose letters are given."""
    text = np.full(len(seeds.texts), -1, np.int32)
    text[docs] = np.arange(len(docs), dtype=np.int32)

    def one_bucket(number: int) -> tuple[NDArray[Any], ...]:
        return kernels.passages_of(letters, seeds.places(number, text), least)

    found = Passages.of(*columns_of(parallel_map(one_bucket, range(N_BUCKETS))))
    return reported(found, len(docs), docs)


def reported(found: Passages, n_texts: int, docs: NDArray[np.int32]) -> Passages:
    """Leave out what is only a longer reading of another passage; text t becomes docs[t]."""
    rows = np.lexsort((found.start, found.doc))
    first = found.indptr[:-1]
    order = np.lexsort((found.start[first], found.doc[first], found.length, -found.copies))
    starts = np.searchsorted(found.doc[rows], np.arange(n_texts + 1)).astype(np.int64)
    kept = kernels.without_extensions(
        order.astype(np.int64),
        found.indptr,
        found.length,
        found.passage[rows],
        found.doc[rows],
        found.start[rows],
        starts,
        CHANCE,
    )
    out = found.select(np.flatnonzero(kept))
    return replace(out, doc=docs[out.doc])


def join_over_gaps(found: Passages, max_gap: int) -> Passages:
    """Join passages that follow each other in all their documents, `max_gap` letters or fewer apart.

    What lies between them differs from copy to copy; `length` counts the letters that agree.
    """
    if not max_gap or not len(found):
        return found
    first = found.indptr[:-1]
    doc, start, copies = found.doc[first].tolist(), found.start[first].tolist(), found.copies.tolist()
    end, length, gone = found.end.copy(), found.length.copy(), np.zeros(len(found), np.bool_)

    def rows(i: int) -> slice:
        return slice(int(found.indptr[i]), int(found.indptr[i + 1]))

    def follows(i: int, j: int) -> bool:
        if copies[i] != copies[j] or not np.array_equal(found.doc[rows(i)], found.doc[rows(j)]):
            return False
        gap = found.start[rows(j)] - end[rows(i)]
        return bool((gap >= 0).all() and (gap <= max_gap).all())

    for i in range(len(found)):
        j = i + 1
        while not gone[i] and j < len(found) and doc[j] == doc[i] and start[j] <= end[first[i]] + max_gap:
            if not gone[j] and follows(i, j):
                end[rows(i)], gone[j] = end[rows(j)], True
                length[i] += length[j]
            j += 1
    return replace(found, end=end, length=length).select(np.flatnonzero(~gone))


# ------------------------------------------------------------------ new documents in a run


@dataclass(frozen=True)
class Indexed:
    """The anchors of some documents, and how many letters each has: int64[n_docs], 0 for one left out."""

    anchors: Anchors
    n_letters: NDArray[np.int64]


def shared_places(
    new: Indexed, known: Indexed, window: int, k: int, least: int, parallel_map: ParallelMap = map
) -> kernels.Places:
    """Look up where stretches of new documents may stand in known ones -> places in both.

    Known documents have the numbers after those of the new ones.
    """
    lengths = window, k, least
    none: list[tuple[NDArray[Any], ...]] = [tuple(np.zeros(0, t) for t in SEED_KINDS)]
    mine = columns_of([*none, *(_seeds_in(chunk, new.n_letters, *lengths) for chunk in new.anchors.chunks())])
    keys, counts = distinct(mine[0]), count_table(2 * len(mine[0]))
    kernels.count_hashes(counts, mine[0], 1)

    def among(chunk: AnchorChunk) -> tuple[NDArray[Any], ...]:
        columns = _seeds_in(chunk, known.n_letters, *lengths)
        rows = np.flatnonzero(kernels.are_frequent(counts, columns[0], 1))
        rows = rows[is_in(columns[0][rows], keys)]
        return tuple(column[rows] for column in columns)

    theirs = columns_of([*none, *parallel_map(among, known.anchors.chunks())])
    theirs[1] = theirs[1] + len(new.n_letters)
    key, doc, position, near, far = (np.concatenate(both) for both in zip(mine, theirs, strict=True))
    order, key = group_equal(key)
    columns = (c[order].astype(np.int64) for c in (position, near, far))
    return kernels.Places(starts_of_equals(key), doc[order].astype(np.int32), *columns)
