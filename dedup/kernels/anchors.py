"""Anchors -> what is boilerplate of a text, and what two texts share besides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import BASE, I32, I64, U8, U32, U64, jit
from .text import fmix64


@jit()
def set_bits(bits: NDArray[np.uint8], places: NDArray[np.int64], n: int) -> None:
    """Set n bits in a row from each place on."""
    for place in places:
        for at in range(place, place + n):
            bits[at >> 3] |= U8(1 << (at & 7))


@jit()
def get_bits(bits: NDArray[np.uint8], start: int, end: int) -> NDArray[np.bool_]:
    """bool[end - start]: the bits from start to end."""
    out = np.empty(end - start, np.bool_)
    for at in range(start, end):
        out[at - start] = bits[at >> 3] >> (at & 7) & 1
    return out


@jit()
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


@jit()
def distinct_groups(
    indptr: NDArray[np.int64], docs: NDArray[np.int32], group: NDArray[np.int32], most: int
) -> NDArray[np.int64]:
    """Postings as CSR -> int64[n_terms]: in how many groups each stands, counted to at most `most` + 1.

    Documents of group -1 do not count.
    """
    n = len(indptr) - 1
    out = np.zeros(n, I64)
    seen = np.empty(most + 1, I32)
    for t in range(n):
        found = 0
        for i in range(indptr[t], indptr[t + 1]):
            g = group[docs[i]]
            new = g >= 0
            for j in range(found):
                if seen[j] == g:
                    new = False
                    break
            if new:
                seen[found] = g
                found += 1
                if found > most:
                    break
        out[t] = found
    return out


@jit()
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


@jit()
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


@jit()
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


@jit()
def _slot(slots: NDArray[np.uint32], shift: np.uint64, h: np.uint32) -> np.int64:
    """Where a hash stands in a table, or would stand; a hash of 0 is in none."""
    at = I64((U64(h) * BASE) >> shift)
    while slots[at] != 0 and slots[at] != h:
        at = (at + 1) & (len(slots) - 1)
    return at
