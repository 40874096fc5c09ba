"""Connected components of a graph of documents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import kernels


def clusters(n: int, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """n documents, pairs int32[m, 2] -> int32[n], the smallest document of each one's cluster."""
    return kernels.components(n, np.ascontiguousarray(pairs, np.int32))
