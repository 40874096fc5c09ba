"""UTF-8 -> letters; letters -> shingle hashes, skeleton hashes and the letters hash."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...core.hashing import BASE as _BASE
from ...core.jit import BASE, I64, U16, U64, inner
from ..scripts import UNSPACED
from ..skeleton import MIN_WORD
from .simd import LANES, ascii_masks, count_bits, eight_bytes, first_bit, leading_zeros, squeeze

SEGMENT = 8192  # letters taken at a time: letters, hashes and what is made of them stay in the L2 cache
_UNSPACED = np.array(UNSPACED, np.int32)
TWICE = 16  # in LetterTable.packed
BEYOND_ASCII = U64(0x8080808080808080)


def powers(k: int) -> NDArray[np.uint64]:
    """-> uint64[k + 1], the powers of BASE."""
    return np.array([pow(_BASE, i, 1 << 64) for i in range(k + 1)], np.uint64)


def joined(texts: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts -> (buffer uint8[n], starts int64[len(texts) + 1]), what the kernels take.

    >>> buffer, starts = joined([b"ab", b"", b"c"])
    >>> bytes(buffer), starts.tolist()
    (b'abc', [0, 2, 2, 3])
    """
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(t) for t in texts], out=starts[1:])
    return np.frombuffer(b"".join(texts) or b"\0", np.uint8), starts


@inner
def whole(n: int) -> int:
    """n rounded up to LANES: some values more, which mean nothing, are faster than a few left over."""
    return (n + LANES - 1) // LANES * LANES


@inner
def is_unspaced(letter: int) -> bool:
    """See scripts.is_unspaced."""
    for i in range(len(_UNSPACED)):
        if letter <= _UNSPACED[i, 1]:
            return letter >= _UNSPACED[i, 0]
    return False


@inner
def letters_of(
    buffer: NDArray[np.uint8],
    place: int,
    end: int,
    packed: NDArray[np.int32],
    pool: NDArray[np.int32],
    pool_starts: NDArray[np.int32],
    out: NDArray[np.int32],
    n: int,
    units: NDArray[np.uint16],
    n_units: int,
    fifth: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """Letters of buffer[place:end] into out[n:], until either is used up -> (place, n, n_units, n_fifth).

    The same letters in UTF-16 go into units[n_units:], which has room for twice as many; fifth[:n_fifth]
    is where in `out` the fifth letter of a word stands, of each word that has a part in the skeleton.
    Adds to counts[1] the capitals, to counts[2] the punctuation marks, to counts[4] the letters of scripts
    without spaces; counts[3] is the letters of the word so far, 0 at the start.  `out` is filled but for
    LANES at its end.  Broken UTF-8 is read as some code point or other, but never beyond `end`.
    """
    limit = len(out) - 2 * LANES
    upper = marks = I64(0)
    run, found = counts[3], 0
    while place < end and n < limit:
        c = I64(buffer[place])
        if c < 0x80:
            if place + LANES <= len(buffer) and eight_bytes(buffer, place) & BEYOND_ASCII == 0:
                before = n
                place, n, found, run = _ascii(
                    buffer, place, end, out, n, units, n_units, fifth, found, run, counts
                )
                n_units += n - before
                continue
            place += 1
        elif c < 0xE0:
            if place + 2 > end:
                place = end
                break
            c = ((c & 31) << 6) | (I64(buffer[place + 1]) & 63)
            place += 2
        elif c < 0xF0:
            if place + 3 > end:
                place = end
                break
            c = ((c & 15) << 12) | ((I64(buffer[place + 1]) & 63) << 6) | (I64(buffer[place + 2]) & 63)
            place += 3
        else:
            if place + 4 > end:
                place = end
                break
            c = (
                ((c & 7) << 18)
                | ((I64(buffer[place + 1]) & 63) << 12)
                | ((I64(buffer[place + 2]) & 63) << 6)
                | (I64(buffer[place + 3]) & 63)
            )
            place += 4
            if c >= len(packed):
                continue
        entry = packed[c]
        v = entry >> 5
        upper += entry & 1
        marks += (entry >> 1) & 1
        if v > 0:
            if is_unspaced(v):
                counts[4] += 1 + (entry & TWICE != 0)
                # subtle: past the fifth letter from the start, so it never comes to it
                run = I64(MIN_WORD) if run == 0 else run
            run += 1
            out[n], fifth[found] = v, n
            found += run == MIN_WORD
            n += 1
            n_units = _unit(v, units, n_units)
            if entry & TWICE:
                run += 1
                out[n], fifth[found] = v, n
                found += run == MIN_WORD
                n += 1
                n_units = _unit(v, units, n_units)
        elif v < 0:
            for j in range(pool_starts[-v], pool_starts[-v + 1]):
                if is_unspaced(I64(pool[j])):
                    counts[4] += 1
                    run = I64(MIN_WORD) if run == 0 else run
                run += 1
                out[n], fifth[found] = pool[j], n
                found += run == MIN_WORD
                n += 1
                n_units = _unit(pool[j], units, n_units)
        elif entry & 4 == 0:
            run = I64(0)
    counts[1] += upper
    counts[2] += marks
    counts[3] = run
    return place, n, n_units, found


@inner
def _unit(letter: int, out: NDArray[np.uint16], at: int) -> int:
    """One letter in UTF-16 into out[at:] -> where it ends."""
    if letter < 0x10000:
        out[at] = letter
        return at + 1
    out[at], out[at + 1] = 0xD7C0 + (letter >> 10), 0xDC00 | (letter & 0x3FF)
    return at + 2


@inner
def _ascii(
    buffer: NDArray[np.uint8],
    place: int,
    end: int,
    out: NDArray[np.int32],
    n: int,
    units: NDArray[np.uint16],
    n_units: int,
    fifth: NDArray[np.int32],
    found: int,
    run: int,
    counts: NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """The same for the ASCII bytes at the front of buffer[place:place + 64] -> (place, n, n_fifth, run)."""
    beyond, letters, upper, marks = ascii_masks(buffer, place)
    width = min(first_bit(beyond), end - place)
    if width < LANES:
        there = (U64(1) << U64(width)) - U64(1)
        letters, upper, marks = letters & there, upper & there, marks & there
    squeeze(buffer, place, letters, out, n, units, n_units)
    # bit i of `five`: the byte i and the four before it are letters
    before = (~U64(0) << U64(63 - min(run, MIN_WORD))) << U64(1)
    five = letters
    for i in range(1, MIN_WORD):
        five &= (letters << U64(i)) | (before >> U64(64 - i))
    fifths = five & ~((five << U64(1)) | U64(run >= MIN_WORD))
    while fifths != 0:
        i = first_bit(fifths)
        fifth[found] = n + count_bits(letters & ((U64(1) << U64(i)) - U64(1)))
        found += 1
        fifths &= fifths - U64(1)
    last_run = leading_zeros(~(letters << U64(LANES - width)))
    run = run + width if last_run == width else last_run
    counts[1] += count_bits(upper)
    counts[2] += count_bits(marks)
    return place + width, n + count_bits(letters), found, run


@inner
def fmix64(h: np.uint64) -> np.uint64:
    h = (h ^ (h >> U64(33))) * U64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> U64(33))) * U64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> U64(33))


@inner
def shingle_row(
    letters: NDArray[np.int32],
    n: int,
    k: int,
    powers: NDArray[np.uint64],
    one: NDArray[np.uint64],
    other: NDArray[np.uint64],
    out: NDArray[np.uint64],
    tops: NDArray[np.uint16],
    at: int,
) -> int:
    """The shingle hashes of letters[:n], n >= k >= 2, into out[at:], their upper 16 bits into tops[at:].

    `one` and `other` are room for n values.  The polynomials of m letters make those of 2m and m + 1 for
    all places at once, so k letters take log k steps, none of which waits for the place before.
    """
    _with_more(letters, letters[1:], BASE, n - 1, one)
    m = 2
    bit = 1
    while 4 * bit <= k:
        bit *= 2
    if k & bit:
        _with_more(one, letters[m:], BASE, n - m, other)
        one, other, m = other, one, m + 1
    while bit > 1:
        bit //= 2
        _with_more(one, one[m:], powers[m], n - 2 * m + 1, other)
        one, other, m = other, one, 2 * m
        if k & bit:
            _with_more(one, letters[m:], BASE, n - m, other)
            one, other, m = other, one, m + 1
    _mixed(one, n - k + 1, out[at:], tops[at:])
    return n - k + 1


@inner
def _with_more(left, right, power, n, out):  # type: ignore[no-untyped-def]
    """Polynomials of the letters left and right of n places -> of both, `power` being BASE^letters right."""
    # subtle: a slice of its own for each shifted view; numba's test for a negative index would keep
    # left[i + m] from being vectorized
    for i in range(whole(n)):
        out[i] = U64(left[i]) * power + U64(right[i])


@inner
def _mixed(
    polynomials: NDArray[np.uint64], n: int, out: NDArray[np.uint64], tops: NDArray[np.uint16]
) -> None:
    for i in range(whole(n)):
        h = fmix64(polynomials[i])
        out[i], tops[i] = h, U16(h >> U64(48))


@inner
def skeleton_row(
    letters: NDArray[np.int32],
    fifth: NDArray[np.int32],
    found: int,
    cuts: NDArray[np.uint64],
    n_cuts: int,
    power: np.uint64,
    out: NDArray[np.uint64],
) -> int:
    """The skeleton shingle hashes that end in the words of fifth[:found] into out -> their number.

    cuts[:2] is the polynomials of the two cut words before, of `n_cuts` in all; the rest of `cuts` is
    room for found values.  `power` is BASE^4.
    """
    for i in range(found):
        p = fifth[i]
        h = ((U64(letters[p - 4]) * BASE + U64(letters[p - 3])) * BASE + U64(letters[p - 2])) * BASE
        cuts[i + 2] = h + U64(letters[p - 1])
    skipped = max(0, min(found, 2 - n_cuts))
    for i in range(skipped, found):
        out[i - skipped] = fmix64((cuts[i] * power + cuts[i + 1]) * power + cuts[i + 2])
    cuts[0], cuts[1] = cuts[found], cuts[found + 1]
    return found - skipped


@inner
def short_hash(letters: NDArray[np.int32], n: int, out: NDArray[np.uint64]) -> None:
    """The hash of the one shingle of a text of n < k letters into out[0]."""
    h = U64(0)
    for i in range(n):
        h = h * BASE + U64(letters[i])
    out[0] = fmix64(h)


@inner
def rotl(x: np.uint64, bits: int) -> np.uint64:
    return (x << U64(bits)) | (x >> U64(64 - bits))


@inner
def murmur_blocks(data: NDArray[np.uint16], n: int, state: NDArray[np.uint64]) -> int:
    """MurmurHash3_x64_128 over the whole blocks of 16 bytes of data[:n] -> where they end."""
    c1, c2 = U64(0x87C37B91114253D5), U64(0x4CF5AD432745937F)
    h1, h2 = state[0], state[1]
    for at in range(0, n - 7, 8):
        h1 ^= rotl(eight_bytes(data, at) * c1, 31) * c2
        h1 = (rotl(h1, 27) + h2) * U64(5) + U64(0x52DCE729)
        h2 ^= rotl(eight_bytes(data, at + 4) * c2, 33) * c1
        h2 = (rotl(h2, 31) + h1) * U64(5) + U64(0x38495AB5)
    state[0], state[1] = h1, h2
    return n & ~7


@inner
def murmur_end(data: NDArray[np.uint16], n: int, n_all: int, state: NDArray[np.uint64]) -> None:
    """The last block, data[:n], n < 8, and the finish over n_all values.  Writes zeros up to data[7]."""
    c1, c2 = U64(0x87C37B91114253D5), U64(0x4CF5AD432745937F)
    for i in range(n, 8):
        data[i] = U16(0)
    h2 = state[1] ^ (rotl(eight_bytes(data, 4) * c2, 33) * c1)
    h1 = state[0] ^ (rotl(eight_bytes(data, 0) * c1, 31) * c2)
    h1 ^= U64(2 * n_all)
    h2 ^= U64(2 * n_all)
    h1 += h2
    h2 += h1
    h1, h2 = fmix64(h1), fmix64(h2)
    state[0] = h1 + h2
    state[1] = h2 + state[0]


@inner
def grown(array, size):  # type: ignore[no-untyped-def]
    out = np.empty(size, array.dtype)
    out[: len(array)] = array
    return out
