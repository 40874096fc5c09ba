"""Preferences and edges -> witnesses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import jit


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
