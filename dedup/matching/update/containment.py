"""Parts and wholes from those of the last run: only what shares anchors with documents that came or went.

A pair (d, other) stands as long as both documents are as they were, the anchors by which they are looked
for are, and no document that came or went competes with the other one: one of its group, or one that shares
an anchor which now stands in too many groups, or no longer does.  Where that may be, d is looked for again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.pairs import CandidatePairs
from ...core.sorted_arrays import distinct, expand_ranges, is_in, unique_counts
from .. import boilerplate, containment, kernels
from .delta import Change
from .lookup import SortedHashes
from .posting_lists import PostingLists, RunAnchors

PAIRS_OF_LIST = 1 << 12  # a list with more is not gone through pair by pair


@dataclass(frozen=True)
class Most:
    """With more work than this, all is found quicker from nothing: documents to be looked for `again`, and
    `steps` from a document that came to another one, by an anchor that both have."""

    again: int
    steps: int


def directed(
    before: RunAnchors, now: RunAnchors, then: Change, known: NDArray[np.int32], most: Most
) -> NDArray[np.int32] | None:
    """Return the pairs of `containment.SharedAnchors.pairs`, in any order; None if too much work.

    `known` are those of the last run by their numbers there.  In `then` documents count as changed that are
    in another group, or with other boilerplate.
    """
    added, removed = now.rows(then.added), before.rows(then.removed)
    stay = now.having(distinct(np.concatenate([added.hash, removed.hash])), then.unchanged)
    lists = PostingLists.of(stay.with_rows(added), now)
    old_lists = PostingLists.of(stay.renumbered(then.old_doc).with_rows(removed), before)
    again = np.zeros(len(now.group), np.bool_)
    again[then.added] = True
    sizes = np.diff(lists.indptr)
    if np.repeat(sizes, sizes)[again[lists.docs] & lists.few].sum() > most.steps:
        return None
    to_new = lists.pairs(now, again, to_asked=True)
    to_new = to_new[~again[to_new[:, 0]]]
    crowded, unchanged_before = _crowded(now.group), then.unchanged_before
    left = unchanged_before[known[:, 0]] & (~unchanged_before & _crowded(before.group))[known[:, 1]]
    kept = known[unchanged_before[known[:, :2]].all(axis=1)]
    kept = np.column_stack([then.new_doc[kept[:, :2]], kept[:, 2]])
    turned = _Turned.of(lists, old_lists, then)
    kept, unsure = turned.settle(now, kept, crowded)
    gained, many = turned.pairs(now, kept)
    gained = _finding(now, gained, lists)
    gained = gained[~is_in(_keys(gained), np.sort(_keys(kept)))]
    more = np.concatenate([to_new, gained])
    again[np.concatenate([more[crowded[more[:, 1]], 0], then.new_doc[known[left, 0]], unsure, many])] = True
    if np.count_nonzero(again) > most.again:
        return None
    settled = np.concatenate([kept, more])
    hashes = distinct(now.rows(np.flatnonzero(again).astype(np.int32)).hash)
    rest = now.having(hashes[~lists.table.has(hashes)], now.n_effective > 0)
    found = lists.joined(PostingLists.of(rest, now)).pairs(now, again)
    return np.concatenate([settled[~again[settled[:, 0]]], found])


def _crowded(group: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return bool[n_docs]: in a group of more documents than another one finds of it."""
    return np.asarray(np.bincount(group, minlength=len(group))[group] > containment.PAIRS_WITH_GROUP)


def _keys(directed: NDArray[np.int32]) -> NDArray[np.int64]:
    """(document, another one, ...) int32[m, ...] -> one number each."""
    return directed[:, 0].astype(np.int64) << 32 | directed[:, 1]


@dataclass(frozen=True)
class _Turned:
    """Of anchors whose lists count only in one of the two runs, or from whose groups others are taken:

    rows (anchor << 32 | document) of documents that stay: all `old` and `new`; and those by which they can be
    found in one of the runs only, `lost` and `gained`.
    """

    old: NDArray[np.int64]
    new: NDArray[np.int64]
    lost: NDArray[np.int64]
    gained: NDArray[np.int64]

    @staticmethod
    def of(lists: PostingLists, old_lists: PostingLists, change: Change) -> _Turned:
        """Return the lists of this run and of the last one, by the numbers of the documents in each."""
        both = (lists, old_lists)
        cut = [x.term[np.searchsorted(x.indptr, np.flatnonzero(~x.few), "right") - 1] for x in both]
        turned = np.setxor1d(lists.term, old_lists.term, assume_unique=True)
        terms = distinct(np.concatenate([turned, *cut]))
        new, new_few = lists.rows_of(terms, change.unchanged)
        old, old_few = old_lists.rows_of(terms, change.unchanged_before)
        old = old & ~np.int64(0xFFFFFFFF) | change.new_doc[old & 0xFFFFFFFF]
        lost, gained = old[old_few], new[new_few]
        return _Turned(old, new, lost[~is_in(lost, gained)], gained[~is_in(gained, lost)])

    def settle(
        self, now: RunAnchors, kept: NDArray[np.int32], crowded: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The pairs int32[m, 3] of the last run -> (those of them that stand, with what they share now;
        documents that find more or less of a group where only the best count)."""
        every = distinct(np.concatenate([self.old, self.new]))
        more = _shared(every, self.gained, kept) - _shared(every, self.lost, kept)
        shared = kept[:, 2] + more
        stands = shared >= now.enough_of(kept[:, :2])
        unsure = kept[(more != 0) & crowded[kept[:, 1]], 0]
        return np.column_stack([kept[:, :2], shared])[stands].astype(np.int32), unsure

    def pairs(self, now: RunAnchors, kept: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Pairs of documents int32[m, 2] that share more than they did, but for those in one group, and those
        of which each finds the other already; and the documents of lists with very many pairs."""
        rows = self.new[is_in(self.new >> 32, distinct(self.gained >> 32))]
        term, doc = rows >> 32, (rows & 0xFFFFFFFF).astype(np.int32)
        each, sizes = unique_counts(term)
        large = is_in(term, each[sizes * sizes > PAIRS_OF_LIST])
        pairs = _pairs_within(term[~large], doc[~large])
        pairs = pairs[now.group[pairs[:, 0]] != now.group[pairs[:, 1]]]
        known = np.sort(_keys(kept))
        both = is_in(_keys(pairs), known) & is_in(_keys(pairs[:, ::-1]), known)
        return pairs[~both], doc[large]


def _shared(
    rows: NDArray[np.int64], found_by: NDArray[np.int64], pairs: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Pairs (d, other) -> int64[m]: in how many anchors d has a row, and the other one of `found_by`."""
    n = int(max(pairs[:, :2].max(initial=-1), (rows & 0xFFFFFFFF).max(initial=-1))) + 1
    doc = np.concatenate([rows & 0xFFFFFFFF, (found_by & 0xFFFFFFFF) + n])
    keys = np.sort(doc << 32 | np.concatenate([rows, found_by]) >> 32)
    indptr = np.searchsorted(keys, np.arange(2 * n + 1, dtype=np.int64) << 32)
    sets = np.ascontiguousarray(pairs[:, :2]) + np.array([0, n], np.int32)
    return np.asarray(kernels.overlaps((keys & 0xFFFFFFFF).astype(np.uint64), indptr, sets)[:, 0])


def _finding(side: RunAnchors, pairs: NDArray[np.int32], lists: PostingLists) -> NDArray[np.int32]:
    """Pairs of documents int32[m, 2] -> (one, another that it finds, by how many anchors) int32[k, 3]."""
    own, start = _sorted_rows(side, pairs)
    likely = kernels.overlaps(own, start, pairs)[:, 0] >= side.enough_of(pairs)
    pairs = pairs[likely]
    pair, hashes = kernels.shared_hashes(own, start, pairs)
    rest = side.having(distinct(hashes[~lists.table.has(hashes)]), side.n_effective > 0)
    shared, everyone = np.zeros((len(pairs), 2), np.int64), np.ones(len(side.group), np.bool_)
    for some in (lists, PostingLists.of(rest, side)):
        term = some.table.numbers(hashes)
        of_pair, term = pair[term >= 0], term[term >= 0]
        rows, few = some.rows_of(distinct(term), everyone)
        known = SortedHashes(rows[few].astype(np.uint64))
        for finder, found in ((0, 1), (1, 0)):
            found_by = known.has((term << 32 | pairs[of_pair, found]).astype(np.uint64))
            shared[:, finder] += np.bincount(of_pair[found_by], minlength=len(pairs))
    finds = shared >= side.enough_of(pairs)[:, None]
    both = [np.column_stack([pairs[:, order], shared[:, order[0]]]) for order in ([0, 1], [1, 0])]
    return np.concatenate([both[0][finds[:, 0]], both[1][finds[:, 1]]]).astype(np.int32)


def _sorted_rows(side: RunAnchors, pairs: NDArray[np.int32]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the anchors of the documents of pairs int32[m, 2] as CSR, rising in each; of others, none."""
    asked = np.zeros(len(side.group), np.bool_)
    asked[pairs.ravel()] = True
    docs = np.flatnonzero(asked).astype(np.int32)
    own = side.rows(docs)
    start = np.searchsorted(own.doc, np.arange(len(asked) + 1)).astype(np.int64)
    kernels.sort_each(own.hash, start[np.r_[docs, len(asked)]])
    return own.hash, start


def _pairs_within(term: NDArray[np.int64], doc: NDArray[np.int32]) -> NDArray[np.int32]:
    """Rows in the order of their terms -> each pair of documents int32[m, 2] of one term, once."""
    indptr = boilerplate.starts_of_equals(term)
    sizes = np.diff(indptr)
    size = np.repeat(sizes, sizes)
    left = np.repeat(np.arange(len(doc)), size)
    right = expand_ranges(np.repeat(indptr[:-1], sizes), size)
    return CandidatePairs.of(np.stack([doc[left], doc[right]], axis=1)[left < right]).docs
