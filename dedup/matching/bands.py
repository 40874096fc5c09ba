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

import numpy as np
from numpy.typing import NDArray

from ..core.features import Banding
from ..core.pairs import CandidatePairs, pair_keys
from ..core.parallel import ParallelMap
from ..core.sorted_arrays import distinct, group_equal, pairs_of
from . import kernels

MAX_ROUNDS = 10
MAX_ROWS = 16
FULL_BUCKET = 8  # a bucket of at most this many documents gives all its pairs
AT_ONCE, KEYS_AT_ONCE = 16, 1 << 24  # bands at least, and keys at most, that are taken at a time
PAIRS_HELD = 1 << 21  # of bands, before each is kept once
FEW_DOCS = 500  # documents, of which the keys in all bands are sorted at once
ROWS_AT_ONCE = 1 << 15  # documents whose keys are taken at a time
KEPT = 8  # times so many documents, whose signatures stay in memory


def columns(num_perm: int, rows: int, rounds: int) -> NDArray[np.int32]:
    """Return int32[rounds * (num_perm // rows), rows], the places of the signature in each band.

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


@functools.lru_cache(32)
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
        # NOTE: overlap can only lower the recall, so the closed form is an upper bound of it
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


def _pairs_of_few(
    signatures: NDArray[np.uint32], docs: NDArray[np.int32], columns: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the pairs that share a band, sorted, each once: all bands at once, without threads."""
    keys = kernels.band_keys(signatures, docs, columns)
    order = np.argsort(keys, axis=1)
    keys = np.take_along_axis(keys, order, axis=1)
    first = np.ones(keys.shape, np.bool_)
    first[:, 1:] = keys[:, 1:] != keys[:, :-1]
    bucket = np.cumsum(first.ravel()).astype(np.uint64)
    pairs = kernels.bucket_pairs(bucket, docs[order.ravel()], FULL_BUCKET)
    return pairs_of(distinct(pair_keys(pairs)))


def candidate_pairs(
    signatures: NDArray[np.uint32],
    docs: NDArray[np.int32],
    bands: Banding,
    least: Callable[[NDArray[np.int32]], NDArray[np.int64]],
    parallel_map: ParallelMap,
    release_pages: Callable[[], None] = lambda: None,
) -> CandidatePairs:
    """Signatures uint32[n_docs, num_perm], documents int32[n] (rising) -> candidate pairs.

    They share a band, and at least as many values as `least` says of pairs of documents int32[m, 2].

    `parallel_map(function, items)` may use threads; `release_pages` releases the pages
    of mapped signatures.
    """

    def with_enough(pairs: NDArray[np.int32]) -> NDArray[np.int32]:
        return pairs[kernels.matches(signatures, pairs) >= least(pairs)]

    if len(docs) <= FEW_DOCS:
        return CandidatePairs(with_enough(_pairs_of_few(signatures, docs, bands.columns)))
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
            kernels.count_hashes(counts, keys, 2)
            shared = np.flatnonzero(kernels.are_frequent(counts, keys, 2))
            order, keys = group_equal(keys[shared])
            return docs[kernels.bucket_pairs(keys, shared[order].astype(np.int32), FULL_BUCKET)]

        for done, _ in enumerate(parallel_map(take_keys, range(0, len(docs), ROWS_AT_ONCE))):
            if done % KEPT == KEPT - 1:
                release_pages()
        pairs = _each_once(parallel_map(one_band, list(keys)))
        found.append(with_enough(pairs))
        release_pages()
    return CandidatePairs.of(np.concatenate(found))
