"""Find candidates from those of the previous run: the same ones as `candidates.Finder`, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...core import rules
from ...core.components import connected_components
from ...core.documents import Documents
from ...core.features import Signatures
from ...core.pairs import pair_keys
from ...core.parallel import ParallelMap
from ...core.settings import Settings
from ...core.sorted_arrays import is_in
from .. import candidates
from ..bands import FEW_DOCS
from ..boilerplate import Boilerplate
from ..candidates import Candidates, Features
from ..containment import SharedAnchors
from ..noise import Read, Searched, find_noisy_pairs
from ..views import VIEWS, View
from . import bands, containment, state
from .boilerplate import boilerplate, no_boilerplate, passages_in
from .delta import Change, PreviousRun
from .posting_lists import RunAnchors
from .state import Flagged

LEAST_SAME = 40  # documents that are as they were, for each that is not; with fewer all is found from nothing
LEAST_SETTLED = 8  # documents whose parts and wholes stand, for each that is looked for again
STEPS = 1  # to other documents of those that came, for each anchor of all


@dataclass(frozen=True)
class _Groups:
    """Near-duplicates that count as one: group int32[n_docs] in the last run and in this one; `changed`
    bool[n_docs], documents that are not with the same ones any more."""

    then: NDArray[np.int32]
    now: NDArray[np.int32]
    changed: NDArray[np.bool_]


@dataclass(frozen=True)
class IncrementalFinder:
    """Finds candidates by looking only at what added, changed and removed documents have to do with."""

    settings: Settings
    before: PreviousRun
    change: Change

    @staticmethod
    def is_faster(change: Change) -> bool:
        """Tell whether so little has changed that this is faster than finding all from scratch."""
        n_changed = len(change.added) + len(change.removed)
        return n_changed * LEAST_SAME <= int(np.count_nonzero(change.unchanged))

    def by_bands(self, documents: Documents, signatures: Signatures, parallel_map: ParallelMap) -> Flagged:
        """Find the pairs that share a band, as `Finder.by_bands` does."""
        if len(documents) <= FEW_DOCS:  # to give them to threads takes longer than to do them
            parallel_map = map
        return Flagged.of(
            *((self._find_pairs(view, documents, signatures, parallel_map), view.flag) for view in VIEWS)
        )

    def _find_pairs(
        self, view: View, documents: Documents, signatures: Signatures, parallel_map: ParallelMap
    ) -> NDArray[np.int32]:
        """Find the pairs that share a band in one view, int32[n, 2]."""
        s, change, before = self.settings, self.change, self.before
        sizes = view.sizes(documents)
        now = change.now & (sizes >= view.least)
        then = change.then & (view.sizes(before.documents) >= view.least)
        return bands.candidate_pairs(
            view.signatures(before.signatures),
            view.signatures(signatures),
            replace(change, now=now, then=then),
            before.steps.found.having(view.flag),
            view.bands(s),
            lambda pairs: view.min_matching(s, sizes[pairs].T),
            parallel_map,
            signatures.release_pages,
        )

    def noisy(self, found: Searched, read: Read, parallel_map: ParallelMap) -> Flagged:
        """Find the pairs that may be noisy copies, as `Finder.noisy` does, reading new texts only."""
        if self.settings.noise != "on":
            return Flagged.none()
        return find_noisy_pairs(found, self._known(state.ASKED), read, parallel_map)

    def containment(
        self, n_letters: NDArray[np.int64], features: Features, banded: Flagged, parallel_map: ParallelMap
    ) -> Candidates:
        """Find parts and wholes, as `Finder.containment` does."""
        if len(features.anchors.hash) <= candidates.FEW_ANCHORS:
            parallel_map = map
        s, before, change = self.settings, self.before, self.change
        known = self._known(state.BY_BANDS)
        new = ~is_in(pair_keys(banded.pairs), pair_keys(known.pairs))
        close = np.zeros(len(new), np.bool_)
        close[new] = candidates.are_close(s, n_letters, features.signatures, banded.pairs[new])
        close[~new] = _flags_of(known, banded.pairs[~new]) & state.CLOSE != 0
        features.release_pages()
        group = connected_components(len(n_letters), banded.pairs[close])
        old_group = connected_components(len(before.steps.mine), before.steps.found.having(state.CLOSE))
        groups = _Groups(old_group, group, change.regrouped(old_group, group))
        if self._is_much(groups.changed):
            from_scratch = candidates.Finder(s, np.flatnonzero(change.now).astype(np.int32))
            return from_scratch.containment(n_letters, features, banded, parallel_map)
        found, changed = self._boilerplate(features, groups, parallel_map)
        apart = np.zeros(len(new), np.bool_)
        if s.boilerplate == "on":
            asked = new | changed[banded.pairs].any(axis=1)
            facts = (s, n_letters, features, banded.pairs[asked], found, parallel_map)
            apart[asked] = candidates.share_boilerplate_only(*facts)
            apart[~asked] = _flags_of(known, banded.pairs[~asked]) & state.APART != 0

        @cache
        def shared() -> SharedAnchors:
            facts = (features.anchors, change.now, found, group, features.scratch, parallel_map)
            return SharedAnchors.of(*facts)

        directed = self._directed(features, found, groups, changed, parallel_map)
        if directed is None:
            directed = shared().pairs(rules.ANCHOR_SHARE, parallel_map), shared().n_sampled
        out = candidates.found_of(banded, close, apart, directed[0], change.now, found, directed[1])
        if s.noise != "on":
            return out
        # NOTE: which anchors are rare changes with every document, so these are found from scratch
        return replace(out, noisy_parts=shared().noisy_parts(n_letters, parallel_map))

    def _boilerplate(
        self, features: Features, groups: _Groups, parallel_map: ParallelMap
    ) -> tuple[Boilerplate, NDArray[np.bool_]]:
        """Return the boilerplate, and bool[n_docs]: documents that stay, with other boilerplate."""
        change = self.change
        if self.settings.boilerplate != "on":
            return no_boilerplate(self.before, features.anchors, change), np.zeros_like(change.now)
        passages = passages_in(features.anchors, groups.now, candidates.MAX_HOLDERS, parallel_map)
        return boilerplate(self.before, passages, change, groups.changed, candidates.OWN_RUN)

    def _directed(
        self,
        features: Features,
        found: Boilerplate,
        groups: _Groups,
        changed: NDArray[np.bool_],
        parallel_map: ParallelMap,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]] | None:
        """Find containment pairs, and how many anchors of each document are in the sample.

        None where all is found quicker from scratch.  `changed` are documents that stay, with other
        boilerplate.
        """
        before, change = self.before, self.change
        if self._is_much(changed | groups.changed):
            return None
        sampled = before.steps.n_sampled.astype(np.int64)
        then = RunAnchors(before.anchors, before.boilerplate, groups.then, sampled, parallel_map)
        now = RunAnchors(features.anchors, found, groups.now, np.zeros(0, np.int64), parallel_map)
        now = replace(now, n_sampled=now.sampled(sampled, change, changed))
        n_stay = int(np.count_nonzero(change.unchanged))
        most = containment.Most(n_stay // LEAST_SETTLED, STEPS * len(features.anchors.hash))
        altered = change.but(changed | groups.changed)
        directed = containment.directed(then, now, altered, before.steps.directed, most)
        return None if directed is None else (directed, now.n_sampled)

    def _is_much(self, changed: NDArray[np.bool_]) -> bool:
        """Tell whether so many documents bool[n_docs] changed that finding all from scratch is faster."""
        return bool(np.count_nonzero(changed) * LEAST_SAME > np.count_nonzero(self.change.unchanged))

    def _known(self, flag: int) -> Flagged:
        """Return the pairs of the previous run with some flag, of unchanged documents."""
        found = self.before.steps.found
        pairs, both = self.change.pairs(found.pairs)
        known = Flagged(pairs, found.flags[both])
        return known.where(known.flags & flag != 0)


def _flags_of(known: Flagged, pairs: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return the flags uint8[n] of some known pairs."""
    return known.flags[np.searchsorted(pair_keys(known.pairs), pair_keys(pairs))]
