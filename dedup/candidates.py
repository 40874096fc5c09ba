"""Signatures and anchors -> candidate pairs: documents that may be alike, or part and whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import cluster, kernels, lsh, passages, steps, thresholds
from .memory import give_back
from .model import Anchors, Banding, CandidatePairs, Documents, Signatures, Spans, pair_keys
from .settings import Settings
from .spool import Rows
from .steps import Flagged, Steps
from .verdict import MIN_BONES

NEAR_DUPLICATE = 0.9  # estimated Jaccard of texts that count as one where boilerplate is learned
MAX_HOLDERS = 12  # an anchor in more groups of near-duplicates that otherwise differ is boilerplate
OWN_RUN = 100  # letters in a row that make a text differ otherwise
ANCHOR_SHARE = 0.25  # of the part's anchors that the whole must share to be a candidate
MIN_RECALL = 0.99  # of a pair at min_jaccard
MIN_OWN_ANCHORS = 16  # besides boilerplate, for what two texts share of them to tell something
OWN_SHARE = 0.3  # of the least Jaccard: two texts that have it share such a share of the fewer anchors
PAIRS_AT_ONCE = 1 << 16

Least = Callable[[NDArray[np.int32]], NDArray[np.int64]]  # pairs -> the values that they must share


@dataclass(frozen=True)
class Held:
    """What grows with the text: signatures and anchors, in memory or in files mapped into it."""

    signatures: Signatures
    anchors: Anchors
    scratch: Path | None = None  # a folder for what does not fit into memory

    def forget(self) -> None:
        """Let go of what was read into memory from files, and of what is free."""
        self.signatures.forget()
        give_back()


def held_in_memory(rows: list[Rows], start: NDArray[np.int64], settings: Settings) -> Held:
    """Rows of blocks, and where the anchors of each document begin -> the same, in memory."""
    signatures = np.concatenate([r.signatures for r in rows])
    skeletons = np.concatenate([r.skeletons for r in rows])
    hashes = np.concatenate([r.anchor_hashes for r in rows])
    positions = np.concatenate([r.anchor_positions for r in rows])
    facts = (settings.num_perm, settings.seed, settings.k)
    return Held(Signatures(signatures, skeletons, *facts), Anchors(hashes, positions, start))


def alike(
    s: Settings,
    documents: Documents,
    signatures: Signatures,
    docs: NDArray[np.int32],
    run_all: Callable[..., Iterable[Any]],
) -> CandidatePairs:
    """Pairs that share a band of their shingles, or of their skeletons where both have enough of one."""
    return CandidatePairs(by_bands(s, documents, signatures, docs, run_all).pairs)


def by_bands(
    s: Settings,
    documents: Documents,
    signatures: Signatures,
    docs: NDArray[np.int32],
    run_all: Callable[..., Iterable[Any]],
) -> Flagged:
    """The same, each with its flags."""
    near = by_shingles(s, documents, signatures, docs, run_all)
    boned, bands, least = skeleton_bands(s, documents.n_bones, docs)
    rewritten = lsh.candidate_pairs(signatures.skeletons, boned, bands, least, run_all, signatures.forget)
    return Flagged.of((near.docs, steps.BY_SHINGLES), (rewritten.docs, steps.BY_SKELETONS))


def skeleton_bands(
    s: Settings, n_bones: NDArray[np.int64], docs: NDArray[np.int32]
) -> tuple[NDArray[np.int32], Banding, Least]:
    """-> documents with enough of a skeleton, the bands of those, what a pair of them shares at least."""
    bands = lsh.banding(s.min_skeleton, MIN_RECALL, s.num_perm)
    return docs[n_bones[docs] >= MIN_BONES], bands, _least_matches(s, s.min_skeleton, n_bones, lsh.EVERY)


def by_shingles(
    s: Settings,
    documents: Documents,
    signatures: Signatures,
    docs: NDArray[np.int32],
    run_all: Callable[..., Iterable[Any]],
) -> CandidatePairs:
    """Pairs that share a band of their shingles."""
    bands = shingle_bands(s.min_jaccard, s.min_containment, s.num_perm)
    least = least_shingles(s, documents.n_letters)
    return lsh.candidate_pairs(signatures.values, docs, bands, least, run_all, signatures.forget)


def least_shingles(s: Settings, n_letters: NDArray[np.int64]) -> Least:
    """-> what a pair of documents of those sizes shares at least of its signatures."""
    return _least_matches(s, s.min_jaccard, n_letters, s.sample)


def shingle_bands(min_jaccard: float, min_containment: float, num_perm: int) -> Banding:
    """The bands that find a pair at `min_jaccard`, unless it is found as a part and its whole."""
    lowest = lsh.least_sampled_jaccard(min_jaccard, min_containment)
    return lsh.banding(lowest, MIN_RECALL, num_perm)


def _least_matches(s: Settings, jaccard: float, sizes: NDArray[np.int64], sample: int) -> Least:
    """-> pairs of documents -> the values that they must share to be as alike as `jaccard`, perhaps."""

    def least(pairs: NDArray[np.int32]) -> Any:
        left, right = sizes[pairs].T
        return lsh.least_matches(lsh.sampled_jaccard(jaccard, left, right, sample), s.num_perm, sample)

    return least


@dataclass(frozen=True)
class Found:
    """Pairs that may be alike; parts and wholes; the boilerplate of each document; and the way there."""

    alike: CandidatePairs
    parts: CandidatePairs
    spans: Spans
    steps: Steps


def parts_and_wholes(
    s: Settings,
    n_letters: NDArray[np.int64],
    held: Held,
    docs: NDArray[np.int32],
    banded: Flagged,
    run_all: Callable[..., Iterable[Any]],
) -> Found:
    """Anchors -> the candidates that share more than boilerplate; (part, whole) candidates; boilerplate.

    Near-duplicates, by their signatures, are taken as one before anything is counted.
    """
    n = len(n_letters)
    close = are_close(s, n_letters, held.signatures, banded.pairs)
    held.forget()
    group = cluster.clusters(n, banded.pairs[close])
    mine = np.zeros(n, np.bool_)
    mine[docs] = True
    n_anchors = np.where(mine, np.diff(held.anchors.start), 0)
    found = passages.no_boilerplate(held.anchors, n_anchors)
    apart = np.zeros(len(close), np.bool_)
    if s.boilerplate == "on":
        found = passages.boilerplate(held.anchors, mine, group, MAX_HOLDERS, OWN_RUN, held.scratch, run_all)
        own = AnchorsLeft(n_anchors, found.n_left)
        apart = share_boilerplate_only(s, n_letters, held, banded.pairs, found, own, run_all)
        held.forget()
    n_looked_for = AnchorsLeft(n_anchors, found.n_left).looked_for
    directed, n_sampled = passages.directed(
        *(held.anchors, mine, found, group, n_looked_for, ANCHOR_SHARE, held.scratch, run_all)
    )
    return found_of(banded, close, apart, directed, mine, found, n_sampled)


def found_of(
    banded: Flagged,
    close: NDArray[np.bool_],
    apart: NDArray[np.bool_],
    directed: NDArray[np.int32],
    mine: NDArray[np.bool_],
    known: passages.Boilerplate,
    n_sampled: NDArray[np.int64],
) -> Found:
    """Pairs by bands, which are close and which share boilerplate alone; pairs by anchors; and the rest."""
    from_left = directed[:, 0] < directed[:, 1]
    found = Flagged.of(
        (banded.pairs, banded.flags | (close * steps.CLOSE | apart * steps.APART).astype(np.uint8)),
        (directed[:, :2], np.where(from_left, steps.FROM_LEFT, steps.FROM_RIGHT).astype(np.uint8)),
    )
    shared = np.zeros((len(found.pairs), 2), np.int32)
    row = np.searchsorted(pair_keys(found.pairs), pair_keys(directed))
    shared[row, np.where(from_left, 0, 1)] = directed[:, 2]
    way = Steps(
        mine=mine,
        n_left=known.n_left.astype(np.int32),
        n_sampled=n_sampled.astype(np.int32),
        boilerplate=known.bits,
        shared=shared,
        **vars(found),
        **vars(known.known),
    )
    parts = CandidatePairs(found.having(steps.BY_ANCHORS))
    return Found(CandidatePairs(banded.pairs[~apart]), parts, known.spans, way)


def are_close(
    s: Settings, n_letters: NDArray[np.int64], signatures: Signatures, pairs: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """bool[n]: pairs that are near-duplicates by their signatures, and count as one text."""
    left, right = n_letters[pairs].T
    near = lsh.sampled_jaccard(NEAR_DUPLICATE, left, right, s.sample)
    return np.asarray(kernels.matches(signatures.values, pairs) >= near * s.num_perm)


@dataclass(frozen=True)
class AnchorsLeft:
    """How many anchors each document has, int64[n_docs], and how many of them are no boilerplate."""

    n_anchors: NDArray[np.int64]
    n_left: NDArray[np.int64]

    @property
    def looked_for(self) -> NDArray[np.int64]:
        """By how many a document is looked for: a text that is little but boilerplate is part of nothing."""
        enough = self.n_left >= thresholds.MIN_OWN_SHARE * self.n_anchors
        return np.where(enough, self.n_left, self.n_anchors)


def share_boilerplate_only(
    s: Settings,
    n_letters: NDArray[np.int64],
    held: Held,
    candidates: NDArray[np.int32],
    found: passages.Boilerplate,
    left: AnchorsLeft,
    run_all: Callable[..., Iterable[Any]],
) -> NDArray[np.bool_]:
    """bool[n]: candidates that are alike by their boilerplate alone, and not nearly the same.

    Pages in one frame share many bands.  The exact check would tell them apart too, at a far higher cost.
    """
    apart = np.zeros(len(candidates), np.bool_)
    asked = np.flatnonzero(told_by_own(left.n_anchors, left.n_left)[candidates].all(axis=1))
    wanted = np.zeros(len(n_letters), np.bool_)
    wanted[candidates[asked]] = True
    own = passages.own_anchors(held.anchors, wanted, found, run_all)

    def too_few_shared(start: int) -> NDArray[np.bool_]:
        pairs = candidates[asked[start : start + PAIRS_AT_ONCE]]
        gone = kernels.shared_own(*own, pairs) < least_own(s, *left.n_left[pairs].T)
        rows = np.flatnonzero(gone & mostly_frame(left.n_anchors, left.n_left)[pairs].all(axis=1))
        near = kernels.matches(held.signatures.values, pairs[rows])
        gone[rows] = near < least_of_frames(s, *n_letters[pairs[rows]].T)
        return gone

    starts = range(0, len(asked), PAIRS_AT_ONCE)
    apart[asked] = np.concatenate([np.zeros(0, np.bool_), *run_all(too_few_shared, starts)])
    return apart


def told_by_own(n_anchors: NDArray[np.int64], n_left: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Anchors of documents, those that are no boilerplate -> bool[n]: some are, and the others tell enough.

    They are many; or so small a share that they decide nothing.
    """
    return (n_left < n_anchors) & ((n_left >= MIN_OWN_ANCHORS) | mostly_frame(n_anchors, n_left))


def mostly_frame(n_anchors: NDArray[np.int64], n_left: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The same -> bool[n]: a document that may be one with another for all its boilerplate.

    See `thresholds.Thresholds.alike`; with more of its own, its Jaccard would not reach that line.
    """
    return n_left < thresholds.MIN_OWN_SHARE * n_anchors


def least_own(s: Settings, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many anchors each of two documents has besides boilerplate -> what they share at least if alike.

    Copies, edited as they may be, share about as many of their anchors as of their shingles, and rewritten
    ones half as many as of their skeletons; of texts that have nothing to do with each other, one pair in a
    thousand shares a tenth.
    """
    return np.maximum(1, OWN_SHARE * min(s.min_jaccard, s.min_skeleton) * np.minimum(left, right))


def least_of_frames(s: Settings, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Letters of two documents -> the values they share at least if they are alike with all boilerplate."""
    jaccard = lsh.sampled_jaccard(thresholds.MIN_JACCARD_OF_FRAMES, left, right, s.sample)
    return np.asarray(lsh.least_matches(jaccard, s.num_perm, s.sample))
