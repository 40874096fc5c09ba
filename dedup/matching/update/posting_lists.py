"""The anchors of a run, as far as they matter for parts and wholes, and lists of documents by anchor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rules
from ...core.features import Anchors
from ...core.parallel import ParallelMap
from ...core.sorted_arrays import expand_ranges, is_in, offsets_from_sizes
from .. import boilerplate, containment, kernels
from .delta import Change
from .lookup import HashedDocs, Lookup, Occurrences, SortedHashes, hashes_of

RANGES = 8  # of documents, or of anchors, taken one at a time on each thread


@dataclass(frozen=True)
class RunAnchors:
    """The anchors of a run, what matters of its documents, and the share of anchors that makes a pair.

    group int32[n_docs]; n_sampled int64[n_docs] as in `containment.SharedAnchors`.
    """

    anchors: Anchors
    known: boilerplate.Boilerplate
    group: NDArray[np.int32]
    n_sampled: NDArray[np.int64]
    parallel_map: ParallelMap = map
    min_share: float = rules.ANCHOR_SHARE

    @cached_property
    def n_effective(self) -> NDArray[np.int64]:
        """Return int64[n_docs]: by how many anchors each is matched."""
        return self.known.n_effective

    @property
    def many(self) -> NDArray[np.bool_]:
        """Return bool[n_docs]: with so many anchors that they are looked for by a sample."""
        return self.n_effective > containment.FEW_ANCHORS

    @cached_property
    def enough(self) -> NDArray[np.int32]:
        """Return int32[n_docs]: by how many anchors each finds another, at least, or is found by it.

        By one even where none are looked for, as a document of many anchors may have none in the sample:
        from scratch, documents that share none are never met.
        """
        n_terms = containment.terms_looked_for(self.n_effective, self.known.n_left, self.n_sampled)
        return np.maximum(1, rules.min_shared_anchors(n_terms, self.min_share)).astype(np.int32)

    def enough_of(self, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
        """Pairs int32[m, 2] -> by how many anchors one finds the other, at least."""
        return np.asarray(self.enough[pairs].min(axis=1))

    def rows(self, docs: NDArray[np.int32]) -> HashedDocs:
        """Return the anchors of some documents int32[m], rising, that are no boilerplate, each once."""
        hashes, start, places = hashes_of(self.anchors, docs)
        flags = (self.known.bits[places >> 3] >> (places & 7) & 1).astype(np.bool_)
        own = kernels.own_anchors(hashes, start, np.ones(len(docs), np.bool_), flags)
        return HashedDocs(hashes[own], np.repeat(docs, np.diff(start))[own])

    def having(self, hashes: NDArray[np.uint64], docs: NDArray[np.bool_]) -> Occurrences:
        """Anchors uint64[m], rising -> which of some documents bool[n_docs] have them, not as boilerplate."""
        most = containment.MAX_GROUPS
        lookup = Lookup(self.anchors, self.known.bits, 1, self.group, most, self.parallel_map)
        return lookup.find(hashes, docs)

    def sampled(
        self, then: NDArray[np.int64], change: Change, changed: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Count the anchors of each document in the sample, int64[n_docs]; `then`, in the last run."""
        out = np.zeros(len(change.now), np.int64)
        same = change.unchanged & ~changed
        out[same] = then[change.old_doc[same]]
        rows = self.rows(np.flatnonzero(change.now & ~same).astype(np.int32))
        return out + np.bincount(rows.doc[containment.sample(rows.hash)], minlength=len(out))


@dataclass(frozen=True)
class PostingLists:
    """Documents by anchor, as `kernels.postings` has them: anchors int64[m] by their numbers in `table`."""

    table: SortedHashes
    term: NDArray[np.int64]
    indptr: NDArray[np.int64]
    docs: NDArray[np.int32]
    few: NDArray[np.bool_]

    @staticmethod
    def of(found: Occurrences, side: RunAnchors) -> PostingLists:
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
        columns = zip(none, *side.parallel_map(some, range(0, n, step)), strict=True)
        term, sizes, docs, few = (np.concatenate(column) for column in columns)
        return PostingLists(found.table, term, offsets_from_sizes(sizes), docs, few)

    def joined(self, other: PostingLists) -> PostingLists:
        """Join lists of other anchors, whose numbers are then those after the numbers in the table."""
        return PostingLists(
            self.table,
            np.concatenate([self.term, other.term + len(self.table.keys)]),
            np.concatenate([self.indptr, other.indptr[1:] + self.indptr[-1]]),
            np.concatenate([self.docs, other.docs]),
            np.concatenate([self.few, other.few]),
        )

    def rows_of(
        self, terms: NDArray[np.int64], stay: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows (anchor << 32 | document), rising, of some anchors and documents that stay; which are few."""
        wanted = np.flatnonzero(is_in(self.term, terms))
        sizes = np.diff(self.indptr)[wanted]
        at = expand_ranges(self.indptr[wanted], sizes)
        unchanged = stay[self.docs[at]]
        rows = (np.repeat(self.term[wanted], sizes) << 32 | self.docs[at])[unchanged]
        order = np.argsort(rows)
        return rows[order], self.few[at[unchanged][order]]

    def pairs(self, side: RunAnchors, asked: NDArray[np.bool_], to_asked: bool = False) -> NDArray[np.int32]:
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
        step = -(-n // RANGES)

        def some(start: int) -> NDArray[np.int32]:
            limits = (side.enough, most, start, min(start + step, n))
            return kernels.shared_term_pairs(lists, docs, indptr, terms, side.group, *limits)

        parts = side.parallel_map(some, range(0, n, step or 1))
        found = np.concatenate([np.zeros((0, 3), np.int32), *parts])
        return found[:, [1, 0, 2]] if to_asked else found
