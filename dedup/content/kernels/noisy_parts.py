"""Words of a part and a longer text -> how they differ by letters: the compiled twin of noisy_parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I32, inner, jit
from ...core.pairs import TURNED
from .. import noisy_parts
from .alignment import FREE, block_key, new_table, slot_of_key
from .noise import (
    ERRORS,
    GRAMS_LEFT,
    GRAMS_RIGHT,
    LETTERS_RIGHT,
    N_COUNTS,
    NONE,
    ONLY_RIGHT,
    PLACES,
    compare,
    end_of_first_words,
    letter_keys,
)
from .words import WORD_ARRAYS, WordArrays

BLOCK, MIN_DRIFT, DRIFT = noisy_parts.BLOCK, noisy_parts.MIN_DRIFT, noisy_parts.DRIFT
LEAST_BLOCKS, ONE_BLOCK, EIGHTHS = noisy_parts.LEAST_BLOCKS, noisy_parts.ONE_BLOCK, noisy_parts.EIGHTHS


def noise_of_parts(texts: WordArrays, pairs: NDArray[np.int32], whole: bool = True) -> NDArray[np.int64]:
    """Words of texts, pairs int32[m, 2] of them -> counts int64[m, 21]: the shorter one in its place.

    All 0 where it has none; see noisy_parts.compare_part.  With `whole` false only its first words are
    compared.  Quick where the pairs of one longer text stand together.
    """
    counts = np.zeros((len(pairs), N_COUNTS), np.int64)
    n_letters = np.diff(texts.start[texts.text])[pairs]
    turned = n_letters[:, 0] > n_letters[:, 1]
    _noise_of_parts(texts, np.where(turned[:, None], pairs[:, ::-1], pairs), whole, counts)
    counts[turned] = counts[turned][:, TURNED]
    return counts


@jit(WORD_ARRAYS, "int32[:,:]", "bool", "int64[:,:]")
def _noise_of_parts(texts, pairs, whole, all_counts):  # type: ignore[no-untyped-def]
    text, start = texts.text, texts.start
    way, last, table = np.empty(1 << 16, np.uint8), I32(-1), new_table(0)
    for p in range(len(pairs)):
        x, x_end = text[pairs[p, 0]], text[pairs[p, 0] + 1]
        y, y_end = text[pairs[p, 1]], text[pairs[p, 1] + 1]
        if pairs[p, 1] != last:
            table, last = _blocks_that_stand_once(texts.letters[start[y] : start[y_end]]), pairs[p, 1]
        n_whole = start[y_end] - start[y]
        begin, end = _place(texts.letters[start[x] : start[x_end]], table, n_whole)
        if end < 0:
            continue
        first = _word_with(start, y, y_end, start[y] + begin)
        until = _word_with(start, y, y_end, start[y] + end - 1) + 1
        if not whole:
            x_end, until = end_of_first_words(texts, x, x_end), end_of_first_words(texts, first, until)
        counts = all_counts[p]
        way = compare(texts, x, x_end, first, until, counts, way)
        rest = n_whole - counts[LETTERS_RIGHT]
        for column in (LETTERS_RIGHT, ONLY_RIGHT, ERRORS, PLACES):
            counts[column] += rest
        counts[GRAMS_LEFT] = counts[GRAMS_RIGHT] = 0


@inner
def _word_with(start, first, end, letter):  # type: ignore[no-untyped-def]
    """-> which of the words first..end - 1 holds a letter."""
    while first + 1 < end:
        middle = (first + end) // 2
        if start[middle] <= letter:
            first = middle
        else:
            end = middle
    return first


@inner
def _blocks_that_stand_once(letters):  # type: ignore[no-untyped-def]
    """Letters -> a table of their blocks: where each stands, or NONE if in several places."""
    found = letter_keys(letters)
    keys, values, shift = new_table(len(letters))
    for j in range(len(letters) - BLOCK + 1):
        key = block_key(found, j, BLOCK)
        slot = slot_of_key(keys, shift, key)
        values[2 * slot] = j if keys[slot] == FREE else NONE
        keys[slot] = key
    return keys, values, shift


@inner
def _place(letters, table, n_whole):  # type: ignore[no-untyped-def]
    """A part, the table of a whole -> where it stands there: start and end; (-1, -1) if nowhere."""
    keys, values, shift = table
    n, found = len(letters), letter_keys(letters)
    drift = max(MIN_DRIFT, n // DRIFT)
    votes = np.zeros((n + n_whole) // drift + 2, I32)
    at = np.full(max(0, n - BLOCK + 1), NONE, I32)
    for i in range(len(at)):
        j = values[2 * slot_of_key(keys, shift, block_key(found, i, BLOCK))]
        at[i] = j
        if j != NONE:
            votes[(n + j - i) // drift] += 1
    best = 0
    for d in range(len(votes) - 1):
        if votes[d] > 0 and votes[d] + votes[d + 1] > votes[best] + votes[best + 1]:
            best = d
    if votes[best] + votes[best + 1] < max(LEAST_BLOCKS, n // ONE_BLOCK):
        return -1, -1
    eighths, first, last = 0, -1, 0
    for i in range(len(at)):
        if at[i] != NONE and 0 <= (n + at[i] - i) // drift - best <= 1:
            eighths |= 1 << (8 * i // n)
            first, last = i if first < 0 else first, i
    n_eighths = 0
    for eighth in range(8):
        n_eighths += eighths >> eighth & 1
    if n_eighths < EIGHTHS:
        return -1, -1
    return max(0, at[first] - first), min(n_whole, at[last] + n - last)
