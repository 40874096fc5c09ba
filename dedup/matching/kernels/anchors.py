"""Anchors -> what is boilerplate of a text, and what two texts share besides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import BASE, I32, I64, U8, U32, U64, inlined, inner, jit
from ...text.kernels.simd import prefetch
from ...text.kernels.utf8 import fmix64
from .pairs import AHEAD, _packing, _place, groups_of, longer


@jit("uint8[:]", "int64[:]", "int64")
def set_bits(bits: NDArray[np.uint8], places: NDArray[np.int64], n: int) -> None:
    """Set n bits in a row from each place on."""
    for place in places:
        for at in range(place, place + n):
            bits[at >> 3] |= U8(1 << (at & 7))


@jit("uint8[:]", "int64", "int64")
def get_bits(bits: NDArray[np.uint8], start: int, end: int) -> NDArray[np.bool_]:
    """bool[end - start]: the bits from start to end."""
    out = np.empty(end - start, np.bool_)
    for at in range(start, end):
        out[at - start] = bits[at >> 3] >> (at & 7) & 1
    return out


@jit("const uint64[:]", "int64[:]", "bool[:]", "bool[:]")
def own_anchors(
    hashes: NDArray[np.uint64], start: NDArray[np.int64], wanted: NDArray[np.bool_], flags: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Anchors by document as CSR, which are boilerplate -> bool[n]: the first of each hash that is none.

    Of documents that are `wanted` bool[n_docs]; the others have none.  One that recurs counts once.
    """
    out, slots = np.zeros(start[-1], np.bool_), np.zeros(64, U64)
    for d in range(len(start) - 1):
        if wanted[d]:
            slots, shift = _cleared(slots, start[d + 1] - start[d])
            for i in range(start[d], start[d + 1]):
                if not flags[i]:
                    out[i] = _put(slots, shift, hashes[i])
    return out


@jit("const uint64[:]", "int64[:]", "bool[:]")
def different_anchors(
    hashes: NDArray[np.uint64], start: NDArray[np.int64], flags: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The same -> int64[n_docs, 2]: how many different anchors each document has, and how many of its own."""
    out, slots = np.zeros((len(start) - 1, 2), I64), np.zeros(64, U64)
    for d in range(len(start) - 1):
        slots, shift = _cleared(slots, start[d + 1] - start[d])
        framed = 0
        for i in range(start[d], start[d + 1]):
            framed += flags[i]
            if not flags[i]:
                out[d, 1] += _put(slots, shift, hashes[i])
        out[d, 0] = out[d, 1]
        if framed:
            for i in range(start[d], start[d + 1]):
                if flags[i]:
                    out[d, 0] += _put(slots, shift, hashes[i])
    return out


@inner
def _cleared(slots, n):  # type: ignore[no-untyped-def]
    """-> (room for a table of n hashes, empty as far as it is used; its `_shift`)."""
    size = 64
    while size < 2 * n:
        size *= 2
    if size > len(slots):
        slots = np.zeros(size, U64)
    else:
        slots[:size] = U64(0)
    return slots, _shift(size)


@inlined
def _put(slots, shift, h):  # type: ignore[no-untyped-def]
    """Put a hash into a table -> whether it is new there; the largest of all is taken for the one before."""
    key = max(~h, U64(1))
    last = I64(~U64(0) >> shift)
    at = I64((key * BASE) >> shift)
    while slots[at] != 0 and slots[at] != key:
        at = (at + 1) & last
    new = slots[at] == 0
    slots[at] = key
    return new


@jit("const uint64[:]", "int32[:]", "int64")
def in_a_row(
    hashes: NDArray[np.uint64], docs: NDArray[np.int32], n: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes in document order -> (hash of each n in a row in a document, place of the first of them)."""
    out, first = np.empty(len(hashes), U64), np.empty(len(hashes), I64)
    found = 0
    for i in range(len(hashes) - n + 1):
        if docs[i] == docs[i + n - 1]:
            h = U64(0)
            for j in range(i, i + n):
                h = fmix64(h + hashes[j])
            out[found], first[found] = h, i
            found += 1
    return out[:found].copy(), first[:found].copy()


@jit("uint64[:]", "int32[:]")
def slots_of(keys: NDArray[np.uint64], slots: NDArray[np.int32]) -> None:
    """Put the numbers of different keys uint64[n] into a table int32[2^m], 2 n or more; -1 where none is."""
    shift, slots[:] = _shift(len(slots)), -1
    for i in range(len(keys)):
        at = I64((keys[i] * BASE) >> shift)
        while slots[at] >= 0:
            at = (at + 1) & (len(slots) - 1)
        slots[at] = i


@inner
def _shift(size):  # type: ignore[no-untyped-def]
    """How many bits of a hash are not the number of its place in a table of 2^m places."""
    bits = 0
    while 1 << bits < size:
        bits += 1
    return U64(64 - bits)


@jit("int32[:]", "uint64[:]", "uint64[:]")
def numbers_of(
    slots: NDArray[np.int32], keys: NDArray[np.uint64], hashes: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Hashes uint64[n] -> int64[n], the number of the key that each is, -1 where it is none."""
    shift, last = _shift(len(slots)), len(hashes) - 1
    out = np.empty(len(hashes), I64)
    for i in range(len(hashes)):
        prefetch(slots, I64((hashes[min(i + 2 * AHEAD, last)] * BASE) >> shift))
        prefetch(keys, max(slots[I64((hashes[min(i + AHEAD, last)] * BASE) >> shift)], 0))
        at = I64((hashes[i] * BASE) >> shift)
        while slots[at] >= 0 and keys[slots[at]] != hashes[i]:
            at = (at + 1) & (len(slots) - 1)
        out[i] = slots[at]
    return out


@jit(
    "uint64[:]",
    "int64[:]",
    "bool[:]",
    "uint8[:]",
    "int64",
    "int64",
    "uint8[:]",
    "int32[:]",
    "uint64[:]",
    "int64[:]",
)
def looked_up(
    hashes: NDArray[np.uint64],
    start: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    skip: NDArray[np.uint8],
    begin: int,
    in_row: int,
    likely: NDArray[np.uint8],
    slots: NDArray[np.int32],
    keys: NDArray[np.uint64],
    numbers: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Hashes by document as CSR -> (the number of a key << 32 | document) where `in_row` of them are a key.

    Documents int32[n] that are not `wanted` are left out, and hashes whose bit in `skip` is set (of all
    hashes; these begin at `begin`).  `likely` holds all keys, by `tally`; `slots` are of them, by `slots_of`.
    """
    width, places, shift = _packing(len(likely), 1)
    slot_shift, m = _shift(len(slots)), 0
    out, mixed = np.empty(1024, I64), np.empty(1024, U64)
    for d in range(len(start) - 1):
        n = start[d + 1] - start[d] - in_row + 1
        if not wanted[d] or n <= 0:
            continue
        if n > len(mixed):
            mixed = np.empty(2 * n, U64)
        used = 0  # subtle: one short loop after the other, so that no step waits for memory or a branch
        for i in range(start[d], start[d] + n):
            h = hashes[i]
            if in_row > 1:
                h = U64(0)
                for j in range(i, i + in_row):
                    h = fmix64(h + hashes[j])
            mixed[used] = h
            prefetch(likely, _place(h, width, places, shift)[0])
            used += not (skip[(begin + i) >> 3] >> ((begin + i) & 7)) & 1
        found = 0
        for i in range(used):
            byte, low = _place(mixed[i], width, places, shift)
            mixed[found] = mixed[i]
            found += (likely[byte] >> low) & 1
        for i in range(found):
            prefetch(slots, I64((mixed[i] * BASE) >> slot_shift))
        for i in range(found):
            number = max(I32(0), slots[I64((mixed[i] * BASE) >> slot_shift)])
            prefetch(keys, number)
            prefetch(numbers, number)
        if m + found > len(out):
            out = longer(out, m, 2 * len(out) + found)
        for i in range(found):
            slot = I64((mixed[i] * BASE) >> slot_shift)
            while slots[slot] >= 0 and keys[slots[slot]] != mixed[i]:
                slot = (slot + 1) & (len(slots) - 1)
            if slots[slot] >= 0:
                out[m] = numbers[slots[slot]] << 32 | d
                m += 1
    return out[:m].copy()


@jit("uint8[:]", "int64", "uint8[:]", "int64", "int64")
def copy_bits(source: NDArray[np.uint8], start: int, target: NDArray[np.uint8], at: int, n: int) -> None:
    """Or n bits of the source, from `start` on, into the target from `at` on."""
    i = 0
    while i < n and (at + i) & 7:
        target[(at + i) >> 3] |= (source[(start + i) >> 3] >> ((start + i) & 7) & 1) << ((at + i) & 7)
        i += 1
    shift = (start + i) & 7
    while i + 8 <= n:
        byte = (start + i) >> 3
        value = source[byte] >> shift
        if shift:
            value |= source[byte + 1] << (8 - shift)
        target[(at + i) >> 3] = U8(value & 255)
        i += 8
    while i < n:
        target[(at + i) >> 3] |= (source[(start + i) >> 3] >> ((start + i) & 7) & 1) << ((at + i) & 7)
        i += 1


@jit("int64[:]", "int32[:]", "int32[:]", "int64")
def distinct_groups(
    indptr: NDArray[np.int64], docs: NDArray[np.int32], group: NDArray[np.int32], most: int
) -> NDArray[np.int64]:
    """Postings as CSR -> int64[n_terms]: in how many groups each stands, counted to at most `most` + 1.

    Documents of group -1 do not count.
    """
    out, seen = np.zeros(len(indptr) - 1, I64), np.empty(most + 1, I32)
    for t in range(len(out)):
        out[t] = groups_of(docs, indptr[t], indptr[t + 1], group, most, seen)
    return out


@jit("int64[:]", "bool[:]", "int32[:]")
def own_runs(
    doc_starts: NDArray[np.int64], common: NDArray[np.bool_], position: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Anchors by document as CSR, which are common -> int64[n_docs], the longest run of others."""
    out = np.zeros(len(doc_starts) - 1, I64)
    for d in range(len(out)):
        start, end = doc_starts[d], doc_starts[d + 1]
        first = I64(-1)
        for i in range(start, end):
            if common[i]:
                first = I64(-1)
            else:
                if first < 0:
                    first = I64(position[i])
                out[d] = max(out[d], I64(position[i]) - first + 1)
    return out


@jit("int64[:]", "bool[:]", "int32[:]")
def spans_of(
    doc_starts: NDArray[np.int64], boilerplate: NDArray[np.bool_], position: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Anchors by document as CSR, which are boilerplate -> spans (start, end, indptr) between two such.

    A text that begins or ends with one is boilerplate up to there.
    """
    n_docs = len(doc_starts) - 1
    start, end, indptr = np.empty(len(position), I64), np.empty(len(position), I64), np.zeros(n_docs + 1, I64)
    n = 0
    for d in range(n_docs):
        inside = False
        for i in range(doc_starts[d], doc_starts[d + 1]):
            if boilerplate[i]:
                if not inside:
                    start[n] = 0 if i == doc_starts[d] else position[i]
                    n += 1
                    inside = True
                end[n - 1] = position[i] + 1 if i + 1 < doc_starts[d + 1] else I64(1) << I64(62)
            else:
                inside = False
        indptr[d + 1] = n
    return start[:n].copy(), end[:n].copy(), indptr


@jit("uint32[:]", "int64[:]", "int32[:,:]")
def shared_own(
    hashes: NDArray[np.uint32], starts: NDArray[np.int64], pairs: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Anchors by document as CSR, pairs int32[m, 2] -> int32[m].

    How many anchors of the right document the left one has too.  Quick where the pairs of one left document
    stand together: its anchors are put into a table once.
    """
    out = np.zeros(len(pairs), I32)
    slots, last, shift = np.zeros(64, U32), I32(-1), U64(58)
    for p in range(len(pairs)):
        left, right = pairs[p]
        if left != last:
            bits = 6
            while 1 << bits < 2 * (starts[left + 1] - starts[left]):
                bits += 1
            slots, shift, last = np.zeros(1 << bits, U32), U64(64 - bits), left
            for h in hashes[starts[left] : starts[left + 1]]:
                slots[_slot(slots, shift, h)] = h
        for h in hashes[starts[right] : starts[right + 1]]:
            out[p] += slots[_slot(slots, shift, h)] != 0
    return out


@inner
def _slot(slots: NDArray[np.uint32], shift: np.uint64, h: np.uint32) -> np.int64:
    """Where a hash stands in a table, or would stand; a hash of 0 is in none."""
    at = I64((U64(h) * BASE) >> shift)
    while slots[at] != 0 and slots[at] != h:
        at = (at + 1) & (len(slots) - 1)
    return at


@jit("uint64[:]", "int64[:]", "int32[:,:]")
def shared_hashes(
    hashes: NDArray[np.uint64], starts: NDArray[np.int64], pairs: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Hashes by document as CSR, rising in each; pairs int32[m, 2] -> (which pair, a hash that both have)."""
    pair, found, n = np.empty(1024, I64), np.empty(1024, U64), 0
    for p in range(len(pairs)):
        i, i_end = starts[pairs[p, 0]], starts[pairs[p, 0] + 1]
        j, j_end = starts[pairs[p, 1]], starts[pairs[p, 1] + 1]
        if n + i_end - i > len(pair):
            size = 2 * len(pair) + i_end - i
            pair, found = longer(pair, n, size), longer(found, n, size)
        while i < i_end and j < j_end:
            x, y = hashes[i], hashes[j]
            if x == y and (n == 0 or pair[n - 1] != p or found[n - 1] != x):
                pair[n], found[n] = p, x
                n += 1
            i += x <= y
            j += y <= x
    return pair[:n].copy(), found[:n].copy()
