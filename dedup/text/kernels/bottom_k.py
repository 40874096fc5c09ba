"""Hashes -> the s smallest different ones; those -> a signature."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I64, U16, U32, U64, inner
from .simd import LANES, at_most_mask, first_bit, leading_zeros, min_lanes
from .utf8 import whole

ALL = 0xFFFF  # the cut that leaves nothing out
SLOTS = 4096


class SampleBuffers(NamedTuple):
    """Space to work in, for n values."""

    slots: NDArray[np.uint64]  # [SLOTS]
    values: NDArray[np.uint64]  # [n]
    tops: NDArray[np.uint32]  # [n + LANES]
    ends: NDArray[np.int64]  # [m], m > the largest power of two in n


@inner
def room_for(n: int) -> SampleBuffers:
    """-> room for n values."""
    return SampleBuffers(
        np.empty(SLOTS, U64), np.empty(n, U64), np.empty(n + LANES, U32), np.empty(n + 2, I64)
    )


@inner
def first_cut(size: int, n: float) -> int:
    """How large a sample is wanted, of about how many hashes -> a cut that leaves somewhat more than that.

    A cut is the largest value of the upper 16 bits.  The longer a text, the more shingles are repeats.
    """
    if n <= size:
        return ALL
    wanted = (1 + 0.15 * math.log2(n / size)) * size + 4 * math.sqrt(size)
    return int(min(1.0, wanted / n) * ALL)


@inner
def keep_small(
    hashes: NDArray[np.uint64],
    tops: NDArray[np.uint16],
    start: int,
    end: int,
    cut: int,
    kept: NDArray[np.uint64],
    n: int,
) -> int:
    """Those of hashes[start:end] whose upper 16 bits (`tops`) are at most `cut` into kept[n:] -> n."""
    if cut == ALL:
        for i in range(start, end):
            kept[n + i - start] = hashes[i]
        return n + end - start
    for first in range(start, end, LANES):
        bits = at_most_mask(tops, first, U16(cut))
        if end - first < LANES:
            bits &= (U64(1) << U64(end - first)) - U64(1)
        while bits != 0:
            kept[n] = hashes[first + first_bit(bits)]
            n += 1
            bits &= bits - U64(1)
    return n


@inner
def smallest(kept: NDArray[np.uint64], n: int, size: int, cut: int, room: SampleBuffers) -> tuple[int, int]:
    """kept[:n] -> at most `size` different values, the smallest, in front -> (how many, the new cut)."""
    n = _different(kept, n, room)
    if n < size:
        return n, cut
    tops = room.tops
    for i in range(n):
        tops[i] = U32(kept[i] >> U64(32))
    for i in range(n, whole(n)):
        tops[i] = U32(0xFFFFFFFF)  # more than any limit that is tried
    low, high = 0, 0xFFFFFFFF  # by bisection the smallest upper half that leaves `size` of them or more
    while low < high:
        middle = (low + high) >> 1
        if _at_most(tops, n, U32(middle)) >= size:
            high = middle
        else:
            low = middle + 1
    below, last = 0, 0
    for i in range(n):
        value, top = kept[i], I64(kept[i] >> U64(32))
        kept[below], room.values[last] = value, value
        below += int(top < low)
        last += int(top == low)
    values = room.values
    for i in range(below, size):  # of those with the same upper half as the last, the smallest
        for j in range(1, last):
            if values[j] < values[0]:
                values[0], values[j] = values[j], values[0]
        kept[i] = values[0]
        last -= 1
        values[0] = values[last]
    return size, low >> 16


@inner
def _at_most(values: NDArray[np.uint32], n: int, limit: np.uint32) -> int:
    """How many of values[:n] are at most `limit`; the rest up to whole(n) are not."""
    found = U32(0)
    for i in range(whole(n)):
        found = U32(found + U32(values[i] <= limit))
    return int(found)


@inner
def _different(values: NDArray[np.uint64], n: int, room: SampleBuffers) -> int:
    """The different ones of values[:n] in front, in any order -> how many.

    Each value has a slot.  What finds its slot taken by another is put aside and sorted; that is seldom.
    """
    slots, odd = room.slots, room.values
    for i in range(SLOTS):
        slots[i] = ~U64(i)  # belongs into another slot, so this one is free
    used, n_odd = 0, 0
    for i in range(n):
        value = values[i]
        slot = I64(value & U64(SLOTS - 1))
        held = slots[slot]
        free = (held ^ value) & U64(SLOTS - 1) != 0
        slots[slot] = value if free else held
        odd[n_odd] = value
        n_odd += not free and held != value
        values[used] = value
        used += free
    n_odd = sort_unique(odd[:n_odd], values[used:], room.ends)
    for i in range(n_odd):
        values[used + i] = odd[i]
    return used + n_odd


@inner
def sort_unique(values: NDArray[np.uint64], room: NDArray[np.uint64], ends: NDArray[np.int64]) -> int:
    """Sort evenly spread values in place and drop repeats -> how many are left in front.

    One pass into about as many buckets as there are values, by the leading bits, then insertion: the
    values are outputs of a 64-bit mixer, so a bucket holds one or two different ones.  `room` has
    space for the values, `ends` for the next power of two and one more.
    """
    n = len(values)
    if n < 2:
        return n
    bits = 1
    while (2 << bits) <= n and bits < 26:
        bits += 1
    any_of = U64(0)
    for v in values:
        any_of |= v
    shift = U64(max(0, 64 - bits - leading_zeros(any_of)))
    ends[: (1 << bits) + 1] = 0
    for i in range(n):
        ends[I64(values[i] >> shift) + 1] += 1
    for i in range(1 << bits):
        ends[i + 1] += ends[i]
    for i in range(n):
        bucket = I64(values[i] >> shift)
        room[ends[bucket]] = values[i]
        ends[bucket] += 1
    for i in range(1, n):
        v = room[i]
        j = i - 1
        while j >= 0 and room[j] > v:
            room[j + 1] = room[j]
            j -= 1
        room[j + 1] = v
    used = 0
    for i in range(n):
        if i == 0 or room[i] != room[i - 1]:
            values[used] = room[i]
            used += 1
    return used


@inner
def min_update(
    hashes: NDArray[np.uint64],
    n: int,
    x: NDArray[np.uint32],
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    least: NDArray[np.uint32],
) -> None:
    """least[p] = min(least[p], a[p] * fmix32(hash) + b[p]) over hashes[:n].

    `x` is room for n values; a, b and `least` have a whole number of LANES.
    """
    for i in range(n):
        v = U32(hashes[i] & U64(0xFFFFFFFF))
        # subtle: numba widens uint32 * uint32 to 64 bits; without the casts this does not vectorize
        v = U32(U32(v ^ (v >> U32(16))) * U32(0x85EBCA6B))
        v = U32(U32(v ^ (v >> U32(13))) * U32(0xC2B2AE35))
        x[i] = v ^ (v >> U32(16))
    for p in range(0, len(least), LANES):
        min_lanes(x, n, a, b, least, p)
