"""What two texts say that the other does not: facts of the plain definition, and its compiled twin."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.clustering import exact_duplicates
from dedup.content import kernels as content_kernels
from dedup.content.alignment import differences
from dedup.content.lookalikes import DAMAGED, DOUBTFUL, OTHER, STEM, alike
from dedup.content.own_content import content, text_of
from dedup.content.signs import digest
from dedup.content.words import word_key
from dedup.core.features import Spans
from dedup.core.hashing import BASE, MASK, fmix64
from dedup.core.pairs import COUNTS, TURNED
from dedup.text import kernels as text_kernels
from dedup.text.normalize import letter_table

from ..examples import examples

TABLE = letter_table()
K = 4


def compare(left, right, spans=((), ())):
    return content(*(text_of(text, TABLE, s, K) for text, s in zip((left, right), spans, strict=True)))


BODY = "the committee met on the first floor of the old library and agreed to mend the roof before winter "


# ------------------------------------------------------------------ dress says nothing


@pytest.mark.parametrize(
    "copy",
    [
        "She ca n't come , it 's 2.5 miles to O'Brien 's house .",
        "SHE CAN’T COME, IT’S 2.5 MILES TO O’BRIEN’S HOUSE.",
        "She can't\ncome, it's 2 . 5 miles\nto O'Brien's house.",
        "she cant come its 25 miles to obriens house",
    ],
)
def test_dress_is_no_content(copy):
    """The last copy has lost all of its marks, so a missing point says nothing there."""
    found = compare("She can't come, it's 2.5 miles to O'Brien's house.", copy)
    counts = found.only_left, found.only_right, found.replaced, found.numbers, found.doubtful_numbers
    assert counts == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("connections", "connect", STEM),
        ("burn", "bum", DAMAGED),
        ("house", "hcuse", DAMAGED),
        ("1962", "1962l", DAMAGED),
        ("1962", "1963", DOUBTFUL),
        ("legal", "illegal", DOUBTFUL),
        ("alice", "bertha", OTHER),
        ("17", "34", OTHER),
    ],
)
def test_words_are_alike_or_not(left, right, kind):
    assert alike(left, right) == alike(right, left) == kind


def test_a_moved_paragraph_is_not_lost():
    one, other = "first of all we thank the members for the year", BODY.strip()
    assert compare(f"{one} {other}", f"{other} {one}").only_left == 0


# ------------------------------------------------------------------ content says something


@pytest.mark.parametrize(
    ("left", "right", "count", "expected"),
    [
        ("Dear Alice, welcome", "Dear Bertha, welcome", "replaced", 5),
        ("room 14 is free", "room 27 is free", "numbers", 1),
        ("it was -4 degrees today", "it was 4 degrees today", "doubtful_numbers", 1),
        ("take 2.5 ml of it", "take 25 ml of it", "doubtful_numbers", 1),
        ("where a < b holds", "where a > b holds", "doubtful_numbers", 1),
        ("written in C++ today", "written in C today", "doubtful_numbers", 1),
        ("you may not enter here", "you may enter here", "doubtful_numbers", 1),
        ("you may enter here at night", "you may enter here", "only_left", 7),
    ],
)
def test_content_is_counted(left, right, count, expected):
    assert getattr(compare(f"{BODY}{left} {BODY}", f"{BODY}{right} {BODY}"), count) == expected


def test_thousands_separators_are_dress():
    assert compare(f"{BODY}1,250,000 in all", f"{BODY}1250000 in all").doubtful_numbers == 0


def test_a_word_cut_at_the_end_of_a_text_is_no_word_of_its_own():
    text = f"nevertheless {BODY}yesterday {BODY}"
    assert compare(text[5:], text).only_left == 0  # "theless"
    assert compare(f"{BODY}yeste", f"{BODY}yesterday {BODY}").only_left == 0
    for one, other in (("we met Al", "we met Alice"), ("in room 1", "in room 14 now")):
        found = compare(f"{BODY}{one}", f"{BODY}{other}")
        assert found.replaced + found.doubtful > 0


def test_a_part_lies_in_one_place():
    """Words that stand anywhere in a long text do not make it hold a short one."""
    part = "the wage of a baker is nine crowns a day and that of a smith is ten"
    words = part.split()
    scattered = " ".join(f"{w} {BODY}" for w in words)
    there, not_there = compare(part, BODY * 20 + part + BODY * 20), compare(part, scattered)
    assert there.only_left + there.passages == 0
    assert not_there.only_left + not_there.passages > len("".join(words)) / 2


def test_boilerplate_says_nothing():
    menu, other = (
        "home about contact imprint search sport weather travel",
        "start archive privacy login help jobs feeds sitemap",
    )
    left, right = f"{menu} {BODY}", f"{other} {BODY}"
    n = len("".join(text_of(menu, TABLE).words)), len("".join(text_of(other, TABLE).words))
    assert compare(left, right).replaced + compare(left, right).passages > 0
    found = compare(left, right, tuple([(0, m - K + 1)] for m in n))
    assert (found.replaced, found.passages, found.only_left, found.only_right) == (0, 0, 0, 0)
    stock = compare(
        "gcloud beta compute list " + BODY, "gcloud alpha compute list " + BODY, (((0, 12),), ((0, 13),))
    )
    assert stock.replaced == 4  # one stock phrase in the place of another
    assert found.letters_left == found.letters_right == len("".join(text_of(BODY, TABLE).words))


def test_a_slot_has_its_frame_and_its_fillers():
    found = compare("we met Alice at noon", "we met Bertha at noon").slots
    assert found == [(("we", "met"), ("at", "noon"), "alice", "bertha")]


# ------------------------------------------------------------------ the compiled twin

VOCABULARY = (
    "the of to in room 14 41 2016 2017 house hcuse Alice Bertha connected connect illegal legal n't can't "
    "not no never cve-2021 v1.2 v1.3 3.5 -5 5 < > = 中 文 不 三 四 か な rnodern modern m0dern C++ C a 1,000"
)
korean = st.text("ᄀ나ᅩᆨᆫ", min_size=1, max_size=9)
word = st.sampled_from(VOCABULARY.split()) | st.text("abrn01é.-'", min_size=1, max_size=6) | korean
edit = st.tuples(st.integers(0, 400), st.integers(0, 12), st.lists(word, max_size=12))


@st.composite
def two_texts(draw):
    """A text, and the same after some edits: words put in the place of others, or taken out."""
    one = draw(st.lists(word, max_size=300))
    other = list(one)
    for place, length, new in draw(st.lists(edit, max_size=6)):
        at = place % (len(other) + 1)
        other[at : at + length] = new
    if draw(st.booleans()):
        at = draw(st.integers(0, len(other)))
        other = other[at:] + other[:at]
    return " ".join(one), draw(st.sampled_from([" ", "\n"])).join(other)


marks = st.text("ab1230'’.,-−+<>=!*/&|%# \n\t$€×÷≠é猫だไﬁ½한۵！１\u0301\u00ad\u00a0", max_size=60)
plain = st.lists(
    st.sampled_from([*["word", "The ", " of", ", ", ". "] * 4, "3", "'", "x!", "é"]), max_size=150
)
any_text = marks | plain.map("".join) | st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@examples(150)
@given(st.lists(any_text, min_size=1, max_size=4))
@example(["1,000.5 of 25.000.000, 0.125", "C++ -5 != 4"])
def test_words_and_marks_equal_the_plain_definition(texts):
    found = content_kernels.words_of(*text_kernels.joined([t.encode() for t in texts]), TABLE)
    for i, text in enumerate(texts):
        plain = text_of(text, TABLE)
        words = range(found.text[i], found.text[i + 1])
        letters = ["".join(map(chr, found.letters[found.start[w] : found.start[w + 1]])) for w in words]
        assert letters == plain.words
        assert found.key[words.start : words.stop].tolist() == [word_key(w) for w in letters]
        told = slice(found.marks[i], found.marks[i + 1])
        columns = (found.place[told].tolist(), found.sure[told].tolist(), found.seen[told].tolist())
        assert list(zip(*columns, strict=True)) == plain.marks.told
        assert found.idle[i].tolist() == [plain.marks.idle_points, plain.marks.idle_minuses]


@examples(150)
@given(st.lists(any_text, min_size=1, max_size=4))
@example(["a.5 a", "a -5", "5.a-b!", "x != y", "\u0665.\u0665"])
def test_the_values_of_a_text_equal_the_plain_definition(texts):
    """Most texts are told to have none by their bytes alone."""
    found = exact_duplicates.values([t.encode() for t in texts], TABLE)
    assert found == [digest(text_of(t, TABLE).marks.told) for t in texts]


def compared_twice(left, right, name):
    """One of the counts, in which the plain definition and its twin agree."""
    words = content_kernels.words_of(*text_kernels.joined([t.encode() for t in (left, right)]), TABLE)
    none = np.zeros(0, np.int64)
    words = content_kernels.with_frames(words, Spans(none, none, np.zeros(3, np.int64)), K)
    counts, _ = content_kernels.content_of_pairs(words, np.array([[0, 1]], np.int32))
    plain = compare(left, right)
    assert counts[0].tolist() == [getattr(plain, name) for name in COUNTS]
    return getattr(plain, name)


PROSE = ["".join(syllables) for syllables in itertools.product("bdgklm", "aeiou", "nrst", "aeo", "p")][::2]


def with_words_more(n, first):
    """PROSE with n words more, the first of which is given."""
    more = {12 * i: first if i == 1 else f"z{'abcdefghij'[i]}zz" for i in range(1, n + 1)}
    return " ".join(w for i, word in enumerate(PROSE) for w in (word, more.get(i)) if w)


@pytest.mark.parametrize(("between", "numbers"), [(8, 1), (9, 2)])
def test_numbers_with_more_than_eight_words_between_them_are_two(between, numbers):
    words = " ".join(PROSE[:between])
    left, right = (f"{BODY}{a} {words} {b} {BODY}" for a, b in ((14, 71), (27, 85)))
    assert compared_twice(left, right, "numbers") == numbers


@pytest.mark.parametrize(("between", "changed"), [(39, 1), (40, 2)])
def test_marks_with_forty_letters_or_more_between_them_are_two(between, changed):
    letters = "".join(PROSE)[: between - 2]  # and the digits after the one point and before the other
    left, right = (f"{BODY}2{p}5 {letters} 4{p}5 {BODY}" for p in (".", ""))
    assert compared_twice(left, right, "doubtful_numbers") == changed


@pytest.mark.parametrize(("words", "numbers"), [(5, 1), (6, 0)])
def test_a_number_among_more_than_five_words_is_none_of_its_own(words, numbers):
    one, other = (
        " ".join(f"{a}{c}{b}" for c in "abcdef"[: words - 1]) for a, b in (("zz", ""), ("y", "qqy"))
    )
    assert compared_twice(f"{BODY}14 {one} {BODY}", f"{BODY}27 {other} {BODY}", "numbers") == numbers


@pytest.mark.parametrize(("places", "denied"), [(7, 1), (8, 0)])
def test_a_negation_among_eight_small_places_was_taken_out_with_other_small_words(places, denied):
    assert compared_twice(" ".join(PROSE), with_words_more(places, "not"), "doubtful_numbers") == denied


def words_key(words):
    h = 1
    for w in words:
        h = fmix64((h * BASE + word_key(w)) & MASK)
    return h >> 32


def frame_key(words):
    return max(1, fmix64((word_key(words[0]) * BASE + word_key(words[1])) & MASK) >> 32) if words else 0


def draw_spans(frames, text):
    """Some stretches of shingles of a text, rising and apart."""
    ends = np.cumsum([n + 1 for n in frames])[: 2 * (len(frames) // 2)]
    pairs = [(int(a), int(b)) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    n = len("".join(text_of(text, TABLE).words)) - K + 1
    return [(a, b) for a, b in pairs if b <= n]


@examples(150)
@given(st.lists(two_texts(), min_size=1, max_size=3), st.lists(st.integers(0, 60), max_size=4))
def test_content_equals_the_plain_definition(pairs, frames):
    texts = [t for pair in pairs for t in pair]
    words = content_kernels.words_of(*text_kernels.joined([t.encode() for t in texts]), TABLE)
    spans = [draw_spans(frames, text) for text in texts]
    starts = np.cumsum([0, *map(len, spans)])
    columns = np.array([s for some in spans for s in some], np.int64).reshape(-1, 2).T
    words = content_kernels.with_frames(words, Spans(*np.ascontiguousarray(columns), starts), K)
    numbers = np.arange(len(texts), dtype=np.int32).reshape(-1, 2)
    numbers = np.concatenate([numbers, numbers[:, ::-1]])
    counts, slots = content_kernels.content_of_pairs(words, numbers)
    for (left, right), count, slot in zip(numbers.tolist(), counts, slots, strict=True):
        plain = compare(texts[left], texts[right], (spans[left], spans[right]))
        assert count.tolist() == [getattr(plain, name) for name in COUNTS]
        expected = np.zeros((4, 4), np.uint32)
        for i, s in enumerate(plain.slots):
            fillers = words_key(s.left.split()), words_key(s.right.split())
            expected[i] = frame_key(s.before), frame_key(s.after), *fillers
        assert slot.tolist() == expected.tolist()


@examples(150)
@given(two_texts())
def test_what_two_texts_say_does_not_hang_on_which_of_them_comes_first(pair):
    words = content_kernels.words_of(*text_kernels.joined([t.encode() for t in pair]), TABLE)
    (one, other), (slots, other_slots) = content_kernels.content_of_pairs(
        words, np.array([[0, 1], [1, 0]], np.int32)
    )
    assert one.tolist() == other[TURNED].tolist()
    assert slots.tolist() == other_slots[:, [0, 1, 3, 2]].tolist()
    assert compare(*pair) == compare(*pair[::-1]).turned()


@examples(150)
@given(two_texts())
def test_differences_cover_what_is_not_the_same(pair):
    left, right = (text_of(t, TABLE).words for t in pair)
    found = differences(left, right)
    i = j = 0
    for d in [*found, (len(left), len(left), len(right), len(right))]:
        assert "".join(left[i : d[0]]) == "".join(right[j : d[2]])
        i, j = d[1], d[3]
