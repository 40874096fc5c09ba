"""Edges -> components; preferences and edges -> witnesses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import I32, jit


@jit("int64", "int32[:,:]")
def components(n: int, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """n nodes, edges int32[m, 2] -> int32[n]: the smallest node of each one's component (union-find)."""
    parent = np.arange(n).astype(I32)
    for p in range(len(pairs)):
        a, b = pairs[p, 0], pairs[p, 1]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b
    for i in range(n):  # subtle: a parent is never larger than its child, so one rising sweep is enough
        parent[i] = parent[parent[i]]
    return parent


@jit("int64[:]", "int64[:]", "int32[:]", "int32[:]")
def witnesses(
    order: NDArray[np.int64],
    indptr: NDArray[np.int64],
    dropped: NDArray[np.int32],
    witness: NDArray[np.int32],
) -> None:
    """Documents, the most preferred first, and those each may stand for as CSR -> witness int32[n], in place.

    A document that has none (-1) when its turn comes is its own, and that of all of its own that have none.
    """
    for doc in order:
        if witness[doc] < 0:
            witness[doc] = doc
            for i in range(indptr[doc], indptr[doc + 1]):
                if witness[dropped[i]] < 0:
                    witness[dropped[i]] = doc
