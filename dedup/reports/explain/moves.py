"""Which passages that an alignment could not match only stand elsewhere: in another order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 6  # words in a row that stand once in each text, or in what is unmatched of it: a place to begin at
MOVED = 32  # letters of the shortest passage that is said to have moved


class Move(NamedTuple):
    """Characters left[0]:left[1] of the one text that are right[0]:right[1] of the other, elsewhere."""

    left: tuple[int, int]
    right: tuple[int, int]


def moved(
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    left: Sequence[tuple[int, int]],
    right: Sequence[tuple[int, int]],
    letters: Sequence[str],
) -> list[tuple[int, int, int]]:
    """Numbered words of two texts, and the runs of each that are unmatched -> passages of the same words.

    (i, j, n) is x[i : i + n], with the words `letters`, and y[j : j + n]; none overlaps another.

    >>> x, y = np.arange(20), np.r_[np.arange(10, 20), np.arange(10)]
    >>> moved(x, y, [(10, 20)], [(0, 10)], ["lettered"] * 20)
    [(10, 0, 10)]
    """
    (keys_x, at_x), (keys_y, at_y) = once(x, left), once(y, right)
    _, p, q = np.intersect1d(keys_x, keys_y, assume_unique=True, return_indices=True)
    free_x, free_y = _within(len(x), left), _within(len(y), right)
    out = []
    for i, j in sorted(zip(at_x[p].tolist(), at_y[q].tolist(), strict=True)):
        if not (free_x[i] and free_y[j] and np.array_equal(x[i : i + BLOCK], y[j : j + BLOCK])):
            continue
        (first, last), (low, high) = run_of(left, i), run_of(right, j)
        while i > first and j > low and free_x[i - 1] and free_y[j - 1] and x[i - 1] == y[j - 1]:
            i, j = i - 1, j - 1
        n = 0
        while i + n < last and j + n < high and free_x[i + n] and free_y[j + n] and x[i + n] == y[j + n]:
            n += 1
        free_x[i : i + n] = free_y[j : j + n] = False
        if sum(map(len, letters[i : i + n])) >= MOVED:
            out.append((i, j, n))
    return sorted(out)


def once(
    x: NDArray[np.int64], runs: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Numbered words, runs of them -> keys of the blocks that stand once in the runs, and their places."""
    places = [np.arange(i, j - BLOCK + 1) for i, j in runs if j - i >= BLOCK]
    at = np.concatenate([np.zeros(0, np.int64), *places])
    keys = np.zeros(len(at), np.uint64)
    for n in range(BLOCK):
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + x[at + n].astype(np.uint64)
    values, first, times = np.unique(keys, return_index=True, return_counts=True)
    return values[times == 1], at[first[times == 1]]


def _within(n: int, runs: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return bool[n]: in one of the runs."""
    out = np.zeros(n, np.bool_)
    for i, j in runs:
        out[i:j] = True
    return out


def run_of(runs: Sequence[tuple[int, int]], i: int) -> tuple[int, int]:
    """Return the run, of runs in order, in which a place is."""
    return runs[bisect_right(runs, i, key=lambda run: run[0]) - 1]
