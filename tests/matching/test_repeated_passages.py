"""Passages found by anchors are those of the plain definition, on generated and on hostile text."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.core.features import Anchors
from dedup.matching import kernels
from dedup.matching.passages import (
    CHANCE,
    Passages,
    Seeds,
    join_over_gaps,
    least_passage,
    passages_in,
    plain_passages,
)
from dedup.text.kernels import joined, sign_texts
from dedup.text.normalize import letter_table

from ..examples import examples

K, WINDOW = 8, 24
ALPHABETS = ["ab", "abc", "abcdefghij", "abcdefghijklmnopqrstuvwxyz", "жабвгде", "ab\U00010428"]


def letters_of(texts):
    """Put letters into a buffer as `pipeline.passages` does."""
    widths = np.array([1 if max(map(ord, t), default=0) < 256 else 4 for t in texts], np.uint8)
    packed = [t.encode("latin1" if w == 1 else "utf-32-le") for t, w in zip(texts, widths, strict=True)]
    n_letters = np.array([len(t) for t in texts], np.int64)
    start = np.r_[0, np.cumsum(n_letters * widths)][:-1].astype(np.int64)
    return kernels.Letters(
        np.frombuffer(bytearray(b"".join(packed) + b"\0"), np.uint8), start, widths, n_letters
    )


def found_in(texts, least):
    """Find passages by anchors -> what `plain_passages` gives."""
    ones = np.ones(4, np.uint32)
    signed = sign_texts(*joined([t.encode() for t in texts]), letter_table(), K, WINDOW, ones, ones, 1000)
    assert signed.counts[:, 0].tolist() == [len(t) for t in texts]  # all of them are letters
    start = np.searchsorted(signed.anchor_text, np.arange(len(texts) + 1)).astype(np.int64)
    anchors = Anchors(signed.anchor_hash, signed.anchor_place, start)
    seeds = Seeds.of(anchors, signed.counts[:, 0].copy(), WINDOW, K, least)
    found = passages_in(seeds, letters_of(texts), np.arange(len(texts), dtype=np.int32), least)
    copies = list(zip(found.doc.tolist(), found.start.tolist(), strict=True))
    ends = found.indptr.tolist()
    return [
        (int(length), copies[first:last])
        for length, first, last in zip(found.length, ends, ends[1:], strict=False)
    ]


@st.composite
def corpora(draw):
    """Texts made of a few pieces, of parts of these, of one letter many times, and of text of their own."""
    rng = random.Random(draw(st.integers(0, 1 << 40)))
    alphabet = rng.choice(ALPHABETS)

    def some(n):
        return "".join(rng.choice(alphabet) for _ in range(n))

    pieces = [some(rng.choice([5, 20, 40, 80, 150])) for _ in range(rng.randint(1, 6))]

    def part():
        kind, piece = rng.random(), rng.choice(pieces)
        if kind < 0.5:
            return piece
        if kind < 0.7:
            start = rng.randint(0, len(piece))
            return piece[start : rng.randint(start, len(piece))]
        return rng.choice(alphabet) * rng.randint(1, 60) if kind < 0.8 else some(rng.randint(0, 60))

    return ["".join(part() for _ in range(rng.randint(0, 8))) for _ in range(rng.randint(1, 7))]


@examples(150)
@given(corpora(), st.sampled_from([32, 33, 40, 60, 80, 100, 120]))
def test_passages_by_anchors_are_those_of_the_definition(texts, least):
    assert found_in(texts, least) == plain_passages(texts, least)


@examples(50)
@given(corpora())
def test_what_two_places_share_is_in_passages_that_both_have(texts):
    """The guarantee, of each stretch of `least` letters: all but CHANCE letters at each end."""
    least = least_passage(WINDOW, K)
    rows = [{(d, s, s + n) for d, s in copies} for n, copies in found_in(texts, least)]
    seen = {}
    for d, text in enumerate(texts):
        for s in range(len(text) - least + 1):
            other = seen.setdefault(text[s : s + least], (d, s))
            if other != (d, s):
                both = [
                    all(
                        any(
                            e == doc and begin <= at + CHANCE and end >= at + least - CHANCE
                            for e, begin, end in row
                        )
                        for doc, at in ((d, s), other)
                    )
                    for row in rows
                ]
                assert any(both)


def test_a_long_passage_with_shorter_ones_inside_is_found_once():
    rng = random.Random(1)

    def some(n):
        return "".join(rng.choice("abcdefghijklmnop") for _ in range(n))

    inside = [some(60) for _ in range(5)]
    long = "".join(some(900) + piece for piece in inside)
    texts = [
        some(50) + long + some(50),
        some(70) + long + some(20),
        *(some(30) + p + some(30) for p in inside),
    ]
    found = found_in(texts, 50)
    assert found == plain_passages(texts, 50)
    assert [(length >= len(long), len(copies)) for length, copies in found].count((True, 2)) == 1


def test_a_passage_in_a_thousand_documents_is_one_with_a_thousand_copies():
    rng = random.Random(2)
    frame = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(400))
    texts = ["".join(rng.choice("etaoinshr") for _ in range(60)) for _ in range(1000)]
    texts = [text[:30] + frame + text[30:] for text in texts]
    assert found_in(texts, 200) == [(400, [(d, 30) for d in range(1000)])]


def test_passages_are_joined_over_small_differences():
    found = Passages(
        *(np.array(x, np.int64) for x in ([50, 60, 40], [0, 2, 4, 7])),
        np.array([0, 1, 0, 1, 0, 1, 2], np.int32),
        *(np.array(x, np.int64) for x in ([0, 9, 55, 60, 120, 125, 3], [50, 59, 115, 120, 160, 165, 43])),
    )
    joined_up = join_over_gaps(found, 5)
    assert (joined_up.length.tolist(), joined_up.copies.tolist()) == ([110, 40], [2, 3])
    assert joined_up.end.tolist() == [115, 120, 160, 165, 43]
    assert len(join_over_gaps(found, 4)) == len(join_over_gaps(found, 0)) == 3


@pytest.mark.parametrize("period", ["a", "abc", "a line of a log, again and again"])
def test_a_long_text_of_one_period_is_searched_in_no_time(period):
    """Each place agrees with the next one to the end of the text: 10^10 letters, if all were compared."""
    text = "".join(c for c in period if c.isalpha()) * (120_000 // len(period))
    for length, copies in found_in([text], 200):
        assert {text[s : s + length] for _, s in copies} == {text[copies[0][1] :][:length]}
        assert len(copies) > 1


@pytest.mark.parametrize("texts", [[], [""], ["a" * 31], ["abc" * 4, ""]])
def test_texts_too_short_have_no_passages(texts):
    assert found_in(texts, 32) == []
