"""UTF-8 -> letters; letters -> rolling shingle hashes and the letters hash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..shingle import BASE as _BASE
from .jit import BASE, I32, I64, U8, U64, jit

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
    begins: NDArray[np.uint8],
    n: int,
    counts: NDArray[np.int64],
) -> tuple[int, int]:
    """Letters of buffer[place:end] into out[n:], until either is used up -> (place, n).

    begins[i] is 1 where out[i] is the first letter of a word.  Adds to counts[1] the capitals, to
    counts[2] the punctuation marks; counts[3] is 0 inside a word and 1 elsewhere, as at the start.
    Broken UTF-8 is read as some code point or other, but never beyond `end`.
    """
    limit = len(out) - MAX_EXPANSION
    upper = marks = I64(0)
    outside = U8(counts[3])
    while place < end and n < limit:
        c = I32(buffer[place])
        if c < 0x80:
            place += 1
            v, flag = value[c], flags[c]
            out[n], begins[n] = v, outside
            outside = U8(v == 0)
            n += v != 0
            upper += flag & 1
            marks += flag >> 1
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
        flag = flags[c]
        if v > 0:
            out[n], begins[n] = v, outside
            outside = U8(0)
            n += 1
        elif v < 0:
            for j in range(pool_starts[-v], pool_starts[-v + 1]):
                out[n], begins[n] = pool[j], outside
                outside = U8(0)
                n += 1
        elif flag & 4 == 0:
            outside = U8(1)
        upper += flag & 1
        marks += (flag >> 1) & 1
    counts[1] += upper
    counts[2] += marks
    counts[3] = outside
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
def bones_of(
    letters: NDArray[np.int32],
    begins: NDArray[np.uint8],
    start: int,
    end: int,
    word: NDArray[np.int64],
    cuts: NDArray[np.uint64],
    power: np.uint64,
    out: NDArray[np.uint64],
) -> int:
    """The skeleton shingle hashes of the words that end in letters[start:end] into out -> their number.

    A word ends where the next begins.  Carried from segment to segment: word int64[2], the letters of
    the word so far (negative in a script without skeleton) and the number of cuts before it; cuts
    uint64[3], the polynomial of its first four letters and of the two cuts before.  `power` is BASE^4.
    """
    first = start  # the end of the word that was carried in
    while first < end and begins[first] == 0:
        if 0 <= word[0] < 4:
            cuts[0] = cuts[0] * BASE + U64(letters[first])
        word[0] += 1
        first += 1
    if first == end:
        return 0
    found = bone(cuts[0], word, cuts, power, out, 0) if word[0] >= 5 else 0
    # subtle: places and cuts are gathered without a branch, since no processor can foresee where words end
    places, n_words = np.empty(end - first + 1, I32), 0
    for i in range(first, end):
        places[n_words] = i
        n_words += begins[i]
    last = places[n_words - 1]
    n_cuts = found
    for w in range(n_words - 1):
        p = places[w]
        h = ((U64(letters[p]) * BASE + U64(letters[p + 1])) * BASE + U64(letters[p + 2])) * BASE
        out[n_cuts] = h + U64(letters[p + 3])
        n_cuts += (places[w + 1] - p >= 5) & (letters[p] < 0x0E00)
    for i in range(found, n_cuts):
        cut = out[i]
        word[1] += 1
        out[found] = fmix64((cuts[2] * power + cuts[1]) * power + cut)
        found += word[1] >= 3
        cuts[2], cuts[1] = cuts[1], cut
    cuts[0] = U64(0)
    word[0] = I64(0) if letters[last] < 0x0E00 else I64(-1) << I64(62)
    for i in range(last, end):
        if 0 <= word[0] < 4:
            cuts[0] = cuts[0] * BASE + U64(letters[i])
        word[0] += 1
    return found


@jit()
def bone(
    cut: np.uint64,
    word: NDArray[np.int64],
    cuts: NDArray[np.uint64],
    power: np.uint64,
    out: NDArray[np.uint64],
    found: int,
) -> int:
    """One more cut word: its skeleton shingle, if it has one, into out[found] -> how many now."""
    word[1] += 1
    if word[1] >= 3:
        out[found] = fmix64((cuts[2] * power + cuts[1]) * power + cut)
        found += 1
    cuts[2], cuts[1] = cuts[1], cut
    return found


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
