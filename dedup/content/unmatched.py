"""Classify the unmatched words of two texts as equal, damaged, doubtful or different: the plain definition.

A word that stands on both sides of a place is no difference there, nor is a passage that stands elsewhere in
the other text.  What is left of a place are words of one side or of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..text.normalize import letters
from ..text.scripts import is_unspaced
from .alignment import Difference, differences, moved, n_letters
from .lookalikes import ALIKE_JOINED, DAMAGED, DOUBTFUL, LONGEST, OTHER, SAME, agree, alike, digits, folded
from .words import DECIMALS

AHEAD = 6  # words of the other side among which the counterpart of a word is searched for
FEW_MOVED = 10  # from moved passages of a tenth of a text on, words that occur anywhere else are not lost
SILENT = 4  # words of a place in which boilerplate counts for nothing
EDGE = 3  # words next to boilerplate that may belong to it
PASSAGE, PASSAGE_UNSPACED = 8, 12  # words of a passage; characters, in scripts without spaces
SLOT_TIMES, SLOT_MORE = 3, 8  # a slot may be filled so many times as long, and so many letters more
HAN_NUMERALS = frozenset(letters("〇一二三四五六七八九十百千万"))

ADDED, SPELLED, PASSAGES, REPLACED = range(4)  # what a place is


@dataclass
class UnmatchedPlace:
    """What was found in one place; `left` and `right` are the words of one side only."""

    at: Difference
    left: list[str]
    right: list[str]
    alike: list[tuple[str, str, int]] = field(default_factory=list)
    doubtful: list[tuple[str, str]] = field(default_factory=list)

    @property
    def one(self) -> list[str]:
        """Return the words of the left side without a certain counterpart."""
        return [*self.left, *(a for a, _ in self.doubtful)]

    @property
    def other(self) -> list[str]:
        """Return the words of the right side without a certain counterpart."""
        return [*self.right, *(b for _, b in self.doubtful)]

    @property
    def smaller(self) -> int:
        """Return the number of letters of the side with fewer."""
        return min(n_letters(self.one), n_letters(self.other))

    @property
    def damage(self) -> list[tuple[str, str]]:
        """Return the pairs of words that are one word, damaged."""
        return [(a, b) for a, b, kind in self.alike if kind == DAMAGED]

    @property
    def kind(self) -> int:
        """Return ADDED where only one side has words left; SPELLED, PASSAGES or REPLACED where both have."""
        if not self.smaller:
            return ADDED
        if respelled(self.one, self.other):
            return SPELLED
        return PASSAGES if is_passage(self.one) and is_passage(self.other) else REPLACED

    @property
    def fills_slot(self) -> bool:
        """Tell whether both sides may fill one slot of a form: neither is many times as long as the other."""
        one, other = n_letters(self.one), n_letters(self.other)
        return self.kind == REPLACED and max(one, other) <= SLOT_TIMES * min(one, other) + SLOT_MORE

    def more(
        self, left: Sequence[str], right: Sequence[str]
    ) -> tuple[list[str], Sequence[str], int, int] | None:
        """Return the words that one text adds, that text, and their range in it; or None."""
        if self.kind != ADDED or self.alike or not (self.left or self.right):
            return None
        if self.left:
            return self.left, left, self.at.i1, self.at.i2
        return self.right, right, self.at.j1, self.at.j2


def places(
    left: Sequence[str], right: Sequence[str], framed_left: Sequence[bool], framed_right: Sequence[bool]
) -> tuple[list[UnmatchedPlace], int, tuple[int, int]]:
    """Return what differs in the words of two texts, place by place; the letters that moved; those left out.

    Words that are boilerplate (framed) are left out where there are many: a stock phrase with another word
    in it, or a word more, still says something else, however many documents have either.
    """
    found = differences(left, right)
    gone, come = moved(left, right, found)
    n_moved = min(n_letters([left[i] for i in gone]), n_letters([right[j] for j in come]))
    left_out, right_out = set(), set()
    for d in found:
        if max(d.i2 - d.i1, d.j2 - d.j1) >= SILENT:
            left_out |= _in_frame(framed_left, d.i1, d.i2) - gone
            right_out |= _in_frame(framed_right, d.j1, d.j2) - come
    silent = n_letters([left[i] for i in left_out]), n_letters([right[j] for j in right_out])
    gone, come = gone | left_out, come | right_out
    sides = [
        (
            [left[i] for i in range(d.i1, d.i2) if i not in gone],
            [right[j] for j in range(d.j1, d.j2) if j not in come],
        )
        for d in found
    ]
    _without_cut_words(sides, found, len(left), len(right))
    if n_moved and FEW_MOVED * n_moved >= min(n_letters(left), n_letters(right)):
        sides = _without_common(sides)
    return [sifted(d, *side) for d, side in zip(found, sides, strict=True)], n_moved, silent


def _in_frame(framed: Sequence[bool], start: int, end: int) -> set[int]:
    """Return the words of a place that are boilerplate, or next to it, as its ends are not exact."""
    return {i for i in range(start, end) if any(framed[max(start, i - EDGE) : min(end, i + EDGE + 1)])}


def _without_cut_words(
    sides: list[tuple[list[str], list[str]]], found: Sequence[Difference], n: int, m: int
) -> None:
    """Remove the last or first word of a text if it is a cut piece of the word there in the other text."""
    for (left, right), d in zip(sides, found, strict=True):
        ends_left, ends_right = (d.i1 == 0, d.i2 == n), (d.j1 == 0, d.j2 == m)
        for mine, other, (first, last) in ((left, right, ends_left), (right, left, ends_right)):
            if len(mine) != 1 or len(other) < 2 or digits(mine[0]):
                continue
            if (first and other[-1].endswith(mine[0])) or (last and other[0].startswith(mine[0])):
                mine.clear()


def _without_common(sides: list[tuple[list[str], list[str]]]) -> list[tuple[list[str], list[str]]]:
    """Remove the words that occur in any place of the other side."""
    both = Counter(w for left, _ in sides for w in left) & Counter(w for _, right in sides for w in right)
    rest = both.copy(), both.copy()

    def kept(words: list[str], free: Counter[str]) -> list[str]:
        out = []
        for word in words:
            if free[word] > 0:
                free[word] -= 1
            else:
                out.append(word)
        return out

    return [(kept(left, rest[0]), kept(right, rest[1])) for left, right in sides]


# ------------------------------------------------------------------ one place


def sifted(at: Difference, left: Sequence[str], right: Sequence[str]) -> UnmatchedPlace:
    """Classify the words in one place: equal, doubtful, and of one side only."""
    place = UnmatchedPlace(at, [], [])
    if not left or not right:
        place.left, place.right = list(left), list(right)
        return place
    near = passed = 0  # the word after the last twin; words since then that have none
    for word in left:
        best, twin = OTHER, -1
        ahead = passed + 1 if DECIMALS.issuperset(word) else AHEAD  # a row of figures may not skip any
        for i in range(near, min(len(right), near + ahead)):
            kind = alike(word, right[i])
            if kind < best:
                best, twin = kind, i
            if kind <= DAMAGED:
                break
        if best == OTHER:
            place.left.append(word)
            passed += 1
            continue
        if best == DOUBTFUL:
            place.doubtful.append((word, right[twin]))
        elif best > SAME:
            place.alike.append((word, right[twin], best))
        place.right += right[near:twin]
        near, passed = twin + 1, 0
    place.right += right[near:]
    _taken_as_one(place)
    return place


def _taken_as_one(place: UnmatchedPlace) -> None:
    """Tell whether the rest of both sides may be one damaged word, cut in two."""
    one, other = "".join(place.left), "".join(place.right)
    if not one or not other or max(len(one), len(other)) > LONGEST or digits(one) != digits(other):
        return
    if folded(one) == folded(other) or agree(one, other, ALIKE_JOINED):
        place.alike.append((one, other, DAMAGED))
        place.left, place.right = [], []


def is_kana(word: str) -> bool:
    """Tell whether a word is a kana."""
    return 0x3040 <= ord(word[0]) < 0x3100


def respelled(left: Sequence[str], right: Sequence[str]) -> bool:
    """Tell whether a difference is one of spelling: one character for another, or a few with kana."""
    if not any(is_unspaced(word[0]) for word in (*left, *right)) or any(
        DECIMALS.issuperset("".join(side)) for side in (left, right)
    ):
        return False
    if all(word[0] in HAN_NUMERALS for word in (*left, *right)):
        return False
    few = max(len(left), len(right))
    return few <= 1 or (few <= 3 and any(map(is_kana, (*left, *right))))


def is_passage(words: Sequence[str]) -> bool:
    """Tell whether words are many enough for a passage."""
    return len(words) >= (PASSAGE_UNSPACED if is_unspaced(words[0][0]) else PASSAGE)
