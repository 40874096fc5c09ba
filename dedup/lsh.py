"""Bands and rows for a threshold and a recall; signatures -> candidate pairs.

Locality-sensitive hashing by banding (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
section 3.4): two documents are candidates when all `rows` values of some band agree.  Peers tune the
bands so that a pair at the threshold is found about half of the time; here such a pair is found with
a stated recall, and the exact check afterwards removes what that lets in.

The bands overlap.  Think of the signature as `rows` lines of m = num_perm // rows values; band i of
round t takes from line r the value (i + t*r) mod m.  Within a round the bands share nothing, and two
bands of different rounds share at most one value, so 128 values serve as well as many more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .keys import distinct, pairs_of, together
from .model import Banding, CandidatePairs, pair_keys

MAX_ROUNDS = 10
MAX_ROWS = 16
FULL_BUCKET = 8  # a bucket of at most this many documents gives all its pairs
STANDARD_ERRORS = 5.0
AT_ONCE, KEYS_AT_ONCE = 16, 1 << 24  # bands at least, and keys at most, that are taken at a time
PAIRS_HELD = 1 << 21  # of bands, before each is kept once
ROWS_AT_ONCE = 1 << 15  # documents whose keys are taken at a time
KEPT = 8  # times so many documents, whose signatures stay in memory
EVERY = 2**40  # the sample that leaves nothing out


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
    agree = _agreeing(jaccard, num_perm, trials)
    found = np.zeros_like(agree[0])
    for first, *others in bands.tolist():
        in_band = agree[first].copy()
        for column in others:
            in_band &= agree[column]
        found |= in_band
    return int(np.unpackbits(found)[:trials].sum()) / trials


@functools.lru_cache(4)
def _agreeing(jaccard: float, num_perm: int, trials: int) -> NDArray[np.uint8]:
    """Random signatures of pairs of that Jaccard -> uint8[num_perm, trials / 8], a bit where they agree."""
    random = np.random.RandomState(0).random_sample((num_perm, trials))  # noqa: NPY002 (frozen stream)
    return np.packbits(random < jaccard, axis=1)


@functools.lru_cache
def banding(min_jaccard: float, min_recall: float, num_perm: int) -> Banding:
    """-> the bands with the most rows, so the fewest candidates, that reach `min_recall` at `min_jaccard`.

    Where none does (few permutations, a low threshold), the bands with the highest recall.
    """
    best: Banding | None = None
    for rows in range(min(MAX_ROWS, num_perm), 0, -1):
        m = num_perm // rows
        rounds = min(MAX_ROUNDS, 1 + (m - 1) // max(rows - 1, 1))  # more would share two values
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


def sampled_jaccard(
    jaccard: float, left: NDArray[np.int64], right: NDArray[np.int64], sample: int
) -> NDArray[np.float64]:
    """The Jaccard of the samples of two sets, of left and right elements int64[n], at a given Jaccard.

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
    """The Jaccard of the samples of two sets -> how many elements the sets share; the way back."""
    in_left, in_right, rate = _rates(left, right, sample)
    return jaccard / (1 + jaccard) * (in_left + in_right) / rate


def whole_jaccard(jaccard: float, left: int, right: int, sample: int) -> float:
    """The Jaccard of the samples of two sets of that many elements -> the Jaccard of the sets.

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
    """The lowest Jaccard of the samples of two long texts at `min_jaccard`, neither contained in the other.

    At a Jaccard j the smaller of two sets, r times as large one and the other, is held by the larger to
    j (1 + r) / (1 + j); from `min_containment` on it is found through its anchors.

    >>> [round(least_sampled_jaccard(j, 0.8), 3) for j in (0.4, 0.5, 0.6, 0.7, 0.8)]
    [0.286, 0.4, 0.545, 0.7, 0.8]
    """
    ratio = max(1.0, min_containment * (1 + min_jaccard) / min_jaccard - 1)
    shared = min_jaccard / (1 + min_jaccard) * (1 + 1 / ratio)
    return shared / (2 - shared)


def standard_error(jaccard: Any, num_perm: int, sample: int) -> Any:
    """Of a Jaccard estimated from `num_perm` values of signatures of samples of that size."""
    variance = np.maximum(jaccard * (1 - jaccard), 0.01)
    return np.sqrt(variance * (1 / num_perm + (1 + jaccard) ** 2 / (2 * sample)))


def least_matches(jaccard: Any, num_perm: int, sample: int) -> Any:
    """How many signature values a candidate must share to be worth the exact check.

    Five standard errors below the (sampled) Jaccard it is to have: a pair at the threshold falls under it
    with a probability below 3e-7.  Without a sample, and with one of 512:

    >>> int(least_matches(0.5, 128, EVERY)), int(least_matches(0.5, 128, 512))
    (36, 32)
    """
    error = standard_error(jaccard, num_perm, sample)
    return np.maximum(0, np.ceil(num_perm * (jaccard - STANDARD_ERRORS * error))).astype(np.int64)


def keys_by_band(
    signatures: NDArray[np.uint32], docs: NDArray[np.int32], columns: NDArray[np.int32]
) -> Iterator[NDArray[np.uint64]]:
    """Signatures, documents int32[n], bands int32[m, rows] -> the keys uint64[n] of each band."""
    for i in range(0, len(columns), AT_ONCE):
        yield from kernels.band_keys(signatures, docs, columns[i : i + AT_ONCE])


def _each_once(parts: Iterable[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Pairs int32[m, 2] (left < right) of several bands -> sorted, each once, with no more held than matter.

    Where very many documents share all their bands, each band gives the same pairs.
    """
    held, n, most = [np.zeros(0, np.int64)], 0, PAIRS_HELD
    for pairs in parts:
        held.append(pair_keys(pairs))
        n += len(pairs)
        if n > most:
            held = [distinct(np.concatenate(held))]
            n, most = len(held[0]), max(PAIRS_HELD, 2 * len(held[0]))
    return pairs_of(distinct(np.concatenate(held)))


def candidate_pairs(
    signatures: NDArray[np.uint32],
    docs: NDArray[np.int32],
    bands: Banding,
    least: Callable[[NDArray[np.int32]], NDArray[np.int64]],
    run_all: Callable[..., Iterable[Any]],
    forget: Callable[[], None] = lambda: None,
) -> CandidatePairs:
    """Signatures uint32[n_docs, num_perm], documents int32[n] (rising) -> candidate pairs.

    They share a band, and at least as many values as `least` says of pairs of documents int32[m, 2].

    `run_all(function, items)` maps, on as many threads as the caller likes; `forget` lets go of the pages
    of mapped signatures.
    """
    found = [np.zeros((0, 2), np.int32)]
    at_once = max(AT_ONCE, KEYS_AT_ONCE // max(1, len(docs)))
    for i in range(0, len(bands.columns), at_once):
        some = bands.columns[i : i + at_once]

        keys = np.empty((len(some), len(docs)), np.uint64)

        def take_keys(start: int, some: NDArray[np.int32] = some, keys: NDArray[np.uint64] = keys) -> None:
            part = docs[start : start + ROWS_AT_ONCE]
            keys[:, start : start + len(part)] = kernels.band_keys(signatures, part, some)

        def one_band(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
            counts = np.zeros(1 << max(10, min(26, (2 * len(keys)).bit_length())), np.uint8)
            kernels.tally(counts, keys, 2)
            shared = np.flatnonzero(kernels.tallied(counts, keys, 2))
            order, keys = together(keys[shared])
            return docs[kernels.bucket_pairs(keys, shared[order].astype(np.int32), FULL_BUCKET)]

        for done, _ in enumerate(run_all(take_keys, range(0, len(docs), ROWS_AT_ONCE))):
            if done % KEPT == KEPT - 1:
                forget()
        pairs = _each_once(run_all(one_band, list(keys)))
        found.append(pairs[kernels.matches(signatures, pairs) >= least(pairs)])
        forget()
    return CandidatePairs.of(np.concatenate(found))
