"""The pass: texts -> signatures, counts, letters hashes and anchors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I32, I64, U16, U32, U64, jit
from ..skeleton import MAX_UNSPACED
from .bottom_k import ALL, first_cut, keep_small, min_update, room_for, smallest
from .simd import LANES
from .utf8 import (
    SEGMENT,
    grown,
    letters_of,
    murmur_blocks,
    murmur_end,
    powers,
    shingle_row,
    short_hash,
    skeleton_row,
)
from .winnow import winnow


class Signed(NamedTuple):
    """What the pass over n texts gives."""

    signatures: NDArray[np.uint32]  # [n, num_perm], of the shingles
    skeletons: NDArray[np.uint32]  # [n, num_perm], of the skeleton shingles
    counts: NDArray[np.int64]  # [n, 4]: letters, capitals, punctuation, skeleton shingles; COUNTED
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
    sample: int,
) -> Signed:
    """n texts -> the whole pass over them.  `window` 0 takes no anchors.

    The signature of the shingles is that of the `sample` smallest different ones.
    """
    tables = (table.packed, table.pool, table.starts)
    rows = len(a), *(np.pad(values, (0, -len(values) % LANES)) for values in (a, b))
    return Signed(*_sign_texts(buffer, starts, *tables, k, powers(max(k, 4)), window, *rows, sample))


@jit(
    "const uint8[:]",
    "int64[:]",
    "int32[:]",
    "int32[:]",
    "int32[:]",
    "int64",
    "uint64[:]",
    "int64",
    "int64",
    "uint32[:]",
    "uint32[:]",
    "int64",
)
def _sign_texts(  # type: ignore[no-untyped-def]
    buffer, starts, packed, pool, pool_starts, k, powers, window, num_perm, a, b, sample
):
    n_texts = len(starts) - 1
    signatures = np.empty((n_texts, num_perm), U32)
    skeletons = np.empty((n_texts, num_perm), U32)
    counts = np.zeros((n_texts, 5), I64)  # while a text is read, see letters_of
    letters_hash = np.zeros((n_texts, 2), U64)
    room = 1024 + (starts[-1] - starts[0]) // 14
    anchor_hash, anchor_text, anchor_place = np.empty(room, U64), np.empty(room, I32), np.empty(room, I32)
    n_anchors = 0
    letters = np.empty(max(k, 4) + SEGMENT + 2 * LANES, I32)
    units = np.empty(2 * len(letters), np.uint16)
    fifth = np.empty(len(letters), I32)
    size = len(letters) + 4 * window + 2 * LANES
    hashes, tops = np.empty(size, U64), np.empty(size, U16)
    one, other = np.empty(size, U64), np.empty(size, U64)
    minima, maxima, padded = np.empty(size, U16), np.empty(size, U16), np.empty(size, U16)
    places = np.empty(size, I64)
    skeleton, cuts = np.empty(len(letters), U64), np.empty(size, U64)
    kept = np.empty(8 * SEGMENT, U64)
    x, sort_room = np.empty(len(kept), U32), room_for(len(kept))
    least, least_skeleton = np.empty(len(a), U32), np.empty(len(a), U32)
    t, cut = 0, -1  # the cut is not yet known
    first_anchor = 0
    while t < n_texts:
        place, end = starts[t], starts[t + 1]
        n_kept = 0
        for p in range(len(a)):
            least[p] = least_skeleton[p] = U32(0xFFFFFFFF)
        carried = 0  # letters at the front of `letters` left from before
        n_waiting = n_units = 0  # bytes of letters not yet in the letters hash, and those that are
        held = 0  # hashes at the front of `hashes` left from before, for the windows that span segments
        n_hashes = n_bones = n_cuts = I64(0)
        letters_hash[t, 0] = letters_hash[t, 1] = U64(0)
        counts[t, :] = 0
        while place < end:
            place, n, n_waiting, found = letters_of(
                buffer,
                place,
                end,
                packed,
                pool,
                pool_starts,
                letters,
                carried,
                units,
                n_waiting,
                fifth,
                counts[t],
            )
            hashed = murmur_blocks(units, n_waiting, letters_hash[t])
            n_units, n_waiting = n_units + hashed, n_waiting - hashed
            for i in range(n_waiting):
                units[i] = units[hashed + i]
            front = counts[t, 0] - carried  # how many letters stand before letters[0]
            counts[t, 0] = front + n
            new_skeleton = skeleton_row(letters, fifth, found, cuts, n_cuts, powers[4], skeleton)
            min_update(skeleton, new_skeleton, x, a, b, least_skeleton)
            n_cuts += found
            n_bones += new_skeleton
            first = max(0, carried - k + 1)  # subtle: carried may exceed k - 1, for the skeleton
            new = 0
            if n - first >= k:
                new = shingle_row(letters[first:], n - first, k, powers, one, other, hashes, tops, held)
                n_hashes += new
            if cut < 0:
                cut = first_cut(sample, n_hashes * ((end - starts[t]) / (place - starts[t])))
            n_kept = keep_small(hashes, tops, held, held + new, cut, kept, n_kept)
            if n_kept + len(letters) > len(kept):
                n_kept, cut = smallest(kept, n_kept, sample, cut, sort_room)
                if 2 * (n_kept + len(letters)) > len(kept):
                    kept = grown(kept, 2 * len(kept))
                    x, sort_room = np.empty(len(kept), U32), room_for(len(kept))
            total = held + new
            if window > 0 and total >= window:
                # the places from `held` - window + 1 on are not settled before, nor the last window - 1 now
                start = max(0, held - window + 1)
                settled = total if place >= end else total - window + 1
                low, high = winnow(
                    hashes, tops, total, window, start, settled, minima, maxima, padded, places
                )
                n_found = high - low
                while n_anchors + n_found > room:
                    room *= 2
                    anchor_hash = grown(anchor_hash, room)
                    anchor_text = grown(anchor_text, room)
                    anchor_place = grown(anchor_place, room)
                base = n_hashes - total
                for i in range(n_found):
                    anchor_hash[n_anchors + i] = hashes[places[low + i]]
                    anchor_text[n_anchors + i] = t
                    anchor_place[n_anchors + i] = min(base + places[low + i], I64(0x7FFFFFFF))
                n_anchors += n_found
            if window > 0:
                held = min(total, 2 * (window - 1))
                for i in range(held):
                    hashes[i] = hashes[total - held + i]
                    tops[i] = tops[total - held + i]
            keep = min(n, max(k - 1, 4))
            for i in range(keep):
                letters[i] = letters[n - keep + i]
            carried = keep
        total_letters = counts[t, 0]
        if 0 < total_letters < k:
            short_hash(letters, carried, hashes)
            kept[0] = hashes[0]
            n_kept, n_hashes, held = 1, I64(1), 1
        guessed = cut != ALL
        if n_hashes > sample:
            n_kept, cut = smallest(kept, n_kept, sample, cut, sort_room)
        if guessed and n_kept < sample:
            cut = ALL  # too many were equal, or the text changed: once more, with no guess
            n_anchors = first_anchor
            continue
        min_update(kept, n_kept, x, a, b, least)
        if 100 * counts[t, 4] > MAX_UNSPACED * total_letters:
            n_bones = I64(0)
            least_skeleton[:] = U32(0xFFFFFFFF)
        for p in range(num_perm):
            signatures[t, p], skeletons[t, p] = least[p], least_skeleton[p]
        counts[t, 3] = n_bones
        if window > 0 and 0 < n_hashes < window:  # one window that is not full
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
        if total_letters > 0:
            murmur_end(units, n_waiting, n_units + n_waiting, letters_hash[t])
        first_anchor = n_anchors
        t, cut = t + 1, -1
    return (
        signatures,
        skeletons,
        counts[:, :4].copy(),
        letters_hash,
        anchor_hash[:n_anchors],
        anchor_text[:n_anchors],
        anchor_place[:n_anchors],
    )
