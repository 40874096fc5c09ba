"""What stands between two letters -> its classes: the compiled twin of values.classes."""

from __future__ import annotations

import re

import numpy as np

from ...core.jit import I64, inner
from .. import signs
from ..words import DECIMALS

SPACE = 32
_SPACES = np.array(sorted(ord(c) for c in map(chr, range(0x3001)) if re.match(r"\s", c)), np.int32)
_OTHER_MARKS = np.array(
    [[ord(c), bits] for c, bits in sorted(signs.CLASSES.items()) if ord(c) > 127], np.int32
)
_ASCII_MARKS = np.array([signs.CLASSES.get(chr(c), 0) for c in range(128)], np.int32)
_BEFORE_SIGN = np.array([ord(c) for c in signs.BEFORE_SIGN], np.int32)
_DECIMALS = np.array([chr(c) in DECIMALS for c in range(0x2000)])


@inner
def is_decimal(letter: int) -> bool:
    return letter < len(_DECIMALS) and _DECIMALS[letter]


@inner
def is_space(c: int) -> bool:
    if c < 128:
        return c == SPACE or 9 <= c <= 13 or 28 <= c <= 31
    for space in _SPACES:
        if c == space:
            return True
    return False


@inner
def mark_class(c: int) -> np.int64:
    if c < 128:
        return I64(_ASCII_MARKS[c])
    for i in range(len(_OTHER_MARKS)):
        if c == _OTHER_MARKS[i, 0]:
            return I64(_OTHER_MARKS[i, 1])
    return I64(0)


@inner
def classes(line, n_line, n_found, between, broken, last, before_last, tail, left, right):  # type: ignore[no-untyped-def]
    """What stands between two letters, -1 at an end of the text -> its classes; see values.classes."""
    sure = seen = I64(0)
    after_number, before_number = left >= 0 and is_decimal(left), right >= 0 and is_decimal(right)
    if left >= 0 and n_found <= signs.MOST:
        equals = most = 0
        first = I64(-1)
        for i in range(n_line):
            c = line[i]
            if c == SPACE:
                continue
            if first < 0:
                first = c
            kind = mark_class(c)
            seen |= kind
            equals = equals + 1 if c == 61 else 0
            most = max(most, equals)
            follower = I64(-1)
            for j in range(i + 1, n_line):
                if line[j] != SPACE:
                    follower = line[j]
                    break
            if (c == 33 and follower == 61) or c == 0x2260:
                sure |= signs.NOT
            spaced = 0 < i < n_line - 1 and line[i - 1] == SPACE and line[i + 1] == SPACE
            if (c == 42 and spaced) or c == 0xD7:
                sure |= signs.TIMES
            if (c == 47 and spaced) or c == 0xF7:
                sure |= signs.DIVIDED
            if c == 38 and follower == 38:
                sure |= signs.AND
            if c == 124 and follower == 124:
                sure |= signs.OR
        sure |= seen & signs.OPERATORS & ~(signs.EQUALS if most >= 3 else 0)
        if between == 1 and seen == signs.POINT and after_number and before_number:
            sure |= signs.POINT
        if after_number and first == 37:
            sure |= signs.PERCENT
        if after_number and first >= 0:
            sure |= mark_class(first) & signs.CURRENCY
        if (
            n_line
            and (line[0] == 43 or line[0] == 35)
            and (right < 0 or not (line[n_line - 1] == 43 or line[n_line - 1] == 35))
        ):
            sure |= signs.ATTACHED
        if seen & (signs.PLUS | signs.SHARP):
            seen |= signs.ATTACHED
    if before_number:
        own = I64(0)
        if last == 45 or last == 0x2212:
            opened = left < 0
            if between > 1:
                opened = is_space(before_last)
                for c in _BEFORE_SIGN:
                    opened = opened or before_last == c
            if opened:
                own |= signs.MINUS
        if tail >= 0:
            own |= mark_class(tail) & signs.CURRENCY
        sure, seen = sure | own, seen | own
    seen &= ~(0 if after_number and before_number else signs.POINT)
    seen &= ~(0 if before_number else signs.MINUS)
    return sure, seen
