"""Choose kept documents and witnesses along edges, and remove hubs that would join different documents.

A cluster is a connected component of verified pairs.  The most preferred document in it is kept, and every
document verified against it is dropped; then the same is done with the rest.  So no document is dropped
over a chain (A~B, B~C, therefore C for A), and a cluster may keep more than one document.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.components import connected_components
from ..core.pairs import CandidatePairs, VerifiedPairs, pair_keys
from ..core.sorted_arrays import distinct, is_in
from . import kernels


@dataclass(frozen=True)
class Edges:
    """Edges from a document that may be dropped to its possible witness: int32[n] each."""

    dropped: NDArray[np.int32]
    witness: NDArray[np.int32]


def allowed(docs: NDArray[np.int32], left: NDArray[np.bool_], right: NDArray[np.bool_]) -> Edges:
    """Return the edges of pairs int32[n, 2] of which the left document may be dropped, or the right one."""
    a, b = docs[left], docs[right]
    return Edges(np.concatenate([a[:, 0], b[:, 1]]), np.concatenate([a[:, 1], b[:, 0]]))


def holds(n: int, held: Edges, weight: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count for each document, int64[n] each, how many it contains and how many contain it.

    Each document counts `weight` times.
    """
    holds, by = np.zeros(n, np.int64), np.zeros(n, np.int64)
    np.add.at(holds, held.witness, weight[held.dropped])
    np.add.at(by, held.dropped, weight[held.witness])
    return holds, by


def binding(
    n: int,
    docs: NDArray[np.int32],
    alike: NDArray[np.bool_],
    left_part: NDArray[np.bool_],
    likeness: tuple[NDArray[np.float64], ...],
    most: int,
) -> NDArray[np.bool_]:
    """Return bool[m]: the pairs int32[m, 2], near-duplicates or part and whole, that join documents.

    A part of several different wholes does not join them: it is clustered with the wholes most similar to
    it.  A part of more than `most` wholes is a licence, a quotation or a notice, and is clustered with none.
    left_part bool[m]: the left document is the part.  likeness float64[m] each are compared in turn; where
    all are equal, the part joins all those wholes, as no order of documents may decide.
    """
    group = connected_components(n, docs[alike])
    rows = np.flatnonzero(~alike)
    mine, left = docs[rows], left_part[rows]
    part, whole = np.where(left, mine[:, 0], mine[:, 1]), np.where(left, mine[:, 1], mine[:, 0])
    each = part.astype(np.int64) << 32 | group[whole]
    wholes = np.bincount(distinct(each) >> 32, minlength=n)
    out = alike.copy()
    out[rows] = (wholes[part] <= most) & is_in(each, distinct(each[_most_of_each(part, likeness, rows, n)]))
    return out


def torn(
    n: int, docs: NDArray[np.int32], part: NDArray[np.bool_], share: NDArray[np.float64], line: float
) -> NDArray[np.bool_]:
    """Return bool[m]: similar pairs int32[m, 2] of which each document is rather a part of another one.

    part bool[m, 2]: the left document is part of the right one, and the reverse; share float64[m, 2] is the
    contained share of each.  A pair is torn if a share is below `line`, each document is part of another
    that contains more of it, and those two are neither one document nor a pair: two lists of headlines, each
    on a page of its own.

    >>> docs = np.array([[0, 1], [0, 2], [1, 3]])  # 2 holds 0, 3 holds 1
    >>> part = np.array([[False, False], [True, False], [True, False]])
    >>> share = np.array([[0.9, 0.75], [0.98, 0.3], [0.97, 0.3]])
    >>> torn(4, docs, part, share, 0.8).tolist(), torn(4, docs, part, share, 0.7).tolist()
    ([True, False, False], [False, False, False])
    """
    rows, side = np.nonzero(part)
    parts, wholes, held = docs[rows, side], docs[rows, 1 - side], share[rows, side]
    best = np.zeros(n)
    np.maximum.at(best, parts, held)
    out: NDArray[np.bool_] = np.any(share < line, axis=1) & np.all(share < best[docs], axis=1)
    most = np.flatnonzero(held == best[parts])
    most = most[np.argsort(parts[most], kind="stable")]
    first = np.searchsorted(parts[most], np.arange(n + 1))
    known = np.sort(pair_keys(docs))
    for i in np.flatnonzero(out).tolist():
        left, right = (wholes[most[first[doc] : first[doc + 1]]] for doc in docs[i].tolist())
        both = np.stack(np.meshgrid(left, right), axis=-1).reshape(-1, 2)
        out[i] = not ((both[:, 0] == both[:, 1]) | is_in(pair_keys(both), known)).any()
    return out


def _most_of_each(
    part: NDArray[np.int32], likeness: tuple[NDArray[np.float64], ...], rows: NDArray[np.int64], n: int
) -> NDArray[np.bool_]:
    """Return bool[k]: whether no pair of the same part (int32[k], of n documents) is more similar."""
    columns = [column[rows] for column in likeness]
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), np.bool_)
    for column in columns:
        new[1:] |= np.diff(column[order]) != 0
    rank = np.empty(len(order), np.int64)
    rank[order] = np.cumsum(new)
    best = np.full(n, -1, np.int64)
    np.maximum.at(best, part, rank)
    return rank == best[part]


def choose_witnesses(place: NDArray[np.int64], edges: Edges) -> NDArray[np.int32]:
    """Choose witnesses by rank int64[n] (0 is preferred) and edges: int32[n], a kept document is its own.

    Documents are taken in order of rank.  One that is not dropped yet is kept, and every document with an
    edge to it that is neither kept nor dropped is dropped for it.

    >>> edges = Edges(np.array([1, 2], np.int32), np.array([0, 1], np.int32))  # 1 for 0, 2 for 1
    >>> choose_witnesses(np.array([0, 1, 2]), edges).tolist()
    [0, 0, 2]
    """
    n = len(place)
    by_witness = np.argsort(edges.witness, kind="stable")
    dropped = edges.dropped[by_witness]
    indptr = np.r_[0, np.cumsum(np.bincount(edges.witness, minlength=n))]
    witness = np.full(n, -1, np.int32)
    alone = np.bincount(edges.witness, minlength=n) == 0
    alone[edges.dropped] = False
    witness[alone] = np.flatnonzero(alone)
    joined = np.flatnonzero(~alone)
    kernels.witnesses(joined[np.argsort(place[joined], kind="stable")], indptr, dropped, witness)
    return witness


def unverified(
    witness: NDArray[np.int32],
    place: NDArray[np.int64],
    cluster: NDArray[np.int32],
    known: VerifiedPairs,
    turn: int,
) -> CandidatePairs:
    """Return the pairs not yet compared with the kept document number `turn` of each cluster (from 0).

    A document may be droppable for a better one though they were no candidate pair.  Its partners come
    later in rank, and are dropped, if at all, for a document that comes later.  A witness of -1 leaves a
    document out.
    """
    n = len(witness)
    several = np.bincount(cluster, minlength=n)[cluster] > 1
    kept = np.flatnonzero(several & (witness == np.arange(n)))
    kept = kept[np.lexsort((place[kept], cluster[kept]))]
    starts = np.flatnonzero(np.r_[True, cluster[kept][1:] != cluster[kept][:-1]]) if len(kept) else kept
    sizes = np.diff(np.r_[starts, len(kept)])
    leader = np.full(n, -1, np.int64)
    chosen = kept[starts[sizes > turn] + turn]
    leader[cluster[chosen]] = chosen
    member = np.flatnonzero((witness >= 0) & (leader[cluster] >= 0))
    lead = leader[cluster[member]]
    later = (place[member] > place[lead]) & (place[witness[member]] > place[lead])
    found = CandidatePairs.of(np.stack([lead[later], member[later]], axis=1).astype(np.int32))
    return CandidatePairs(found.docs[~is_in(pair_keys(found.docs), pair_keys(known.docs))])
