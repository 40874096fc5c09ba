"""What marks say in two texts: the compiled twin of values.differ and content.changed_marks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I64, U64, inner, jit
from ...text.kernels.utf8 import fmix64
from .. import own_content, signs
from .words import WordArrays

MARKS_APART, MIN_IDLE = own_content.MARKS_APART, signs.MIN_IDLE


def value_digests(texts: WordArrays) -> NDArray[np.uint64]:
    """Words and marks of n texts -> values.digest of each, uint64[n]."""
    return _value_digests(texts.place, texts.sure, texts.marks)


_OFTEN_SILENT = "-.,"  # they tell something before a digit only
_MAY_TELL = np.zeros(256, np.uint8)  # of a byte: 1 if it may, 2 if it may before a digit
for _mark in signs.CLASSES:
    if _mark.isascii() and _mark != "!":  # != has = as well
        _MAY_TELL[ord(_mark)] = 2 if _mark in _OFTEN_SILENT else 1
_MAY_TELL[128:] = 1


@jit("const uint8[:]", "int64[:]")
def may_have_values(buffer: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """n texts in UTF-8 -> whether there is any byte that may give them a digest of their values, bool[n]."""
    out = np.zeros(len(starts) - 1, np.bool_)
    for t in range(len(out)):
        for i in range(starts[t], starts[t + 1]):
            kind = _MAY_TELL[buffer[i]]
            if kind == 1 or (kind == 2 and i + 1 < starts[t + 1] and 48 <= buffer[i + 1] <= 57):
                out[t] = True
                break
    return out


@jit("int64[:]", "int32[:]", "int64[:]")
def _value_digests(place, sure, marks):  # type: ignore[no-untyped-def]
    out = np.zeros(len(marks) - 1, U64)
    for t in range(len(out)):
        for m in range(marks[t], marks[t + 1]):
            if sure[m]:
                out[t] = fmix64(out[t] ^ U64(place[m] << 18 | sure[m]))
    return out


@inner
def _bare(sure, seen, own, own_end, own_idle, other, other_end, other_idle):  # type: ignore[no-untyped-def]
    """See values.bare_classes."""
    there = I64(0)
    for m in range(own, own_end):
        there |= seen[m]
    if own == own_end and own_idle[0] == 0 and own_idle[1] == 0:
        unsure = other_idle[0] + other_idle[1]
        for m in range(other, other_end):
            unsure += sure[m] != seen[m]
        return I64(signs.TELLING if unsure >= MIN_IDLE else 0)
    there |= (signs.POINT if own_idle[0] else 0) | (signs.MINUS if own_idle[1] else 0)
    bare = I64(0)
    for bit in (signs.POINT, signs.MINUS, signs.NOT, signs.ATTACHED):
        if there & bit:
            continue
        unsure = other_idle[0] if bit == signs.POINT else other_idle[1] if bit == signs.MINUS else 0
        for m in range(other, other_end):
            unsure += (seen[m] & ~sure[m] & bit) != 0
        if unsure >= MIN_IDLE:
            bare |= bit
    return bare


@inner
def _differ(sure_left, seen_left, sure_right, seen_right, bare_left, bare_right):  # type: ignore[no-untyped-def]
    """See values.differ."""
    if (sure_left ^ sure_right) == signs.EQUALS and (
        sure_left & sure_right & (signs.LESS | signs.GREATER)
    ) != 0:
        return True
    lacks = sure_left & ~seen_right
    if (lacks & ~bare_right & signs.TELLING) != 0 or (
        lacks != 0 and (seen_right & ~seen_left & ~signs.POINT) != 0
    ):
        return True
    lacks = sure_right & ~seen_left
    return (lacks & ~bare_left & signs.TELLING) != 0 or (
        lacks != 0 and (seen_left & ~seen_right & ~signs.POINT) != 0
    )


@inner
def changed_marks(texts, left, right, found):  # type: ignore[no-untyped-def]
    """Texts `left` and `right`, where they differ int32[n, 4] -> see content.changed_marks."""
    place, sure, seen, marks, idle = texts.place, texts.sure, texts.seen, texts.marks, texts.idle
    start, text = texts.start, texts.text
    p, p_end, q, q_end = marks[left], marks[left + 1], marks[right], marks[right + 1]
    if p == p_end and q == q_end:
        return 0
    bare_left = _bare(sure, seen, p, p_end, idle[left], q, q_end, idle[right])
    bare_right = _bare(sure, seen, q, q_end, idle[right], p, p_end, idle[left])
    x, y = text[left], text[right]
    n_x, n_y = text[left + 1] - x, text[right + 1] - y
    n, last, a, b = 0, -MARKS_APART, 0, 0
    for d in range(len(found) + 1):
        i1, i2, j1, j2 = n_x, n_x, n_y, n_y
        if d < len(found):
            i1, i2, j1, j2 = found[d, 0], found[d, 1], found[d, 2], found[d, 3]
        begin = a + (1 if a > 0 or b > 0 else 0)
        end = start[x + i1] - start[x] + (1 if i1 == n_x and j1 == n_y else 0)
        while p < p_end and place[p] < begin:
            p += 1
        while q < q_end and place[q] - b + a < begin:
            q += 1
        while True:
            on_left = p < p_end and place[p] < end
            on_right = q < q_end and place[q] - b + a < end
            if not on_left and not on_right:
                break
            at = place[p] if on_left else place[q] - b + a
            if on_right:
                at = min(at, place[q] - b + a)
            sure_left = seen_left = sure_right = seen_right = I64(0)
            if on_left and place[p] == at:
                sure_left, seen_left, p = I64(sure[p]), I64(seen[p]), p + 1
            if on_right and place[q] - b + a == at:
                sure_right, seen_right, q = I64(sure[q]), I64(seen[q]), q + 1
            if _differ(sure_left, seen_left, sure_right, seen_right, bare_left, bare_right):
                n += at - last >= MARKS_APART
                last = at
        a, b = start[x + i2] - start[x], start[y + j2] - start[y]
    return n
