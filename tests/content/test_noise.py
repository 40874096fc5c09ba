"""Texts compared letter by letter: the compiled twin is the plain definition; noise is told from content."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.content import kernels, noise, noisy_parts
from dedup.content.words import words
from dedup.core.pairs import COUNTS
from dedup.text import kernels as text_kernels
from dedup.text.normalize import letter_table
from tests.examples import examples

PROSE = (
    "The beekeeper walked slowly down to the orchard before breakfast, carrying a smoker and two frames. "
    "Nobody had opened the hives since the frost of the second week of March; she expected to find losses. "
    "Instead the first colony was crowded, its brood spread over seven combs, and the queen easy to see. "
    "She wrote the weight of each hive into a small green notebook, closed the lids, and went home for tea. "
)


def arrays(*texts: str):
    buffer, starts = text_kernels.joined([t.encode() for t in texts])
    return kernels.words_of(buffer, starts, letter_table())


def compiled(left: str, right: str, whole: bool = True) -> dict[str, int]:
    found = kernels.noise_of_pairs(arrays(left, right), np.array([[0, 1]], np.int32), whole)[0]
    return dict(zip(COUNTS, found.tolist(), strict=True))


def plain(left: str, right: str, whole: bool = True) -> noise.Noise:
    both = (words(t, letter_table()).letters for t in (left, right))
    return noise.compare(*(w if whole else noise.first_words(w) for w in both))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, str]:
    """A text and a copy with letters replaced, lost and added, and now and then a word for another."""
    alphabet = draw(st.sampled_from(["ab ", "abcdefgh 12 ", "天地人大小 ", "abcé ñ1"]))
    text = draw(st.text(alphabet, max_size=120)) + draw(st.sampled_from(["", PROSE[:150]]))
    out = []
    for letter in text:
        kind = draw(st.integers(0, 19))
        out.append(
            "" if kind == 0 else draw(st.sampled_from(alphabet)) if kind == 1 else letter * (1 + (kind == 2))
        )
    return text, "".join(out)


@given(damaged())
@examples(100)
def test_the_compiled_comparison_is_the_plain_one(pair):
    longer = (pair[0] + 3 * PROSE, 2 * PROSE + pair[1])
    for left, right, whole in ((*pair, True), (*pair[::-1], True), (pair[0], PROSE, True), (*longer, False)):
        want, found = plain(left, right, whole), compiled(left, right, whole)
        assert found["errors"] == found["places"] == want.errors
        assert (found["noise"], found["doubtful"]) == (want.noise, want.broken)
        for name in (
            "grams_left",
            "grams_right",
            "letters_left",
            "letters_right",
            "replaced",
            "repeated",
            "passages",
            "only_left",
            "only_right",
            "numbers",
        ):
            assert found[name] == getattr(want, name), name


@st.composite
def part_and_whole(draw: st.DrawFn) -> tuple[str, str]:
    """A damaged part, and the longer text, which may say some of it twice."""
    rng = random.Random(draw(st.integers(0, 999)))
    syllables = draw(st.sampled_from(["ab", "ka lo mi ne", "天地 人大 小山"])).split()
    whole = " ".join(rng.choice(syllables) * rng.randint(1, 3) for _ in range(draw(st.integers(0, 400))))
    whole += PROSE + draw(st.sampled_from(["", whole[:100], PROSE[:200]]))
    start = draw(st.integers(0, len(whole)))
    part = whole[start : start + draw(st.integers(0, 500))]
    rate = draw(st.sampled_from([0, 5, 20]))
    kept = (c if rng.randrange(100) >= rate else rng.choice(["", "x", c + c]) for c in part)
    return "".join(kept), whole


@given(part_and_whole(), st.booleans())
@examples(100)
def test_the_compiled_comparison_of_a_part_is_the_plain_one(pair, beginning):
    part, whole = (words(t, letter_table()).letters for t in pair)
    want = noisy_parts.compare_part(part, whole, beginning)
    for order in ([[0, 1]], [[1, 0]]):
        found = kernels.noise_of_parts(arrays(*pair), np.array(order, np.int32), not beginning)[0]
        if want is None or sum(map(len, part)) >= sum(map(len, whole)):
            continue
        sides = ("left", "right") if order == [[0, 1]] else ("right", "left")
        counted = dict(zip(COUNTS, found.tolist(), strict=True))
        assert counted["errors"] == counted["places"] == want.errors
        assert (counted["noise"], counted["doubtful"]) == (want.noise, want.broken)
        assert counted["grams_left"] == counted["grams_right"] == 0
        for name in ("replaced", "repeated", "passages", "numbers"):
            assert counted[name] == getattr(want, name), name
        for name in ("letters", "only"):
            for side, plain_side in zip(sides, ("left", "right"), strict=True):
                assert counted[f"{name}_{side}"] == getattr(want, f"{name}_{plain_side}"), name


@given(part_and_whole())
@examples(50)
def test_a_part_is_placed_by_the_compiled_twin_where_the_plain_definition_does(pair):
    part, whole = (words(t, letter_table()).letters for t in pair)
    if sum(map(len, part)) < sum(map(len, whole)):
        found = kernels.noise_of_parts(arrays(*pair), np.array([[0, 1]], np.int32))
        assert found.any() == (noisy_parts.compare_part(part, whole) is not None)


def test_a_part_that_is_found_in_several_places_has_none():
    page = "".join(PROSE.lower().split())
    assert noisy_parts.place(page[50:], "x" * 99 + page) == (149, 99 + len(page))
    assert noisy_parts.place(page[50:], page + page) is None


@given(damaged())
@examples(100)
def test_the_compiled_quick_test_is_the_plain_one(pair):
    left, right = ("".join(words(t, letter_table()).letters) for t in pair)
    for one, other, texts in ((left, right, pair), (right, left, pair[::-1])):
        for name in ("begin_alike", "end_alike"):
            found = getattr(kernels, name)(arrays(*texts), np.array([[0, 1]], np.int32))
            assert found.tolist() == [getattr(noise, name)(one, other)]


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
@examples(200)
def test_between_two_fixed_points_the_errors_are_the_edit_distance(left, right):
    columns = noise._between(left, right, 0, 0)
    assert "".join(left[i] for i, _ in columns if i >= 0) == left
    assert "".join(right[j] for _, j in columns if j >= 0) == right
    errors = sum(i < 0 or j < 0 or left[i] != right[j] for i, j in columns)
    assert errors == edit_distance(left, right)


def edit_distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row, before = [i], row
        for j, b in enumerate(right, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        (lambda t: t.replace("beekeeper", "blacksmith"), "replaced"),
        (lambda t: t.replace("hive", "shed"), "replaced"),  # the same difference three times
        (
            lambda t: t.replace("The bee", "A hundred and twenty other people then decided it: the bee"),
            "only_right",
        ),
        (
            lambda t: t.replace(
                PROSE[105:200],
                "It rained on Tuesday, and all the shops of the little town were shut "
                "because of the fair in the next valley.",
            ),
            "passages",
        ),
    ],
)
def test_what_is_no_noise_is_content(change, counted):
    assert compiled(PROSE, change(PROSE))[counted] > 0


def test_errors_spread_over_a_text_are_noise_and_no_content():
    rng = random.Random(1)
    read = "".join(rng.choice("eoanticr") if c.isalpha() and rng.random() < 0.15 else c for c in PROSE)
    found = compiled(PROSE, read)
    assert found["errors"] > 30
    assert found["noise"] >= found["errors"] - 6
    assert found["passages"] == found["numbers"] == 0


def test_digits_that_change_oftener_than_letters_are_other_numbers():
    table = " ".join(
        f"On day {d} the hive weighed {w} kilograms."
        for d, w in zip(range(11, 31), range(40, 60), strict=False)
    )
    other = " ".join(
        f"On day {d} the hive weighed {w} kilograms."
        for d, w in zip(range(11, 31), range(61, 81), strict=False)
    )
    assert compiled(table, other)["numbers"] >= 10
    assert compiled(table, table.replace("hive", "liive"))["numbers"] == 0


def test_a_stretch_too_long_to_be_aligned_counts_as_different(monkeypatch):
    monkeypatch.setattr(noise, "MOST_CELLS", 100)
    found = plain("abcdefghijklm" * 3, "nopqrstuvwxyz" * 3)
    assert found.errors == 78
