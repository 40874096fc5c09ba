"""Parts and wholes from those of the last run: only what shares anchors with documents that came or went.

A pair (d, other) stands as long as both documents are as they were, the anchors by which they are looked
for are, and no document that came or went competes with the other one: one of its group, or one that shares
an anchor which now stands in too many groups, or no longer does.  Where that may be, d is looked for again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rules
from ...core.features import Anchors
from ...core.pairs import CandidatePairs
from ...core.parallel import ParallelMap
from ...core.sorted_arrays import distinct, expand_ranges, is_in, offsets_from_sizes, unique_counts
from .. import boilerplate, containment, kernels
from .delta import Change
from .lookup import HashedDocs, Occurrences, SortedHashes, hashes_of, occurrences

RANGES = 8  # of documents, or of anchors, taken one at a time on each thread
PAIRS_OF_LIST = 1 << 12  # a list with more is not gone through pair by pair


@dataclass(frozen=True)
class RunAnchors:
    """The anchors of a run, and what matters of its documents.

    group int32[n_docs]; n_sampled int64[n_docs] as in `containment.find_containment_pairs`.
    """

    anchors: Anchors
    known: boilerplate.Boilerplate
    group: NDArray[np.int32]
    n_sampled: NDArray[np.int64]

    @staticmethod
    def of(
        anchors: Anchors,
        known: boilerplate.Boilerplate,
        group: NDArray[np.int32],
        sampled: Callable[[RunAnchors], NDArray[np.int64]],
    ) -> RunAnchors:
        """`sampled` is told all but what it returns."""
        side = RunAnchors(anchors, known, group, np.zeros(0, np.int64))
        return replace(side, n_sampled=sampled(side))

    @cached_property
    def n_effective(self) -> NDArray[np.int64]:
        """Return int64[n_docs]: by how many anchors each is matched."""
        return self.known.n_effective

    @property
    def many(self) -> NDArray[np.bool_]:
        """Return bool[n_docs]: with so many anchors that they are looked for by a sample."""
        return self.n_effective > containment.FEW_ANCHORS

    def enough(self, min_share: float) -> NDArray[np.int32]:
        """Return int32[n_docs]: by how many anchors each finds another, at least, or is found by it.

        By one even where none are looked for, as a document of many anchors may have none in the sample:
        from scratch, documents that share none are never met.
        """
        n_terms = containment.terms_looked_for(self.n_effective, self.known.n_left, self.n_sampled)
        return np.maximum(1, rules.min_shared_anchors(n_terms, min_share)).astype(np.int32)

    def enough_of(self, pairs: NDArray[np.int32], min_share: float) -> NDArray[np.int32]:
        """Pairs int32[m, 2] -> by how many anchors one finds the other, at least."""
        return np.asarray(self.enough(min_share)[pairs].min(axis=1))

    def rows(self, docs: NDArray[np.int32]) -> HashedDocs:
        """Return the anchors of some documents int32[m], rising, that are no boilerplate, each once."""
        hashes, start, places = hashes_of(self.anchors, docs)
        flags = (self.known.bits[places >> 3] >> (places & 7) & 1).astype(np.bool_)
        own = kernels.own_anchors(hashes, start, np.ones(len(docs), np.bool_), flags)
        return HashedDocs(hashes[own], np.repeat(docs, np.diff(start))[own])


@dataclass(frozen=True)
class Most:
    """With more work than this, all is found quicker from nothing: documents to be looked for `again`, and
    `steps` from a document that came to another one, by an anchor that both have."""

    again: int
    steps: int


@dataclass(frozen=True)
class _Lists:
    """Documents by anchor, as `kernels.postings` has them: of which anchors (by number), int64[m]."""

    term: NDArray[np.int64]
    indptr: NDArray[np.int64]
    docs: NDArray[np.int32]
    few: NDArray[np.bool_]

    @staticmethod
    def of(found: Occurrences, side: RunAnchors, parallel_map: ParallelMap) -> _Lists:
        """All rows of some anchors -> the lists of those that count."""
        sampled, many, n = containment.sample(found.keys), side.many, len(found.keys)
        limits = (side.group, containment.MAX_GROUPS, containment.DOCS_OF_GROUP)
        step = max(1, -(-n // RANGES))

        def some(first: int) -> tuple[NDArray[Any], ...]:
            i, j = np.searchsorted(found.rows, [first << 32, first + step << 32])
            key, doc = found.rows[i:j] >> 32, (found.rows[i:j] & 0xFFFFFFFF).astype(np.int32)
            sure = sampled[key] | ~many[doc]
            sizes, docs, few, at = kernels.postings(key.view(np.uint64), doc, sure, *limits)
            return key[at], sizes, docs, few

        none = (np.zeros(0, t) for t in (np.int64, np.int64, np.int32, np.bool_))
        columns = zip(none, *parallel_map(some, range(0, n, step)), strict=True)
        term, sizes, docs, few = (np.concatenate(column) for column in columns)
        return _Lists(term, offsets_from_sizes(sizes), docs, few)

    def pairs(
        self,
        side: RunAnchors,
        asked: NDArray[np.bool_],
        min_share: float,
        parallel_map: ParallelMap,
        to_asked: bool = False,
    ) -> NDArray[np.int32]:
        """-> (document, another one that it finds, by how many) int32[m, 3], of the documents that are asked.

        Or, `to_asked`, all pairs of a document that finds one that is asked, whatever else it finds.
        """
        n = len(side.group)
        rows = np.repeat(np.arange(len(self.term), dtype=np.int32), np.diff(self.indptr))
        mine = asked[self.docs] & (self.few if to_asked else True)
        order = np.argsort(self.docs[mine], kind="stable")
        indptr = np.searchsorted(self.docs[mine][order], np.arange(n + 1)).astype(np.int64)
        terms = rows[mine][order]
        lists, docs, most = self.indptr, self.docs, n
        if not to_asked:
            lists = offsets_from_sizes(np.bincount(rows[self.few], minlength=len(self.term)))
            docs, most = docs[self.few], containment.PAIRS_WITH_GROUP
        enough, step = side.enough(min_share), -(-n // RANGES)

        def some(start: int) -> NDArray[np.int32]:
            limits = (enough, most, start, min(start + step, n))
            return kernels.shared_term_pairs(lists, docs, indptr, terms, side.group, *limits)

        found = np.concatenate([np.zeros((0, 3), np.int32), *parallel_map(some, range(0, n, step or 1))])
        return found[:, [1, 0, 2]] if to_asked else found


def directed(
    before: RunAnchors,
    now: RunAnchors,
    change: Change,
    changed: NDArray[np.bool_],
    known: NDArray[np.int32],
    most: Most,
    min_share: float = rules.ANCHOR_SHARE,
    parallel_map: ParallelMap = map,
) -> NDArray[np.int32] | None:
    """Return the pairs of `containment.find_containment_pairs`, in any order; None if too much work.

    `known` are those of the last run by their numbers there.  `changed` bool[n_docs]: documents that stay,
    but in another group, or with other boilerplate.
    """
    then = change.but(changed)
    added, removed = now.rows(then.added), before.rows(then.removed)
    table, lists, old_lists = _lists_of_both(before, now, then, added, removed, parallel_map)

    again = np.zeros(len(now.group), np.bool_)
    again[then.added] = True
    sizes = np.diff(lists.indptr)
    if np.repeat(sizes, sizes)[again[lists.docs] & lists.few].sum() > most.steps:
        return None
    to_new = lists.pairs(now, again, min_share, parallel_map, to_asked=True)
    to_new = to_new[~again[to_new[:, 0]]]
    crowded, unchanged_before = _crowded(now.group), then.unchanged_before
    left = (
        unchanged_before[known[:, 0]] & ~unchanged_before[known[:, 1]] & _crowded(before.group)[known[:, 1]]
    )
    kept = known[unchanged_before[known[:, :2]].all(axis=1)]
    kept = np.column_stack([then.new_doc[kept[:, :2]], kept[:, 2]])
    turned = _Turned.of(lists, old_lists, then)
    kept, unsure = turned.settle(now, kept, crowded, min_share)
    gained, many = turned.pairs(now, kept)
    gained = _finding(now, gained, table, lists, min_share, parallel_map)
    gained = gained[~is_in(_keys(gained), np.sort(_keys(kept)))]
    more = np.concatenate([to_new, gained])
    again[np.concatenate([more[crowded[more[:, 1]], 0], then.new_doc[known[left, 0]], unsure, many])] = True
    if np.count_nonzero(again) > most.again:
        return None
    settled = np.concatenate([kept, more])
    found = _looked_for_again(now, again, table, lists, min_share, parallel_map)
    return np.concatenate([settled[~again[settled[:, 0]]], found])


def _lists_of_both(
    before: RunAnchors,
    now: RunAnchors,
    then: Change,
    added: HashedDocs,
    removed: HashedDocs,
    parallel_map: ParallelMap,
) -> tuple[SortedHashes, _Lists, _Lists]:
    """Return all anchors of what came and went; the lists of those that count now, and then."""
    stay = _having(now, distinct(np.concatenate([added.hash, removed.hash])), then.unchanged, parallel_map)

    lists = _Lists.of(stay.with_rows(added), now, parallel_map)
    old_lists = _Lists.of(stay.renumbered(then.old_doc).with_rows(removed), before, parallel_map)
    return stay.table, lists, old_lists


def _having(
    side: RunAnchors, hashes: NDArray[np.uint64], docs: NDArray[np.bool_], parallel_map: ParallelMap
) -> Occurrences:
    """Anchors uint64[m], rising -> which of some documents bool[n_docs] have them, boilerplate left out."""
    return occurrences(
        hashes, side.anchors, docs, side.known.bits, 1, side.group, containment.MAX_GROUPS, parallel_map
    )


def _crowded(group: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return bool[n_docs]: in a group of more documents than another one finds of it."""
    return np.asarray(np.bincount(group, minlength=len(group))[group] > containment.PAIRS_WITH_GROUP)


def _keys(directed: NDArray[np.int32]) -> NDArray[np.int64]:
    """(document, another one, ...) int32[m, ...] -> one number each."""
    return directed[:, 0].astype(np.int64) << 32 | directed[:, 1]


def _looked_for_again(
    side: RunAnchors,
    again: NDArray[np.bool_],
    table: SortedHashes,
    lists: _Lists,
    min_share: float,
    parallel_map: ParallelMap,
) -> NDArray[np.int32]:
    """Return all pairs int32[m, 3] of some documents bool[n_docs]; the lists of some anchors are known."""
    hashes = distinct(side.rows(np.flatnonzero(again).astype(np.int32)).hash)
    rest = _having(side, hashes[~table.has(hashes)], side.n_effective > 0, parallel_map)
    both = _joined(lists, _Lists.of(rest, side, parallel_map), len(table.keys))
    return both.pairs(side, again, min_share, parallel_map)


def n_sampled(
    side: RunAnchors, then: NDArray[np.int64], change: Change, changed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """int64[n_docs]: how many different anchors of each document are in the sample; `then` in the last."""
    out = np.zeros(len(change.now), np.int64)
    same = change.unchanged & ~changed
    out[same] = then[change.old_doc[same]]
    rows = side.rows(np.flatnonzero(change.now & ~same).astype(np.int32))
    return out + np.bincount(rows.doc[containment.sample(rows.hash)], minlength=len(out))


def _joined(a: _Lists, b: _Lists, n_asked: int) -> _Lists:
    """Lists of different anchors."""
    return _Lists(
        np.concatenate([a.term, b.term + n_asked]),
        np.concatenate([a.indptr, b.indptr[1:] + a.indptr[-1]]),
        np.concatenate([a.docs, b.docs]),
        np.concatenate([a.few, b.few]),
    )


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
    def of(lists: _Lists, old_lists: _Lists, change: Change) -> _Turned:
        """Return the lists of this run and of the last one, by the numbers of the documents in each."""
        both = (lists, old_lists)
        cut = [x.term[np.searchsorted(x.indptr, np.flatnonzero(~x.few), "right") - 1] for x in both]
        turned = np.setxor1d(lists.term, old_lists.term, assume_unique=True)
        terms = distinct(np.concatenate([turned, *cut]))
        new, new_few = _rows_of(lists, terms, change.unchanged)
        old, old_few = _rows_of(old_lists, terms, change.unchanged_before)
        old = old & ~np.int64(0xFFFFFFFF) | change.new_doc[old & 0xFFFFFFFF]
        lost, gained = old[old_few], new[new_few]
        return _Turned(old, new, lost[~is_in(lost, gained)], gained[~is_in(gained, lost)])

    def settle(
        self, now: RunAnchors, kept: NDArray[np.int32], crowded: NDArray[np.bool_], min_share: float
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The pairs int32[m, 3] of the last run -> (those of them that stand, with what they share now;
        documents that find more or less of a group where only the best count)."""
        every = distinct(np.concatenate([self.old, self.new]))
        more = _shared(every, self.gained, kept) - _shared(every, self.lost, kept)
        shared = kept[:, 2] + more
        stands = shared >= now.enough_of(kept[:, :2], min_share)
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


def _rows_of(
    lists: _Lists, terms: NDArray[np.int64], stay: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The rows (anchor << 32 | document), rising, of some anchors and documents that stay; which are few."""
    wanted = np.flatnonzero(is_in(lists.term, terms))
    sizes = np.diff(lists.indptr)[wanted]
    at = expand_ranges(lists.indptr[wanted], sizes)
    unchanged = stay[lists.docs[at]]
    rows = (np.repeat(lists.term[wanted], sizes) << 32 | lists.docs[at])[unchanged]
    order = np.argsort(rows)
    return rows[order], lists.few[at[unchanged][order]]


def _finding(
    side: RunAnchors,
    pairs: NDArray[np.int32],
    table: SortedHashes,
    lists: _Lists,
    min_share: float,
    parallel_map: ParallelMap,
) -> NDArray[np.int32]:
    """Pairs of documents int32[m, 2] -> (one, another that it finds, by how many anchors) int32[k, 3]."""
    own, start = _sorted_rows(side, pairs)
    likely = kernels.overlaps(own, start, pairs)[:, 0] >= side.enough_of(pairs, min_share)
    pairs = pairs[likely]
    pair, hashes = kernels.shared_hashes(own, start, pairs)
    others = distinct(hashes[~table.has(hashes)])
    rest = _having(side, others, side.n_effective > 0, parallel_map)
    shared, everyone = np.zeros((len(pairs), 2), np.int64), np.ones(len(side.group), np.bool_)
    for keys, some in ((table, lists), (rest.table, _Lists.of(rest, side, parallel_map))):
        term = keys.numbers(hashes)
        of_pair, term = pair[term >= 0], term[term >= 0]
        rows, few = _rows_of(some, distinct(term), everyone)
        known = SortedHashes(rows[few].astype(np.uint64))
        for finder, found in ((0, 1), (1, 0)):
            found_by = known.has((term << 32 | pairs[of_pair, found]).astype(np.uint64))
            shared[:, finder] += np.bincount(of_pair[found_by], minlength=len(pairs))
    finds = shared >= side.enough_of(pairs, min_share)[:, None]
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
