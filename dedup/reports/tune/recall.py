"""Run -> its recall, measured: some random documents held against all others, without signatures or bands."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clustering import verdict
from ...core import thresholds
from ...core.pairs import CandidatePairs
from ...core.settings import Settings
from ...core.verdicts import CONTAINED, NEAR, RELATIONS, REWRITTEN
from ...matching import kernels as matching_kernels
from ...runs.run import Run
from ...text import kernels as text_kernels
from ...text.normalize import letter_table
from ..figures import figures, measured, rows_of, texts_of

BATCH_BYTES = 4 << 20
CELLS = 4_000_000  # of a table of counts: documents of a batch times sampled ones
MAX_BYTES = 256 << 20  # of text held against the sample; of a larger corpus a random part of this size
Z = 1.959963984540054  # of the normal distribution: 95 % lies within
Sets = tuple[NDArray[np.uint64], NDArray[np.int64]]
Report = dict[str, Any]


def wilson(found: int, n: int, z: float = Z) -> tuple[float, float]:
    """Found of n -> the Wilson score interval of the share (Wilson 1927), 95 % by default; (0, 1) for none.

    >>> [round(x, 4) for x in wilson(9, 10)]
    [0.5958, 0.9821]
    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if not n:
        return 0.0, 1.0
    share, spread = found / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z * (share * (1 - share) / n + spread / (4 * n)) ** 0.5 / (1 + spread)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return (0.0 if found == 0 else low), (1.0 if found == n else high)


def measured_recall(run: Run, sample: int = 200, seed: int = 1, max_bytes: int = MAX_BYTES) -> Report:
    """Measure which share the scan found of the pairs that a random sample makes with all documents.

    Every one of `sample` documents is compared with every document of other letters (of more than
    `max_bytes` of text, with a random part): all shared shingles are counted, no estimate decides.  The
    pairs that reach a threshold are the truth; found are those among the run's verified pairs.
    """
    docs = np.flatnonzero(run.ok & (verdict.same_letters(run.documents) == np.arange(len(run.documents))))
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(docs)
    others = np.sort(shuffled[np.cumsum(run.documents.n_bytes[shuffled]) <= max_bytes])
    if len(others) < len(docs):
        others = np.union1d(others, shuffled[:sample])
    queries = np.sort(shuffled[:sample]).astype(np.int32)
    close, unread = _close_pairs(run, queries, others.astype(np.int32))
    pairs = measured(run, close)
    limits = verdict.thresholds(Settings.of_run(run.summary))
    pairs = pairs.where(limits.classify(pairs).related)
    kind, found = limits.classify(pairs).likeness, rows_of(run.pairs, pairs.docs) >= 0
    missed = pairs.docs[~found & (kind != CONTAINED)]
    shown = [(int(a), int(b)) for a, b in missed[:5].tolist()]
    return {
        "sample": len(queries),
        "compared_with": len(others),
        "of": len(docs),
        "seed": seed,
        "unread": unread,
        "relations": {RELATIONS[r]: _share(found[kind == r]) for r in (NEAR, REWRITTEN, CONTAINED)},
        "missed": [
            {"left": run.name(a), "right": run.name(b), "figures": f or None}
            for (a, b), f in zip(shown, figures(run, shown), strict=True)
        ],
    }


def _share(found: NDArray[np.bool_]) -> Report:
    n, hits = len(found), int(found.sum())
    low, high = wilson(hits, n)
    return {"pairs": n, "found": hits, "recall": hits / n if n else None, "low": low, "high": high}


# ------------------------------------------------------------------ brute force


def _close_pairs(
    run: Run, queries: NDArray[np.int32], others: NDArray[np.int32]
) -> tuple[NDArray[np.int32], int]:
    """Documents and those to hold them against -> (all pairs that may reach a threshold, how many unread)."""
    settings = Settings.of_run(run.summary)
    texts = texts_of(run, queries)
    there = np.array([t is not None for t in texts], np.bool_)
    index = _Index(run, queries[there], [t for t in texts if t is not None], settings.k)

    def one_batch(docs: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
        texts = texts_of(run, docs)
        read = np.array([t is not None for t in texts], np.bool_)
        return index.close(docs[read], [t for t in texts if t is not None]), int((~read).sum())

    with ThreadPoolExecutor(settings.n_threads) as pool:
        done = list(pool.map(one_batch, _batches(others, run.documents.n_bytes, len(queries))))
    found = [np.zeros((0, 2), np.int32), *(pairs for pairs, _ in done)]
    return CandidatePairs.of(np.concatenate(found)).docs, sum(n for _, n in done)


def _batches(
    docs: NDArray[np.int32], n_bytes: NDArray[np.int64], n_queries: int
) -> Iterator[NDArray[np.int32]]:
    """Cut documents into parts of about so many bytes, whose table with the sampled ones is not too large."""
    rows = max(1, CELLS // max(1, n_queries))
    for start in range(0, len(docs), rows):
        some = docs[start : start + rows]
        part = np.cumsum(n_bytes[some]) // BATCH_BYTES
        yield from np.split(some, np.flatnonzero(np.diff(part)) + 1)


class _Index:
    """The shingles of the sampled documents, in which those of others are looked up."""

    def __init__(self, run: Run, docs: NDArray[np.int32], texts: list[bytes], k: int) -> None:
        self.run, self.docs, self.k = run, docs, k
        self.limits = verdict.thresholds(Settings.of_run(run.summary))
        self.framed = np.diff(run.spans.indptr) > 0
        shingles, skeletons = _sets(texts, k)
        self.size, self.n_bones = np.diff(shingles[1]), np.diff(skeletons[1])
        self.shingles, self.skeletons = Postings.of(shingles), Postings.of(skeletons)

    def close(self, docs: NDArray[np.int32], texts: list[bytes]) -> NDArray[np.int32]:
        """Documents and their texts -> the pairs int32[n, 2] with sampled ones that may reach a threshold."""
        limits = self.limits
        shingles, skeletons = _sets(texts, self.k)
        overlap, shared_skeletons = (
            self._shared(self.shingles, shingles),
            self._shared(self.skeletons, skeletons),
        )
        a, b = np.diff(shingles[1])[:, None], self.size[None, :]
        fewer, more = np.minimum(a, b), np.maximum(a, b)
        # boilerplate may be three quarters of a text that is judged by the rest of it
        share = np.where(
            self.framed[docs][:, None] | self.framed[self.docs][None, :], thresholds.MIN_OWN_SHARE, 1.0
        )
        near = overlap >= share * limits.min_jaccard * np.where(share < 1, more, a + b - overlap)
        part = (overlap >= share * limits.min_containment * fewer) & (fewer >= limits.min_part)
        x, y = np.diff(skeletons[1])[:, None], self.n_bones[None, :]
        rewritten = shared_skeletons >= limits.min_skeleton * np.maximum(x + y - shared_skeletons, 1)
        rewritten &= np.minimum(x, y) >= limits.min_skeleton_size
        i, j = np.nonzero((near | part | rewritten) & (docs[:, None] != self.docs[None, :]))
        return np.stack([docs[i], self.docs[j]], axis=1)

    def _shared(self, postings: Postings, sets: Sets) -> NDArray[np.int64]:
        """int64[n_docs, n_sampled]: how many hashes each of the sets shares with each of the sampled ones."""
        n_docs, n = len(sets[1]) - 1, len(self.docs)
        hits, term = postings.among(sets[0])
        doc = np.searchsorted(sets[1], hits, "right") - 1
        times = postings.indptr[term + 1] - postings.indptr[term]
        doc = np.repeat(doc, times)
        first = np.repeat(postings.indptr[term] - (np.cumsum(times) - times), times)
        owner = postings.owner[first + np.arange(len(doc))]
        return np.bincount(doc * n + owner, minlength=n_docs * n).reshape(n_docs, n)


@dataclass(frozen=True)
class Postings:
    """Distinct hashes uint64[n], rising; hash i is of owner[indptr[i]:indptr[i + 1]]."""

    hashes: NDArray[np.uint64]
    indptr: NDArray[np.int64]
    owner: NDArray[np.int64]

    @staticmethod
    def of(sets: Sets) -> Postings:
        """Sets as CSR -> who has each hash."""
        owner = np.repeat(np.arange(len(sets[1]) - 1), np.diff(sets[1]))
        order = np.argsort(sets[0], kind="stable")
        hashes, times = np.unique(sets[0], return_counts=True)
        return Postings(hashes, np.r_[0, np.cumsum(times)].astype(np.int64), owner[order])

    def among(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Hashes -> (places of those that are here, the number that each has here)."""
        at = np.searchsorted(self.hashes, hashes)
        at[at == len(self.hashes)] = 0
        hits = np.flatnonzero(self.hashes[at] == hashes) if len(self.hashes) else at[:0]
        return hits, at[hits]


def _sets(texts: list[bytes], k: int) -> tuple[Sets, Sets]:
    """Texts -> their shingle sets and their skeletons."""
    buffer, starts = text_kernels.joined(texts)
    table = letter_table()
    return matching_kernels.shingle_sets(buffer, starts, table, k), matching_kernels.skeleton_sets(
        buffer, starts, table
    )
