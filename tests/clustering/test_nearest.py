"""A noisy copy belongs to the nearest of several documents that are known to be two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dedup.clustering import nearest
from dedup.core.pairs import COUNTS, VerifiedPairs

from ..pipeline.test_stages import limits

LIMITS = limits()


def pairs_of(*rows: tuple[int, int, int]) -> VerifiedPairs:
    """Pairs of texts of 1,000 letters: (left, right, errors); -1 errors for two instances of a form."""
    rows = tuple(sorted(rows))
    docs = np.array([row[:2] for row in rows], np.int32)
    counts = np.tile(np.array([900, 1000, 1000]), (len(rows), 3, 1))
    pairs = VerifiedPairs.of_counts(docs, counts)
    content = pairs.content.copy()
    for name, value in (("letters_left", 1000), ("letters_right", 1000), ("words", 200), ("places", 9)):
        content[:, COUNTS.index(name)] = value
    for row, (_, _, errors) in enumerate(rows):
        if errors >= 0:
            content[row, [COUNTS.index("errors"), COUNTS.index("noise")]] = errors
        else:
            content[row, COUNTS.index("replaced")] = 300
    return replace(pairs, content=content)


def left_out(n: int, *rows: tuple[int, int, int]) -> list[list[int]]:
    pairs = pairs_of(*rows)
    found = nearest.judged(n, pairs, LIMITS)
    return found.docs[found.by_family & ~pairs.by_family].tolist()


def test_a_copy_joins_the_nearer_of_two_instances():
    assert left_out(3, (0, 1, -1), (0, 2, 40), (1, 2, 60)) == [[1, 2]]
    assert left_out(3, (0, 1, -1), (0, 2, 60), (1, 2, 40)) == [[0, 2]]


def test_a_copy_of_two_texts_that_nothing_keeps_apart_joins_both():
    assert left_out(3, (0, 2, 40), (1, 2, 60)) == []


def test_what_keeps_two_clusters_apart_holds_for_all_that_join_them():
    """0 and 1 are instances; 2 and 4 are copies of 0, 3 and 5 of 1, and 4 and 5 are alike."""
    rows = [(0, 1, -1), (0, 2, 20), (1, 3, 21), (2, 4, 22), (3, 5, 23), (4, 5, 90)]
    assert left_out(6, *rows) == [[4, 5]]


def test_of_equally_near_ones_the_first_is_joined():
    assert left_out(3, (0, 1, -1), (0, 2, 50), (1, 2, 50)) == [[1, 2]]


def test_with_forms_joined_all_is_one():
    pairs = pairs_of((0, 1, -1), (0, 2, 40), (1, 2, 60))
    assert nearest.judged(3, pairs, replace(LIMITS, joins_forms=True)) is pairs


@pytest.mark.parametrize("seed", range(20))
def test_no_cluster_holds_two_that_are_apart_but_by_their_own_pairs(seed):
    rng = np.random.default_rng(seed)
    n = 14
    rows = {}
    for _ in range(40):
        left, right = sorted(rng.choice(n, 2, replace=False).tolist())
        rows[left, right] = -1 if rng.random() < 0.3 else int(rng.integers(30, 100))
    pairs = pairs_of(*((*pair, errors) for pair, errors in rows.items()))
    found = nearest.judged(n, pairs, LIMITS)
    label = list(range(n))
    for left, right in found.docs[LIMITS.classify(found).reached].tolist():
        label = [label[left] if x == label[right] else x for x in label]
    for (left, right), errors in rows.items():
        assert errors >= 0 or label[left] != label[right]
