"""Sorted whole numbers as sets, and runs of an array.

NOTE: np.unique, and np.isin with it, hash whole numbers, and are many times slower on those whose low
bits are alike, as those of pairs are; sorting is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, so no two keys have the same product


def unique_counts(keys: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Count numbers -> (distinct numbers, sorted; how often each occurs).

    >>> [x.tolist() for x in unique_counts(np.array([5, 2, 5]))]
    [[2, 5], [1, 2]]
    """
    keys = np.sort(keys)
    first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
    return keys[first], np.diff(np.r_[first, len(keys)])


def distinct(keys: NDArray[Any]) -> NDArray[Any]:
    """Return distinct numbers, sorted."""
    return unique_counts(keys)[0]


def is_in(keys: NDArray[Any], known: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which numbers are among others, which are sorted: bool[n].

    >>> is_in(np.array([5, 1, 2, 9]), np.array([2, 5])).tolist()
    [True, False, True, False]
    """
    if not len(known):
        return np.zeros(len(keys), np.bool_)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: NDArray[np.bool_] = known[at] == keys
    return found


def inverse_permutation(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Invert a permutation int64[n]: the position of each number.

    >>> inverse_permutation(np.array([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places


def group_equal(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Keys uint64[n] -> (an order int64[n] in which equal ones follow one another, in the order they had;
    the keys in it).

    Three to six times as fast as np.argsort: numbers made of some bits of a key and of its place are sorted.

    >>> order, keys = group_equal(np.array([9, 4, 9, 4], np.uint64))
    >>> sorted([order[:2].tolist(), order[2:].tolist()])
    [[0, 2], [1, 3]]
    """
    n = len(keys)
    n_bits = np.uint64(n.bit_length())
    place = (np.uint64(1) << n_bits) - np.uint64(1)
    packed = keys * _SPREAD & ~place | np.arange(n, dtype=np.uint64)
    packed.sort()
    order, bits = (packed & place).astype(np.int64), packed >> n_bits
    ordered = keys[order]
    mixed = (bits[1:] == bits[:-1]) & (ordered[1:] != ordered[:-1])
    if mixed.any():  # different keys may have the same bits
        some = np.flatnonzero(np.isin(bits, bits[1:][mixed]))
        order[some] = order[some[np.lexsort((order[some], ordered[some], bits[some]))]]
        ordered = keys[order]
    return order, ordered


def pairs_of(keys: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the pairs int32[n, 2] of numbers that `pairs.pair_keys` has made, int64[n].

    >>> pairs_of(np.array([3, (1 << 32) + 2])).tolist()
    [[0, 3], [1, 2]]
    """
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1).astype(np.int32)


def offsets_from_sizes(sizes: Any) -> NDArray[np.int64]:
    """Return where each of n consecutive runs begins, by their sizes, and where the last ends: int64[n + 1].

    >>> offsets_from_sizes([2, 0, 1]).tolist()
    [0, 2, 2, 3]
    """
    return np.r_[0, np.cumsum(sizes)].astype(np.int64)


def covered_length(start: NDArray[np.int64], end: NDArray[np.int64]) -> int:
    """Count the places that lie in some of n ranges start..end - 1, which may overlap.

    >>> covered_length(np.array([5, 0, 1]), np.array([7, 3, 4]))
    6
    """
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    reached = np.maximum.accumulate(np.r_[0, end])
    return int(np.maximum(end - np.maximum(start, reached[:-1]), 0).sum())


def expand_ranges(first: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """List the indices first..first + size - 1 of n ranges, one range after the other.

    >>> expand_ranges(np.array([5, 9, 2]), np.array([2, 0, 1])).tolist()
    [5, 6, 2]
    """
    places: NDArray[np.int64] = np.repeat(first - np.cumsum(sizes) + sizes, sizes)
    places += np.arange(len(places))
    return places
