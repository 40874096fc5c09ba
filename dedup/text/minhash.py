"""Compute MinHash signatures; `datasketch.MinHash(scheme="affine32")` is the definition.

The signature of a text is that of its distinct shingle hashes, or of the `sample` smallest of them where
there are more.

datasketch takes the lower 32 bits of each shingle hash, mixes them once, and keeps for each of
num_perm permutations x -> a*x + b mod 2^32 the smallest value (Broder 1997; datasketch 2.0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCHEME = "affine32"


def low32(shingle_hash: int) -> int:
    """Return the 32 bits of a 64-bit shingle hash that datasketch is given; pass it as `hashfunc`."""
    return int(shingle_hash) & 0xFFFFFFFF


def permutations(num_perm: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Draw the permutations of datasketch -> (a uint32[num_perm], b uint32[num_perm]).

    They are drawn here, since loading datasketch loads SciPy, which takes longer than a small scan.
    """
    random = np.random.RandomState(seed)  # noqa: NPY002 (frozen stream)
    a = random.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return a, random.randint(0, 1 << 32, num_perm, dtype=np.uint32)


def smallest(hashes: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """Return the `size` smallest distinct hashes: uint64[n] -> uint64[m], or all where there are fewer.

    They represent a long text.  Hashes are evenly spread, so this is a random sample of the set, and the
    same one for the same set (bottom-k sketch: Cohen and Kaplan 2007).

    >>> smallest(np.array([5, 9, 1, 5, 7], np.uint64), 3).tolist()
    [1, 5, 7]
    """
    return np.unique(hashes)[:size]


def signature(hashes: NDArray[np.uint64], num_perm: int, seed: int) -> NDArray[np.uint32]:
    """Return the signature of hashes: uint64[n] -> uint32[num_perm]; all bits are set where n is 0."""
    from datasketch import MinHash

    m = MinHash(num_perm=num_perm, seed=seed, hashfunc=low32, scheme=SCHEME)
    m.update_batch(hashes.tolist())
    return np.asarray(m.digest(), np.uint32)
