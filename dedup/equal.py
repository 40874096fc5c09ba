"""Documents of equal letters: how each of them is written, and so how any two of them differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels, relation
from .model import CASE, ENCODING, IDENTICAL, PUNCTUATION, WHITESPACE, Forms, LetterTable, VerifiedPairs

AT_ONCE = 512  # documents


def forms(
    docs: NDArray[np.int32],
    read: Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]],
    table: LetterTable,
    k: int,
    run_all: Callable[..., Iterable[Any]],
) -> Forms:
    """Documents int32[n], rising -> how each is written; those that cannot be read are left out."""

    def some_docs(some: NDArray[np.int32]) -> Forms:
        texts = [(d, text) for d, text in zip(some.tolist(), read(some), strict=True) if text]
        digests = b"".join(relation.digests_of([text for _, text in texts]))
        buffer, starts = kernels.joined([utf8 for _, (_, utf8) in texts])
        return Forms(
            np.array([d for d, _ in texts], np.int32),
            np.frombuffer(digests, np.uint64).reshape(-1, 8),
            np.diff(kernels.shingle_sets(buffer, starts, table, k)[1]),
            np.diff(kernels.skeleton_sets(buffer, starts, table)[1]),
        )

    parts = [docs[i : i + AT_ONCE] for i in range(0, len(docs), AT_ONCE)]
    return Forms.concatenated([Forms.none(), *run_all(some_docs, parts)])


def _kinds(mine: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.int8]:
    """Digests uint64[n, 8] of documents of equal letters -> the relation of each pair, int8[n]."""
    same = [(mine[:, i : i + 2] == other[:, i : i + 2]).all(axis=1) for i in (0, 2, 4, 6)]
    return np.select(same, [IDENTICAL, ENCODING, WHITESPACE, CASE], PUNCTUATION).astype(np.int8)


def kind_of(known: Forms, doc: int, other: int) -> int:
    """Two documents of equal letters -> their relation; -1 where one of them is not known."""
    rows = np.searchsorted(known.docs, [doc, other])
    if rows.max() >= len(known.docs) or (known.docs[rows] != [doc, other]).any():
        return -1
    return int(_kinds(known.digests[rows[:1]], known.digests[rows[1:]])[0])


def pairs(speaker: NDArray[np.int32], known: Forms) -> tuple[VerifiedPairs, NDArray[np.int8]]:
    """Speakers int32[n_docs] -> the pairs (document, its speaker), sorted, and the relation of each."""
    row = np.full(len(speaker), -1, np.int64)
    row[known.docs] = np.arange(len(known.docs))
    docs = np.flatnonzero((speaker != np.arange(len(speaker))) & (row >= 0) & (row[speaker] >= 0))
    mine, other = known.digests[row[docs]], known.digests[row[speaker[docs]]]
    kind = _kinds(mine, other)
    n, bones = known.n_shingles[row[docs]], known.n_bones[row[docs]]
    both = np.stack([np.minimum(docs, speaker[docs]), np.maximum(docs, speaker[docs])], axis=1)
    three = np.stack([n] * 3, axis=1), np.stack([bones] * 3, axis=1)
    found = VerifiedPairs(both.astype(np.int32), n, n, n, three[1], three[0], np.ones(len(n)))
    order = np.lexsort((both[:, 1], both[:, 0]))
    return found.where(order), kind[order]
