"""Statistics of signatures: what a Jaccard similarity becomes in samples of two sets, and its error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STANDARD_ERRORS = 5.0
EVERY = 2**40  # the sample that leaves nothing out


def sampled_jaccard(
    jaccard: float, left: NDArray[np.int64], right: NDArray[np.int64], sample: int
) -> NDArray[np.float64]:
    """Return the Jaccard of the samples of two sets at a given Jaccard, by their sizes int64[n].

    A sample is the `sample` smallest of a set.  The larger set has the lower rate, and what both samples
    hold is what the sets share, at that rate.  So it is lower where the sizes differ.

    >>> sampled_jaccard(0.5, np.array([300, 9000, 9000]), np.array([300, 9000, 10800]), 512).round(2).tolist()
    [0.5, 0.5, 0.44]
    """
    in_left, in_right, rate = _rates(left, right, sample)
    shared = jaccard / (1 + jaccard) * (left + right) * rate
    return shared / np.maximum(in_left + in_right - shared, np.maximum(shared, 1e-9))


def overlap(
    jaccard: NDArray[np.float64], left: NDArray[np.int64], right: NDArray[np.int64], sample: int
) -> NDArray[np.float64]:
    """Return how many elements two sets share, by the Jaccard of their samples: the inverse."""
    in_left, in_right, rate = _rates(left, right, sample)
    return jaccard / (1 + jaccard) * (in_left + in_right) / rate


def whole_jaccard(jaccard: float, left: int, right: int, sample: int) -> float:
    """Return the Jaccard of two sets of given sizes, by the Jaccard of their samples.

    >>> round(whole_jaccard(0.44, 9000, 10800, 512), 2), round(whole_jaccard(0.5, 300, 400, 512), 9)
    (0.5, 0.5)
    """
    sizes = np.array([left]), np.array([right])
    shared = min(left, right, float(overlap(np.array([jaccard]), *sizes, sample)[0]))
    return shared / max(1e-9, left + right - shared)


def _rates(left: NDArray[np.int64], right: NDArray[np.int64], sample: int) -> tuple[Any, Any, Any]:
    in_left, in_right = np.minimum(left, sample), np.minimum(right, sample)
    return in_left, in_right, np.minimum(in_left / np.maximum(left, 1), in_right / np.maximum(right, 1))


def least_sampled_jaccard(min_jaccard: float, min_containment: float) -> float:
    """Return the lowest Jaccard of the samples of two long texts at `min_jaccard`, neither part of the other.

    At a Jaccard j the smaller of two sets, r times as large one and the other, is held by the larger to
    j (1 + r) / (1 + j); from `min_containment` on it is found through its anchors.

    >>> [round(least_sampled_jaccard(j, 0.8), 3) for j in (0.4, 0.5, 0.6, 0.7, 0.8)]
    [0.286, 0.4, 0.545, 0.7, 0.8]
    """
    ratio = max(1.0, min_containment * (1 + min_jaccard) / min_jaccard - 1)
    shared = min_jaccard / (1 + min_jaccard) * (1 + 1 / ratio)
    return shared / (2 - shared)


def standard_error(jaccard: Any, num_perm: int, sample: int) -> Any:
    """Return the standard error of a Jaccard estimated from `num_perm` values of samples of that size."""
    variance = np.maximum(jaccard * (1 - jaccard), 0.01)
    return np.sqrt(variance * (1 / num_perm + (1 + jaccard) ** 2 / (2 * sample)))


def least_matches(jaccard: Any, num_perm: int, sample: int) -> Any:
    """Return how many signature values a candidate must share to be verified.

    Five standard errors below the (sampled) Jaccard it is to have: a pair at the threshold falls under it
    with a probability below 3e-7.  Without a sample, and with one of 512:

    >>> int(least_matches(0.5, 128, EVERY)), int(least_matches(0.5, 128, 512))
    (36, 32)
    """
    error = standard_error(jaccard, num_perm, sample)
    return np.maximum(0, np.ceil(num_perm * (jaccard - STANDARD_ERRORS * error))).astype(np.int64)
