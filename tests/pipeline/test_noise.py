"""Copies full of errors are found, belong to the nearest instance of a form, and leave the clean text."""

from __future__ import annotations

import numpy as np
import pytest

import dedup
from dedup.core.verdicts import FORM, RELATIONS

from ..matching.test_passages import Prose
from ..noise import scan as scanned
from ..noise import speech

SCANNED = RELATIONS.index("scanned")
PROSE = Prose(3)
TEXTS = [PROSE.text(120) for _ in range(20)]
GREEK = "".join(chr(c) for c in range(0x3B1, 0x3C9))
CYRILLIC = "".join(chr(c) for c in range(0x430, 0x450))


def together(run: dedup.Run, one: int, other: int) -> bool:
    return bool(run.verdict.cluster[one] == run.verdict.cluster[other])


def in_letters(text: str, letters: str) -> str:
    return "".join(letters[ord(c) % len(letters)] if c.isalpha() else c for c in text)


@pytest.mark.parametrize(("rate", "least"), [(0.02, 20), (0.05, 20), (0.1, 20), (0.2, 20), (0.3, 17)])
def test_copies_of_a_scanner_are_found_and_the_clean_text_stays(rate, least):
    run = dedup.scan_texts([*TEXTS, *(scanned(text, rate, seed=9) for text in TEXTS)])
    assert sum(together(run, i, 20 + i) for i in range(20)) >= least
    for i in range(20):
        assert not any(together(run, i, 20 + j) or together(run, i, j) for j in range(20) if j != i)
        assert run.verdict.witness[i] == i
    if rate >= 0.1:
        assert set(run.pair_relations.tolist()) == {SCANNED}
    assert "cleanest-text" in run.verdict.reason


@pytest.mark.parametrize("letters", [GREEK, CYRILLIC, "".join(map(chr, range(0x4E00, 0x5200)))])
def test_every_script_with_letters_has_noisy_copies(letters):
    texts = [in_letters(text, letters) for text in TEXTS]
    run = dedup.scan_texts([*texts, *(scanned(text, 0.15, seed=4) for text in texts)])
    assert sum(together(run, i, 20 + i) for i in range(20)) >= 19
    assert not any(together(run, i, j) for i in range(20) for j in range(i))


def test_what_was_heard_and_written_down_is_found():
    run = dedup.scan_texts([*TEXTS, *(speech(text, 0.3) for text in TEXTS)])
    assert all(together(run, i, 20 + i) for i in range(20))


def test_without_noise_none_are_looked_for_and_a_relation_less_drops_none():
    given = [*TEXTS, *(scanned(text, 0.15, seed=9) for text in TEXTS)]
    assert SCANNED not in dedup.scan_texts(given, noise="off").pair_relations
    drops = sum(m.relation == "scanned" for m in dedup.scan_texts(given, max_lost=0.2).drop())
    assert drops > 10
    run = dedup.scan_texts(given, max_lost=0.2, relations="-scanned")
    assert run.drop() == []
    assert sum(together(run, i, 20 + i) for i in range(20)) == 20


def test_a_stricter_line_leaves_noisier_copies_alone():
    given = [*TEXTS, *(scanned(text, 0.2, seed=9) for text in TEXTS)]
    run = dedup.scan_texts(given, min_aligned=0.95)
    assert not any(together(run, i, 20 + i) for i in range(20))


def test_a_noisy_copy_belongs_to_its_own_instance_of_a_form():
    """Each page of the form differs from the others in a name, a town and two numbers."""
    body = PROSE.text(90)
    names = Prose(8).rng.sample(Prose(8).words, 24)
    pages = [
        f"report of {names[i]} from {names[i + 12]} number {i * 7919 + 1234} {body} signed {names[i]}"
        for i in range(8)
    ]
    for rate in (0.05, 0.1):
        run = dedup.scan_texts([*pages, *(scanned(page, rate, seed=2, bursts=0) for page in pages)])
        for i in range(8):
            assert not any(together(run, i, j) for j in range(i))
            assert not any(together(run, i, 8 + j) for j in range(8) if j != i)
        assert sum(together(run, i, 8 + i) for i in range(8)) >= 6
        assert FORM in run.pair_relations


def test_texts_that_differ_in_words_are_no_noisy_copies():
    """Of the clean texts each has one word in ten in the place of another, and so has a page about it."""
    other = Prose(11)
    changed = [
        " ".join(other.rng.choice(other.words) if i % 5 == 2 else w for i, w in enumerate(t.split()))
        for t in TEXTS
    ]
    run = dedup.scan_texts([*TEXTS, *changed])
    assert SCANNED not in run.pair_relations


def test_the_figure_that_decided_is_the_share_of_letters():
    run = dedup.scan_texts([TEXTS[0], scanned(TEXTS[0], 0.15, seed=1)], max_lost=0.3)
    (found,) = run.drop()
    assert (found.relation, found.figure, found.line) == ("scanned", "aligned", 0.55)
    assert 0.7 < found.value < 0.95
    assert found.lost <= 0.3


def test_the_same_pairs_come_out_whatever_the_order_of_the_documents():
    given = [*TEXTS[:8], *(scanned(text, 0.2, seed=5) for text in TEXTS[:8])]
    names = [f"{i:02}" for i in range(16)]
    some = [dedup.Document(text, name) for text, name in zip(given, names, strict=True)]
    for order in (range(16), range(15, -1, -1), np.random.default_rng(1).permutation(16)):
        run = dedup.scan_texts([some[i] for i in order])
        kept = {frozenset(m.path for m in c.members) for c in run.clusters}
        assert kept == {frozenset((names[i], names[8 + i])) for i in range(8)}


# ------------------------------------------------------------------ parts


BOOK = "\n\n".join(TEXTS[:12])


@pytest.mark.parametrize(("rate", "least"), [(0.02, 12), (0.05, 12), (0.1, 12), (0.2, 11), (0.3, 6)])
def test_a_damaged_page_is_found_in_its_book_and_no_page_in_another_text(rate, least):
    pages = [scanned(text, rate, seed=6) for text in TEXTS]
    run = dedup.scan_texts([BOOK, PROSE.text(1500), *pages])
    assert sum(together(run, 0, 2 + i) for i in range(12)) >= least
    assert not any(together(run, 0, 2 + i) for i in range(12, 20))
    assert not any(together(run, 1, 2 + i) for i in range(20))
    assert all(run.verdict.witness[:2] == [0, 1])


def test_a_damaged_page_is_found_in_a_damaged_book():
    run = dedup.scan_texts([scanned(BOOK, 0.05, seed=1), *(scanned(t, 0.08, seed=2) for t in TEXTS[:12])])
    assert sum(together(run, 0, 1 + i) for i in range(12)) == 12


def test_a_damaged_part_has_its_figure_and_goes_only_where_noisy_copies_do():
    given = [BOOK, scanned(TEXTS[3], 0.1, seed=1)]
    (found,) = dedup.scan_texts(given, max_lost=0.2).drop()
    assert (found.relation, found.figure, found.line, found.witness) == ("contained", "aligned", 0.55, "1")
    assert 0.8 < found.value < 0.95
    assert dedup.scan_texts(given, max_lost=0.2, relations="-scanned").drop() == []
    assert len(dedup.scan_texts(given, noise="off").pairs) == 0


def test_a_page_that_says_something_else_than_the_book_is_no_part_of_it():
    """Of the words of the damaged page, one in six stands in the place of another."""
    other = Prose(12)
    changed = " ".join(
        other.rng.choice(other.words) if i % 6 == 2 else w for i, w in enumerate(TEXTS[3].split())
    )
    run = dedup.scan_texts([BOOK, scanned(changed, 0.05, seed=1)])
    assert not together(run, 0, 1)
