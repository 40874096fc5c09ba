"""Verified pairs -> the verdict that another `min_jaccard` would have given; no text is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .. import cluster, kernels, verdict
from ..errors import BadSetting
from ..model import NEAR, CandidatePairs, VerifiedPairs, pair_keys
from ..run import Run
from ..settings import Settings
from .measure import settings_of

NEAR_DUPLICATE = 0.9


def decided_at(run: Run, min_jaccard: float) -> verdict.Decision:
    """What the run would have decided at another `min_jaccard`, from its verified pairs.

    All pairs that reach a higher line are among those that reached the lower one, so upwards nothing is
    estimated.  Pairs that failed the scan's own line were not stored: raises BadSetting below it.
    """
    settings = settings_of(run)
    if min_jaccard < settings.min_jaccard:
        raise BadSetting(
            f"min_jaccard {min_jaccard:g} lies below the {settings.min_jaccard:g} of the run, whose pairs "
            f"are not stored; scan again with --min-jaccard {min_jaccard:g}"
        )
    same = verdict.same_letters(run.documents)
    equal = run.pair_relations < NEAR
    known = run.pairs.where(~equal)
    keys = pair_keys(known.docs)
    untried = _same_group(run, known, settings, min_jaccard)  # until a better witness is looked for

    def verified(wanted: CandidatePairs) -> VerifiedPairs:
        """The stored figures of pairs, those of equal letters in each other's place; others left out."""
        key = pair_keys(same[wanted.docs])
        at = np.minimum(np.searchsorted(keys, key), max(0, len(keys) - 1))
        there = keys[at] == key if len(keys) else np.zeros(len(key), np.bool_)
        return replace(_turned(known.where(at[there]), same, wanted.docs[there]), docs=wanted.docs[there])

    return verdict.decide(
        replace(settings, min_jaccard=min_jaccard),
        run.sources,
        run.documents,
        run.signatures,
        same,
        known.where(~untried),
        verified,
        lambda speaker: _equal(speaker, run.pairs.where(equal), run.pair_relations[equal]),
    )


def _same_group(run: Run, pairs: VerifiedPairs, settings: Settings, min_jaccard: float) -> NDArray[np.bool_]:
    """bool[n]: pairs that lose their Jaccard at the line and that a scan does not try as part and whole.

    Near-duplicates, by their signatures, make no (part, whole) candidates with each other.
    """
    low = verdict.thresholds(settings)
    lost = low.alike(pairs) & ~verdict.thresholds(replace(settings, min_jaccard=min_jaccard)).alike(pairs)
    close = kernels.matches(run.signatures.values, pairs.docs) >= NEAR_DUPLICATE * settings.num_perm
    group = cluster.clusters(len(run.documents), pairs.docs[close])
    return lost & ~low.rewritten(pairs) & (group[pairs.docs[:, 0]] == group[pairs.docs[:, 1]])


def _turned(pairs: VerifiedPairs, same: NDArray[np.int32], docs: NDArray[np.int32]) -> VerifiedPairs:
    """The pairs with left and right exchanged where `docs` name them the other way round."""
    turn = same[docs[:, 0]] != pairs.docs[:, 0]
    columns = np.where(turn[:, None], [0, 2, 1], [0, 1, 2])
    return replace(
        pairs,
        size_left=np.where(turn, pairs.size_right, pairs.size_left),
        size_right=np.where(turn, pairs.size_left, pairs.size_right),
        bones=np.take_along_axis(pairs.bones, columns, axis=1),
        own=np.take_along_axis(pairs.own, columns, axis=1),
    )


def _equal(
    speaker: NDArray[np.int32], stored: VerifiedPairs, kinds: NDArray[np.int8]
) -> tuple[VerifiedPairs, NDArray[np.int8]]:
    """The stored pairs (document, its speaker), which are those of any line.

    A policy ranks documents of the same letters by what is their own, never by their pairs.
    """
    beside = speaker[stored.docs]
    assert (beside[:, 0] == beside[:, 1]).all(), "of equal letters another document speaks"
    return stored, kinds
