"""Connected components of a graph of documents."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import I32, jit


def connected_components(n: int, pairs: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Return the smallest node of each node's component: n nodes, edges int32[m, 2] -> int32[n].

    >>> connected_components(5, np.array([[4, 1], [3, 4]], np.int32)).tolist()
    [0, 1, 2, 1, 1]
    """
    return union_find(n, np.ascontiguousarray(pairs, np.int32))


@jit("int64", "int32[:,:]")
def union_find(n: int, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the same of contiguous edges (Tarjan and van Leeuwen 1984: union-find with path halving)."""
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
    for i in range(n):  # NOTE: a parent is never larger than its child, so one rising sweep is enough
        parent[i] = parent[parent[i]]
    return parent
