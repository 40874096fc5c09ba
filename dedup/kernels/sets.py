"""Texts -> exact sets of shingle hashes; sets -> overlaps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import Spans
from .jit import I32, I64, U16, U64, jit
from .sample import sort_unique
from .simd import LANES
from .text import SEGMENT, grown, letters_of, powers, shingle_row, short_hash, skeleton_row


def shingle_sets(
    buffer: NDArray[np.uint8],
    starts: NDArray[np.int64],
    table: Any,
    k: int,
    without: Spans | None = None,
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """n texts -> their sets of shingle hashes as CSR: uint64[nnz] rising in each slice, indptr int64[n+1].

    Shingles at the places `without` are left out.
    """
    spans = without or Spans.none(len(starts) - 1)
    places = (spans.start, spans.end, spans.indptr)
    tables = (table.packed, table.pool, table.starts)
    return _shingle_sets(buffer, starts, *tables, k, powers(k), *places)


@jit()
def _shingle_sets(buffer, starts, packed, pool, pool_starts, k, powers, span_start, span_end, spans):  # type: ignore[no-untyped-def]
    n_texts = len(starts) - 1
    indptr = np.zeros(n_texts + 1, I64)
    hashes = np.empty(1024 + (starts[-1] - starts[0]), U64)
    letters, fifth = np.empty(k + SEGMENT + 2 * LANES, I32), np.empty(k + SEGMENT + 2 * LANES, I32)
    units, tops = np.empty(2 * len(letters), U16), np.empty(len(letters), U16)
    one, other = np.empty(len(letters), U64), np.empty(len(letters), U64)
    counts = np.zeros(4, I64)
    room, ends = np.empty(SEGMENT, U64), np.empty(2 * SEGMENT, I64)  # for the sort
    used = 0
    for t in range(n_texts):
        place, end = starts[t], starts[t + 1]
        carried = 0
        at = used
        base, span = I64(0), spans[t]
        while place < end:
            place, n, _, _ = letters_of(
                buffer, place, end, packed, pool, pool_starts, letters, carried, units, 0, fifth, counts
            )
            if at + n + LANES > len(hashes):
                hashes = grown(hashes, 2 * len(hashes) + n)
            if n >= k:
                new = shingle_row(letters, n, k, powers, one, other, hashes[at:], tops, 0)
                if spans[t] == spans[t + 1]:
                    at += new
                else:
                    kept = 0
                    for i in range(new):
                        while span < spans[t + 1] and span_end[span] <= base + i:
                            span += 1
                        if span == spans[t + 1] or base + i < span_start[span]:
                            hashes[at + kept] = hashes[at + i]
                            kept += 1
                    at += kept
                base += new
            carried = min(n, k - 1)
            for i in range(carried):
                letters[i] = letters[n - carried + i]
        boilerplate = spans[t] < spans[t + 1] and span_start[spans[t]] == 0
        if base == 0 and carried > 0 and not boilerplate:
            short_hash(letters, carried, hashes[at:])
            at += 1
        n_values = at - used
        if n_values > len(room):
            room, ends = np.empty(2 * n_values, U64), np.empty(4 * n_values, I64)
        used += sort_unique(hashes[used:at], room, ends)
        indptr[t + 1] = used
    return hashes[:used], indptr


def skeleton_sets(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], table: Any
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """n texts -> their sets of skeleton shingle hashes as CSR: uint64[nnz] rising in each slice, indptr."""
    return _skeleton_sets(buffer, starts, table.packed, table.pool, table.starts, powers(4)[4])


@jit()
def _skeleton_sets(buffer, starts, packed, pool, pool_starts, power4):  # type: ignore[no-untyped-def]
    n_texts = len(starts) - 1
    indptr = np.zeros(n_texts + 1, I64)
    hashes = np.empty(1024 + (starts[-1] - starts[0]) // 8, U64)
    letters, fifth = np.empty(4 + SEGMENT + 2 * LANES, I32), np.empty(4 + SEGMENT + 2 * LANES, I32)
    cuts, counts, units = np.empty(len(letters), U64), np.zeros(4, I64), np.empty(2 * len(letters), U16)
    room, ends = np.empty(SEGMENT, U64), np.empty(2 * SEGMENT, I64)  # for the sort
    used = 0
    for t in range(n_texts):
        place, end = starts[t], starts[t + 1]
        at = used
        carried, n_cuts = 0, I64(0)
        counts[3] = 0
        while place < end:
            place, n, _, found = letters_of(
                buffer, place, end, packed, pool, pool_starts, letters, carried, units, 0, fifth, counts
            )
            if at + found > len(hashes):
                hashes = grown(hashes, 2 * len(hashes) + found)
            at += skeleton_row(letters, fifth, found, cuts, n_cuts, power4, hashes[at:])
            n_cuts += found
            carried = min(n, 4)
            for i in range(carried):
                letters[i] = letters[n - carried + i]
        n_values = at - used
        if n_values > len(room):
            room, ends = np.empty(2 * n_values, U64), np.empty(4 * n_values, I64)
        used += sort_unique(hashes[used:at], room, ends)
        indptr[t + 1] = used
    return hashes[:used], indptr


@jit()
def _holds(values: NDArray[np.uint64], value: np.uint64) -> np.bool_:
    at = np.searchsorted(values, value)
    return at < len(values) and values[at] == value


@jit()
def _own_found(
    few: NDArray[np.uint64],
    few_own: NDArray[np.uint64],
    many: NDArray[np.uint64],
    many_own: NDArray[np.uint64],
) -> tuple[int, int, int]:
    """A small and a large set, and what is no boilerplate in each -> overlap, size of small, of large."""
    overlap, size, shared_frame = 0, 0, 0
    for h in few:
        mine, other = _holds(few_own, h), _holds(many_own, h)
        if not _holds(many, h):
            size += mine
        elif mine and other:
            overlap += 1
            size += 1
        else:
            shared_frame += other
    return overlap, size, len(many_own) - shared_frame


@jit()
def own_overlaps(
    hashes: NDArray[np.uint64],
    indptr: NDArray[np.int64],
    own: NDArray[np.uint64],
    own_indptr: NDArray[np.int64],
    pairs: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Shingle sets and their parts that are no boilerplate, both CSR, pairs int32[m, 2] -> int64[m, 3].

    Overlap, size of left and size of right of the shingles that are boilerplate in neither text.
    """
    out = np.zeros((len(pairs), 3), I64)
    for p in range(len(pairs)):
        left, right = pairs[p, 0], pairs[p, 1]
        i, i_end = indptr[left], indptr[left + 1]
        j, j_end = indptr[right], indptr[right + 1]
        a, b = own_indptr[left], own_indptr[right]
        a_end, b_end = own_indptr[left + 1], own_indptr[right + 1]
        if i_end - i > 32 * (j_end - j):
            out[p, 0], out[p, 2], out[p, 1] = _own_found(
                hashes[j:j_end], own[b:b_end], hashes[i:i_end], own[a:a_end]
            )
            continue
        if j_end - j > 32 * (i_end - i):
            out[p, 0], out[p, 1], out[p, 2] = _own_found(
                hashes[i:i_end], own[a:a_end], hashes[j:j_end], own[b:b_end]
            )
            continue
        while i < i_end or j < j_end:
            in_left = i < i_end and (j == j_end or hashes[i] <= hashes[j])
            in_right = j < j_end and (i == i_end or hashes[j] <= hashes[i])
            h = hashes[i] if in_left else hashes[j]
            own_left = a < a_end and own[a] == h
            own_right = b < b_end and own[b] == h
            a += own_left
            b += own_right
            i += in_left
            j += in_right
            if own_left == in_left and own_right == in_right:
                out[p, 0] += in_left and in_right
                out[p, 1] += in_left
                out[p, 2] += in_right
    return out


@jit()
def _found(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> int:
    """Two rising sets -> how many they share, by looking up each of the smaller one in the larger."""
    few, many = (left, right) if len(left) < len(right) else (right, left)
    found = 0
    for h in few:
        found += _holds(many, h)
    return found


@jit()
def overlaps(
    hashes: NDArray[np.uint64], indptr: NDArray[np.int64], pairs: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Shingle sets as CSR, pairs int32[m, 2] -> int64[m, 3]: overlap, size of left, size of right."""
    out = np.zeros((len(pairs), 3), I64)
    for p in range(len(pairs)):
        i, i_end = indptr[pairs[p, 0]], indptr[pairs[p, 0] + 1]
        j, j_end = indptr[pairs[p, 1]], indptr[pairs[p, 1] + 1]
        out[p, 1], out[p, 2] = i_end - i, j_end - j
        if out[p, 1] > 32 * out[p, 2] or out[p, 2] > 32 * out[p, 1]:
            out[p, 0] = _found(hashes[i:i_end], hashes[j:j_end])
            continue
        shared = 0
        while i < i_end and j < j_end:
            x, y = hashes[i], hashes[j]
            shared += x == y
            i += x <= y
            j += y <= x
        out[p, 0] = shared
    return out
