"""Parts and wholes from those of the last run: only what shares anchors with documents that came or went.

A pair (d, other) stands as long as both documents are as they were, the anchors by which they are looked
for are, and no document that came or went competes with the other one: one of its group, or one that shares
an anchor which now stands in too many groups, or no longer does.  Where that may be, d is looked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import candidates, kernels, passages
from ..keys import counted, distinct, is_in
from ..model import Anchors, pair_keys
from .change import Change
from .lookup import Holders, Rows, holders, of_docs

RunAll = Callable[..., Iterable[Any]]
RANGES = 8  # of documents, taken one at a time on each thread
PAIRS_OF_LIST = 1 << 12  # a list with more is not gone through pair by pair


@dataclass(frozen=True)
class Side:
    """The anchors of a run, and what matters of its documents.

    boilerplate uint8[n_anchors // 8 + 1]: a bit for each anchor; group int32[n_docs]; n_anchors, n_left,
    n_sampled int64[n_docs] as `passages.directed` has them.
    """

    anchors: Anchors
    boilerplate: NDArray[np.uint8]
    group: NDArray[np.int32]
    n_anchors: NDArray[np.int64]
    n_left: NDArray[np.int64]
    n_sampled: NDArray[np.int64]

    @staticmethod
    def of(
        anchors: Anchors,
        known: tuple[NDArray[np.uint8], NDArray[np.int64]],
        group: NDArray[np.int32],
        mine: NDArray[np.bool_],
        sampled: Callable[[Side], NDArray[np.int64]],
    ) -> Side:
        """`known` are the bits, and the anchors left besides; `sampled` is told all but what it returns."""
        left = candidates.AnchorsLeft(np.where(mine, np.diff(anchors.start), 0), known[1])
        side = Side(anchors, known[0], group, left.looked_for, left.n_left, np.zeros(0, np.int64))
        return replace(side, n_sampled=sampled(side))

    @property
    def many(self) -> NDArray[np.bool_]:
        """bool[n_docs]: with so many anchors that they are looked for by a sample."""
        return self.n_anchors > passages.FEW_ANCHORS

    @property
    def n_terms(self) -> NDArray[np.int64]:
        """int64[n_docs]: by how many anchors each is looked for."""
        return passages.terms_looked_for(self.n_anchors, self.n_left, self.n_sampled)

    def rows(self, docs: NDArray[np.int32]) -> Rows:
        """The anchors of some documents int32[m], rising, that are no boilerplate."""
        some, places = of_docs(self.anchors, docs)
        own = ~((self.boilerplate[places >> 3] >> (places & 7) & 1).astype(np.bool_))
        return Rows(some.hash[own], docs[some.doc[own]])


@dataclass(frozen=True)
class _Lists:
    """Documents by anchor, as `kernels.postings` has them: of which anchors (by number), int64[m]."""

    term: NDArray[np.int64]
    indptr: NDArray[np.int64]
    docs: NDArray[np.int32]
    few: NDArray[np.bool_]

    @staticmethod
    def of(found: Holders, side: Side) -> _Lists:
        """All rows of some anchors -> the lists of those that count."""
        key, doc = found.key, found.doc
        sure = passages.sample(found.keys)[key] | ~side.many[doc]
        limits = (side.group, passages.MAX_GROUPS, passages.DOCS_OF_GROUP)
        sizes, docs, few, at = kernels.postings(key.astype(np.uint64), doc, sure, *limits)
        return _Lists(key[at], np.r_[0, np.cumsum(sizes)].astype(np.int64), docs, few)

    def pairs(
        self, side: Side, asked: NDArray[np.bool_], min_share: float, run_all: RunAll, to_asked: bool = False
    ) -> NDArray[np.int32]:
        """-> (document, another one that it finds, by how many) int32[m, 3], of the documents that are asked.

        Or, `to_asked`, all pairs of a document that finds one that is asked, whatever else it finds.
        """
        n, rows = len(side.group), np.repeat(np.arange(len(self.term)), np.diff(self.indptr))
        mine = asked[self.docs] & (self.few if to_asked else True)
        order = np.argsort(self.docs[mine], kind="stable")
        indptr = np.searchsorted(self.docs[mine][order], np.arange(n + 1)).astype(np.int64)
        terms = rows[mine][order].astype(np.int32)
        lists, docs, most = self.indptr, self.docs, n
        if not to_asked:
            lists = np.r_[0, np.cumsum(np.bincount(rows[self.few], minlength=len(self.term)))]
            docs, most = docs[self.few], passages.PAIRS_WITH_GROUP
        lists, n_terms, step = lists.astype(np.int64), side.n_terms, -(-n // RANGES)

        def some(start: int) -> NDArray[np.int32]:
            limits = (min_share, most, start, min(start + step, n))
            return kernels.shared_term_pairs(lists, docs, indptr, terms, side.group, n_terms, *limits)

        found = np.concatenate([np.zeros((0, 3), np.int32), *run_all(some, range(0, n, step or 1))])
        return found[:, [1, 0, 2]] if to_asked else found


def directed(
    before: Side,
    now: Side,
    change: Change,
    changed: NDArray[np.bool_],
    known: NDArray[np.int32],
    min_share: float,
    run_all: RunAll = map,
) -> NDArray[np.int32]:
    """The pairs int32[m, 3] that `passages.directed` gives, in another order.

    `known` are those of the last run by their numbers there.  `changed` bool[n_docs]: documents that stay,
    but in another group, or with other boilerplate.
    """
    then = change.but(changed)
    came, went = now.rows(then.came), before.rows(then.went)
    asked = distinct(np.concatenate([came.hash, went.hash]))
    stay = holders(
        asked, now.anchors, then.stays, now.boilerplate, 1, now.group, passages.MAX_GROUPS, run_all
    )
    lists = _Lists.of(stay.with_rows(came), now)
    old_lists = _Lists.of(stay.renumbered(then.old_doc).with_rows(went), before)

    is_new = np.zeros(len(now.group), np.bool_)
    is_new[then.came] = True
    to_new = lists.pairs(now, is_new, min_share, run_all, to_asked=True)
    to_new = to_new[~is_new[to_new[:, 0]]]
    crowded = np.bincount(now.group, minlength=len(now.group))[now.group] > passages.PAIRS_WITH_GROUP
    was_crowded = (
        np.bincount(before.group, minlength=len(before.group))[before.group] > passages.PAIRS_WITH_GROUP
    )
    stay_then = then.stayed
    left = stay_then[known[:, 0]] & ~stay_then[known[:, 1]] & was_crowded[known[:, 1]]
    again = is_new.copy()
    again[to_new[crowded[to_new[:, 1]], 0]] = True
    again[then.new_doc[known[left, 0]]] = True
    kept = known[stay_then[known[:, :2]].all(axis=1)]
    kept = np.column_stack([then.new_doc[kept[:, :2]], kept[:, 2]])
    kept, unsettled = _Turned.of(lists, old_lists, then).settle(now, kept, crowded, min_share)
    again[unsettled] = True

    more = distinct(now.rows(np.flatnonzero(again & ~is_new).astype(np.int32)).hash)
    more = more[~stay.table.has(more)]
    rest = holders(more, now.anchors, then.now, now.boilerplate, 1, now.group, passages.MAX_GROUPS, run_all)
    found = [
        kept[~again[kept[:, 0]]],
        to_new[~again[to_new[:, 0]]],
        _joined(lists, _Lists.of(rest, now), len(asked)).pairs(now, again, min_share, run_all),
    ]
    return np.concatenate(found)


def n_sampled(
    side: Side, then: NDArray[np.int64], change: Change, changed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """int64[n_docs]: how many of the anchors of each document are in the sample; `then` in the last run."""
    out = np.zeros(len(change.now), np.int64)
    same = change.stays & ~changed
    out[same] = then[change.old_doc[same]]
    rows = side.rows(np.flatnonzero(change.now & ~same).astype(np.int32))
    return out + np.bincount(rows.doc[passages.sample(rows.hash)], minlength=len(out))


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
        """The lists of this run and of the last one, by the numbers of the documents in each."""
        both = (lists, old_lists)
        cut = [x.term[np.searchsorted(x.indptr, np.flatnonzero(~x.few), "right") - 1] for x in both]
        turned = np.setxor1d(lists.term, old_lists.term, assume_unique=True)
        terms = distinct(np.concatenate([turned, *cut]))
        new, new_few = _rows_of(lists, terms, change.stays)
        old, old_few = _rows_of(old_lists, terms, change.stayed)
        old = old & ~np.int64(0xFFFFFFFF) | change.new_doc[old & 0xFFFFFFFF]
        lost, gained = old[old_few], new[new_few]
        return _Turned(old, new, lost[~is_in(lost, gained)], gained[~is_in(gained, lost)])

    def settle(
        self, now: Side, kept: NDArray[np.int32], crowded: NDArray[np.bool_], min_share: float
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The pairs int32[m, 3] of the last run -> (those of them that stand, with what they share now;
        documents that are to be looked for again)."""
        enough = np.ceil(np.maximum(np.minimum(2, now.n_terms), min_share * now.n_terms))
        every = distinct(np.concatenate([self.old, self.new]))
        more = _shared(every, self.gained, kept) - _shared(every, self.lost, kept)
        shared = kept[:, 2] + more
        unsure = kept[(more != 0) & crowded[kept[:, 1]], 0]
        stands = shared >= np.minimum(*enough[kept[:, :2]].T)

        rows = self.new[is_in(self.new >> 32, distinct(self.gained >> 32))]
        term, doc = rows >> 32, (rows & 0xFFFFFFFF).astype(np.int32)
        each, sizes = counted(term)
        large = is_in(term, each[sizes * sizes > PAIRS_OF_LIST])
        pairs = _pairs_within(term[~large], doc[~large])
        pairs = pairs[now.group[pairs[:, 0]] != now.group[pairs[:, 1]]]
        pairs = pairs[_anchors_of_both(now, pairs) >= np.minimum(*enough[pairs].T)]
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        known = np.sort(kept[:, 0].astype(np.int64) << 32 | kept[:, 1])
        pairs = pairs[~is_in(pairs[:, 0].astype(np.int64) << 32 | pairs[:, 1], known)]
        kept = np.column_stack([kept[:, :2], shared])[stands].astype(np.int32)
        return kept, np.concatenate([doc[large], unsure, pairs[:, 0]])


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
    at = np.repeat(lists.indptr[wanted] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    stays = stay[lists.docs[at]]
    rows = (np.repeat(lists.term[wanted], sizes) << 32 | lists.docs[at])[stays]
    order = np.argsort(rows)
    return rows[order], lists.few[at[stays][order]]


def _anchors_of_both(side: Side, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """Pairs int32[m, 2] -> how many anchors they share at most, boilerplate left out."""
    asked = np.zeros(len(side.group), np.bool_)
    asked[pairs.ravel()] = True
    own = side.rows(np.flatnonzero(asked).astype(np.int32))
    start = np.searchsorted(own.doc, np.arange(len(asked) + 1)).astype(np.int64)
    return np.asarray(kernels.shared_own(np.maximum(passages.half(own.hash), 1), start, pairs))


def _pairs_within(term: NDArray[np.int64], doc: NDArray[np.int32]) -> NDArray[np.int32]:
    """Rows in the order of their terms -> each pair of documents int32[m, 2] of one term, once."""
    indptr = passages.starts_of_equals(term)
    sizes = np.diff(indptr)
    size = np.repeat(sizes, sizes)
    left = np.repeat(np.arange(len(doc)), size)
    within = np.arange(len(left)) - np.repeat(np.cumsum(size) - size, size)
    right = np.repeat(np.repeat(indptr[:-1], sizes), size) + within
    keys = distinct(pair_keys(np.stack([doc[left], doc[right]], axis=1)[left < right]))
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1).astype(np.int32)
