"""Select the witnesses in each cluster, in rounds, and compare the pairs that each round needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..core.components import connected_components
from ..core.pairs import CandidatePairs, VerifiedPairs, pair_keys
from ..core.sorted_arrays import is_in
from ..core.thresholds import Thresholds, lost
from ..core.verdicts import CONTAINED, FORM, SCANNED
from . import hubs, policies

MAX_WHOLES = 3  # a part of at most so many different wholes is clustered, with the one most similar to it
WITNESS_ROUNDS = 8  # kept documents of a cluster that are compared with all its other documents

EdgesOf = Callable[[VerifiedPairs], hubs.Edges]
Compare = Callable[[CandidatePairs], VerifiedPairs]


@dataclass(frozen=True)
class Preferences:
    """What decides which document is preferred as a witness; every array has n_docs rows."""

    exact_group: NDArray[np.int32]  # the first document with the same letters
    representative: NDArray[np.int32]  # the most preferred document with the same letters
    by_itself: NDArray[np.bool_]  # is a representative, or of a relation to it that drops nothing
    rank: NDArray[np.int64]  # 0 for the most preferred document of all
    keys: policies.Keys  # that gave the ranks
    kind: NDArray[np.int8]  # relation to its representative

    def __len__(self) -> int:
        return len(self.exact_group)

    @cached_property
    def best(self) -> NDArray[np.int32]:
        """Return int32[n_docs]: the representative of each exact group, at its first document."""
        best = np.arange(len(self), dtype=np.int32)
        best[self.exact_group] = self.representative
        return best

    def of_docs(self, docs: NDArray[np.int64]) -> Preferences:
        """Return the part for documents int64[m], sorted, whole exact groups; they become 0..m - 1."""
        exact_group, representative = (
            np.searchsorted(docs, c[docs]).astype(np.int32) for c in (self.exact_group, self.representative)
        )
        keys = [(name, key[docs]) for name, key in self.keys]
        return Preferences(
            exact_group, representative, self.by_itself[docs], self.rank[docs], keys, self.kind[docs]
        )

    def joined(self, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the clusters that pairs int32[m, 2] and exact groups make: int32[n_docs]."""
        everyone = np.arange(len(self), dtype=np.int32)
        exact_group = np.stack([self.exact_group, everyone], axis=1)
        return connected_components(len(self), np.concatenate([pairs, exact_group]))


@dataclass(frozen=True)
class Assignment:
    """The pairs that reach a threshold, and the cluster and witness of each document, int32[n_docs] each.

    `of_group` int32[n_docs] is the witness of each exact group at its first document, -1 elsewhere.
    """

    good: VerifiedPairs
    label: NDArray[np.int32]
    witness: NDArray[np.int32]
    of_group: NDArray[np.int32]

    def missing(self, preferences: Preferences, pairs: VerifiedPairs, turn: int) -> CandidatePairs:
        """Return the pairs not compared yet with the kept document number `turn` of each cluster."""
        return hubs.unverified(self.of_group, preferences.rank[preferences.best], self.label, pairs, turn)

    def but(self, docs: NDArray[np.int64], some: Assignment) -> Assignment:
        """Replace what is assigned to documents int64[m] by `some`, which numbers them 0..m - 1."""
        columns = []
        for mine, other in (
            (self.label, some.label),
            (self.witness, some.witness),
            (self.of_group, some.of_group),
        ):
            column = mine.copy()
            column[docs] = np.where(other >= 0, docs[other], -1)
            columns.append(column)
        kept = np.flatnonzero(~is_in(self.good.docs[:, 0], docs))
        good = VerifiedPairs.concatenated([self.good.where(kept), _renumbered(some.good, docs)])
        return Assignment(good.where(np.argsort(pair_keys(good.docs))), *columns)


def select_witnesses(
    preferences: Preferences, pairs: VerifiedPairs, limits: Thresholds, edges_of: EdgesOf, compare: Compare
) -> Assignment:
    """Select a witness for each document of a cluster, comparing more pairs where that is needed.

    If a cluster has one kept document, all others are dropped for it, and nothing is left to compare.  So
    after the first round only clusters with several kept documents are looked at again, with all documents
    that were ever joined to them.
    """
    first = _assign(preferences, pairs, limits, edges_of)
    more = compare(first.missing(preferences, pairs, 0))
    docs = np.flatnonzero(_undecided(preferences, first, pairs.docs[limits.classify(pairs).reached]))
    if not len(docs):
        return first
    local = np.full(len(preferences), -1, np.int32)
    local[docs] = np.arange(len(docs))
    some = preferences.of_docs(docs)
    known = _renumbered(pairs.where(np.flatnonzero((local[pairs.docs] >= 0).all(axis=1))), local)
    more = _renumbered(more, local)
    for turn in range(1, WITNESS_ROUNDS + 1):
        if turn == 1 or len(more):
            known = known.merged(more)
            last = _assign(some, known, limits, edges_of)
        if turn < WITNESS_ROUNDS:
            asked = last.missing(some, known, turn)
            more = _renumbered(compare(CandidatePairs(docs.astype(np.int32)[asked.docs])), local)
    return first.but(docs, last)


def _assign(
    preferences: Preferences, pairs: VerifiedPairs, limits: Thresholds, edges_of: EdgesOf
) -> Assignment:
    """Assign clusters and witnesses by the pairs known so far."""
    n, exact_group, representative = len(preferences), preferences.exact_group, preferences.representative
    everyone = np.arange(n, dtype=np.int32)
    good = without_hubs(pairs.where(limits.classify(pairs).reached), limits, n)
    allowed = edges_of(good)
    label = preferences.joined(good.docs)
    first_witness = hubs.Edges(preferences.best[allowed.dropped], preferences.best[allowed.witness])
    witness = hubs.choose_witnesses(preferences.rank, first_witness)
    follows = np.where(preferences.by_itself, everyone, witness[representative])
    witness = np.where(representative == everyone, witness, follows).astype(np.int32)
    return Assignment(good, label, witness, _in_terms_of(exact_group, representative, witness))


def _undecided(preferences: Preferences, found: Assignment, reached: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return bool[n_docs]: clusters with several kept documents, and all documents ever joined to them.

    NOTE: a hub is recognized by all its wholes, so clusters that only a hub joins are decided at once.
    """
    n = len(preferences)
    joined = preferences.joined(reached)
    kept = np.bincount(found.label[found.of_group == np.arange(n)], minlength=n)
    out = np.zeros(n, np.bool_)
    out[joined[np.flatnonzero(kept > 1)]] = True
    return out[joined]


def _renumbered(pairs: VerifiedPairs, numbers: NDArray[np.int32] | NDArray[np.int64]) -> VerifiedPairs:
    """Renumber the documents of pairs: numbers[d] for d, in the same order."""
    return replace(pairs, docs=numbers[pairs.docs].astype(np.int32))


def without_hubs(pairs: VerifiedPairs, limits: Thresholds, n: int) -> VerifiedPairs:
    """Leave out pairs that would join different wholes: over a common part, or over two parts."""
    found = limits.classify(pairs)
    part = np.stack([found.left_in_right, found.right_in_left], axis=1)
    share = np.stack([found.part_share(0), found.part_share(1)], axis=1)
    whole = ~hubs.torn(n, pairs.docs, part, share, limits.min_containment)
    pairs, left_part, similar = pairs.where(whole), part[whole, 0], found.similar[whole]
    left_lost, right_lost = lost(pairs).T
    missing = np.where(left_part, left_lost, right_lost)
    likeness = (pairs.jaccard, pairs.discounted_jaccard, pairs.skeleton_jaccard, -missing)
    return pairs.where(hubs.binding(n, pairs.docs, similar, left_part, likeness, MAX_WHOLES))


def edges(
    pairs: VerifiedPairs, limits: Thresholds, drops: NDArray[np.bool_], whole_for_part: bool
) -> hubs.Edges:
    """Return which document of each pair may be dropped for the other, by the relations that drop.

    A document may be dropped for one that contains it: a part for its whole, and the whole for its part only
    with `whole_for_part`; a part full of errors only if noisy copies are dropped, too.  Where instances of a
    form are dropped, any may be dropped for any other.
    """
    found = limits.classify(pairs)
    kind = found.relation
    either, part = kind == FORM, kind == CONTAINED
    drops = drops[kind] & (drops[SCANNED] | ~found.noisy_part)
    left = found.held[0] & (~part | found.left_in_right)
    right = found.held[1] & (~part | found.right_in_left)
    if whole_for_part:
        either |= part & (left | right)
    return hubs.allowed(pairs.docs, drops & (left | either), drops & (right | either))


def _in_terms_of(
    exact_group: NDArray[np.int32], representative: NDArray[np.int32], witness: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the witnesses of representatives, by the first documents of exact groups, which are compared."""
    out = np.full(len(exact_group), -1, np.int32)
    docs = np.flatnonzero(np.bincount(representative, minlength=len(representative)))
    out[exact_group[docs]] = exact_group[witness[docs]]
    return out
