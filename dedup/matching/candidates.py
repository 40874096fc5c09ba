"""Find candidate pairs by signatures and anchors: near-duplicates, or part and whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core import rules
from ..core.components import connected_components
from ..core.documents import Documents
from ..core.features import Anchors, FeatureRows, Signatures, Spans
from ..core.pairs import CandidatePairs, pair_keys
from ..core.parallel import ParallelMap, trim_memory
from ..core.settings import Settings
from . import boilerplate, kernels
from .bands import candidate_pairs
from .containment import SharedAnchors
from .noise import Read, Searched, find_noisy_pairs
from .update import state
from .update.state import CandidateState, Flagged
from .views import VIEWS, View

MAX_HOLDERS = 12  # an anchor in more groups of near-duplicates that otherwise differ is boilerplate
OWN_RUN = 100  # letters in a row that make a text differ otherwise
PAIRS_AT_ONCE = 1 << 16
FEW_ANCHORS = 1 << 15


@dataclass(frozen=True)
class Features:
    """The signatures and anchors of all documents, in memory or in files mapped into it."""

    signatures: Signatures
    anchors: Anchors
    scratch: Path | None = None  # a folder for what does not fit into memory

    def release_pages(self) -> None:
        """Release the pages that were read from files, and freed memory."""
        self.signatures.release_pages()
        trim_memory()


def features_in_memory(rows: list[FeatureRows], start: NDArray[np.int64], settings: Settings) -> Features:
    """Join the rows of blocks in memory; `start` is where the anchors of each document begin."""
    signatures = np.concatenate([r.signatures for r in rows])
    skeletons = np.concatenate([r.skeletons for r in rows])
    hashes = np.concatenate([r.anchor_hashes for r in rows])
    positions = np.concatenate([r.anchor_positions for r in rows])
    facts = (settings.num_perm, settings.seed, settings.k)
    return Features(Signatures(signatures, skeletons, *facts), Anchors(hashes, positions, start))


def find_pairs(
    view: View,
    s: Settings,
    documents: Documents,
    signatures: Signatures,
    docs: NDArray[np.int32],
    parallel_map: ParallelMap,
) -> CandidatePairs:
    """Find the pairs of documents int32[n] (rising) that share a band in one view."""
    sizes = view.sizes(documents)
    return candidate_pairs(
        view.signatures(signatures),
        docs[sizes[docs] >= view.least],
        view.bands(s),
        lambda pairs: view.min_matching(s, sizes[pairs].T),
        parallel_map,
        signatures.release_pages,
    )


@dataclass(frozen=True)
class Candidates:
    """Pairs that may be near-duplicates, parts and wholes, or noisy copies; boilerplate; and the state for
    the next scan."""

    alike: CandidatePairs
    parts: CandidatePairs
    spans: Spans
    steps: CandidateState
    noisy: CandidatePairs = CandidatePairs.none()
    noisy_parts: CandidatePairs = CandidatePairs.none()

    @property
    def all(self) -> CandidatePairs:
        """Return all pairs that are to be compared."""
        every = (self.alike, self.parts, self.noisy, self.noisy_parts)
        return CandidatePairs.of(np.concatenate([some.docs for some in every]))

    def with_noisy(self, found: Flagged) -> Candidates:
        """Return them with pairs that may be noisy copies."""
        return replace(
            self, noisy=CandidatePairs(found.having(state.BY_NOISE)), steps=self.steps.with_pairs(found)
        )


@dataclass(frozen=True)
class Finder:
    """Finds candidates from scratch; `update.finder.IncrementalFinder` answers the same two calls."""

    settings: Settings
    docs: NDArray[np.int32]  # the documents that are compared, sorted

    def by_bands(self, documents: Documents, signatures: Signatures, parallel_map: ParallelMap) -> Flagged:
        """Find the pairs that share a band in one of the views."""
        found = (
            (find_pairs(view, self.settings, documents, signatures, self.docs, parallel_map).docs, view.flag)
            for view in VIEWS
        )
        return Flagged.of(*found)

    def noisy(self, found: Searched, read: Read, parallel_map: ParallelMap) -> Flagged:
        """Find the pairs that may be noisy copies, and those that were asked."""
        if self.settings.noise != "on":
            return Flagged.none()
        return find_noisy_pairs(found, Flagged.none(), read, parallel_map)

    def containment(
        self, n_letters: NDArray[np.int64], features: Features, banded: Flagged, parallel_map: ParallelMap
    ) -> Candidates:
        """Find parts and wholes and boilerplate, and the banded pairs that share more than boilerplate.

        Near-duplicates, by their signatures, are taken as one before anything is counted.
        """
        s, n, anchors = self.settings, len(n_letters), features.anchors
        if len(anchors.hash) <= FEW_ANCHORS:  # to give them to threads takes longer than to do them
            parallel_map = map
        close = are_close(s, n_letters, features.signatures, banded.pairs)
        features.release_pages()
        group = connected_components(n, banded.pairs[close])
        mine = np.zeros(n, np.bool_)
        mine[self.docs] = True
        apart = np.zeros(len(close), np.bool_)
        if s.boilerplate == "on":
            found = boilerplate.boilerplate(
                anchors, mine, group, MAX_HOLDERS, OWN_RUN, features.scratch, parallel_map
            )
            apart = share_boilerplate_only(s, n_letters, features, banded.pairs, found, parallel_map)
            features.release_pages()
        else:
            found = boilerplate.no_boilerplate(anchors, mine, parallel_map)
        shared = SharedAnchors.of(anchors, mine, found, group, features.scratch, parallel_map)
        noisy_parts = CandidatePairs.none()
        if s.noise == "on":
            noisy_parts = shared.noisy_parts(n_letters, parallel_map)
        directed = shared.pairs(rules.ANCHOR_SHARE, parallel_map)
        candidates = found_of(banded, close, apart, directed, mine, found, shared.n_sampled)
        return replace(candidates, noisy_parts=noisy_parts)


def found_of(
    banded: Flagged,
    close: NDArray[np.bool_],
    apart: NDArray[np.bool_],
    directed: NDArray[np.int32],
    mine: NDArray[np.bool_],
    known: boilerplate.Boilerplate,
    n_sampled: NDArray[np.int64],
) -> Candidates:
    """Assemble candidates: banded pairs (close ones, those apart but for boilerplate), pairs by anchors."""
    from_left = directed[:, 0] < directed[:, 1]
    found = Flagged.of(
        (banded.pairs, banded.flags | (close * state.CLOSE | apart * state.APART).astype(np.uint8)),
        (directed[:, :2], np.where(from_left, state.FROM_LEFT, state.FROM_RIGHT).astype(np.uint8)),
    )
    shared = np.zeros((len(found.pairs), 2), np.int32)
    row = np.searchsorted(pair_keys(found.pairs), pair_keys(directed))
    shared[row, np.where(from_left, 0, 1)] = directed[:, 2]
    way = CandidateState(
        mine=mine,
        n_anchors=known.n_anchors.astype(np.int32),
        n_left=known.n_left.astype(np.int32),
        n_sampled=n_sampled.astype(np.int32),
        boilerplate=known.bits,
        shared=shared,
        **vars(found),
        **vars(known.known),
    )
    parts = CandidatePairs(found.having(state.BY_ANCHORS))
    return Candidates(CandidatePairs(banded.pairs[~apart]), parts, known.spans, way)


def are_close(
    s: Settings, n_letters: NDArray[np.int64], signatures: Signatures, pairs: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Return bool[n]: pairs that are near-duplicates by their signatures, and count as one text."""
    matching = kernels.matches(signatures.values, pairs)
    return rules.are_near_duplicates(matching, n_letters[pairs].T, s.num_perm, s.sample)


def share_boilerplate_only(
    s: Settings,
    n_letters: NDArray[np.int64],
    features: Features,
    candidates: NDArray[np.int32],
    found: boilerplate.Boilerplate,
    parallel_map: ParallelMap,
) -> NDArray[np.bool_]:
    """Return bool[n]: candidates that share boilerplate only, and are no near-duplicates.

    Pages in one frame share many bands.  The exact check would tell them apart too, at a far higher cost.
    """
    apart = np.zeros(len(candidates), np.bool_)
    counts = (found.n_anchors, found.n_left)
    asked = np.flatnonzero(rules.told_by_own(*counts)[candidates].all(axis=1))
    wanted = np.zeros(len(n_letters), np.bool_)
    wanted[candidates[asked]] = True
    own = boilerplate.own_anchors(features.anchors, wanted, found, parallel_map)

    def too_few_shared(start: int) -> NDArray[np.bool_]:
        pairs = candidates[asked[start : start + PAIRS_AT_ONCE]]
        least = rules.min_own_anchors(s.min_jaccard, s.min_skeleton, *found.n_left[pairs].T)
        gone = kernels.shared_own(*own, pairs) < least
        rows = np.flatnonzero(gone & rules.mostly_frame(*counts)[pairs].all(axis=1))
        near = kernels.matches(features.signatures.values, pairs[rows])
        sizes = n_letters[pairs[rows]].T
        gone[rows] = ~rules.may_be_one_with_frames(near, sizes, s.num_perm, s.sample)
        return gone

    starts = range(0, len(asked), PAIRS_AT_ONCE)
    apart[asked] = np.concatenate([np.zeros(0, np.bool_), *parallel_map(too_few_shared, starts)])
    return apart
