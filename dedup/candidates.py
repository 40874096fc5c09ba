"""Signatures and anchors -> candidate pairs: documents that may be alike, or part and whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import cluster, kernels, lsh, passages, verify
from .memory import give_back
from .model import Anchors, Banding, CandidatePairs, Documents, Signatures, Spans
from .settings import Settings
from .spool import Rows
from .verdict import MIN_BONES

NEAR_DUPLICATE = 0.9  # estimated Jaccard of texts that count as one where boilerplate is learned
MAX_HOLDERS = 12  # an anchor in more groups of near-duplicates that otherwise differ is boilerplate
OWN_RUN = 100  # letters in a row that make a text differ otherwise
ANCHOR_SHARE = 0.25  # of the part's anchors that the whole must share to be a candidate
MIN_RECALL = 0.99  # of a pair at min_jaccard
MIN_OWN_ANCHORS = 16  # besides boilerplate, for what two texts share of them to tell something
OWN_SHARE = 0.3  # of the least Jaccard: two texts that have it share such a share of the fewer anchors
PAIRS_AT_ONCE = 1 << 16


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
    near = by_shingles(s, documents, signatures, docs, run_all)
    boned = docs[documents.n_bones[docs] >= MIN_BONES]
    bands = lsh.banding(s.min_skeleton, MIN_RECALL, s.num_perm)
    least = _least_matches(s, s.min_skeleton, documents.n_bones, lsh.EVERY)
    rewritten = lsh.candidate_pairs(signatures.skeletons, boned, bands, least, run_all, signatures.forget)
    return CandidatePairs.of(np.concatenate([near.docs, rewritten.docs]))


def by_shingles(
    s: Settings,
    documents: Documents,
    signatures: Signatures,
    docs: NDArray[np.int32],
    run_all: Callable[..., Iterable[Any]],
) -> CandidatePairs:
    """Pairs that share a band of their shingles."""
    bands = shingle_bands(s.min_jaccard, s.min_containment, s.num_perm)
    least = _least_matches(s, s.min_jaccard, documents.n_letters, s.sample)
    return lsh.candidate_pairs(signatures.values, docs, bands, least, run_all, signatures.forget)


def shingle_bands(min_jaccard: float, min_containment: float, num_perm: int) -> Banding:
    """The bands that find a pair at `min_jaccard`, unless it is found as a part and its whole."""
    lowest = lsh.least_sampled_jaccard(min_jaccard, min_containment)
    return lsh.banding(lowest, MIN_RECALL, num_perm)


def _least_matches(
    s: Settings, jaccard: float, sizes: NDArray[np.int64], sample: int
) -> Callable[[NDArray[np.int32]], NDArray[np.int64]]:
    """-> pairs of documents -> the values that they must share to be as alike as `jaccard`, perhaps."""

    def least(pairs: NDArray[np.int32]) -> Any:
        left, right = sizes[pairs].T
        return lsh.least_matches(lsh.sampled_jaccard(jaccard, left, right, sample), s.num_perm, sample)

    return least


def parts_and_wholes(
    s: Settings,
    n_letters: NDArray[np.int64],
    held: Held,
    docs: NDArray[np.int32],
    candidates: CandidatePairs,
    run_all: Callable[..., Iterable[Any]],
) -> tuple[CandidatePairs, CandidatePairs, Spans]:
    """Anchors -> the candidates that share more than boilerplate; (part, whole) candidates; boilerplate.

    Near-duplicates, by their signatures, are taken as one before anything is counted.
    """
    n = len(n_letters)
    left, right = n_letters[candidates.docs].T
    near = lsh.sampled_jaccard(NEAR_DUPLICATE, left, right, s.sample)
    close = kernels.matches(held.signatures.values, candidates.docs) >= near * s.num_perm
    held.forget()
    group = cluster.clusters(n, candidates.docs[close])
    mine = np.zeros(n, np.bool_)
    mine[docs] = True
    n_anchors = np.where(mine, np.diff(held.anchors.start), 0)
    found = passages.no_boilerplate(held.anchors, n_anchors)
    apart = np.zeros(len(candidates), np.bool_)
    if s.boilerplate == "on":
        found = passages.boilerplate(held.anchors, mine, group, MAX_HOLDERS, OWN_RUN, held.scratch, run_all)
        apart = _share_boilerplate_only(s, n_letters, held, candidates, found, n_anchors, run_all)
        # a text that is little but boilerplate is part of nothing: it keeps its full number of anchors
        enough = found.n_left >= verify.MIN_OWN_SHARE * n_anchors
        n_anchors = np.where(enough, found.n_left, n_anchors)
        held.forget()
    pairs = passages.containment_candidates(
        *(held.anchors, mine, found, group, n_anchors, ANCHOR_SHARE, held.scratch, run_all)
    )
    return CandidatePairs(candidates.docs[~apart]), pairs, found.spans


def _share_boilerplate_only(
    s: Settings,
    n_letters: NDArray[np.int64],
    held: Held,
    candidates: CandidatePairs,
    found: passages.Boilerplate,
    n_anchors: NDArray[np.int64],
    run_all: Callable[..., Iterable[Any]],
) -> NDArray[np.bool_]:
    """bool[n]: candidates that are alike by their boilerplate alone, and not nearly the same.

    Pages in one frame share many bands.  The exact check would tell them apart too, at a far higher cost.
    """
    apart = np.zeros(len(candidates), np.bool_)
    asked = np.flatnonzero(told_by_own(n_anchors, found.n_left)[candidates.docs].all(axis=1))
    wanted = np.zeros(len(n_anchors), np.bool_)
    wanted[candidates.docs[asked]] = True
    own = passages.own_anchors(held.anchors, wanted, found, run_all)

    def too_few_shared(start: int) -> NDArray[np.bool_]:
        pairs = candidates.docs[asked[start : start + PAIRS_AT_ONCE]]
        gone = kernels.shared_own(*own, pairs) < least_own(s, *found.n_left[pairs].T)
        rows = np.flatnonzero(gone & mostly_frame(n_anchors, found.n_left)[pairs].all(axis=1))
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

    See `verify.Thresholds.alike`; with more of its own, its Jaccard would not reach that line.
    """
    return n_left < verify.MIN_OWN_SHARE * n_anchors


def least_own(s: Settings, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many anchors each of two documents has besides boilerplate -> what they share at least if alike.

    Copies, edited as they may be, share about as many of their anchors as of their shingles, and rewritten
    ones half as many as of their skeletons; of texts that have nothing to do with each other, one pair in a
    thousand shares a tenth.
    """
    return np.maximum(1, OWN_SHARE * min(s.min_jaccard, s.min_skeleton) * np.minimum(left, right))


def least_of_frames(s: Settings, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Letters of two documents -> the values they share at least if they are alike with all boilerplate."""
    jaccard = lsh.sampled_jaccard(verify.MIN_JACCARD_OF_FRAMES, left, right, s.sample)
    return np.asarray(lsh.least_matches(jaccard, s.num_perm, s.sample))
