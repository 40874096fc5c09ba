"""Texts -> their words and marks as arrays: the compiled twin of words and values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.features import Spans
from ...core.jit import BASE, I64, U64, inner, jit
from ...text.kernels.letters import code_point
from ...text.kernels.simd import LANES, count_bits, first_bit, leading_zeros, squeeze, word_masks
from ...text.kernels.utf8 import fmix64, is_unspaced, powers
from .. import signs
from .sign_classes import SPACE, classes, is_decimal, is_space, mark_class

INSIDE = 4  # in LetterTable.packed: the character does not end a word
TWICE = 16
BREAK = 10
ROOM = 24  # of a line between two letters that is looked at
_POWERS = powers(31)


class WordArrays(NamedTuple):
    """The words of n texts, one text after the other.

    letters int32[n_letters] are the code points; word i has letters[start[i]:start[i + 1]], key[i] stands for
    it; text t has the words text[t]..text[t + 1] - 1 and the marks marks[t]..marks[t + 1] - 1: after `place`
    letters of the text, the classes `sure` and `seen`.  idle int64[n, 2] counts the idle points and minuses.
    Word i is boilerplate where framed[i] is true.
    """

    letters: NDArray[np.int32]
    start: NDArray[np.int64]
    key: NDArray[np.uint64]
    text: NDArray[np.int64]
    place: NDArray[np.int64]
    sure: NDArray[np.int32]
    seen: NDArray[np.int32]
    marks: NDArray[np.int64]
    idle: NDArray[np.int64]
    framed: NDArray[np.bool_]


WORD_ARRAYS = (  # the type of its arrays, see `kinds`
    "WordArrays(int32[:], int64[:], uint64[:], int64[:], int64[:], int32[:], int32[:], int64[:], int64[:,:], "
    "bool[:])"
)


def words_of(buffer: NDArray[np.uint8], starts: NDArray[np.int64], table: Any) -> WordArrays:
    """n texts -> their words and marks."""
    n, size = len(starts) - 1, 64 + int(starts[-1] - starts[0])
    while True:
        out = WordArrays(
            letters=np.empty(size, np.int32),
            start=np.empty(size // 2, np.int64),
            key=np.empty(size // 2, np.uint64),
            text=np.zeros(n + 1, np.int64),
            place=np.empty(size // 4, np.int64),
            sure=np.empty(size // 4, np.int32),
            seen=np.empty(size // 4, np.int32),
            marks=np.zeros(n + 1, np.int64),
            idle=np.zeros((n, 2), np.int64),
            framed=np.zeros(0, np.bool_),
        )
        if _fill(buffer, starts, table.packed, table.pool, table.starts, out):
            break
        size *= 2  # next to never: there are characters that stand for many letters
    n_words, n_marks = out.text[-1], out.marks[-1]
    marks = {name: getattr(out, name)[:n_marks] for name in ("place", "sure", "seen")}
    framed = np.zeros(n_words, np.bool_)
    return out._replace(start=out.start[: n_words + 1], key=out.key[:n_words], framed=framed, **marks)


def with_frames(texts: WordArrays, frames: Spans, k: int) -> WordArrays:
    """Words of n texts, the boilerplate of each as shingles of k letters -> the same with `framed`."""
    framed = np.zeros(len(texts.key), np.bool_)
    if len(frames.start):
        _frame(texts.start, texts.text, frames.start, frames.end + (k - 1), frames.indptr, framed)
    return texts._replace(framed=framed)


@jit("int64[:]", "int64[:]", "int64[:]", "int64[:]", "int64[:]", "bool[:]")
def _frame(start, text, begin, end, indptr, framed):  # type: ignore[no-untyped-def]
    for t in range(len(text) - 1):
        s, last = indptr[t], indptr[t + 1]
        first = start[text[t]]
        for i in range(text[t], text[t + 1]):
            a, b = start[i] - first, start[i + 1] - first
            while s < last and end[s] < b:
                s += 1
            if s == last:
                break
            framed[i] = begin[s] <= a


@inner
def word_key(letters: NDArray[np.int32], start: int, end: int) -> np.uint64:
    """Letters start..end - 1 -> 64 bits for the word: the hash of its letters, the last one first."""
    h, most = U64(0), min(end, start + len(_POWERS))
    for i in range(start, most):
        h += U64(letters[i]) * _POWERS[i - start]
    power = U64(0)
    for i in range(most, end):
        power = (_POWERS[len(_POWERS) - 1] if i == most else power) * BASE
        h += U64(letters[i]) * power
    return fmix64(h)


@jit("const uint8[:]", "int64[:]", "int32[:]", "int32[:]", "int32[:]", WORD_ARRAYS)
def _fill(buffer, starts, packed, pool, pool_starts, out):  # type: ignore[no-untyped-def]
    """n texts -> their words and marks in the arrays; whether there was room for all.

    subtle: no array is exchanged for a larger one inside the loop, as counting its uses would take most of
    the time.
    """
    letters, start, key, text, place, sure, seen, marks, idle, _ = out
    n_texts = len(starts) - 1
    line, units = np.empty(ROOM, I64), np.empty(2 * LANES, np.uint16)
    n = n_words = n_marks = 0
    for t in range(n_texts):
        at, end, first = starts[t], starts[t + 1], n
        inside = alone = has = apostrophe = False
        fresh, told = True, False  # whether the next letter begins a word; whether marks were seen
        between = n_line = n_found = n_points = n_minuses = 0
        broken, last, before_last, tail = False, I64(-1), I64(-1), I64(-1)
        run, head, chain, thousands = (
            0,
            False,
            I64(-1),
            -1,
        )  # of digits, for the points that set off thousands
        while at < end:
            if n + 64 > len(letters) or n_words + 2 > len(start) or n_marks + 2 > len(place):
                return False
            c, at = code_point(buffer, at, end)
            if c < 0 or c >= len(packed):
                continue
            entry = packed[c]
            v, joins = entry >> 5, entry & INSIDE != 0
            is_ascii_digit = 48 <= c <= 57
            # a point that sets off thousands: [1-9] and up to two digits, a point or comma, three digits
            if is_ascii_digit:
                if run == 0 and chain < 0:
                    head = c != 48 and last != 46 and last != 44
                run += 1
            elif run or chain >= 0:
                if chain >= 0 and run == 3 and thousands >= 0:
                    sure[thousands] &= ~signs.POINT
                follows = (
                    (run == 3 and c == chain) if chain >= 0 else (head and run <= 3 and (c == 46 or c == 44))
                )
                chain, thousands, run, head = c if follows else I64(-1), -1, 0, False
            if v != 0:
                one = I64(v) if v > 0 else I64(pool[pool_starts[-v]])
                if told:
                    found = classes(
                        line,
                        n_line,
                        n_found,
                        between,
                        broken,
                        last,
                        before_last,
                        tail,
                        letters[n - 1] if n > first else -1,
                        one,
                    )
                    after_number, before_number = n > first and is_decimal(letters[n - 1]), is_decimal(one)
                    idle[t, 0] += 0 if after_number and before_number else n_points
                    idle[t, 1] += 0 if before_number else n_minuses
                    if found[1]:
                        place[n_marks], sure[n_marks], seen[n_marks] = n - first, found[0], found[1]
                        if chain >= 0 and run == 1:
                            thousands = n_marks
                        n_marks += 1
                mine = is_unspaced(c)
                if not inside or mine or alone:
                    fresh = True
                if fresh:
                    start[n_words] = n
                    n_words += 1
                    fresh = False
                if v > 0:
                    letters[n] = v
                    n += 1
                    if entry & TWICE:
                        letters[n] = v
                        n += 1
                else:
                    for j in range(pool_starts[-v], pool_starts[-v + 1]):
                        letters[n] = pool[j]
                        n += 1
                inside, alone, has, apostrophe = True, mine, True, False
                between = n_line = n_found = n_points = n_minuses = 0
                broken, told, last, before_last, tail = False, False, I64(c), I64(-1), I64(-1)
                if is_ascii_digit:
                    while at < end and 48 <= buffer[at] <= 57 and n + 64 < len(letters):
                        letters[n] = buffer[at]
                        n, at, run = n + 1, at + 1, run + 1
                elif c < 128:
                    at, n, n_words, n_points = _plain_words(
                        buffer, at, end, letters, n, start, n_words, units
                    )
                    idle[t, 0] += n_points
                    n_points = 0
                continue
            # subtle: an apostrophe joins only if the very next character has letters, so `has` is asked then
            if joins:
                if not inside or apostrophe:
                    fresh = True
                inside, alone, apostrophe = True, is_unspaced(c), False
            else:
                apostrophe = has and not apostrophe and (c == 0x27 or c == 0x2019)
                inside = apostrophe
                alone = False
            if not apostrophe:
                has = False
            between += 1
            kind = mark_class(c)
            if kind:
                told = True
                n_points += kind == signs.POINT
                n_minuses += kind == signs.MINUS
            if c == BREAK:
                broken, tail = True, I64(-1)
            else:
                space = is_space(c)
                if not space:
                    tail = I64(c)
                if not broken and n_line < ROOM:
                    if not space:
                        n_found += 1
                    if not (space and n_line and line[n_line - 1] == SPACE):
                        line[n_line] = SPACE if space else c
                        n_line += 1
            before_last, last = last if between > 1 else I64(-1), I64(c)
        if chain >= 0 and run == 3 and thousands >= 0:
            sure[thousands] &= ~signs.POINT
        if told:
            found = classes(
                line,
                n_line,
                n_found,
                between,
                broken,
                last,
                before_last,
                tail,
                letters[n - 1] if n > first else -1,
                -1,
            )
            idle[t, 0] += n_points
            idle[t, 1] += n_minuses
            if found[1]:
                place[n_marks], sure[n_marks], seen[n_marks] = n - first, found[0], found[1]
                n_marks += 1
        text[t + 1], marks[t + 1] = n_words, n_marks
    start[n_words] = n
    for i in range(n_words):
        key[i] = word_key(letters, start[i], start[i + 1])
    return True


@inner
def _plain_words(buffer, at, end, letters, n, start, n_words, units):  # type: ignore[no-untyped-def]
    """Words of ASCII letters, with nothing between them that tells anything, from behind a letter on.

    -> (where the last of their letters ends, n, n_words, the full stops and commas between them).
    """
    n_points = 0
    while at + LANES <= len(buffer) and n + 2 * LANES < len(letters) and n_words + LANES < len(start):
        odd, found, points = word_masks(buffer, at)
        width = min(first_bit(odd), end - at)
        if width < LANES:
            found &= (U64(1) << U64(width)) - U64(1)
        if found == 0:
            break
        taken = LANES - leading_zeros(found)
        squeeze(buffer, at, found, letters, n, units, 0)
        begins = found & ~(found << U64(1) | U64(1))
        while begins != 0:
            place = first_bit(begins)
            start[n_words] = n + count_bits(found & ((U64(1) << U64(place)) - U64(1)))
            n_words += 1
            begins &= begins - U64(1)
        n_points += count_bits(points & (~U64(0) >> U64(LANES - taken)))
        n, at = n + count_bits(found), at + taken
    return at, n, n_words, n_points
