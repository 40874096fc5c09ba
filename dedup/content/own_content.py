"""Compare two texts: what each says that the other does not, in its plain definition.

The texts are aligned, and what stands where they differ is sifted.  Dress and damage come first: the same
letters in other words, a stem, a typing or scanning error.  What is left is content: a passage in the place
of another passage, a word in the place of another word, another number, or text that only one of the two
has.  What looks like damage and may be a name (a short word, a number with one digit less) is doubtful: it
counts unless the two texts show damage elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NamedTuple

from ..core.pairs import COUNTS, TURNED
from ..text.normalize import LetterTable, letters
from . import signs
from .alignment import Difference, n_letters
from .lookalikes import DAMAGED, STEM, digits
from .unmatched import ADDED, HAN_NUMERALS, PASSAGES, REPLACED, UnmatchedPlace, places
from .words import DECIMALS, comes_second, words

NUMBER_WORDS, NUMBER_MORE = 5, 2  # words in a place whose number counts; so many more on one side
APART = 8  # words between two numbers that count as two
MARKS_APART = 40  # letters between two marks that count as two
MANY_SMALL, SMALL_WORDS, SMALL_SHARE = 8, 3, 10  # places where only 3 words are missing: 8, 1 in 10 words
STEMMED, STEMMED_SHARE = 8, 50  # different stems of a stemmed text: so many, and one in so many words
RECURS = 2  # times that words stand on one side beside the same word
NAME_SHARE = 3  # of small places with the same word beside the same word: 1 in 3, and it is a name
N_SLOTS, FRAME = 4, 2  # where texts differ in more places, these are not kept; words of a frame
HAN_NEGATIONS = frozenset(letters("不没未无非"))
_DENY = (
    *("not no never nor without cannot dont doesnt didnt isnt arent wasnt werent wont cant shouldnt",),
    *("nicht kein keine keinen nie ohne", "ne pas jamais sans", "non mai senza", "nunca sin", "nao sem"),
    *("niet geen nooit", "не нет никогда без"),
)
NEGATIONS = frozenset(word for some in _DENY for word in some.split())


class Slot(NamedTuple):
    """A place where two texts differ in a few words: the words before, after and in it."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    left: str
    right: str


@dataclass(frozen=True)
class Content:
    """Counts of what differs, in letters, but numbers, damaged words, words and places are counted.

    Boilerplate is left out of all but the last two.  letters_left, letters_right: of the text.
    only_left, only_right: text that the other side does not have.  passages, replaced, lopsided: of the
    smaller of two passages, of words for about as many others, of words for many more.  repeated: of words
    that differ in the same way twice or more, as a name does and damage does not, and of stems in a text that
    is not stemmed.  inserted: of words that
    only one side has and that recur beside the same word, as in gcloud, gcloud beta.  damaged: pairs of words
    that are one, damaged, and differ so once.  words: of the shorter text.  places: where the texts differ.
    slots: those places, where they are few.  silent_left, silent_right: boilerplate that the other side does
    not have.  The others are 0 here; see the module `noise`.
    """

    letters_left: int
    letters_right: int
    only_left: int
    only_right: int
    passages: int
    replaced: int
    lopsided: int
    numbers: int
    doubtful: int
    doubtful_numbers: int
    repeated: int
    inserted: int
    damaged: int
    words: int
    places: int
    silent_left: int
    silent_right: int
    errors: int = 0
    noise: int = 0
    grams_left: int = 0
    grams_right: int = 0
    slots: list[Slot] = field(default_factory=list)

    def turned(self) -> Content:
        """Return the counts with left and right exchanged."""
        counts = {COUNTS[i]: getattr(self, COUNTS[j]) for i, j in enumerate(TURNED)}
        return Content(**counts, slots=[s._replace(left=s.right, right=s.left) for s in self.slots])


@dataclass(frozen=True)
class PreparedText:
    """A text prepared for comparison: its words, the signs that may matter, and boilerplate."""

    words: list[str]
    marks: signs.Marks
    framed: list[bool]

    @property
    def own_letters(self) -> int:
        """Return the number of letters in words that are no boilerplate."""
        return n_letters([w for w, framed in zip(self.words, self.framed, strict=True) if not framed])


def text_of(text: str, table: LetterTable, spans: Sequence[tuple[int, int]] = (), k: int = 1) -> PreparedText:
    """Prepare a text for comparison.  A point that separates thousands is optional.

    A word is boilerplate that lies in shingles start..end - 1 of k letters for one (start, end) of `spans`.

    >>> from dedup.text.normalize import letter_table
    >>> [tuple(m) for m in text_of("1,000.5", letter_table()).marks.told]
    [(1, 0, 1), (4, 1, 1)]
    """
    optional = signs.thousands(text, table)
    found = signs.marks(text, table)
    told = [m._replace(sure=m.sure & ~signs.POINT) if m.place in optional else m for m in found.told]
    mine = words(text, table).letters
    ends = list(accumulate(map(len, mine)))
    places = zip([0, *ends], ends, strict=False)
    framed = [any(start <= a and b <= end + k - 1 for start, end in spans) for a, b in places]
    return PreparedText(mine, found._replace(told=told), framed)


def content(left: PreparedText, right: PreparedText) -> Content:
    """Count what each of two texts says that the other does not.

    >>> from dedup.text.normalize import letter_table
    >>> one, other = "Meet Al in room 14, it is -5 C", "meet Bertha in room 41, it is 5 C today"
    >>> found = content(*(text_of(t, letter_table()) for t in (one, other)))
    >>> found.replaced, found.numbers, found.doubtful_numbers, found.only_left, found.only_right
    (4, 1, 1, 0, 9)
    """
    if comes_second(left.words, right.words):
        return content(right, left).turned()
    found, n_moved, silent = places(left.words, right.words, left.framed, right.framed)
    sides = [(n_letters(p.one), n_letters(p.other), p.smaller) for p in found]
    lopsided = [p for p in found if p.kind == REPLACED and not p.fills_slot]
    replaced = [p for p in found if p.fills_slot]
    names = Counter((" ".join(p.one), " ".join(p.other)) for p in lopsided)
    renamed = sum(p.smaller for p in lopsided if names[" ".join(p.one), " ".join(p.other)] > 1)
    n_words = min(len(left.words), len(right.words))
    sure, doubtful = other_numbers(replaced)
    damage = Counter((a, b) for p in found for a, b, kind in p.alike if kind == DAMAGED)
    stems = Counter((a, b) for p in found for a, b, kind in p.alike if kind == STEM)
    is_stemmed = len(stems) >= STEMMED and STEMMED_SHARE * len(stems) >= n_words
    return Content(
        letters_left=left.own_letters,
        letters_right=right.own_letters,
        only_left=sum(one - smaller for one, _, smaller in sides),
        only_right=sum(other - smaller for _, other, smaller in sides),
        passages=sum(p.smaller for p in found if p.kind == PASSAGES),
        replaced=sum(min(n_letters(p.left), n_letters(p.right)) for p in replaced) + renamed,
        lopsided=sum(p.smaller for p in lopsided) - renamed,
        numbers=sure,
        doubtful=sum(min(len(a), len(b)) for p in replaced for a, b in p.doubtful),
        doubtful_numbers=doubtful
        + negations(found)
        + changed_marks(left, right, [p.at for p in found])
        + sum(is_number_more(left.words, right.words, p) for p in found),
        repeated=repeated(damage) + (0 if is_stemmed else repeated(stems, 1)),
        inserted=inserted(left.words, right.words, found),
        damaged=sum(n == 1 for n in damage.values()),
        words=n_words,
        places=len(found),
        silent_left=silent[0],
        silent_right=silent[1],
        slots=[] if n_moved else slots(left.words, right.words, found),
    )


# ------------------------------------------------------------------ what recurs


def taken_out(n_small: int, n_words: int) -> bool:
    """Tell whether the many places with a few missing words come from stop words that were removed.

    Where they are at nearly every word, it is rather that the other text has a tag for each.
    """
    return n_small >= MANY_SMALL and n_words <= SMALL_SHARE * n_small and 5 * n_small < 4 * n_words


def is_number_more(left: Sequence[str], right: Sequence[str], place: UnmatchedPlace) -> bool:
    """Tell whether one side has a few more numbers among numbers, as in a row of figures.

    >>> from dedup.content.unmatched import places
    >>> one, other = "rows 1 2 3".split(), "rows 1 7 2 3".split()
    >>> [is_number_more(one, other, p) for p in places(one, other, [False] * 4, [False] * 5)[0]]
    [True]
    """
    found = place.more(left, right)
    if found is None:
        return False
    words, text, start, end = found
    if len(words) > NUMBER_WORDS or not DECIMALS.issuperset("".join(words)):
        return False
    return start > 0 and end < len(text) and bool(digits(text[start - 1]) and digits(text[end]))


def repeated(pairs: Counter[tuple[str, str]], times: int = 2) -> int:
    """Count the letters of pairs of words that recur, by the shorter word."""
    return sum(n * min(map(len, pair)) for pair, n in pairs.items() if n >= times)


def inserted(left: Sequence[str], right: Sequence[str], found: Sequence[UnmatchedPlace]) -> int:
    """Count the letters of words that recur on one side only, next to the same word."""
    beside: Counter[tuple[bool, bool, str, tuple[str, ...]]] = Counter()
    n_small = 0
    for place in found:
        more = place.more(left, right)
        if more is None or len(more[0]) > SMALL_WORDS:
            continue
        n_small += 1
        words, text, start, end = more
        if start:
            beside[text is left, False, text[start - 1], tuple(words)] += 1
        if end < len(text):
            beside[text is left, True, text[end], tuple(words)] += 1
    most = max(beside.values(), default=0)
    is_name = NAME_SHARE * most >= n_small  # what is taken out is of many kinds
    if most < RECURS or (taken_out(n_small, min(len(left), len(right))) and not is_name):
        return 0
    return most * max(n_letters(words) for (*_, words), n in beside.items() if n == most)


# ------------------------------------------------------------------ numbers, negations, marks


def other_numbers(replaced: Sequence[UnmatchedPlace]) -> tuple[int, int]:
    """Count the places with another number, certain and doubtful, among places of about as many words.

    Those with less than `APART` words between them are one place.
    """
    counts = [0, 0]
    last = -1 - APART
    for place in replaced:
        sure, doubtful = _other_number(place)
        if sure or doubtful:
            if place.at.i1 - last > APART:
                counts[not sure] += 1
            last = place.at.i2
    return counts[0], counts[1]


def _other_number(place: UnmatchedPlace) -> tuple[bool, bool]:
    """Tell whether a small place has another number on each side."""
    n, m = len(place.one), len(place.other)
    if max(n, m) > NUMBER_WORDS or abs(n - m) > NUMBER_MORE:
        return False, False
    one, other = numerals(place.left), numerals(place.right)
    return bool(one and other and one != other), any(digits(a) and digits(b) for a, b in place.doubtful)


def numerals(words: Sequence[str]) -> str:
    """Return the digits and Han numerals of words."""
    return "".join(c for word in words for c in word if c in DECIMALS or c in HAN_NUMERALS)


def negations(found: Sequence[UnmatchedPlace]) -> int:
    """Count the places where only a negation is missing, unless stop words were removed."""
    small = [[*p.one, *p.other] for p in found if p.kind == ADDED]
    small = [words for words in small if 0 < len(words) <= SMALL_WORDS]
    n = sum(any(w in NEGATIONS or w[0] in HAN_NEGATIONS for w in words) for words in small)
    return 0 if len(small) >= max(MANY_SMALL, 4 * n) else n


def changed_marks(left: PreparedText, right: PreparedText, found: Sequence[Difference]) -> int:
    """Count the places where signs, points or operators differ though the letters agree.

    Those with less than `MARKS_APART` letters between them are one place.
    """
    bare = signs.bare_classes(left.marks, right.marks), signs.bare_classes(right.marks, left.marks)
    in_left, in_right = ({m.place: (m.sure, m.seen) for m in side.marks.told} for side in (left, right))
    ends_left, ends_right = ([0, *accumulate(map(len, side.words))] for side in (left, right))
    changed: list[int] = []
    a = b = 0
    for d in [*found, Difference(len(left.words), len(left.words), len(right.words), len(right.words))]:
        first = a + (a > 0 or b > 0)  # next to a difference, a mark may belong to it
        last = ends_left[d.i1] + (d.i1 == len(left.words) and d.j1 == len(right.words))
        there = {p for p in in_left if first <= p < last} | {
            p - b + a for p in in_right if first <= p - b + a < last
        }
        changed += [
            p
            for p in sorted(there)
            if signs.differ(in_left.get(p, (0, 0)), in_right.get(p - a + b, (0, 0)), *bare)
        ]
        a, b = ends_left[d.i2], ends_right[d.j2]
    return sum(p - before >= MARKS_APART for before, p in pairwise([-MARKS_APART, *changed]))


# ------------------------------------------------------------------ slots


def slots(left: Sequence[str], right: Sequence[str], found: Sequence[UnmatchedPlace]) -> list[Slot]:
    """Return the places where two texts differ as slots; none unless all are slots, and few."""
    if any(kind == STEM for place in found for *_, kind in place.alike):
        return []
    there = [place for place in found if place.kind != ADDED or place.damage]
    out = [slot for place in there if (slot := slot_of(left, right, place))]
    return out if len(out) == len(there) <= N_SLOTS else []


def slot_of(left: Sequence[str], right: Sequence[str], place: UnmatchedPlace) -> Slot | None:
    """Return the slot of a place, without words before or after it that differ."""
    if place.kind != ADDED and not place.fills_slot:
        return None
    i1, i2, j1, j2 = place.at
    before, after = tuple(left[max(0, i1 - FRAME) : i1]), tuple(left[i2 : i2 + FRAME])
    if before != tuple(right[max(0, j1 - FRAME) : j1]) or len(before) < FRAME:
        before = ()
    if after != tuple(right[j2 : j2 + FRAME]) or len(after) < FRAME:
        after = ()
    if place.one or place.other:
        return Slot(before, after, " ".join(place.one), " ".join(place.other))
    return Slot(before, after, *place.damage[0]) if len(place.damage) == 1 else None
