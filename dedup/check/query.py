"""Look up new documents in the index of a run: the documents that they may duplicate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core import rules
from ..core.by_letters import MIN_PLACED, SHORT, of_like_size
from ..core.documents import Documents
from ..core.features import Anchors, Signatures
from ..core.settings import Settings
from ..core.sorted_arrays import unique_counts
from ..matching import containment, noise
from ..matching.boilerplate import Boilerplate, own_of
from ..matching.views import VIEWS, View
from .index import Index


@dataclass(frozen=True)
class Newcomers:
    """New documents to be looked up, and their anchors without boilerplate."""

    docs: NDArray[np.int32]  # of the new ones: those that are looked for
    documents: Documents
    signatures: Signatures
    anchors: Anchors
    boilerplate: Boilerplate


BEST_OF_GROUP = 8  # documents of one cluster that a new one is compared with
BEST = 64  # documents of the run that a new one is compared with, by their signatures
AT_ONCE = 512  # new documents
ROWS_AT_ONCE = 1 << 15  # documents of the run
LOW_BITS = 1 << 16  # low bits of a value


def alike(
    index: Index,
    new: Newcomers,
    existing: Signatures,
    sizes: Callable[[str], NDArray[np.int64]],
    group: NDArray[np.int32],
    s: Settings,
) -> NDArray[np.int64]:
    """Find the pairs (new document, document of the run) that share a band and enough values: int64[n, 2].

    `sizes` gives a column of sizes of the documents of the run, int64[n_docs]; group int32[n_docs] is their
    clusters.
    """
    out = [np.zeros((0, 2), np.int64)]
    for view in VIEWS:
        docs = new.docs[view.sizes(new.documents)[new.docs] >= view.least]
        old_sizes, values = sizes(view.size), view.signatures(new.signatures)
        for i in range(0, len(docs), AT_ONCE):
            some = docs[i : i + AT_ONCE]
            pairs = index.in_band(view, values[some], s)
            pairs[:, 0] = some[pairs[:, 0]]
            agree, good = _agreement(view, new, existing, old_sizes, pairs, s)
            pairs, agree = pairs[good], agree[good]
            rows = _best((group[pairs[:, 1]], pairs[:, 0]), pairs[:, 1], agree, BEST_OF_GROUP)
            rows = rows[_best((pairs[rows, 0],), pairs[rows, 1], agree[rows], BEST)]
            out.append(pairs[rows])
    return np.unique(np.concatenate(out), axis=0)


def enough_alike(
    pairs: NDArray[np.int64],
    new: Newcomers,
    existing: Signatures,
    sizes: Callable[[str], NDArray[np.int64]],
    s: Settings,
) -> NDArray[np.bool_]:
    """Tell which pairs (new document, document of the run) share enough values in a view: bool[n]."""
    out = np.zeros(len(pairs), np.bool_)
    for view in VIEWS:
        large = view.sizes(new.documents)[pairs[:, 0]] >= view.least
        out[large] |= _agreement(view, new, existing, sizes(view.size), pairs[large], s)[1]
    return out


def _agreement(
    view: View,
    new: Newcomers,
    existing: Signatures,
    old_sizes: NDArray[np.int64],
    pairs: NDArray[np.int64],
    s: Settings,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return how many values of a view each pair int64[n, 2] shares, int64[n], and if enough, bool[n]."""
    agree = _agree(view.signatures(new.signatures), view.signatures(existing), pairs)
    sizes = np.stack([view.sizes(new.documents)[pairs[:, 0]], old_sizes[pairs[:, 1]]])
    return agree, agree >= view.min_matching(s, sizes)


def noisy(
    new: Newcomers, existing: Signatures, n_letters: NDArray[np.int64], kept: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Find the pairs (new document, kept document of the run) that share rare values: int64[n, 2].

    They may be noisy copies; see `matching.noise`.  n_letters int64[n_docs] and kept bool[n_docs] are those
    of the run.
    All signatures of the run are read.
    """
    docs = new.docs[new.documents.n_letters[new.docs] >= SHORT]
    old = kept & (n_letters >= SHORT)
    most, least = noise.rare(int(old.sum())), noise.shared(int(old.sum()))
    mine = new.signatures.values[docs]
    order = np.argsort(mine, axis=0)
    columns = np.ascontiguousarray(np.take_along_axis(mine, order, axis=0).T)
    hits = _with_values(columns, existing, old)
    times = np.unique(hits[:, 0] * len(docs) + hits[:, 1], return_inverse=True, return_counts=True)
    hits = hits[times[2][times[1]] <= most] if len(hits) else hits
    pairs = [np.zeros((0, 2), np.int64)]
    for ahead in range(len(docs)):  # new documents with the same value as the first of it
        at = hits[hits[:, 1] + ahead < len(docs)]
        at = at[columns[at[:, 0], at[:, 1] + ahead] == columns[at[:, 0], at[:, 1]]]
        if not len(at):
            break
        pairs.append(np.stack([order[at[:, 1] + ahead, at[:, 0]], at[:, 2]], axis=1))
    both, n_shared = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
    like = of_like_size(new.documents.n_letters[docs[both[:, 0]]], n_letters[both[:, 1]])
    good = like & (n_shared >= least)
    both, n_shared = both[good], n_shared[good]
    rows = _best((both[:, 0],), both[:, 1], n_shared, BEST_OF_GROUP)
    return np.stack([docs[both[rows, 0]], both[rows, 1]], axis=1).astype(np.int64)


def _with_values(
    columns: NDArray[np.uint32], existing: Signatures, old: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Sorted values of new documents uint32[num_perm, m] -> where a document of the run has one of them.

    int64[n, 3]: column, first place of the value in it, document; of the documents `old` bool[n_docs].
    """
    low = np.uint32(LOW_BITS - 1)
    there = np.zeros((len(columns), LOW_BITS), np.bool_)  # few values pass it, and only these are looked up
    there[np.arange(len(columns))[:, None], columns & low] = True
    found = [np.zeros((0, 3), np.int64)]
    for start in range(0, len(old) if columns.size else 0, ROWS_AT_ONCE):
        rows = np.flatnonzero(old[start : start + ROWS_AT_ONCE])
        values = np.ascontiguousarray(existing.values[start : start + ROWS_AT_ONCE][rows].T)
        for c, column in enumerate(values):
            some = np.flatnonzero(there[c][column & low])
            first = np.searchsorted(columns[c], column[some])
            hit = columns[c][np.minimum(first, len(columns[c]) - 1)] == column[some]
            places = np.full(int(hit.sum()), c), first[hit], start + rows[some[hit]]
            found.append(np.stack(places, axis=1))
        existing.release_pages()
    return np.concatenate(found)


def _agree(
    values: NDArray[np.uint32], old: NDArray[np.uint32], pairs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count the signature values that agree in each pair: int64[n]."""
    parts = [pairs[i : i + (1 << 14)] for i in range(0, len(pairs), 1 << 14)]
    return np.concatenate(
        [np.zeros(0, np.int64), *((values[p[:, 0]] == old[p[:, 1]]).sum(axis=1) for p in parts)]
    )


def _best(
    columns: tuple[NDArray[np.int64] | NDArray[np.int32], ...],
    old: NDArray[np.int64],
    score: NDArray[np.int64],
    most: int,
) -> NDArray[np.int64]:
    """Select the rows with the highest scores of each key.

    >>> _best((np.array([7, 7, 7, 8]),), np.array([1, 2, 3, 4]), np.array([5, 9, 9, 1]), 2).tolist()
    [1, 2, 3]
    """
    order = np.lexsort((old, -score, *columns))
    key = np.stack([c[order] for c in columns])
    first = np.r_[True, (key[:, 1:] != key[:, :-1]).any(axis=0)] if len(order) else np.zeros(0, np.bool_)
    places = np.arange(len(order))
    rank = places - np.maximum.accumulate(np.where(first, places, 0))
    return order[rank < most]


def parts_and_wholes(
    index: Index, new: Newcomers, group: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(int64[n, 2]: (new document, document of the run) where one may hold the other, by their anchors;
    float64[n]: the share of the anchors of the one with fewer that both have).

    As in a scan, but that all anchors are looked up.
    """
    out, shares = [np.zeros((0, 2), np.int64)], [np.zeros(0)]
    for docs, old in _sharing_anchors(index, new):
        pairs, counts, fewer = _counted(index, new, docs, old)
        rows = _enough_of_group(pairs, counts, rules.min_shared_anchors(fewer), group)
        out.append(pairs[rows])
        shares.append(counts[rows] / np.maximum(1, fewer[rows]))
    return np.concatenate(out), np.concatenate(shares)


def noisy_parts(
    index: Index, new: Newcomers, n_letters: NDArray[np.int64], group: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Find the pairs (new document, document of the run) that share rare anchors: int64[n, 2].

    The much shorter one may be a part of the other, full of errors; see `containment.SharedAnchors`.
    """
    out = [np.zeros((0, 2), np.int64)]
    for docs, old in _sharing_anchors(index, new, containment.RARE - 1, group):
        pairs, counts, fewer = _counted(index, new, docs, old)
        pairs = pairs[_enough_of_group(pairs, counts, rules.min_rare_anchors(fewer, len(group)), group)]
        sizes = np.stack([new.documents.n_letters[pairs[:, 0]], n_letters[pairs[:, 1]]])
        out.append(pairs[~of_like_size(*sizes) & (sizes.min(axis=0) >= MIN_PLACED)])
    return np.concatenate(out)


def _sharing_anchors(
    index: Index, new: Newcomers, most: int = 0, group: NDArray[np.int32] | None = None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return for each anchor that both have, the new document and that of the run: int64[n] each.

    Of anchors in at most so many groups of the run, if that is asked for.
    """
    wanted = np.zeros(len(new.boilerplate.n_effective), np.bool_)
    wanted[new.docs] = True
    for chunk in new.anchors.chunks(1 << 16):
        usable = own_of(chunk, wanted, new.boilerplate.bits)
        which, old = index.with_anchor(chunk.hash[usable])
        if group is not None:
            groups = np.unique(np.stack([which, group[old]]), axis=1)[0]
            rare = np.bincount(groups, minlength=int(usable.sum()))[which] <= most
            which, old = which[rare], old[rare]
        yield chunk.doc[usable][which].astype(np.int64), old


def _counted(
    index: Index, new: Newcomers, docs: NDArray[np.int64], old: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs int64[n, 2], how often each stands here, and the anchors of the one with fewer."""
    keys, counts = unique_counts(docs << 32 | old)
    pairs = np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1)
    fewer = np.minimum(new.boilerplate.n_effective[pairs[:, 0]], index.counts[pairs[:, 1]])
    return pairs, counts, fewer


def _enough_of_group(
    pairs: NDArray[np.int64], counts: NDArray[np.int64], enough: NDArray[np.int64], group: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return the rows that share enough; of each group of the run those that share most."""
    good = np.flatnonzero(counts >= enough)
    columns = (group[pairs[good, 1]], pairs[good, 0])
    return good[_best(columns, pairs[good, 1], counts[good], containment.PAIRS_WITH_GROUP)]


def keys(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for each pair (new document, document of the run); they sort as pairs do."""
    return pairs[:, 0] << 32 | pairs[:, 1]


@dataclass(frozen=True)
class PairsWithRun:
    """pairs int64[n, 2]: (new document, document of the run); share float64[n] of their anchors, 0 where
    they were found by their signatures."""

    pairs: NDArray[np.int64]
    share: NDArray[np.float64]

    @staticmethod
    def of(
        pairs: NDArray[np.int64], by_anchors: NDArray[np.int64], share: NDArray[np.float64]
    ) -> PairsWithRun:
        """Join both kinds, each pair once."""
        both = np.concatenate([by_anchors, pairs])
        shares = np.r_[share, np.zeros(len(pairs))]
        _, first = np.unique(keys(both), return_index=True)
        return PairsWithRun(both[first], shares[first])

    def and_noisy(self, pairs: NDArray[np.int64]) -> PairsWithRun:
        """Add pairs int64[m, 2], sorted, that are not among these."""
        both = np.concatenate([self.pairs, pairs])
        share = np.r_[self.share, np.zeros(len(pairs))]
        order = np.argsort(keys(both))
        return PairsWithRun(both[order], share[order])
