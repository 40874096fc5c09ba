"""Bands and rows for a threshold and a recall; signatures -> candidate pairs.

Locality-sensitive hashing by banding (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
section 3.4): two documents are candidates when all `rows` values of some band agree.  Peers tune the
bands so that a pair at the threshold is found about half of the time; here such a pair is found with
a stated recall, and the exact check afterwards removes what that lets in.

The bands overlap.  Think of the signature as `rows` lines of m = num_perm // rows values; band i of
round t takes from line r the value (i + t*r) mod m.  Within a round the bands share nothing, and two
bands of different rounds share at most one value, so 128 values serve as well as 288 would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .model import Banding, CandidatePairs

MAX_ROUNDS = 4
MAX_ROWS = 16
FULL_BUCKET = 8  # a bucket of at most this many documents gives all its pairs
STANDARD_ERRORS = 5.0
AT_ONCE, ROWS_AT_ONCE = 16, 1 << 15  # bands, and documents, whose keys are taken at a time


def columns(num_perm: int, rows: int, rounds: int) -> NDArray[np.int32]:
    """-> int32[rounds * (num_perm // rows), rows], the places of the signature in each band.

    >>> columns(6, 2, 2).tolist()
    [[0, 3], [1, 4], [2, 5], [0, 4], [1, 5], [2, 3]]
    """
    m = num_perm // rows
    t, i, r = np.meshgrid(np.arange(rounds), np.arange(m), np.arange(rows), indexing="ij")
    return (r * m + (i + t * r) % m).reshape(-1, rows).astype(np.int32)


def recall(jaccard: float, bands: NDArray[np.int32], num_perm: int, trials: int = 20_000) -> float:
    """Probability that a pair of the given Jaccard agrees in some band: the S-curve at one point.

    Overlapping bands have no closed form, so it is counted over `trials` random signatures, always
    the same ones (standard error below 0.001 where the recall is 0.99).  Without overlap it is
    1 - (1 - jaccard^rows)^bands:

    >>> bands = columns(128, 4, 1)
    >>> round(recall(0.5, bands, 128), 2), round(1 - (1 - 0.5 ** 4) ** 32, 2)
    (0.87, 0.87)
    """
    agree = np.random.RandomState(0).random_sample((num_perm, trials)) < jaccard  # noqa: NPY002 (frozen stream)
    found = np.zeros(trials, np.bool_)
    for band in bands:
        found |= np.logical_and.reduce(agree[band])
    return float(found.mean())


def banding(min_jaccard: float, min_recall: float, num_perm: int) -> Banding:
    """-> the bands with the most rows, so the fewest candidates, that reach `min_recall` at `min_jaccard`.

    Where none does (few permutations, a low threshold), the bands with the highest recall.
    """
    best: Banding | None = None
    for rows in range(min(MAX_ROWS, num_perm), 0, -1):
        m = num_perm // rows
        rounds = MAX_ROUNDS if m > (MAX_ROUNDS - 1) * (rows - 1) else 1
        # subtle: overlap can only lower the recall, so the closed form is an upper bound of it
        if rows > 1 and 1 - (1 - min_jaccard**rows) ** (m * rounds) < min_recall:
            continue
        for n_rounds in range(1, rounds + 1):
            bands = columns(num_perm, rows, n_rounds)
            found = Banding(bands, recall(min_jaccard, bands, num_perm))
            if found.recall >= min_recall:
                return found
            if best is None or found.recall > best.recall:
                best = found
    assert best is not None
    return best


def least_matches(min_jaccard: float, num_perm: int) -> int:
    """How many signature values a candidate must share to be worth the exact check.

    Five standard errors below `min_jaccard`: a pair at the threshold falls under it with a
    probability below 3e-7.

    >>> least_matches(0.5, 128)
    36
    """
    error = (min_jaccard * (1 - min_jaccard) / num_perm) ** 0.5
    return max(0, int(np.ceil(num_perm * (min_jaccard - STANDARD_ERRORS * error))))


def candidate_pairs(
    signatures: NDArray[np.uint32],
    docs: NDArray[np.int32],
    bands: Banding,
    min_matches: int,
    run_all: Callable[..., Iterable[Any]],
) -> CandidatePairs:
    """Signatures uint32[n_docs, num_perm], documents int32[n] (rising) -> candidate pairs.

    They share a band and at least `min_matches` values.

    `run_all(function, items)` maps, on as many threads as the caller likes.
    """
    found = [np.zeros((0, 2), np.int32)]
    for i in range(0, len(bands.columns), AT_ONCE):
        some = bands.columns[i : i + AT_ONCE]

        def keys_of(start: int, some: NDArray[np.int32] = some) -> NDArray[np.uint64]:
            values = signatures[docs[start : start + ROWS_AT_ONCE]]
            return np.stack([kernels.band_keys(values, band) for band in some])

        starts = range(0, len(docs), ROWS_AT_ONCE)
        keys = np.concatenate([np.zeros((len(some), 0), np.uint64), *run_all(keys_of, starts)], axis=1)

        def one_band(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
            order = np.argsort(keys, kind="stable")
            pairs = docs[kernels.bucket_pairs(keys[order], order.astype(np.int32), FULL_BUCKET)]
            return pairs[kernels.matches(signatures, pairs) >= min_matches]

        found += run_all(one_band, list(keys))
    return CandidatePairs.of(np.concatenate(found))
