"""The places where two texts differ -> what of them is alike, doubtful, and foreign: the twin of sifting."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.jit import BASE, I32, I64, U64, inner
from ...text.kernels.utf8 import fmix64, is_unspaced
from .. import unmatched
from .alignment import FREE, SMALL, has_decimal, moved, new_table, slot_of_key
from .lookalikes import (
    ALIKE_JOINED,
    DAMAGED,
    DOUBTFUL,
    LONGEST,
    OTHER,
    SAME,
    STEM,
    alike,
    alike_by_ends,
    edits,
    equal,
    few_exchanged,
    few_inserted,
    fold,
    letter_sets,
    same_digits,
)
from .sign_classes import is_decimal
from .words import word_key

AHEAD, EDGE, FEW_MOVED = unmatched.AHEAD, unmatched.EDGE, unmatched.FEW_MOVED
SILENT = unmatched.SILENT
PASSAGE, PASSAGE_UNSPACED = unmatched.PASSAGE, unmatched.PASSAGE_UNSPACED
_NUMERALS = np.array(sorted(map(ord, unmatched.HAN_NUMERALS)), np.int32)


class UnmatchedBuffers(NamedTuple):
    """What is used again for each pair: a table of common subsequences, and letters of words."""

    table: NDArray[np.int16]
    one: NDArray[np.int32]
    other: NDArray[np.int32]
    one_folded: NDArray[np.int32]
    other_folded: NDArray[np.int32]
    row: NDArray[np.int32]


class Sides(NamedTuple):
    """The words of two texts in the places where they differ, but for those that moved.

    left int64[n]: numbers of words, those of place d are left[left_start[d]:left_start[d + 1]]; the same
    of the right side.  moved int64[1]: how many letters did.
    """

    left: NDArray[np.int64]
    left_start: NDArray[np.int64]
    right: NDArray[np.int64]
    right_start: NDArray[np.int64]
    moved: NDArray[np.int64]
    silent: NDArray[np.int64]  # [2]: letters left out as boilerplate


class Rest(NamedTuple):
    """What is left of one place, and all damage found so far.

    left, right int64[n]: words of one side only, then the doubtful ones, which are pairs; the sets of letters
    uint64[n, 2] of both sides are room.  damage uint64[n] are the pairs of words that are
    one, kind int64[n] how, size int64[n] the letters of the shorter, one, other uint64[n] the keys of either.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    doubtful: NDArray[np.int64]
    sets_left: NDArray[np.uint64]
    sets_right: NDArray[np.uint64]
    damage: NDArray[np.uint64]
    kind: NDArray[np.int64]
    size: NDArray[np.int64]
    one: NDArray[np.uint64]
    other: NDArray[np.uint64]


@inner
def room() -> UnmatchedBuffers:
    """-> what one thread needs."""
    return UnmatchedBuffers(
        np.empty(4 * SMALL + 16, np.int16),
        np.empty(LONGEST, I32),
        np.empty(LONGEST, I32),
        np.empty(LONGEST, I32),
        np.empty(LONGEST, I32),
        np.empty(LONGEST + 1, I32),
    )


@inner
def rest_for(sides: Sides) -> Rest:
    """-> room for what is left of any of these places."""
    n, m = len(sides.left) + 1, len(sides.right) + 1
    most = n + len(sides.left_start)
    return Rest(
        np.empty(n, I64),
        np.empty(m, I64),
        np.empty((min(n, m), 2), I64),
        np.empty((n, 2), U64),
        np.empty((m, 2), U64),
        np.empty(most, U64),
        np.empty(most, I64),
        np.empty(most, I64),
        np.empty(most, U64),
        np.empty(most, U64),
    )


@inner
def sides_of(texts, found, left: int, right: int) -> Sides:  # type: ignore[no-untyped-def]
    """Texts `left` and `right`, where they differ int32[m, 4] -> the words there."""
    start, key, x, y = texts.start, texts.key, texts.text[left], texts.text[right]
    x_end, y_end = texts.text[left + 1], texts.text[right + 1]
    gone, come = np.zeros(x_end - x, np.bool_), np.zeros(y_end - y, np.bool_)
    some_moved = moved(key[x:x_end], key[y:y_end], found, gone, come)
    silent = np.empty(2, I64)
    one, one_start, n_gone, silent[0] = _words_in(found, 0, gone, texts.framed, start, x)
    other, other_start, n_come, silent[1] = _words_in(found, 2, come, texts.framed, start, y)
    n_moved = min(n_gone, n_come) if some_moved else I64(0)
    _without_cut_words(texts, found, one, one_start, other, other_start, x_end - x, 0)
    _without_cut_words(texts, found, other, other_start, one, one_start, y_end - y, 2)
    if n_moved and FEW_MOVED * n_moved >= min(start[x_end] - start[x], start[y_end] - start[y]):
        _without_common(key, one, one_start, other, other_start)
    return Sides(one, one_start, other, other_start, np.full(1, n_moved), silent)


@inner
def _words_in(found, column, moved_away, framed, start, first):  # type: ignore[no-untyped-def]
    """Places found[:, column:column + 2] -> words there, where those of each begin, letters moved, left out.

    Without those that moved and, as sifting.places has it, those that are boilerplate.
    """
    n = letters = left_out = I64(0)
    for d in range(len(found)):
        n += found[d, column + 1] - found[d, column]
    words, begins = np.empty(n, I64), np.zeros(len(found) + 1, I64)
    n = I64(0)
    for d in range(len(found)):
        silent = max(found[d, 1] - found[d, 0], found[d, 3] - found[d, 2]) >= SILENT
        for i in range(found[d, column], found[d, column + 1]):
            if moved_away[i]:
                letters += start[first + i + 1] - start[first + i]
            elif silent and _is_framed(framed, first, i, found[d, column], found[d, column + 1]):
                left_out += start[first + i + 1] - start[first + i]
            else:
                words[n] = first + i
                n += 1
        begins[d + 1] = n
    return words[:n], begins, letters, left_out


@inner
def _is_framed(framed, first, i, start, end):  # type: ignore[no-untyped-def]
    """See sifting._in_frame."""
    for near in range(max(start, i - EDGE), min(end, i + EDGE + 1)):
        if framed[first + near]:
            return True
    return False


@inner
def _without_cut_words(texts, found, mine, mine_start, other, other_start, n, column):  # type: ignore[no-untyped-def]
    """Take out, in place, the one word at an end of a text that is a piece of a word of the other."""
    start, letters = texts.start, texts.letters
    for d in range(len(found)):
        first, last = found[d, column] == 0, found[d, column + 1] == n
        if (
            not (first or last)
            or mine_start[d + 1] - mine_start[d] != 1
            or other_start[d + 1] - other_start[d] < 2
        ):
            continue
        word, before, after = mine[mine_start[d]], other[other_start[d + 1] - 1], other[other_start[d]]
        a, a_end = start[word], start[word + 1]
        if has_decimal(letters, a, a_end):
            continue
        size = a_end - a
        begins = first and start[before + 1] - start[before] >= size
        ends = last and start[after + 1] - start[after] >= size
        for i in range(size):
            begins = begins and letters[a + i] == letters[start[before + 1] - size + i]
            ends = ends and letters[a + i] == letters[start[after] + i]
        if begins or ends:
            for i in range(mine_start[d] + 1, mine_start[len(found)]):
                mine[i - 1] = mine[i]
            for later in range(d + 1, len(found) + 1):
                mine_start[later] -= 1


@inner
def _without_common(key, left, left_start, right, right_start):  # type: ignore[no-untyped-def]
    """Words in all places of both sides, in place -> without those that stand on both."""
    keys, counts, shift = new_table(len(left) + len(right) + 1)
    for which in range(2):
        words, begins = (left, left_start) if which == 0 else (right, right_start)
        for i in range(begins[len(begins) - 1]):
            at = slot_of_key(keys, shift, max(U64(1), key[words[i]]))
            if keys[at] == FREE:
                keys[at], counts[2 * at], counts[2 * at + 1] = max(U64(1), key[words[i]]), 0, 0
            counts[2 * at + which] += 1
    for at in range(len(keys)):
        if keys[at] != FREE:
            counts[2 * at] = counts[2 * at + 1] = min(counts[2 * at], counts[2 * at + 1])
    for which in range(2):
        words, begins = (left, left_start) if which == 0 else (right, right_start)
        read = write = 0
        for d in range(len(begins) - 1):
            begins[d], end = write, begins[d + 1]
            while read < end:
                at = slot_of_key(keys, shift, max(U64(1), key[words[read]]))
                if counts[2 * at + which] > 0:
                    counts[2 * at + which] -= 1
                else:
                    words[write] = words[read]
                    write += 1
                read += 1
        begins[len(begins) - 1] = write


@inner
def sift(texts, left, right, rest, n_damage, room):  # type: ignore[no-untyped-def]
    """The words of one place, left and right int64[n] -> what is left of them, in `rest`.

    -> (words of the left side only, of the right, doubtful pairs, damage in all, words that are stems).
    """
    start, key, letters = texts.start, texts.key, texts.letters
    n = n_right = n_doubtful = n_stems = near = passed = I64(0)
    if len(left) == 0 or len(right) == 0:
        for i in range(len(left)):
            rest.left[i] = left[i]
        for j in range(len(right)):
            rest.right[j] = right[j]
        return I64(len(left)), I64(len(right)), n_doubtful, n_damage, n_stems
    letter_sets(letters, start, left, rest.sets_left, room.one)
    letter_sets(letters, start, right, rest.sets_right, room.one)
    for i in range(len(left)):
        a, a_end = start[left[i]], start[left[i] + 1]
        plain, folded = rest.sets_left[i, 0], rest.sets_left[i, 1]
        best, twin = OTHER, I64(-1)
        # a word with digits has no set
        ahead = passed + 1 if plain == 0 and all_decimal(letters, start, left[i : i + 1], 1) else AHEAD
        for j in range(near, min(len(right), near + ahead)):  # type: ignore[call-overload]
            b, b_end = start[right[j]], start[right[j] + 1]
            if key[left[i]] == key[right[j]]:
                best, twin = SAME, I64(j)
                break
            n_one, n_other = a_end - a, b_end - b
            insert = few_inserted(n_one, n_other, plain, rest.sets_right[j, 0])
            exchange = few_exchanged(n_one, n_other, folded, rest.sets_right[j, 1])
            if insert or exchange:
                kind = alike(letters, a, a_end, b, b_end, insert, exchange, room.one, room.other, room.row)
            else:
                kind = alike_by_ends(letters, a, n_one, b, n_other)
            if kind < best:
                best, twin = kind, I64(j)
            if kind <= DAMAGED:
                break
        if best == OTHER:
            rest.left[n] = left[i]
            n, passed = n + 1, passed + 1
            continue
        if best == DOUBTFUL:
            rest.doubtful[n_doubtful, 0], rest.doubtful[n_doubtful, 1] = left[i], right[twin]
            n_doubtful += 1
        elif best == STEM or best == DAMAGED:
            size = min(a_end - a, start[right[twin] + 1] - start[right[twin]])
            n_damage = _damaged(rest, n_damage, best, key[left[i]], key[right[twin]], size)
        n_stems += best == STEM
        for j in range(near, twin):
            rest.right[n_right] = right[j]
            n_right += 1
        near, passed = twin + 1, I64(0)
    for j in range(near, len(right)):
        rest.right[n_right] = right[j]
        n_right += 1
    one, other = (
        joined_letters(texts, rest.left, n, room.one),
        joined_letters(texts, rest.right, n_right, room.other),
    )
    if one > 0 and other > 0 and _taken_as_one(one, other, room):
        mine, others = word_key(room.one, 0, one), word_key(room.other, 0, other)
        n_damage = _damaged(rest, n_damage, DAMAGED, mine, others, min(one, other))
        n = n_right = I64(0)
    for i in range(n_doubtful):
        rest.left[n + i], rest.right[n_right + i] = rest.doubtful[i, 0], rest.doubtful[i, 1]
    return n, n_right, n_doubtful, n_damage, n_stems


@inner
def _damaged(rest, n, kind, one, other, size):  # type: ignore[no-untyped-def]
    rest.damage[n], rest.kind[n], rest.size[n] = fmix64(one * BASE + other) + U64(kind), kind, size
    rest.one[n], rest.other[n] = one, other
    return n + 1


@inner
def _taken_as_one(n, m, room):  # type: ignore[no-untyped-def]
    """Whether room.one[:n] and room.other[:m], all that is left on both sides, may be one damaged word."""
    if not same_digits(room.one, 0, n, room.other, 0, m):
        return False
    n_folded, m_folded = fold(room.one, 0, n, room.one_folded), fold(room.other, 0, m, room.other_folded)
    if equal(room.one_folded, n_folded, room.other_folded, m_folded):
        return True
    most = (n + m) // ALIKE_JOINED
    return edits(room.one, 0, n, room.other, 0, m, room.row, False, most) <= most


@inner
def joined_letters(texts, words, n, out):  # type: ignore[no-untyped-def]
    """Words int64[n] -> their letters one after the other in `out`, how many; -1 where there is no room."""
    m = 0
    for i in range(n):
        for j in range(texts.start[words[i]], texts.start[words[i] + 1]):
            if m == LONGEST:
                return -1
            out[m] = texts.letters[j]
            m += 1
    return m


@inner
def is_in(c, values):  # type: ignore[no-untyped-def]
    for value in values:
        if c == value:
            return True
    return False


@inner
def n_letters(start, words, n):  # type: ignore[no-untyped-def]
    total = 0
    for i in range(n):
        total += start[words[i] + 1] - start[words[i]]
    return total


@inner
def all_decimal(letters, start, words, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        for j in range(start[words[i]], start[words[i] + 1]):
            if not is_decimal(letters[j]):
                return False
    return True


@inner
def respelled(letters, start, left, n, right, m):  # type: ignore[no-untyped-def]
    """See sifting.respelled."""
    unspaced = kana = False
    numerals = True
    for side in range(2):
        words, size = (left, n) if side == 0 else (right, m)
        for i in range(size):
            c = letters[start[words[i]]]
            unspaced = unspaced or is_unspaced(c)
            kana = kana or 0x3040 <= c < 0x3100
            numerals = numerals and is_in(c, _NUMERALS)
    if (
        not unspaced
        or all_decimal(letters, start, left, n)
        or all_decimal(letters, start, right, m)
        or numerals
    ):
        return False
    few = max(n, m)
    return few <= 1 or (few <= 3 and kana)


@inner
def is_passage(letters, start, words, n):  # type: ignore[no-untyped-def]
    return n >= (PASSAGE_UNSPACED if is_unspaced(letters[start[words[0]]]) else PASSAGE)
