"""Select anchors: winnowing, in its plain definition.

From each window of w consecutive shingles the smallest hash is kept, and the last of equal ones (Schleimer,
Wilkerson and Aiken 2003, "Winnowing: local algorithms for document fingerprinting").  Two texts that share
a run of w + k - 1 letters share an anchor, and a whole shares nearly all the anchors of its part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def winnow(hashes: NDArray[np.uint64], window: int) -> list[int]:
    """Shingle hashes uint64[n] -> the places of the anchors, rising; the plain definition.

    >>> winnow(np.array([77, 74, 42, 17, 98, 50, 17, 98, 8, 88, 67, 39, 77, 74, 42, 17, 98]), 4)
    [3, 6, 8, 11, 15]
    """
    places: list[int] = []
    for start in range(max(1, len(hashes) - window + 1) if len(hashes) else 0):
        part = hashes[start : start + window]
        place = start + len(part) - 1 - int(np.argmin(part[::-1]))
        if not places or places[-1] != place:
            places.append(place)
    return places
