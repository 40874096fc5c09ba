"""UTF-8 -> letters; letters -> rolling shingle hashes and the letters hash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..shingle import BASE as _BASE
from .jit import BASE, I32, I64, U64, jit

SEGMENT = 8192  # letters taken at a time: letters, hashes and 32-bit hashes then stay in the L2 cache
MAX_EXPANSION = 18  # the most letters of one code point (U+FDFA)


def power(k: int) -> np.uint64:
    return np.uint64(pow(_BASE, k, 1 << 64))


@jit()
def letters_of(
    buffer: NDArray[np.uint8],
    place: int,
    end: int,
    value: NDArray[np.int32],
    flags: NDArray[np.uint8],
    pool: NDArray[np.int32],
    pool_starts: NDArray[np.int32],
    out: NDArray[np.int32],
    n: int,
    counts: NDArray[np.int64],
) -> tuple[int, int]:
    """Letters of buffer[place:end] into out[n:], until either is used up -> (place, n).

    Broken UTF-8 is read as some code point or other, but never beyond `end`.
    """
    limit = len(out) - MAX_EXPANSION
    upper = marks = I64(0)
    while place < end and n < limit:
        c = I32(buffer[place])
        if c < 0x80:
            place += 1
            out[n] = value[c]
            n += value[c] != 0
            upper += (c >= 65) & (c <= 90)
            marks += (flags[c] & 2) != 0
            continue
        width = 2 if c < 0xE0 else (3 if c < 0xF0 else 4)
        if place + width > end:
            place = end
            break
        if width == 2:
            c = ((c & 31) << 6) | (I32(buffer[place + 1]) & 63)
        elif width == 3:
            c = ((c & 15) << 12) | ((I32(buffer[place + 1]) & 63) << 6) | (I32(buffer[place + 2]) & 63)
        else:
            c = (
                ((c & 7) << 18)
                | ((I32(buffer[place + 1]) & 63) << 12)
                | ((I32(buffer[place + 2]) & 63) << 6)
                | (I32(buffer[place + 3]) & 63)
            )
        place += width
        if c >= len(value):
            continue
        v = value[c]
        if v > 0:
            out[n] = v
            n += 1
        elif v < 0:
            for j in range(pool_starts[-v], pool_starts[-v + 1]):
                out[n] = pool[j]
                n += 1
        upper += (flags[c] & 1) != 0
        marks += (flags[c] & 2) != 0
    counts[1] += upper
    counts[2] += marks
    return place, n


@jit()
def fmix64(h: np.uint64) -> np.uint64:
    h = (h ^ (h >> U64(33))) * U64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> U64(33))) * U64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> U64(33))


@jit()
def rolling(
    letters: NDArray[np.int32], n: int, k: int, power: np.uint64, out: NDArray[np.uint64], at: int
) -> int:
    """The shingle hashes of letters[:n], n >= k, into out[at:] -> their number."""
    h = U64(0)
    for i in range(k):
        h = h * BASE + U64(letters[i])
    out[at] = fmix64(h)
    for i in range(k, n):
        h = h * BASE + (U64(letters[i]) - U64(letters[i - k]) * power)
        out[at + i - k + 1] = fmix64(h)
    return n - k + 1


@jit()
def short_hash(letters: NDArray[np.int32], n: int, out: NDArray[np.uint64]) -> None:
    """The hash of the one shingle of a text of n < k letters into out[0]."""
    h = U64(0)
    for i in range(n):
        h = h * BASE + U64(letters[i])
    out[0] = fmix64(h)


@jit()
def rotl(x: np.uint64, bits: int) -> np.uint64:
    return (x << U64(bits)) | (x >> U64(64 - bits))


@jit()
def murmur_blocks(letters: NDArray[np.int32], start: int, end: int, state: NDArray[np.uint64]) -> int:
    """MurmurHash3_x64_128 over whole blocks of four letters of letters[start:end] -> where they end."""
    c1, c2 = U64(0x87C37B91114253D5), U64(0x4CF5AD432745937F)
    h1, h2 = state[0], state[1]
    while start + 4 <= end:
        k1 = U64(letters[start]) | (U64(letters[start + 1]) << U64(32))
        k2 = U64(letters[start + 2]) | (U64(letters[start + 3]) << U64(32))
        h1 ^= rotl(k1 * c1, 31) * c2
        h1 = (rotl(h1, 27) + h2) * U64(5) + U64(0x52DCE729)
        h2 ^= rotl(k2 * c2, 33) * c1
        h2 = (rotl(h2, 31) + h1) * U64(5) + U64(0x38495AB5)
        start += 4
    state[0], state[1] = h1, h2
    return start


@jit()
def murmur_end(letters: NDArray[np.int32], start: int, end: int, n: int, state: NDArray[np.uint64]) -> None:
    """The last block (fewer than four letters) and the finish over n letters in all."""
    c1, c2 = U64(0x87C37B91114253D5), U64(0x4CF5AD432745937F)
    k1 = k2 = U64(0)
    if end - start > 0:
        k1 = U64(letters[start])
    if end - start > 1:
        k1 |= U64(letters[start + 1]) << U64(32)
    if end - start > 2:
        k2 = U64(letters[start + 2])
    h2 = state[1] ^ (rotl(k2 * c2, 33) * c1)
    h1 = state[0] ^ (rotl(k1 * c1, 31) * c2)
    h1 ^= U64(4 * n)
    h2 ^= U64(4 * n)
    h1 += h2
    h2 += h1
    h1, h2 = fmix64(h1), fmix64(h2)
    state[0] = h1 + h2
    state[1] = h2 + state[0]


@jit()
def grown(array, size):  # type: ignore[no-untyped-def]
    out = np.empty(size, array.dtype)
    out[: len(array)] = array
    return out
