"""Texts -> exact sets of shingle hashes; sets -> overlaps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.features import Spans
from ...core.jit import I32, I64, U16, U64, inlined, inner, jit
from ...text.kernels.simd import LANES
from ...text.kernels.utf8 import SEGMENT, grown, letters_of, powers, shingle_row, short_hash, skeleton_row
from ...text.skeleton import MAX_UNSPACED

UNEVEN = 32  # a set so many times as large is searched, not walked through


def shingle_sets(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], table: Any, k: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """n texts -> their sets of shingle hashes as CSR: uint64[nnz] rising in each slice, indptr int64[n+1]."""
    places = Spans.none(len(starts) - 1)
    return _sets(_shingle_rows(buffer, starts, *_facts(table, k), *_places(places), False), U64(0))


def marked_sets(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], table: Any, k: int, frames: Spans
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """n texts -> their sets of shingle hashes as CSR, the lowest bit set where it is the text's own.

    A shingle is the text's own that stands somewhere outside `frames`, its boilerplate.
    """
    return _sets(_shingle_rows(buffer, starts, *_facts(table, k), *_places(frames), True), U64(1))


def skeleton_sets(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], table: Any
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """n texts -> their sets of skeleton shingle hashes as CSR: uint64[nnz] rising in each slice, indptr."""
    tables = (table.packed, table.pool, table.starts)
    return _sets(_skeleton_rows(buffer, starts, *tables, powers(4)[4]), U64(0))


def _facts(table: Any, k: int) -> tuple[Any, ...]:
    return table.packed, table.pool, table.starts, k, powers(k)


def _places(spans: Spans) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    return spans.start, spans.end, spans.indptr


def _sets(
    rows: tuple[NDArray[np.uint64], NDArray[np.int64]], marks: np.uint64
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes by text as CSR -> the different ones, rising; equal but for `marks` are one, with all marks."""
    hashes, indptr = rows
    sort_each(hashes, indptr)
    return hashes[: _unique(hashes, indptr, marks)], indptr


def sort_each(hashes: NDArray[np.uint64], indptr: NDArray[np.int64]) -> None:
    """Put the hashes of each text, as CSR, in order.

    subtle: it is NumPy that sorts, with vectors; compiled code of our own takes two to four times as long.
    """
    for start, end in itertools.pairwise(indptr.tolist()):
        hashes[start:end].sort()


@jit("uint64[:]", "int64[:]", "uint64")
def _unique(hashes: NDArray[np.uint64], indptr: NDArray[np.int64], marks: np.uint64) -> int:
    """Sorted hashes as CSR -> the different ones in front, in place, and indptr with them -> how many."""
    used, start = 0, indptr[0]
    for t in range(len(indptr) - 1):
        end, first = indptr[t + 1], used
        for i in range(start, end):
            h = hashes[i]
            used += used == first or (hashes[used - 1] ^ h) > marks
            hashes[used - 1] = h  # of equal ones the last, which has the mark if one of them has
        indptr[t + 1] = used
        start = end
    return used


@jit(
    "const uint8[:]",
    "int64[:]",
    "int32[:]",
    "int32[:]",
    "int32[:]",
    "int64",
    "uint64[:]",
    "int64[:]",
    "int64[:]",
    "int64[:]",
    "bool",
)
def _shingle_rows(buffer, starts, packed, pool, pool_starts, k, powers, span_start, span_end, spans, marked):  # type: ignore[no-untyped-def]
    """n texts -> their shingle hashes, in order, as CSR."""
    n_texts = len(starts) - 1
    indptr = np.zeros(n_texts + 1, I64)
    hashes = np.empty(1024 + (starts[-1] - starts[0]), U64)
    letters, fifth = np.empty(k + SEGMENT + 2 * LANES, I32), np.empty(k + SEGMENT + 2 * LANES, I32)
    units, tops = np.empty(2 * len(letters), U16), np.empty(len(letters), U16)
    one, other = np.empty(len(letters), U64), np.empty(len(letters), U64)
    counts = np.zeros(5, I64)
    at = 0
    for t in range(n_texts):
        place, end = starts[t], starts[t + 1]
        carried, first = 0, at
        while place < end:
            place, n, _, _ = letters_of(
                buffer, place, end, packed, pool, pool_starts, letters, carried, units, 0, fifth, counts
            )
            if at + n + LANES > len(hashes):
                hashes = grown(hashes, 2 * len(hashes) + n)
            if n >= k:
                at += shingle_row(letters, n, k, powers, one, other, hashes[at:], tops, 0)
            carried = min(n, k - 1)
            for i in range(carried):
                letters[i] = letters[n - carried + i]
        if at == first and carried > 0:
            short_hash(letters, carried, hashes[at:])
            at += 1
        if marked:
            _mark(hashes[first:at], span_start[spans[t] : spans[t + 1]], span_end[spans[t] : spans[t + 1]])
        indptr[t + 1] = at
    return hashes[:at], indptr


@inner
def _mark(hashes: NDArray[np.uint64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
    """Set the lowest bit of the hashes at places outside the spans, and clear it inside, in place."""
    for i in range(len(hashes)):
        hashes[i] |= U64(1)
    for span in range(len(starts)):
        for i in range(starts[span], min(ends[span], len(hashes))):
            hashes[i] &= ~U64(1)


@jit("const uint8[:]", "int64[:]", "int32[:]", "int32[:]", "int32[:]", "uint64")
def _skeleton_rows(buffer, starts, packed, pool, pool_starts, power4):  # type: ignore[no-untyped-def]
    """n texts -> their skeleton shingle hashes, in order, as CSR."""
    n_texts = len(starts) - 1
    indptr = np.zeros(n_texts + 1, I64)
    hashes = np.empty(1024 + (starts[-1] - starts[0]) // 8, U64)
    letters, fifth = np.empty(4 + SEGMENT + 2 * LANES, I32), np.empty(4 + SEGMENT + 2 * LANES, I32)
    cuts, counts, units = np.empty(len(letters), U64), np.zeros(5, I64), np.empty(2 * len(letters), U16)
    at = 0
    for t in range(n_texts):
        place, end = starts[t], starts[t + 1]
        carried, n_cuts, n_letters = 0, I64(0), I64(0)
        counts[3] = counts[4] = 0
        while place < end:
            place, n, _, found = letters_of(
                buffer, place, end, packed, pool, pool_starts, letters, carried, units, 0, fifth, counts
            )
            if at + found > len(hashes):
                hashes = grown(hashes, 2 * len(hashes) + found)
            at += skeleton_row(letters, fifth, found, cuts, n_cuts, power4, hashes[at:])
            n_cuts += found
            n_letters += n - carried
            carried = min(n, 4)
            for i in range(carried):
                letters[i] = letters[n - carried + i]
        if 100 * counts[4] > MAX_UNSPACED * n_letters:
            at = indptr[t]
        indptr[t + 1] = at
    return hashes[:at], indptr


@jit("uint64[:]", "int64[:]", "int32[:,:]")
def figures(
    hashes: NDArray[np.uint64], indptr: NDArray[np.int64], pairs: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Marked sets as CSR, pairs int32[m, 2] -> int64[m, 6].

    Overlap, size of left and size of right of all shingles; and the same of those that are boilerplate in
    neither text.
    """
    n_own = np.zeros(len(indptr) - 1, I64)
    for t in range(len(n_own)):
        for i in range(indptr[t], indptr[t + 1]):
            n_own[t] += I64(hashes[i] & U64(1))
    out = np.zeros((len(pairs), 6), I64)
    for p in range(len(pairs)):
        a, b = pairs[p]
        left, right = hashes[indptr[a] : indptr[a + 1]], hashes[indptr[b] : indptr[b + 1]]
        out[p, 1], out[p, 2] = len(left), len(right)
        if len(left) > UNEVEN * len(right):
            found = _looked_up(right, left)
            out[p, 0], out[p, 3], in_right, in_left = found
        elif len(right) > UNEVEN * len(left):
            found = _looked_up(left, right)
            out[p, 0], out[p, 3], in_left, in_right = found
        else:
            out[p, 0], out[p, 3], in_left, in_right = _merged(left, right)
        out[p, 4], out[p, 5] = n_own[a] - in_left, n_own[b] - in_right
    return out


@inner
def _looked_up(few: NDArray[np.uint64], many: NDArray[np.uint64]) -> tuple[int, int, int, int]:
    """Two marked sets -> how many both hold; that both own; that few alone owns; that many alone owns."""
    shared, both, only_few, only_many = 0, 0, 0, 0
    for x in few:
        at = np.searchsorted(many, x & ~U64(1))
        if at < len(many) and (many[at] ^ x) <= 1:
            mine, other = int(x & U64(1)), int(many[at] & U64(1))
            shared += 1
            both += mine & other
            only_few += mine & ~other
            only_many += other & ~mine
    return shared, both, only_few, only_many


@inner
def _merged(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> tuple[int, int, int, int]:
    """Two marked sets -> how many both hold; that both own; that left alone owns; that right alone owns.

    Each step of a merge waits for the one before, so the two halves are merged side by side.
    """
    middle = left[len(left) >> 1] & ~U64(1) if len(left) else U64(0)
    i, i_end = 0, np.searchsorted(left, middle)
    j, j_end = 0, np.searchsorted(right, middle)
    m, n = i_end, j_end
    found = (U64(0), U64(0), U64(0), U64(0))
    while i < i_end and j < j_end and m < len(left) and n < len(right):
        i, j, found = _step(left, right, i, j, found)
        m, n, found = _step(left, right, m, n, found)
    while i < i_end and j < j_end:
        i, j, found = _step(left, right, i, j, found)
    while m < len(left) and n < len(right):
        m, n, found = _step(left, right, m, n, found)
    return int(found[0]), int(found[1]), int(found[2]), int(found[3])


@inlined
def _step(left, right, i, j, found):  # type: ignore[no-untyped-def]
    """One step of a merge, without a branch."""
    x, y = left[i], right[j]
    up, across = x >> U64(1) <= y >> U64(1), y >> U64(1) <= x >> U64(1)
    same = U64(up & across)
    shared, both, only_left, only_right = found
    found = (shared + same, both + (same & x & y), only_left + (same & x & ~y), only_right + (same & y & ~x))
    return i + I64(up), j + I64(across), found


@inner
def _found(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> int:
    """Two rising sets -> how many they share, by looking up each of the smaller one in the larger."""
    few, many = (left, right) if len(left) < len(right) else (right, left)
    found = 0
    for h in few:
        at = np.searchsorted(many, h)
        found += at < len(many) and many[at] == h
    return found


@jit("uint64[:]", "int64[:]", "int32[:,:]")
def overlaps(
    hashes: NDArray[np.uint64], indptr: NDArray[np.int64], pairs: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Shingle sets as CSR, pairs int32[m, 2] -> int64[m, 3]: overlap, size of left, size of right."""
    out = np.zeros((len(pairs), 3), I64)
    for p in range(len(pairs)):
        i, i_end = indptr[pairs[p, 0]], indptr[pairs[p, 0] + 1]
        j, j_end = indptr[pairs[p, 1]], indptr[pairs[p, 1] + 1]
        out[p, 1], out[p, 2] = i_end - i, j_end - j
        if out[p, 1] > UNEVEN * out[p, 2] or out[p, 2] > UNEVEN * out[p, 1]:
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
