"""Candidate pairs + texts -> exact overlap and content.  No estimate decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..content import kernels as content_kernels
from ..core.by_letters import TWO_ALIGNED
from ..core.components import connected_components
from ..core.features import Spans
from ..core.pairs import COUNTS, TURNED, CandidatePairs, VerifiedPairs, pair_keys
from ..core.sorted_arrays import distinct, is_in
from ..core.thresholds import Thresholds, noisy
from ..text import kernels as text_kernels
from . import kernels as matching_kernels
from .noise import MORE, may_be_copies

BOTH_WAYS = [
    COUNTS.index(name) for name in ("errors", "grams_left", "grams_right")
]  # of texts read by words too
AT_ONCE = 256  # pairs whose words are held at a time on each thread
BATCH_BYTES = 4 << 20  # of text held at a time on each thread; their shingle sets take 8 to 16 times that


def batches(
    pairs: CandidatePairs, n_bytes: NDArray[np.int64], limit: int = BATCH_BYTES
) -> Iterator[NDArray[np.int32]]:
    """Candidate pairs -> parts int32[m, 2] whose documents, but the largest, have `limit` bytes at most.

    Pairs are taken component by component, and in one by the larger document, so a document is in one
    part only unless its component is larger than the limit, and a long one is not read for every pair.
    """
    if not len(pairs):
        return
    nodes, local = np.unique(pairs.docs, return_inverse=True)
    local = local.reshape(-1, 2).astype(np.int32)
    label = connected_components(len(nodes), local)[local[:, 0]]
    left, right = pairs.docs.T
    larger = np.where(n_bytes[left] > n_bytes[right], left, right)
    order = np.lexsort((left + right - larger, larger, label))
    held: set[int] = set()
    size, largest, start = 0, 0, 0
    for i, pair in enumerate(pairs.docs[order].tolist()):
        new = [int(n_bytes[d]) for d in pair if d not in held]
        if held and size + sum(new) - max(largest, *new, 0) > limit:
            yield pairs.docs[order[start:i]]
            held, size, largest, start = set(), 0, 0, i
            new = [int(n_bytes[d]) for d in pair]
        held.update(pair)
        size, largest = size + sum(new), max(largest, *new, 0)
    yield pairs.docs[order[start:]]


def verify(
    pairs: CandidatePairs,
    n_bytes: NDArray[np.int64],
    read: Callable[[NDArray[np.int32]], list[bytes | None]],
    table: Any,
    k: int,
    spans: Spans,
    limits: Thresholds,
    parallel_map: Callable[..., Iterable[VerifiedPairs]],
    every: bool = False,
) -> VerifiedPairs:
    """Candidate pairs -> the same pairs with their exact figures, whatever those are.

    `read(docs)` gives the UTF-8 text of each document, or None where it can no longer be read as it
    was; pairs with such a document are left out.  `spans` is the boilerplate of each document.  Pairs that
    are alike enough for these limits are compared word by word, or every pair; then those that may be noisy
    copies letter by letter.
    """

    def one_batch(part: NDArray[np.int32]) -> VerifiedPairs:
        docs, local = np.unique(part, return_inverse=True)
        texts = read(docs)
        there = np.array([t is not None for t in texts])
        buffer, starts = text_kernels.joined([t or b"" for t in texts])
        local = local.reshape(-1, 2)
        readable = there[local].all(axis=1)
        asked = local[readable].astype(np.int32)
        frames = spans.of_docs(docs)
        sets = matching_kernels.marked_sets(buffer, starts, table, k, frames)
        counts = matching_kernels.figures(*sets, asked)
        skeletons = matching_kernels.overlaps(*matching_kernels.skeleton_sets(buffer, starts, table), asked)
        del buffer, sets
        counts = np.concatenate([counts, skeletons], axis=1).reshape(-1, 3, 3)
        found = VerifiedPairs.of_counts(part[readable], counts)
        rows = np.flatnonzero(limits.classify(found).worth_reading | every)
        for some in np.split(rows, range(AT_ONCE, len(rows), AT_ONCE)):
            found.content[some], found.slots[some] = _content(texts, table, k, frames, asked[some])
        _compare_by_letters(found, limits, texts, table, asked, every)
        _compare_parts_by_letters(found, limits, texts, table, asked)
        return found

    parts = [VerifiedPairs.none(), *parallel_map(one_batch, batches(pairs, n_bytes))]
    return VerifiedPairs.none().merged(VerifiedPairs.concatenated(parts))


def _content(
    texts: list[bytes | None], table: Any, k: int, frames: Spans, pairs: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Texts, pairs int32[n, 2] of them -> counts int64[n, 21], slots uint32[n, 4, 4] of their content."""
    docs, words, local = _words_of(texts, table, pairs)
    return content_kernels.content_of_pairs(
        content_kernels.with_frames(words, frames.of_docs(docs), k), local
    )


def _compare_by_letters(
    found: VerifiedPairs,
    limits: Thresholds,
    texts: list[bytes | None],
    table: Any,
    pairs: NDArray[np.int32],
    every: bool,
) -> None:
    """Align the letters of pairs int32[n, 2] of texts that may be noisy copies, and count in place.

    What one text says alone is taken from the letters where it could not be told by words: where one text is
    a noisy copy of the other, or too little agrees.
    """
    classified = limits.classify(found)
    rows = np.flatnonzero(classified.worth_aligning)
    read, reached = classified.worth_reading | every, classified.reached
    rows = rows[may_be_copies(pairs[rows], lambda docs: [texts[d] for d in docs.tolist()], table, map)]
    beginnings = [(text or b"")[:MORE] for text in texts]
    for some in np.split(rows, range(AT_ONCE, len(rows), AT_ONCE)):
        counts = _by_letters(beginnings, table, pairs[some], whole=False)
        shown = limits.classify(replace(found.where(some), content=counts)).by_letters.may_be_noise
        shown |= noisy(found.where(some))  # so that it is known which of several is the nearest
        counts[shown] = _by_letters(texts, table, pairs[some[shown]], whole=True)
        judged = limits.classify(replace(found.where(some), content=counts))
        better = (
            np.where(read[some], judged.noisy_copy, judged.by_letters.share >= TWO_ALIGNED) & ~reached[some]
        )
        by_words = found.content[some]
        by_words[:, BOTH_WAYS] = np.where(shown[:, None], counts[:, BOTH_WAYS], 0)
        found.content[some] = np.where(better[:, None], counts, np.where(read[some, None], by_words, 0))
        found.slots[some[better]] = 0


def _compare_parts_by_letters(
    found: VerifiedPairs,
    limits: Thresholds,
    texts: list[bytes | None],
    table: Any,
    pairs: NDArray[np.int32],
) -> None:
    """Align the letters of pairs int32[n, 2] of a text and what may be a noisy copy of a part of it.

    Where it is one, the counts replace what was told by words, in place.
    """
    rows = np.flatnonzero(limits.classify(found).worth_placing)
    for some in np.split(rows, range(AT_ONCE, len(rows), AT_ONCE)):
        _, words, local = _words_of(texts, table, pairs[some])
        counts = content_kernels.noise_of_parts(words, local, False).astype(np.int32)
        shown = limits.classify(replace(found.where(some), content=counts)).by_letters.part_may_be_noise
        counts[shown] = content_kernels.noise_of_parts(words, local[shown])
        parts = limits.classify(replace(found.where(some), content=counts)).noisy_part & shown
        found.content[some[parts]], found.slots[some[parts]] = counts[parts], 0


def _by_letters(
    texts: Sequence[bytes | None], table: Any, pairs: NDArray[np.int32], whole: bool
) -> NDArray[np.int32]:
    """Texts, pairs int32[n, 2] of them -> counts int32[n, 21] of how their letters differ."""
    _, words, local = _words_of(texts, table, pairs)
    return content_kernels.noise_of_pairs(words, local, whole).astype(np.int32)


def _words_of(
    texts: Sequence[bytes | None], table: Any, pairs: NDArray[np.int32]
) -> tuple[NDArray[np.int32], content_kernels.WordArrays, NDArray[np.int32]]:
    """Texts, pairs int32[n, 2] of them -> those in a pair, their words, the pairs by their numbers there."""
    docs, local = np.unique(pairs, return_inverse=True)
    texts_of_pairs = [texts[d] or b"" for d in docs.tolist()]
    words = content_kernels.words_of(*text_kernels.joined(texts_of_pairs), table)
    return docs, words, local.reshape(-1, 2).astype(np.int32)


class Compared:
    """Candidate pairs -> their figures; what is known is not compared again."""

    def __init__(self, known: VerifiedPairs, compare: Callable[[CandidatePairs], VerifiedPairs]) -> None:
        self._known, self._compare = known, compare
        self._asked: NDArray[np.int64] = np.zeros(0, np.int64)

    def __call__(self, candidates: CandidatePairs) -> VerifiedPairs:
        """Return the figures of some pairs, sorted; those that cannot be read any more are left out."""
        keys = pair_keys(candidates.docs)
        self._asked = distinct(np.concatenate([self._asked, keys]))
        new = ~is_in(keys, pair_keys(self._known.docs))
        if new.any():
            self._known = self._known.merged(self._compare(CandidatePairs(candidates.docs[new])))
        return self._known.among(distinct(keys))

    def all(self) -> VerifiedPairs:
        """Return all pairs that were asked for, sorted."""
        return self._known.among(self._asked)


def turned(pairs: VerifiedPairs, docs: NDArray[np.int32]) -> VerifiedPairs:
    """Return the pairs with other numbers int32[n, 2], the smaller one on the left, sorted."""
    turn = docs[:, 0] > docs[:, 1]

    def exchanged(columns: NDArray[Any], order: Sequence[int]) -> NDArray[Any]:
        return np.where(turn.reshape(-1, *[1] * (columns.ndim - 1)), columns[..., order], columns)

    out = replace(
        pairs,
        docs=exchanged(docs, [1, 0]).astype(np.int32),
        counts=exchanged(pairs.counts, [0, 2, 1]),
        content=exchanged(pairs.content, TURNED),
        slots=exchanged(pairs.slots, [0, 1, 3, 2]),
    )
    return out.where(np.argsort(pair_keys(out.docs)))
