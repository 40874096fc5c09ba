"""The pass: texts -> signatures, counts, letters hashes and anchors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import I32, I64, U8, U32, U64, jit
from .text import (
    MAX_EXPANSION,
    SEGMENT,
    bone,
    bones_of,
    grown,
    letters_of,
    murmur_blocks,
    murmur_end,
    power,
    rolling,
    short_hash,
)


class Signed(NamedTuple):
    """What the pass over n texts gives."""

    signatures: NDArray[np.uint32]  # [n, num_perm], of the shingles
    skeletons: NDArray[np.uint32]  # [n, num_perm], of the skeleton shingles
    counts: NDArray[np.int64]  # [n, 4]: letters, capitals, punctuation marks, skeleton shingles
    letters_hash: NDArray[np.uint64]  # [n, 2]
    anchor_hash: NDArray[np.uint64]  # [m]
    anchor_text: NDArray[np.int32]  # [m]
    anchor_place: NDArray[np.int32]  # [m], in letters


def sign_texts(
    buffer: NDArray[np.uint8],
    starts: NDArray[np.int64],
    table: Any,
    k: int,
    window: int,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
) -> Signed:
    """n texts -> the whole pass over them.  `window` 0 takes no anchors."""
    tables = (table.value, table.flags, table.pool, table.starts)
    return Signed(*_sign_texts(buffer, starts, *tables, k, power(k), power(4), window, a, b))


@jit()
def min_update(
    hashes: NDArray[np.uint64],
    n: int,
    x: NDArray[np.uint32],
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    out: NDArray[np.uint32],
) -> None:
    """out[p] = min(out[p], a[p] * fmix32(hash) + b[p]) over hashes[:n]; `x` is room for n + 32."""
    for i in range(n):
        v = U32(hashes[i] & U64(0xFFFFFFFF))
        v = U32(U32(v ^ (v >> U32(16))) * U32(0x85EBCA6B))
        v = U32(U32(v ^ (v >> U32(13))) * U32(0xC2B2AE35))
        x[i] = v ^ (v >> U32(16))
    padded = (n + 31) // 32 * 32
    for i in range(n, padded):  # a value taken twice changes no minimum, and whole vectors are faster
        x[i] = x[n - 1]
    full = len(a) // 4 * 4
    for p in range(0, full, 4):
        a0, a1, a2, a3 = a[p], a[p + 1], a[p + 2], a[p + 3]
        b0, b1, b2, b3 = b[p], b[p + 1], b[p + 2], b[p + 3]
        m0, m1, m2, m3 = out[p], out[p + 1], out[p + 2], out[p + 3]
        for i in range(padded):
            y = x[i]
            # subtle: numba widens uint32 * uint32 to 64 bits; without the casts this does not vectorize
            m0 = min(m0, U32(U32(a0 * y) + b0))
            m1 = min(m1, U32(U32(a1 * y) + b1))
            m2 = min(m2, U32(U32(a2 * y) + b2))
            m3 = min(m3, U32(U32(a3 * y) + b3))
        out[p], out[p + 1], out[p + 2], out[p + 3] = m0, m1, m2, m3
    for p in range(full, len(a)):
        m = out[p]
        for i in range(padded):
            m = min(m, U32(U32(a[p] * x[i]) + b[p]))
        out[p] = m


@jit()
def winnow(
    hashes: NDArray[np.uint64], n: int, window: int, last: int, base: int, out: NDArray[np.int64]
) -> tuple[int, int]:
    """The anchors of hashes[:n], n >= window, after place `last` - base -> (their number, the new last)."""
    found = 0
    best = -1
    for end in range(window, n + 1):
        if best < end - window:  # the smallest has left the window: look again, the last of equals wins
            best = end - window
            for i in range(end - window + 1, end):
                if hashes[i] <= hashes[best]:
                    best = i
        elif hashes[end - 1] <= hashes[best]:
            best = end - 1
        if base + best != last:
            last = base + best
            out[found] = best
            found += 1
    return found, last


@jit()
def _sign_texts(buffer, starts, value, flags, pool, pool_starts, k, power, power4, window, a, b):  # type: ignore[no-untyped-def]
    n_texts = len(starts) - 1
    signatures = np.full((n_texts, len(a)), U32(0xFFFFFFFF), U32)
    skeletons = np.full((n_texts, len(a)), U32(0xFFFFFFFF), U32)
    counts = np.zeros((n_texts, 4), I64)
    letters_hash = np.zeros((n_texts, 2), U64)
    room = 1024 + (starts[-1] - starts[0]) // 8
    anchor_hash, anchor_text, anchor_place = np.empty(room, U64), np.empty(room, I32), np.empty(room, I32)
    n_anchors = 0
    letters = np.empty(k + 3 + SEGMENT + MAX_EXPANSION, I32)
    begins = np.empty(len(letters), U8)
    word, cuts = np.empty(2, I64), np.empty(3, U64)
    hashes = np.empty(len(letters) + window, U64)
    x = np.empty(len(letters) + window + 32, U32)
    places = np.empty(len(hashes), I64)
    for t in range(n_texts):
        place, end = starts[t], starts[t + 1]
        carried = hashed = (
            0  # letters at the front of `letters` left from before; letters in the letters hash
        )
        held = 0  # hashes at the front of `hashes` left from before, for the windows that span segments
        n_hashes = I64(0)  # shingles so far
        last = I64(-1)
        word[:], cuts[:] = 0, 0
        n_bones = I64(0)
        counts[t, 3] = 1
        while place < end:
            place, n = letters_of(
                buffer, place, end, value, flags, pool, pool_starts, letters, begins, carried, counts[t]
            )
            new_bones = bones_of(letters, begins, carried, n, word, cuts, power4, hashes[held:])
            if new_bones > 0:
                min_update(hashes[held:], new_bones, x, a, b, skeletons[t])
                n_bones += new_bones
            front = counts[t, 0] - carried  # how many letters stand before letters[0]
            counts[t, 0] = front + n
            hashed = front + murmur_blocks(letters, hashed - front, n, letters_hash[t])
            first = max(0, carried - k + 1)  # subtle: carried may exceed k - 1, for the letters hash
            if n - first >= k:
                new = rolling(letters[first:], n - first, k, power, hashes, held)
                min_update(hashes[held:], new, x, a, b, signatures[t])
                n_hashes += new
                if window > 0:
                    total = held + new
                    if total >= window:
                        base = n_hashes - total
                        found, last = winnow(hashes, total, window, last, base, places)
                        while n_anchors + found > room:
                            room *= 2
                            anchor_hash = grown(anchor_hash, room)
                            anchor_text = grown(anchor_text, room)
                            anchor_place = grown(anchor_place, room)
                        for i in range(found):
                            anchor_hash[n_anchors] = hashes[places[i]]
                            anchor_text[n_anchors] = t
                            anchor_place[n_anchors] = min(base + places[i], I64(0x7FFFFFFF))
                            n_anchors += 1
                        held = window - 1
                        for i in range(held):
                            hashes[i] = hashes[total - held + i]
                    else:
                        held = total
            keep = min(n, max(k - 1, front + n - hashed))
            for i in range(keep):
                letters[i] = letters[n - keep + i]
            carried = keep
        if word[0] >= 5 and bone(cuts[0], word, cuts, power4, hashes[held:], 0) > 0:
            min_update(hashes[held:], 1, x, a, b, skeletons[t])
            n_bones += 1
        counts[t, 3] = n_bones
        total_letters = counts[t, 0]
        if total_letters == 0:
            continue
        front = total_letters - carried
        if total_letters < k:
            short_hash(letters, carried, hashes)
            min_update(hashes, 1, x, a, b, signatures[t])
            n_hashes, held = I64(1), 1
        if window > 0 and n_hashes < window:  # one window that is not full
            best = 0
            for i in range(1, held):
                if hashes[i] <= hashes[best]:
                    best = i
            if n_anchors + 1 > room:
                room *= 2
                anchor_hash = grown(anchor_hash, room)
                anchor_text = grown(anchor_text, room)
                anchor_place = grown(anchor_place, room)
            anchor_hash[n_anchors] = hashes[best]
            anchor_text[n_anchors] = t
            anchor_place[n_anchors] = best
            n_anchors += 1
        murmur_end(letters, hashed - front, carried, total_letters, letters_hash[t])
    return (
        signatures,
        skeletons,
        counts,
        letters_hash,
        anchor_hash[:n_anchors].copy(),
        anchor_text[:n_anchors].copy(),
        anchor_place[:n_anchors].copy(),
    )
