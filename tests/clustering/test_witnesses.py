"""Witnesses in rounds: going on with what may still change gives what going through everything gives."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.clustering import hubs, witnesses
from dedup.core.pairs import COUNTS, CandidatePairs, VerifiedPairs
from dedup.core.thresholds import Thresholds
from dedup.core.verdicts import RELATIONS

from ..examples import examples

LIMITS = Thresholds(0.6, 0.8, 4, 0.75, 2, 0.55, max_lost=0.15)


def plain(preferences, pairs, limits, edges_of, compare):
    """The definition: after each round everything is chosen anew."""
    n = len(preferences)
    more = pairs
    for turn in range(witnesses.WITNESS_ROUNDS + 1):
        if turn == 0 or len(more):
            found = witnesses._assign(preferences, pairs, limits, edges_of)
        if turn < witnesses.WITNESS_ROUNDS:
            rank = preferences.rank[preferences.best]
            more = compare(hubs.unverified(found.of_group, rank, found.label, pairs, turn))
            pairs = pairs.merged(more) if len(more) else pairs
    assert len(found.label) == n
    return found


def figures(docs, sizes, alike):
    """Pairs of sets of those sizes: near-duplicates, one part of the other, or neither."""
    left, right = sizes[docs].T
    least = np.minimum(left, right)
    overlap = np.select([alike == 0, alike == 1], [least * 9 // 10, least], least // 3)
    overlap = np.where((alike == 0) & (np.maximum(left, right) > 2 * least), least, overlap)
    shingles = np.stack([overlap, left, right], axis=1)
    found = VerifiedPairs.of_counts(docs, np.stack([shingles, shingles, 0 * shingles], axis=1))
    of_text = {"letters_left": left, "letters_right": right, "only_left": left - overlap}
    for name, values in {**of_text, "only_right": right - overlap, "places": 1}.items():
        found.content[:, COUNTS.index(name)] = values
    return found


def corpus(seed):
    """Chains and stars of pairs among some documents; what any two of them are to each other."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    exact_group = np.arange(n, dtype=np.int32)
    for d in range(1, n):
        if rng.random() < 0.15:
            exact_group[d] = exact_group[rng.integers(d)]
    rank = rng.permutation(n)
    best = np.full(n, n)
    np.minimum.at(best, exact_group, rank)
    representative = np.argsort(rank)[best[exact_group]].astype(np.int32)
    by_itself = (representative == np.arange(n)) | (rng.random(n) < 0.2)
    preferences = witnesses.Preferences(
        exact_group, representative, by_itself, rank, [("longest", rank)], np.zeros(n, np.int8)
    )
    chain = np.stack([np.arange(n - 1), np.arange(1, n)], axis=1)[rng.random(n - 1) < 0.7]
    star = np.stack([rng.integers(n, size=n) % 3, rng.integers(n, size=n)], axis=1)[rng.random(n) < 0.3]
    docs = CandidatePairs.of(exact_group[np.concatenate([chain, star])]).docs
    sizes = np.where(np.arange(n) < 3, 10, rng.choice([90, 100, 1000], n))
    alike = rng.choice(3, (n, n), p=[0.5, 0.2, 0.3])
    alike[tuple(docs.T)] = rng.choice(3, len(docs), p=[0.7, 0.2, 0.1])
    return preferences, docs, sizes, alike


@examples(400)
@given(st.integers(0, 1 << 30), st.booleans())
def test_rounds_over_what_is_open_give_what_rounds_over_everything_give(seed, every_pair):
    preferences, docs, sizes, alike = corpus(seed)

    def compare(missing):
        wanted = missing.docs if every_pair else missing.docs[alike[tuple(missing.docs.T)] < 2]
        return figures(wanted, sizes, alike[tuple(wanted.T)])

    def edges_of(good):
        return witnesses.edges(good, LIMITS, np.ones(len(RELATIONS), np.bool_), whole_for_part=False)

    pairs = compare(CandidatePairs(docs))
    want = plain(preferences, pairs, LIMITS, edges_of, compare)
    got = witnesses.select_witnesses(preferences, pairs, LIMITS, edges_of, compare)
    for name in ("label", "witness", "of_group"):
        assert getattr(got, name).tolist() == getattr(want, name).tolist(), name
    assert got.good.docs.tolist() == want.good.docs.tolist()
    assert got.good.overlap.tolist() == want.good.overlap.tolist()
