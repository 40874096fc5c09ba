"""Anchors and letters -> the passages that stand in two places or more."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.jit import BASE, I32, I64, U8, U64, inlined, inner, jit
from ...text.kernels.utf8 import fmix64, grown


class Letters(NamedTuple):
    """The letters of n texts in one buffer uint8[m], of 1, 2 or 4 bytes each, as `width` uint8[n] says.

    Text t has n_letters[t] of them, from byte start[t] on; both int64[n].
    """

    buffer: NDArray[np.uint8]
    start: NDArray[np.int64]
    width: NDArray[np.uint8]
    n_letters: NDArray[np.int64]


LETTERS = "Letters(uint8[:], int64[:], uint8[:], int64[:])"  # the type of its arrays, see `kinds`


class Places(NamedTuple):
    """Anchors that stand in two places or more: places of group g are indptr[g]:indptr[g + 1], in order.

    A place is a text and the letter on which the anchor begins.  It stands for the stretches of `least`
    letters that begin `near` to `far` letters before it.
    """

    indptr: NDArray[np.int64]
    text: NDArray[np.int32]
    position: NDArray[np.int64]
    near: NDArray[np.int64]
    far: NDArray[np.int64]


BLOCK = 4096  # letters
PLACES = "Places(int64[:], int32[:], int64[:], int64[:], int64[:])"


@jit("const uint64[:]", "const int32[:]", "int64[:]", "int64[:]", "int64", "int64", "int64")
def seeds(
    hashes: NDArray[np.uint64],
    positions: NDArray[np.int32],
    start: NDArray[np.int64],
    n_letters: NDArray[np.int64],
    window: int,
    least: int,
    reach: int,
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Anchors by document as CSR -> of each that a stretch of `least` letters may have as its first one:
    a key, its document (from 0), its position, and how many letters before it such stretches begin: from
    `near` to `far`.

    The first anchor of a stretch is the smallest hash, the last of equal ones, of its first window.  The key
    is of the anchors from there on for `reach` letters, which all copies of the stretch have.  Documents of
    fewer than `least` letters have none.
    """
    room = len(hashes)
    key, doc, position = np.empty(room, U64), np.empty(room, I64), np.empty(room, I32)
    near, far = np.empty(room, U8), np.empty(room, U8)
    n = 0
    for d in range(len(start) - 1):
        # one more than fit: where the text ends, the stretch one letter before has fewer followers
        begin, end, last = start[d], start[d + 1], n_letters[d] - least + 1
        if last < 1:
            continue
        for i in range(begin, end):
            p = I64(positions[i])
            low, high = max(p - window + 1, I64(0)), min(p, last)
            j = i - 1
            while j >= begin and positions[j] >= low:
                if hashes[j] < hashes[i]:
                    low = I64(positions[j]) + 1
                j -= 1
            j = i + 1
            while j < end and positions[j] < high + window:
                if hashes[j] <= hashes[i]:
                    high = I64(positions[j]) - window
                j += 1
            if low > high:
                continue
            h = hashes[i]
            j = i + 1
            while j < end and positions[j] <= p + reach:
                h = fmix64(h + hashes[j] + U64(positions[j] - p) * BASE)
                j += 1
            key[n], doc[n], position[n], near[n], far[n] = h, d, p, p - high, p - low
            n += 1
    return key[:n].copy(), doc[:n].copy(), position[:n].copy(), near[:n].copy(), far[:n].copy()


@inlined
def _letter(letters, at, width):  # type: ignore[no-untyped-def]
    """The letter at byte `at`."""
    if width == 1:
        return I64(letters.buffer[at])
    if width == 2:
        return I64(letters.buffer[at]) | I64(letters.buffer[at + 1]) << 8
    low = I64(letters.buffer[at]) | I64(letters.buffer[at + 1]) << 8
    return low | I64(letters.buffer[at + 2]) << 16 | I64(letters.buffer[at + 3]) << 24


@inner
def agree(letters, t, p, others, u, q, step, most):  # type: ignore[no-untyped-def]
    """How many letters from p on in text t and from q on in text u of others are the same, `most` at most.

    By `step` 1 or -1 from one to the next, to the end or the beginning of the texts.
    """
    if step > 0:
        most = min(most, letters.n_letters[t] - p, others.n_letters[u] - q)
    else:
        most = min(most, p + 1, q + 1)
    wide, other = I64(letters.width[t]), I64(others.width[u])
    at, to = letters.start[t] + p * wide, others.start[u] + q * other
    n = I64(0)
    if wide == 1 and other == 1:
        while n < most and letters.buffer[at] == others.buffer[to]:
            at, to, n = at + step, to + step, n + 1
        return n
    while n < most and _letter(letters, at, wide) == _letter(others, to, other):
        at, to, n = at + step * wide, to + step * other, n + 1
    return n


@inner
def _hash_stretches(letters, places, first, last, least, power, out):  # type: ignore[no-untyped-def]
    """Hash the stretches of each place first..last - 1 into out[place - first, letters before it].

    Also the stretch one letter before those; 0 where a text has none there.
    """
    for i in range(first, last):
        t, p = places.text[i], places.position[i]
        width, begin, last_start = I64(letters.width[t]), letters.start[t], letters.n_letters[t] - least
        row = out[i - first]
        row[places.near[i] : places.far[i] + 2] = U64(0)
        s = max(p - places.far[i] - 1, I64(0))
        h = U64(0)
        for j in range(s, s + least):
            h = h * BASE + U64(_letter(letters, begin + j * width, width))
        row[p - s] = max(fmix64(h), U64(1))
        while s < min(p - places.near[i], last_start):
            gone = U64(_letter(letters, begin + s * width, width))
            h = (h - gone * power) * BASE + U64(_letter(letters, begin + (s + least) * width, width))
            s += 1
            row[p - s] = max(fmix64(h), U64(1))


@inner
def _grouped(hashes, members, n, l, order):  # type: ignore[no-untyped-def]  # noqa: E741
    """Sort members[:n] by their hashes at `l`, equal ones in the order they had, into order[:n]."""
    if n <= 32:
        for i in range(n):
            m = members[i]
            j = i
            while j > 0 and hashes[order[j - 1], l] > hashes[m, l]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = m
        return
    keys = np.empty(n, U64)
    for i in range(n):
        keys[i] = hashes[members[i], l]
    by_key = np.argsort(keys, kind="mergesort")
    for i in range(n):
        order[i] = members[by_key[i]]


@inner
def _all_same(hashes, members, n, l):  # type: ignore[no-untyped-def]  # noqa: E741
    for i in range(1, n):
        if hashes[members[i], l] != hashes[members[0], l]:
            return False
    return True


@inner
def _count_before(hashes, order, n, l, counts):  # type: ignore[no-untyped-def]  # noqa: E741
    """Count for each of order[:n], sorted by the hashes at `l`, how many have the same one."""
    i = 0
    while i < n:
        j = i
        while j < n and hashes[order[j], l] == hashes[order[i], l]:
            j += 1
        for q in range(i, j):
            counts[order[q]] = j - i
        i = j


@jit(LETTERS, PLACES, "int64")
def passages_of(
    letters: Letters, places: Places, least: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Places of anchors -> (copies of each passage, its letters, the text and the beginning of each copy).

    A passage is the longest stretch around `least` letters on which all their places agree.  One may be given
    more than once, where other passages stand inside it.
    """
    blocks = np.zeros(len(letters.start) + 1, I64)
    for t in range(len(letters.start)):
        blocks[t + 1] = blocks[t] + letters.n_letters[t] // BLOCK + 1
    # of each block of letters, a long passage that was found there: its beginning, its end, its copies
    known = np.zeros((blocks[-1], 3), I64)
    size, length = np.empty(1024, I64), np.empty(1024, I64)
    out_text, out_start = np.empty(4096, I32), np.empty(4096, I64)
    n_found, n_rows = 0, 0
    power = U64(1)
    for _ in range(least - 1):
        power *= BASE
    most = I64(0)
    widest = I64(0)
    for g in range(len(places.indptr) - 1):
        most = max(most, places.indptr[g + 1] - places.indptr[g])
    for i in range(len(places.far)):
        widest = max(widest, places.far[i])
    hashes = np.zeros((most, widest + 2), U64)
    members, order, other = np.empty(most, I64), np.empty(most, I64), np.empty(most, I64)
    before, part, rest = np.zeros(most, I64), np.empty(most, I64), np.empty(most, I64)
    for g in range(len(places.indptr) - 1):
        first, last = places.indptr[g], places.indptr[g + 1]
        _hash_stretches(letters, places, first, last, least, power, hashes)
        for l in range(widest, -1, -1):  # noqa: E741
            n = 0
            for i in range(first, last):
                if places.near[i] <= l <= places.far[i]:
                    members[n] = i - first
                    n += 1
            if n < 2:
                continue
            same = _all_same(hashes, members, n, l)
            if same and hashes[members[0], l] == 0:
                continue
            if same and hashes[members[0], l + 1] != 0 and _all_same(hashes, members, n, l + 1):
                continue
            _grouped(hashes, members, n, l + 1, other)
            _count_before(hashes, other, n, l + 1, before)
            _grouped(hashes, members, n, l, order)
            i = 0
            while i < n:
                j = i
                follows = True
                value = hashes[order[i], l + 1]
                while j < n and hashes[order[j], l] == hashes[order[i], l]:
                    part[j - i] = order[j]
                    follows &= hashes[order[j], l + 1] == value
                    j += 1
                m = j - i
                follows = follows and value != 0 and before[order[i]] == m
                i = j
                while m > 1 and not follows and hashes[part[0], l] != 0:
                    # before: part[:m] have one hash; after: its first, and those with its letters, are done
                    f = first + part[0]
                    t, s = places.text[f], places.position[f] - l
                    long = known[blocks[t] + s // BLOCK]
                    if long[2] == m and long[0] <= s and s + least <= long[1]:
                        break
                    left, right = s, letters.n_letters[t] - s - least
                    n_rest, kept = 0, 1
                    for q in range(1, m):
                        e = first + part[q]
                        u, at = places.text[e], places.position[e] - l
                        if agree(letters, t, s, letters, u, at, 1, least) < least:
                            rest[n_rest] = part[q]
                            n_rest += 1
                            continue
                        part[kept] = part[q]
                        kept += 1
                        left = agree(letters, t, s - 1, letters, u, at - 1, -1, left)
                    # subtle: the last place first: in a text that repeats itself it agrees the least
                    for q in range(kept - 1, 0, -1):
                        e = first + part[q]
                        u, at = places.text[e], places.position[e] - l
                        right = agree(letters, t, s + least, letters, u, at + least, 1, right)
                    if left + least + right > BLOCK:
                        for b in range((s - left) // BLOCK, (s + least + right - 1) // BLOCK + 1):
                            at = blocks[t] + b
                            known[at, 0], known[at, 1], known[at, 2] = s - left, s + least + right, kept
                    if kept > 1:
                        if n_found == len(size):
                            size, length = grown(size, 2 * n_found), grown(length, 2 * n_found)
                        while n_rows + kept > len(out_text):
                            out_text = grown(out_text, 2 * len(out_text))
                            out_start = grown(out_start, 2 * len(out_start))
                        size[n_found], length[n_found] = kept, left + least + right
                        n_found += 1
                        for q in range(kept):
                            e = first + part[q]
                            out_text[n_rows] = places.text[e]
                            out_start[n_rows] = places.position[e] - l - left
                            n_rows += 1
                    m = n_rest
                    for q in range(m):
                        part[q] = rest[q]
    return size[:n_found].copy(), length[:n_found].copy(), out_text[:n_rows].copy(), out_start[:n_rows].copy()


@jit("int64[:]", "int64[:]", "int64[:]", "int64[:]", "int32[:]", "int64[:]", "int64[:]", "int64")
def without_extensions(
    order: NDArray[np.int64],
    indptr: NDArray[np.int64],
    length: NDArray[np.int64],
    passage: NDArray[np.int64],
    text: NDArray[np.int32],
    start: NDArray[np.int64],
    starts_of_texts: NDArray[np.int64],
    chance: int,
) -> NDArray[np.bool_]:
    """Tell which passages are more than a longer reading of one with more copies: bool[n].

    `order` has the passages by their number of copies, most first.  The rows (passage, text, start) are
    sorted by text and start; `starts_of_texts` is where those of each text begin.  A passage is left out
    where another one, not left out, has more copies, lies in it, and lacks fewer than `chance` letters at
    each end.
    """
    kept = np.zeros(len(length), np.bool_)
    first_text, first_start = np.empty(len(length), I32), np.empty(len(length), I64)
    for i in range(len(passage) - 1, -1, -1):
        first_text[passage[i]], first_start[passage[i]] = text[i], start[i]
    for p in order:
        t, s = first_text[p], first_start[p]
        low, high = starts_of_texts[t], starts_of_texts[t + 1]
        while low < high:
            middle = (low + high) // 2
            if start[middle] < s:
                low = middle + 1
            else:
                high = middle
        end, copies = s + length[p], indptr[p + 1] - indptr[p]
        inside = False
        i = low
        while i < starts_of_texts[t + 1] and start[i] < s + chance and not inside:
            q = passage[i]
            its_end = start[i] + length[q]
            inside = kept[q] and end - chance < its_end <= end and indptr[q + 1] - indptr[q] > copies
            i += 1
        kept[p] = not inside
    return kept
