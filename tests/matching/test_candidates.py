"""What brute force finds in texts that repeat themselves is compared, whoever looks for candidates."""

import random
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import dedup
from dedup.check.check import _Check, check
from dedup.clustering import verdict
from dedup.core.pairs import pair_keys
from dedup.core.settings import Settings
from dedup.matching import kernels as matching_kernels
from dedup.matching.update import finder
from dedup.text import kernels as text_kernels
from dedup.text.normalize import letter_table, letters

from ..examples import examples
from ..repetitive import repetitive

chances = st.integers(0, 2**32).map(random.Random)
# a part of fewer shingles is missed at the line with a probability of up to 0.02, one of more below 0.001;
# a pair at the least Jaccard with one of up to 0.01, and here below 0.0001
SURE_PART, SURE_JACCARD = 96, 0.6


def brute_force(texts, sure=True):
    """Texts -> the keys of all pairs that are near or part and whole by their shingles."""
    sets = matching_kernels.shingle_sets(
        *text_kernels.joined([t.encode() for t in texts]), letter_table(), Settings().k
    )
    pairs = np.stack(np.triu_indices(len(texts), 1), axis=1).astype(np.int32)
    overlap, left, right = matching_kernels.overlaps(*sets, pairs).T
    smaller, larger = np.minimum(left, right), np.maximum(left, right)
    s = Settings()
    line, least = (SURE_JACCARD, SURE_PART) if sure else (s.min_jaccard, verdict.MIN_PART)
    near = overlap >= line * (left + right - overlap)
    part = (overlap >= s.min_containment * smaller) & (smaller >= least) & (smaller <= 0.9 * larger)
    return set(pair_keys(pairs[near | part]).tolist())


def different(texts):
    """The texts, of those with the same letters only the first."""
    return list({letters(text): text for text in texts}.values())


def compared(run):
    return set(pair_keys(run.evidence.pairs.docs[run.evidence.candidate]).tolist())


@examples(25, derandomize=True)
@given(chances, st.sampled_from(["on", "off"]))
def test_a_scan_compares_all_that_brute_force_finds_in_texts_that_repeat_themselves(chance, boilerplate):
    texts = different(repetitive(chance, 8))
    run = dedup.scan_texts(texts, boilerplate=boilerplate)
    assume(not len(run.spans.start))  # some texts repeat so much that it is learned as boilerplate
    assert brute_force(texts) <= compared(run)


@pytest.mark.slow
def test_at_the_thresholds_fewer_are_missed_than_is_stated():
    found = missed = 0
    for seed in range(40):
        texts = different(repetitive(random.Random(seed), 8))
        pairs = brute_force(texts, sure=False)
        found += len(pairs)
        missed += len(pairs - compared(dedup.scan_texts(texts)))
    assert found > 600
    assert missed <= 0.01 * found


def written(folder, texts, numbers):
    """Some of the texts as files of a folder, by their numbers -> the folder."""
    folder.mkdir(exist_ok=True)
    for i in numbers:
        (folder / f"{i:03}.txt").write_text(texts[i])
    return folder


@examples(8, derandomize=True)
@given(chances)
def test_check_compares_new_texts_with_all_that_brute_force_finds(tmp_path_factory, chance):
    texts, place = different(repetitive(chance, 8)), tmp_path_factory.mktemp("check")
    new = sorted(chance.sample(range(len(texts)), len(texts) // 2))
    old = [i for i in range(len(texts)) if i not in new]
    dedup.scan([written(place / "old", texts, old)], run=place / "r")
    asked, verified = set(), _Check._verified

    def noted(self, pairs):
        for one, other in pairs.tolist():
            far = old[self.old[other - self.n]] if other >= self.n else new[other]
            asked.add(min(new[one], far) << 32 | max(new[one], far))
        return verified(self, pairs)

    with mock.patch.object(_Check, "_verified", noted):
        check([written(place / "new", texts, new)], place / "r")
    expected = {key for key in brute_force(texts) if {key >> 32, key & 0xFFFFFFFF} & set(new)}
    assert expected <= asked


@examples(8, derandomize=True)
@given(chances)
def test_a_second_scan_compares_what_one_from_nothing_does(tmp_path_factory, chance):
    texts, place = different(repetitive(chance, 12)), tmp_path_factory.mktemp("again")
    new = chance.sample(range(len(texts)), 3)
    dedup.scan([written(place / "in", texts, set(range(len(texts))) - set(new))], run=place / "r")
    written(place / "in", texts, new)
    with mock.patch.multiple(finder, LEAST_SAME=0, LEAST_SETTLED=1, STEPS=100):
        second = dedup.scan([place / "in"], run=place / "r")
    assert compared(second) == compared(dedup.scan([place / "in"]))
    assert brute_force(texts) <= compared(second)
