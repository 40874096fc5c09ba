"""Who is kept for whom: witnesses in each cluster, and what must be compared for them, in rounds."""

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
from ..core.verdicts import CONTAINED, FORM
from . import hubs, policies

MAX_WHOLES = 3  # otherwise different ones, of a part that goes with the one that it is most like
WITNESS_ROUNDS = 8  # so many kept documents of a cluster are compared with all the rest of it

EdgesOf = Callable[[VerifiedPairs], hubs.Edges]
Compare = Callable[[CandidatePairs], VerifiedPairs]


@dataclass(frozen=True)
class Ballot:
    """What is known of the documents before witnesses are chosen; every array has n_docs rows."""

    same: NDArray[np.int32]  # the first document of the same letters
    speaker: NDArray[np.int32]  # the most preferred one of them
    alone: NDArray[np.bool_]  # not dropped for its speaker: it is one, or their relation drops nothing
    place: NDArray[np.int64]  # 0 for the most preferred document of all
    keys: policies.Keys  # by which the places were given
    kind: NDArray[np.int8]  # relation to the speaker

    def __len__(self) -> int:
        return len(self.same)

    @cached_property
    def best(self) -> NDArray[np.int32]:
        """int32[n_docs], by first document of the same letters: the speaker."""
        best = np.arange(len(self), dtype=np.int32)
        best[self.same] = self.speaker
        return best

    def of_docs(self, docs: NDArray[np.int64]) -> Ballot:
        """That of some documents int64[m], rising, with all of the same letters: they are then 0..m - 1."""
        same, speaker = (np.searchsorted(docs, c[docs]).astype(np.int32) for c in (self.same, self.speaker))
        keys = [(name, key[docs]) for name, key in self.keys]
        return Ballot(same, speaker, self.alone[docs], self.place[docs], keys, self.kind[docs])

    def joined(self, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
        """int32[n_docs]: the clusters of pairs int32[m, 2] and of the documents of the same letters."""
        everyone = np.arange(len(self), dtype=np.int32)
        same = np.stack([self.same, everyone], axis=1)
        return connected_components(len(self), np.concatenate([pairs, same]))


@dataclass(frozen=True)
class Settled:
    """The pairs that reach a threshold, and by document int32[n_docs] each: its cluster, its witness, and the
    witness among the first documents of the same letters, -1 for the others."""

    good: VerifiedPairs
    label: NDArray[np.int32]
    witness: NDArray[np.int32]
    among: NDArray[np.int32]

    def missing(self, ballot: Ballot, pairs: VerifiedPairs, turn: int) -> CandidatePairs:
        """The pairs that were not compared, with the kept document number `turn` of each cluster."""
        return hubs.unverified(self.among, ballot.place[ballot.best], self.label, pairs, turn)

    def but(self, docs: NDArray[np.int64], some: Settled) -> Settled:
        """The same, but for some documents int64[m], of which `some` tells by their places in `docs`."""
        columns = []
        for mine, other in ((self.label, some.label), (self.witness, some.witness), (self.among, some.among)):
            column = mine.copy()
            column[docs] = np.where(other >= 0, docs[other], -1)
            columns.append(column)
        kept = np.flatnonzero(~is_in(self.good.docs[:, 0], docs))
        good = VerifiedPairs.concatenated([self.good.where(kept), _renumbered(some.good, docs)])
        return Settled(good.where(np.argsort(pair_keys(good.docs))), *columns)


def settle(
    ballot: Ballot, pairs: VerifiedPairs, limits: Thresholds, edges_of: EdgesOf, compare: Compare
) -> Settled:
    """Verified pairs -> (those that reach a threshold, with more of them; clusters; witnesses).

    Where a cluster has one kept document, all others are dropped for it, and nothing is left to compare; so
    after the first round only those with several are gone through again, with all they were ever joined to.
    """
    first = _chosen(ballot, pairs, limits, edges_of)
    more = compare(first.missing(ballot, pairs, 0))
    docs = np.flatnonzero(_open(ballot, first, pairs.docs[limits.reached(pairs)]))
    if not len(docs):
        return first
    local = np.full(len(ballot), -1, np.int32)
    local[docs] = np.arange(len(docs))
    some = ballot.of_docs(docs)
    known = _renumbered(pairs.where(np.flatnonzero((local[pairs.docs] >= 0).all(axis=1))), local)
    more = _renumbered(more, local)
    for turn in range(1, WITNESS_ROUNDS + 1):
        if turn == 1 or len(more):
            known = known.merged(more)
            last = _chosen(some, known, limits, edges_of)
        if turn < WITNESS_ROUNDS:
            asked = last.missing(some, known, turn)
            more = _renumbered(compare(CandidatePairs(docs.astype(np.int32)[asked.docs])), local)
    return first.but(docs, last)


def _chosen(ballot: Ballot, pairs: VerifiedPairs, limits: Thresholds, edges_of: EdgesOf) -> Settled:
    """Clusters and witnesses by the pairs known so far."""
    n, same, speaker = len(ballot), ballot.same, ballot.speaker
    everyone = np.arange(n, dtype=np.int32)
    good = without_hubs(pairs.where(limits.reached(pairs)), limits, n)
    allowed = edges_of(good)
    label = ballot.joined(good.docs)
    spoken = hubs.Edges(ballot.best[allowed.dropped], ballot.best[allowed.witness])
    witness = hubs.choose_witnesses(ballot.place, spoken)
    follows = np.where(ballot.alone, everyone, witness[speaker])
    witness = np.where(speaker == everyone, witness, follows).astype(np.int32)
    return Settled(good, label, witness, _in_terms_of(same, speaker, witness))


def _open(ballot: Ballot, found: Settled, reached: NDArray[np.int32]) -> NDArray[np.bool_]:
    """bool[n_docs]: documents of clusters with several kept ones, and all that they were ever joined to.

    subtle: a hub is told by all its wholes, so clusters that only a hub joins are taken together.
    """
    n = len(ballot)
    joined = ballot.joined(reached)
    kept = np.bincount(found.label[found.among == np.arange(n)], minlength=n)
    out = np.zeros(n, np.bool_)
    out[joined[np.flatnonzero(kept > 1)]] = True
    return out[joined]


def _renumbered(pairs: VerifiedPairs, numbers: NDArray[np.int32] | NDArray[np.int64]) -> VerifiedPairs:
    """Pairs of documents that have other numbers, numbers[d] for d, in the same order."""
    return replace(pairs, docs=numbers[pairs.docs].astype(np.int32))


def without_hubs(pairs: VerifiedPairs, limits: Thresholds, n: int) -> VerifiedPairs:
    """The pairs without those that join wholes which differ otherwise: a part of several, two parts."""
    part = np.stack([limits.left_in_right(pairs), limits.right_in_left(pairs)], axis=1)
    share = np.stack([limits.part_share(pairs, 0), limits.part_share(pairs, 1)], axis=1)
    whole = ~hubs.torn(n, pairs.docs, part, share, limits.min_containment)
    pairs, left_part = pairs.where(whole), part[whole, 0]
    alike = limits.alike(pairs) | limits.rewritten(pairs)
    left_lost, right_lost = lost(pairs).T
    missing = np.where(left_part, left_lost, right_lost)
    likeness = (pairs.jaccard, pairs.discounted_jaccard, pairs.skeleton_jaccard, -missing)
    return pairs.where(hubs.binding(n, pairs.docs, alike, left_part, likeness, MAX_WHOLES))


def edges(
    pairs: VerifiedPairs, limits: Thresholds, drops: NDArray[np.bool_], whole_for_part: bool
) -> hubs.Edges:
    """Pairs that reach a threshold -> who may be dropped for whom, by the relations that drop.

    A document may be dropped for one that holds it: a part for its whole, but not the whole for its part,
    unless that is asked for.  An instance of a form, where those are dropped, may go for any other.
    """
    kind = limits.relation(pairs)
    left, right = limits.held(pairs)
    either, part = kind == FORM, kind == CONTAINED
    left &= ~part | limits.left_in_right(pairs)
    right &= ~part | limits.right_in_left(pairs)
    if whole_for_part:
        either |= part & (left | right)
    return hubs.allowed(pairs.docs, drops[kind] & (left | either), drops[kind] & (right | either))


def _in_terms_of(
    same: NDArray[np.int32], speaker: NDArray[np.int32], witness: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The speakers' witnesses among the first documents of the same letters, which are those compared."""
    out = np.full(len(same), -1, np.int32)
    speakers = np.flatnonzero(np.bincount(speaker, minlength=len(speaker)))
    out[same[speakers]] = same[witness[speakers]]
    return out
