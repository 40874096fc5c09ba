"""Two texts -> what each says that the other does not: the plain definition.

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

from . import values
from .alignment import Difference, n_letters
from .alike import STEM, digits
from .model import LetterTable
from .normalize import letters
from .sifting import ADDED, HAN_NUMERALS, PASSAGES, REPLACED, Place, places
from .words import DECIMALS, words

NUMBER_WORDS, NUMBER_MORE = 5, 2  # words in a place whose number counts; so many more on one side
APART = 8  # words between two numbers that count as two
MARKS_APART = 40  # letters between two marks that count as two
MANY_SMALL, SMALL_WORDS = 8, 3  # so many places where only a few words are missing: they were taken out
N_SLOTS, FRAME = 4, 2  # where texts differ in more places, these are not kept; words of a frame
HAN_NEGATIONS = frozenset(letters("不没未无非"))
_DENY = (
    *("not no never nor without cannot dont doesnt didnt isnt arent wasnt werent wont cant shouldnt",),
    *("nicht kein keine keinen nie ohne", "ne pas jamais sans", "non mai senza", "nunca sin", "nao sem"),
    *("niet geen nooit", "не нет никогда без"),
)
NEGATIONS = frozenset(word for some in _DENY for word in some.split())
COUNTS = (
    *("letters_left", "letters_right", "only_left", "only_right", "passages", "replaced", "numbers"),
    *("doubtful", "doubtful_numbers", "repeated", "damaged", "words", "places"),
)


class Slot(NamedTuple):
    """A place where two texts differ in a few words: what stands before and after it, and what fills it."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    left: str
    right: str


@dataclass(frozen=True)
class Content:
    """The counts, in letters but for numbers, doubtful_numbers, damaged, words and places, which are counted.

    only_left, only_right: text that the other side does not have.  passages, replaced: of the smaller of
    two passages, or words, that stand in one place.  repeated: of words that differ in the same way twice or
    more, as a name does and damage does not.  damaged: different pairs of words that are one, damaged.
    words: of the shorter text.  places: where the texts differ.  slots: those places, where they are few.
    """

    letters_left: int
    letters_right: int
    only_left: int
    only_right: int
    passages: int
    replaced: int
    numbers: int
    doubtful: int
    doubtful_numbers: int
    repeated: int
    damaged: int
    words: int
    places: int
    slots: list[Slot] = field(default_factory=list)


@dataclass(frozen=True)
class Text:
    """A text as it is compared: its words, and the marks that may tell something."""

    words: list[str]
    marks: values.Marks


def text_of(text: str, table: LetterTable) -> Text:
    """Text -> as it is compared.  A point that sets off thousands need not be there.

    >>> from dedup.normalize import letter_table
    >>> [tuple(m) for m in text_of("1,000.5", letter_table()).marks.told]
    [(1, 0, 1), (4, 1, 1)]
    """
    optional = values.thousands(text, table)
    found = values.marks(text, table)
    told = [m._replace(sure=m.sure & ~values.POINT) if m.place in optional else m for m in found.told]
    return Text(words(text, table).letters, found._replace(told=told))


def content(left: Text, right: Text) -> Content:
    """Two texts -> what each says that the other does not, counted.

    >>> from dedup.normalize import letter_table
    >>> one, other = "Meet Al in room 14, it is -5 C", "meet Bertha in room 41, it is 5 C today"
    >>> found = content(*(text_of(t, letter_table()) for t in (one, other)))
    >>> found.replaced, found.numbers, found.doubtful_numbers, found.only_left, found.only_right
    (4, 1, 1, 0, 9)
    """
    found, n_moved = places(left.words, right.words)
    sides = [(n_letters(p.one), n_letters(p.other), p.smaller) for p in found]
    replaced = [p for p in found if p.kind == REPLACED]
    sure, doubtful = other_numbers(replaced)
    damage = Counter(pair for p in found for pair in p.damage)
    return Content(
        letters_left=n_letters(left.words),
        letters_right=n_letters(right.words),
        only_left=sum(one - smaller for one, _, smaller in sides),
        only_right=sum(other - smaller for _, other, smaller in sides),
        passages=sum(p.smaller for p in found if p.kind == PASSAGES),
        replaced=sum(min(n_letters(p.left), n_letters(p.right)) for p in replaced),
        numbers=sure,
        doubtful=sum(min(len(a), len(b)) for p in replaced for a, b in p.doubtful),
        doubtful_numbers=doubtful + negations(found) + changed_marks(left, right, [p.at for p in found]),
        repeated=sum(n * min(map(len, pair)) for pair, n in damage.items() if n > 1),
        damaged=len(damage),
        words=min(len(left.words), len(right.words)),
        places=len(found),
        slots=[] if n_moved else slots(left.words, right.words, found),
    )


# ------------------------------------------------------------------ numbers, negations, marks


def other_numbers(replaced: Sequence[Place]) -> tuple[int, int]:
    """Places where words stand for others -> in how many another number stands, for certain and perhaps.

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


def _other_number(place: Place) -> tuple[bool, bool]:
    """Whether another number stands in a place that is small enough for it to be what the place says."""
    n, m = len(place.one), len(place.other)
    if not place.fills_slot or max(n, m) > NUMBER_WORDS or abs(n - m) > NUMBER_MORE:
        return False, False
    one, other = numerals(place.left), numerals(place.right)
    return bool(one and other and one != other), any(digits(a) and digits(b) for a, b in place.doubtful)


def numerals(words: Sequence[str]) -> str:
    """Words -> their digits and Han numerals."""
    return "".join(c for word in words for c in word if c in DECIMALS or c in HAN_NUMERALS)


def negations(found: Sequence[Place]) -> int:
    """In how many places only a word is missing that denies, unless all such small words were taken out."""
    small = [[*p.one, *p.other] for p in found if p.kind == ADDED]
    small = [words for words in small if 0 < len(words) <= SMALL_WORDS]
    n = sum(any(w in NEGATIONS or w[0] in HAN_NEGATIONS for w in words) for words in small)
    return 0 if len(small) >= max(MANY_SMALL, 4 * n) else n


def changed_marks(left: Text, right: Text, found: Sequence[Difference]) -> int:
    """In how many places signs, points and operators say something else where the letters of two texts agree.

    Those with less than `MARKS_APART` letters between them are one place.
    """
    bare = values.bare_classes(left.marks, right.marks), values.bare_classes(right.marks, left.marks)
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
            if values.differ(in_left.get(p, (0, 0)), in_right.get(p - a + b, (0, 0)), *bare)
        ]
        a, b = ends_left[d.i2], ends_right[d.j2]
    return sum(p - before >= MARKS_APART for before, p in pairwise([-MARKS_APART, *changed]))


# ------------------------------------------------------------------ slots


def slots(left: Sequence[str], right: Sequence[str], found: Sequence[Place]) -> list[Slot]:
    """The places where two texts differ, as slots; none unless all of them are, and they are few."""
    if any(kind == STEM for place in found for *_, kind in place.alike):
        return []
    there = [place for place in found if place.kind != ADDED or place.damage]
    out = [slot for place in there if (slot := slot_of(left, right, place))]
    return out if len(out) == len(there) <= N_SLOTS else []


def slot_of(left: Sequence[str], right: Sequence[str], place: Place) -> Slot | None:
    """A place -> the slot that it is, without the words before or after it where those are not the same."""
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
