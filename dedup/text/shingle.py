"""Hash the shingles of letters: the plain definition.

A shingle is k consecutive letters.  Its hash is the polynomial of its code points in the base
`BASE` modulo 2^64 (Karp and Rabin 1987), sent through the 64-bit finalizer of MurmurHash3, which is
a bijection and spreads the hashes evenly.  Letters fewer than k are one shingle; no letters, none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.hashing import BASE, MASK, fmix64


def shingles(letters: str, k: int) -> list[str]:
    """Return every run of k letters, in order.

    >>> shingles("letters", 5)
    ['lette', 'etter', 'tters']
    >>> shingles("let", 5), shingles("", 5)
    (['let'], [])
    """
    if len(letters) <= k:
        return [letters] if letters else []
    return [letters[i : i + k] for i in range(len(letters) - k + 1)]


def shingle_hash(shingle: str) -> int:
    """Return the 64-bit hash of a shingle.

    >>> hex(shingle_hash("a"))
    '0x685fdf50e51fa977'
    """
    h = 0
    for char in shingle:
        h = (h * BASE + ord(char)) & MASK
    return fmix64(h)


def shingle_hashes(letters: str, k: int) -> NDArray[np.uint64]:
    """Return the hash of every shingle, uint64[n], in order."""
    return np.array([shingle_hash(s) for s in shingles(letters, k)], np.uint64)


def letters_hash(letters: str) -> tuple[int, int]:
    """Return a 128-bit digest of letters: MurmurHash3_x64_128 of their UTF-16-LE bytes, seed 0.

    >>> letters_hash("")
    (0, 0)
    """
    data = letters.encode("utf-16-le")
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    h1 = h2 = 0
    blocks = len(data) // 16
    for i in range(blocks):
        k1 = int.from_bytes(data[16 * i : 16 * i + 8], "little")
        k2 = int.from_bytes(data[16 * i + 8 : 16 * i + 16], "little")
        h1 ^= (_rotl((k1 * c1) & MASK, 31) * c2) & MASK
        h1 = (((_rotl(h1, 27) + h2) & MASK) * 5 + 0x52DCE729) & MASK
        h2 ^= (_rotl((k2 * c2) & MASK, 33) * c1) & MASK
        h2 = (((_rotl(h2, 31) + h1) & MASK) * 5 + 0x38495AB5) & MASK
    tail = data[16 * blocks :].ljust(16, b"\0")
    k1, k2 = int.from_bytes(tail[:8], "little"), int.from_bytes(tail[8:], "little")
    h2 ^= (_rotl((k2 * c2) & MASK, 33) * c1) & MASK
    h1 ^= (_rotl((k1 * c1) & MASK, 31) * c2) & MASK
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = (h1 + h2) & MASK
    h2 = (h2 + h1) & MASK
    h1, h2 = fmix64(h1), fmix64(h2)
    h1 = (h1 + h2) & MASK
    return h1, (h2 + h1) & MASK


def _rotl(x: int, bits: int) -> int:
    return ((x << bits) | (x >> (64 - bits))) & MASK
