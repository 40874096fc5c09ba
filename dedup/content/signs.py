"""Find the signs between letters that change what a text says: the plain definition.

Letters leave marks out, so 2.5 and 25, -4 and 4, a < b and a > b, C and C++ have the same letters.  A mark is
told by its classes and by its place, the number of letters before it.  `sure` are the classes that are meant
for certain: a point between two digits, a sign before a number, an operator.  `seen` are all that may be
meant, since a copy may have been cut into words anew.  Full stops and hyphens beside a word are idle: they
are counted only, as they show that a text still has its punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..core.hashing import MASK, fmix64
from ..text.normalize import LetterTable
from .words import DECIMALS, letters_at

POINT, MINUS, PLUS, LESS, GREATER, EQUALS, NOT, TIMES, DIVIDED, AND, OR, PERCENT, SHARP, ATTACHED = (
    1 << bit for bit in range(14)
)
CLASSES = {
    **dict.fromkeys(".,·٫", POINT),
    **dict.fromkeys("-−–", MINUS),
    **{"+": PLUS, "<": LESS, ">": GREATER, "=": EQUALS, "!": NOT, "*": TIMES, "×": TIMES, "/": DIVIDED},
    **{"÷": DIVIDED, "&": AND, "|": OR, "%": PERCENT, "#": SHARP},
    **{"≤": LESS | EQUALS, "≥": GREATER | EQUALS, "≠": NOT | EQUALS},
    **{"$": 1 << 14, "€": 1 << 15, "£": 1 << 16, "¥": 1 << 17},
}
CLASSES.update({chr(ord(c) + 0xFEE0): bits for c, bits in CLASSES.items() if c.isascii()})  # full-width forms
OPERATORS = PLUS | LESS | GREATER | EQUALS  # that are meant wherever they stand
CURRENCY = 15 << 14
TELLING = POINT | MINUS | NOT | ATTACHED  # missing in a text, they say something, too
MIN_IDLE = 2  # marks that say nothing and are missing in a text, which was therefore stripped of them
MOST = 8  # marks in a row; more of them are decoration
THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*(?!\d)", re.ASCII)
POINTS = re.compile("[.,]")
BEFORE_SIGN = " ([{=<>:,;*/+^"


class Mark(NamedTuple):
    """A mark after `place` letters: bits of the classes that it certainly has, and that it may have."""

    place: int
    sure: int
    seen: int


class Marks(NamedTuple):
    """The marks of a text in order, and how many full stops or commas, and how many hyphens, are idle."""

    told: list[Mark]
    idle_points: int
    idle_minuses: int


def marks(text: str, table: LetterTable) -> Marks:
    """Find the marks of a text.

    >>> from dedup.text.normalize import letter_table
    >>> found = marks("2.5 or -5, a - b.", letter_table())
    >>> [tuple(m) for m in found.told], found.idle_points, found.idle_minuses
    ([(1, 1, 1), (4, 2, 2)], 2, 1)
    """
    letters, before = letters_at(text, table)
    out = []
    start = idle_points = idle_minuses = 0
    for end in [*(before[1:] > before[:-1]).nonzero()[0].tolist(), len(text)]:
        place = int(before[start])
        left, right = letters[:place][-1:], letters[place : place + 1]
        between = text[start:end]
        sure, seen = classes(between, left, right)
        if not (left in DECIMALS and right in DECIMALS):
            idle_points += sum(CLASSES.get(c) == POINT for c in between)
            seen &= ~POINT
        if right not in DECIMALS:
            idle_minuses += sum(CLASSES.get(c) == MINUS for c in between)
            seen &= ~MINUS
        if seen:
            out.append(Mark(place, sure, seen))
        start = end + 1
    return Marks(out, idle_points, idle_minuses)


def thousands(text: str, table: LetterTable) -> set[int]:
    """Find the points that separate thousands, which another text may leave out.

    >>> from dedup.text.normalize import letter_table
    >>> thousands("1,000.5 of 25.000.000, 0.125", letter_table())
    {1, 12, 9}
    """
    before = letters_at(text, table)[1]
    return {
        int(before[p.start()]) for m in THOUSANDS.finditer(text) for p in POINTS.finditer(text, *m.span())
    }


def classes(between: str, left: str, right: str) -> tuple[int, int]:
    """Return the certain and the possible classes of what is between two letters ("" at an end of the text).

    Marks at the beginning of a line are bullets and signs of quotation, but for a sign.

    >>> classes(".", "2", "5"), classes(". ", "2", "5"), classes("++ ", "c", "i"), classes("\\n> ", "a", "b")
    ((1, 1), (0, 1), (8196, 8196), (0, 0))
    """
    line = _line(between) if left else ""
    found = line.replace(" ", "")
    sure = seen = 0
    if len(found) <= MOST:
        for char in found:
            seen |= CLASSES.get(char, 0)
        sure |= seen & OPERATORS & ~(EQUALS if "===" in found else 0)
        sure |= POINT if len(between) == 1 and seen == POINT and left in DECIMALS and right in DECIMALS else 0
        sure |= NOT if "!=" in found or "≠" in found else 0
        sure |= (TIMES if " * " in line or "×" in line else 0) | (
            DIVIDED if " / " in line or "÷" in line else 0
        )
        sure |= (AND if "&&" in found else 0) | (OR if "||" in found else 0)
        sure |= PERCENT if left in DECIMALS and found[:1] == "%" else 0
        sure |= CLASSES.get(found[:1], 0) & CURRENCY if left in DECIMALS else 0
        if line[:1] in ("+", "#") and (not right or line[-1:] not in ("+", "#")):
            sure |= ATTACHED
        seen |= ATTACHED if seen & (PLUS | SHARP) else 0
    if right in DECIMALS:
        own = MINUS if _is_sign(between, left) else 0
        own |= CLASSES.get(between.rsplit("\n", 1)[-1].rstrip()[-1:], 0) & CURRENCY
        sure, seen = sure | own, seen | own
    return sure, seen


def _line(between: str) -> str:
    """Return what follows a letter on its line, with single spaces."""
    line = between.split("\n", 1)[0]
    return re.sub(r"\s+", " ", line)


def _is_sign(between: str, left: str) -> bool:
    """Tell whether the text before a number ends in a sign after nothing, a space or an opening bracket."""
    before = between[-2:-1]
    opened = before.isspace() or before in BEFORE_SIGN if before else not left
    return between[-1:] in ("-", "−") and opened


def digest(found: Iterable[Mark]) -> int:
    """Return a 64-bit digest of the certain marks and their positions; 0 if there are none."""
    h = 0
    for mark in found:
        if mark.sure:
            h = fmix64(h ^ (mark.place << 18 | mark.sure) & MASK)
    return h


def differ(left: tuple[int, int], right: tuple[int, int], bare_left: int, bare_right: int) -> bool:
    """Tell whether the (sure, seen) classes of two texts differ in meaning where their letters agree.

    One is in the other's place, or one that tells something is missing; not so in a text that is bare of
    such marks, as they were taken out of it (`bare_left`, `bare_right`: those classes, as bits).

    >>> differ((1, 1), (0, 0), 0, 0), differ((1, 1), (0, 0), 0, POINT), differ((8, 8), (16, 16), 0, 0)
    (True, False, True)
    """
    if (left[0] ^ right[0]) == EQUALS and left[0] & right[0] & (LESS | GREATER):
        return True
    for (sure, seen), (_, other), bare in ((left, right, bare_right), (right, left, bare_left)):
        missing = sure & ~other
        if missing & ~bare & TELLING or (missing and other & ~seen & ~POINT):
            return True
    return False


def bare_classes(own: Marks, other: Marks) -> int:
    """Return the classes of marks that were stripped from a text, by comparison with another.

    It has none, and the other has some that say nothing, such as full stops and hyphens.
    """
    idle = {POINT: other.idle_points, MINUS: other.idle_minuses}
    has = {POINT: own.idle_points > 0, MINUS: own.idle_minuses > 0}
    if not own.told and not any(has.values()):
        unsure = sum(m.seen != m.sure for m in other.told)
        return TELLING if unsure + sum(idle.values()) >= MIN_IDLE else 0
    bare = 0
    for bit in (POINT, MINUS, NOT, ATTACHED):
        unsure = sum(bool(m.seen & ~m.sure & bit) for m in other.told) + idle.get(bit, 0)
        if unsure >= MIN_IDLE and not has.get(bit) and not any(m.seen & bit for m in own.told):
            bare |= bit
    return bare
