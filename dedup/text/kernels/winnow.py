"""Shingle hashes -> the places of the anchors, many places at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I64, U16, U64, inner
from .simd import LANES, equal_mask, first_bit
from .utf8 import whole


@inner
def winnow(
    hashes: NDArray[np.uint64],
    tops: NDArray[np.uint16],
    n: int,
    window: int,
    start: int,
    end: int,
    one: NDArray[np.uint16],
    other: NDArray[np.uint16],
    padded: NDArray[np.uint16],
    out: NDArray[np.int64],
) -> tuple[int, int]:
    """The anchors among places start..end - 1 of hashes[:n], n >= window -> (i, j): they are out[i:j].

    `tops` is the upper 16 bits of the hashes; `one`, `other`, `padded` are room for n + 2 * window + LANES.
    A hash is the smallest of some window just when it is as large as the largest of the minima of the
    windows around it; both are found by steps that widen it fourfold.  Equal values are looked at again.
    """
    before = window - 1
    minima = tops
    width = 1
    while width < window:
        step = min(width, (window - width + 2) // 3)
        step2, step3 = min(2 * step, window - width), min(3 * step, window - width)
        width += step3
        _least(minima, minima[step:], minima[step2:], minima[step3:], n - width + 1, one)
        minima, one, other = one, other, one
    # windows that begin before the first hash or end after the last one do not count: minimum 0
    _least(minima, minima, minima, minima, n - before, padded[before:])
    for i in range(before):
        padded[i] = padded[n + i] = U16(0)
    maxima = padded
    width = 1
    while width < window:
        step = min(width, (window - width + 2) // 3)
        step2, step3 = min(2 * step, window - width), min(3 * step, window - width)
        width += step3
        _largest(maxima, maxima[step:], maxima[step2:], maxima[step3:], n + before - width + 1, one)
        maxima, one, other = one, other, one
    found = first_found = 0
    equals, last, last_top = False, I64(-window), U16(0)
    for first in range(0, n, LANES):
        bits = equal_mask(tops, first, maxima)
        if n - first < LANES:
            bits &= (U64(1) << U64(n - first)) - U64(1)
        while bits != 0:
            place = first + first_bit(bits)
            bits &= bits - U64(1)
            top = tops[place]
            equals |= (top == last_top) & (place - last < window)
            last, last_top = place, top
            out[found] = place
            found += 1
            first_found += place < start
    if equals:
        found = _without_equals(hashes, tops, n, window, out, found)
        first_found = 0
        while first_found < found and out[first_found] < start:
            first_found += 1
    while found > first_found and out[found - 1] >= end:
        found -= 1
    return first_found, found


@inner
def _without_equals(
    hashes: NDArray[np.uint64],
    tops: NDArray[np.uint16],
    n: int,
    window: int,
    places: NDArray[np.int64],
    found: int,
) -> int:
    """The same places, but of neighbours with equal `tops` only those that the whole hash bears out."""
    kept = 0
    before, before_top = I64(-window), U16(0)
    for i in range(found):
        place = places[i]
        top = tops[place]
        equal = place - before < window and top == before_top
        if i + 1 < found:
            equal |= places[i + 1] - place < window and tops[places[i + 1]] == top
        before, before_top = place, top
        if not equal or _smallest_of_a_window(hashes, n, place, window):
            places[kept] = place
            kept += 1
    return kept


@inner
def _least(a, b, c, d, n, out):  # type: ignore[no-untyped-def]
    for i in range(whole(n)):
        out[i] = min(min(a[i], b[i]), min(c[i], d[i]))


@inner
def _largest(a, b, c, d, n, out):  # type: ignore[no-untyped-def]
    for i in range(whole(n)):
        out[i] = max(max(a[i], b[i]), max(c[i], d[i]))


@inner
def _smallest_of_a_window(hashes: NDArray[np.uint64], n: int, place: int, window: int) -> bool:
    """Whether some window of hashes[:n] has its smallest, and the last of equals, at `place`."""
    first = last = place
    while first > 0 and place - first < window - 1 and hashes[first - 1] >= hashes[place]:
        first -= 1
    while last + 1 < n and last - place < window - 1 and hashes[last + 1] > hashes[place]:
        last += 1
    return last - first + 1 >= window
