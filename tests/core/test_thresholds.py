"""Each line lies where it is said to lie: a pair at it has reached it, a hair below it has not."""

from dataclasses import replace

import numpy as np
import pytest

from dedup.core import rules
from dedup.core.thresholds import noisy

from ..pipeline.test_stages import limits, pair_of

LIMITS = limits()


def with_counts(pairs, kind, counts):
    changed = pairs.counts.copy()
    changed[0, kind] = counts
    return replace(pairs, counts=changed)


def with_skeleton(pairs, *skeleton):
    return with_counts(pairs, 2, skeleton)


def with_own(pairs, *own):
    """Of the shingles, those that are boilerplate in neither text."""
    return with_counts(pairs, 1, own)


def is_(name):
    return lambda pairs: getattr(LIMITS.classify(pairs), name)


PART = (100, 100, 900)
LINES = {
    "near": (is_("alike"), pair_of((100, 150, 150)), pair_of((99, 150, 149))),
    "near, little but boilerplate": (
        is_("alike"),
        with_own(pair_of((80, 90, 90)), 9, 10, 10),
        with_own(pair_of((79, 90, 89)), 9, 10, 10),
    ),
    "near, judged by what is no boilerplate": (
        is_("alike"),
        with_own(pair_of((100, 500, 500)), 100, 150, 150),
        with_own(pair_of((499, 500, 500)), 99, 150, 149),
    ),
    "contained": (is_("left_in_right"), pair_of((80, 100, 900)), pair_of((79, 100, 900))),
    "contained in one place": (
        is_("left_in_right"),
        pair_of(PART, only_left=20),
        pair_of(PART, only_left=21),
    ),
    "a part long enough": (is_("left_in_right"), pair_of((32, 32, 900)), pair_of((31, 31, 900))),
    "a part short enough": (is_("left_in_right"), pair_of((900, 900, 1000)), pair_of((901, 901, 1000))),
    "rewritten": (
        is_("rewritten"),
        with_skeleton(pair_of((1, 1000, 1000)), 40, 70, 70),
        with_skeleton(pair_of((1, 1000, 1000)), 39, 70, 69),
    ),
    "a skeleton long enough": (
        is_("rewritten"),
        with_skeleton(pair_of((1, 100, 100)), 12, 12, 12),
        with_skeleton(pair_of((1, 100, 100)), 11, 11, 11),
    ),
    "a skeleton that speaks for its text": (
        is_("rewritten"),
        with_skeleton(pair_of((1, 1000, 1000)), 50, 50, 50),
        with_skeleton(pair_of((1, 1001, 1000)), 50, 50, 50),
    ),
    "a skeleton more alike by two standard errors": (  # 0.5 - 0.25 = 2 * sqrt(0.25 / 16)
        is_("rewritten"),
        with_skeleton(pair_of((20, 50, 50)), 11, 16, 17),
        with_skeleton(pair_of((21, 51, 51)), 11, 16, 17),
    ),
    "of one form": (
        is_("of_one_form"),
        pair_of((90, 100, 100), passages=11),
        pair_of((90, 100, 100), passages=10),
    ),
    "little enough lost": (
        lambda pairs: LIMITS.classify(pairs).held[0],
        pair_of((90, 100, 100), only_left=1),
        pair_of((90, 100, 100), only_left=2),
    ),
    "nothing lost": (
        lambda pairs: limits(max_lost=0.0).classify(pairs).held[0],
        pair_of((90, 100, 100)),
        pair_of((90, 100, 100), only_left=1),
    ),
    "enough besides boilerplate": (
        is_("judged_without"),
        with_own(pair_of((50, 100, 100)), 9, 32, 32),
        with_own(pair_of((50, 100, 100)), 9, 32, 31),
    ),
    "a large enough share besides boilerplate": (
        is_("judged_without"),
        with_own(pair_of((900, 1000, 1000)), 9, 250, 250),
        with_own(pair_of((900, 1000, 1000)), 9, 250, 249),
    ),
    "damaged in enough words": (
        noisy,
        pair_of((90, 100, 100), damaged=4, words=100),
        pair_of((90, 100, 100), damaged=3, words=100),
    ),
    "damaged in a large enough share of the words": (
        noisy,
        pair_of((90, 100, 100), damaged=8, words=2000),
        pair_of((90, 100, 100), damaged=8, words=2001),
    ),
    "noise enough": (
        is_("scanned"),
        pair_of((10, 1000, 1000), errors=20, noise=20),
        pair_of((10, 1000, 1000), errors=20, noise=19),
    ),
    "aligned enough": (
        is_("scanned"),
        pair_of((10, 1000, 1000), errors=450, noise=450),
        pair_of((10, 1000, 1000), errors=451, noise=451),
    ),
    "a short text aligned enough": (  # 0.8 at 64 letters
        is_("scanned"),
        pair_of((10, 64, 64), errors=12, noise=12),
        pair_of((10, 64, 64), errors=13, noise=13),
    ),
    "little enough that the copy lacks": (
        is_("scanned"),
        pair_of((10, 1000, 1000), errors=300, noise=100, only_left=200),
        pair_of((10, 1000, 1000), errors=300, noise=100, only_left=201),
    ),
    "little enough content in the noise": (
        is_("scanned"),
        pair_of((10, 1000, 1000), errors=100, noise=100, passages=179),
        pair_of((10, 1000, 1000), errors=100, noise=100, passages=180),
    ),
    "few enough words broken": (
        is_("scanned"),
        pair_of((10, 1000, 1000), errors=100, noise=100, doubtful=60),
        pair_of((10, 1000, 1000), errors=100, noise=100, doubtful=61),
    ),
    "few enough errors that recur": (
        is_("scanned"),
        pair_of((10, 1000, 1000), errors=100, noise=100, repeated=49),
        pair_of((10, 1000, 1000), errors=100, noise=100, repeated=50),
    ),
    "noise enough in texts that are alike": (
        is_("noisy_copy"),
        pair_of((900, 1000, 1000), errors=5, noise=5),
        pair_of((900, 1000, 1000), errors=5, noise=4),
    ),
    "noise enough to drop a text over it": (
        lambda pairs: limits(max_lost=0.0).classify(pairs).held[0],
        pair_of((10, 1000, 1000), errors=25, noise=25),
        pair_of((10, 1000, 1000), errors=24, noise=24),
    ),
    "a noisy part aligned enough": (
        is_("noisy_part"),
        pair_of((10, 1000, 9000), errors=8450, noise=450, only_right=8000),
        pair_of((10, 1000, 9000), errors=8451, noise=451, only_right=8000),
    ),
    "noise enough in a part": (
        is_("noisy_part"),
        pair_of((10, 1000, 9000), errors=8020, noise=20, only_right=8000),
        pair_of((10, 1000, 9000), errors=8019, noise=19, only_right=8000),
    ),
    "a noisy part long enough": (
        is_("noisy_part"),
        pair_of((10, 300, 9000), errors=8710, noise=10, only_right=8700),
        pair_of((10, 299, 9000), errors=8711, noise=10, only_right=8701),
    ),
    "little enough content in the noise of a part": (
        is_("noisy_part"),
        pair_of((10, 1000, 9000), errors=8100, noise=100, only_right=8000, passages=179),
        pair_of((10, 1000, 9000), errors=8100, noise=100, only_right=8000, passages=180),
    ),
    "little enough that a part has alone": (
        is_("noisy_part"),
        pair_of((10, 1000, 9000), errors=8300, noise=100, only_right=8000, only_left=200),
        pair_of((10, 1000, 9000), errors=8301, noise=100, only_right=8000, only_left=201),
    ),
    "long enough to be placed": (
        is_("worth_placing"),
        pair_of((20, 300, 9000)),
        pair_of((20, 299, 9000)),
    ),
    "shingles enough shared to be placed": (
        is_("worth_placing"),
        pair_of((20, 400, 9000)),
        pair_of((19, 400, 9000)),
    ),
    "much shorter": (
        is_("worth_placing"),
        pair_of((50, 599, 1000)),
        pair_of((50, 600, 1000)),
    ),
    "little enough boilerplate in a part": (
        is_("worth_placing"),
        with_own(pair_of((100, 1000, 9000)), 100, 701, 9000),
        with_own(pair_of((100, 1000, 9000)), 100, 700, 9000),
    ),
    "rare anchors enough": (
        lambda shared: shared >= rules.min_rare_anchors(np.array([250]), 10),
        np.array([5]),
        np.array([4]),
    ),
    "about as long": (
        is_("worth_aligning"),
        pair_of((10, 600, 1000)),
        pair_of((10, 599, 1000)),
    ),
    "looked for by what is no boilerplate": (
        lambda n_left: rules.effective_anchors(np.array([8]), n_left) == n_left,
        np.array([2]),
        np.array([1]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_at_a_line_it_is_reached_and_a_hair_below_it_is_not(line):
    reached, at, below = LINES[line]
    assert reached(at).tolist() == [True]
    assert reached(below).tolist() == [False]
