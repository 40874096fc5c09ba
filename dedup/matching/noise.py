"""Find candidates among texts so full of errors that they share few shingles.

Of a text with an error in three letters one shingle in twenty of eight letters survives.  That is far below
every band, but two texts that have nothing to do with each other hardly share a shingle that is rare in the
corpus.  So the values of the signatures are looked up one by one: two documents of about one length that
share some rare ones, and that begin alike but for errors, are candidates.  No other signature is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.by_letters import FRAMED, SHORT, of_like_size
from ..core.documents import Documents
from ..core.features import Signatures, Spans
from ..core.pairs import pair_keys
from ..core.parallel import ParallelMap
from ..core.rules import more_shared
from ..core.sorted_arrays import group_equal, is_in, pairs_of, unique_counts
from ..text import kernels as text_kernels
from ..text.normalize import letter_table
from . import kernels
from .update import state
from .update.state import Flagged

MOST, LEAST, POSTINGS = 64, 8, 400_000  # documents that share a rare value, at most; see `rare`
BEGINNING, MORE = 2048, 4096  # bytes of a text that are looked at
PAIRS_AT_ONCE = 2048

Read = Callable[[NDArray[np.int32]], list[bytes | None]]
Alike = Callable[..., NDArray[np.bool_]]


def rare(n_docs: int) -> int:
    """Return in how many of so many documents a value is rare: fewer in a larger corpus, as pairs are many.

    >>> rare(100), rare(20_000), rare(1_000_000)
    (64, 20, 8)
    """
    return max(LEAST, min(MOST, POSTINGS // max(1, n_docs)))


def shared(n_docs: int) -> int:
    """Return how many rare values two of so many documents share: more in a larger corpus.

    >>> [shared(n) for n in (100, 10_000, 1_000_000)]
    [1, 2, 3]
    """
    return 1 + more_shared(n_docs)


@dataclass(frozen=True)
class Searched:
    """What noisy copies are looked for among."""

    docs: NDArray[np.int32]  # [n], rising: of all documents, those that are compared
    documents: Documents
    signatures: Signatures
    spans: Spans  # boilerplate
    known: NDArray[np.int32]  # [m, 2], sorted: pairs that bands or anchors found, which are left out


def framed(n_letters: NDArray[np.int64], spans: Spans) -> NDArray[np.bool_]:
    """Tell which documents have much boilerplate: bool[n_docs].

    Two such pages share their frame, and errors would have broken it.
    """
    before = np.r_[0, np.cumsum(spans.end - spans.start)]
    return np.asarray(np.diff(before[spans.indptr]) >= np.maximum(1, FRAMED * n_letters))


def sharing_rare_values(found: Searched, parallel_map: ParallelMap) -> NDArray[np.int32]:
    """Return the pairs of documents about as long as each other that share rare values of signatures.

    int32[m, 2], sorted.
    """
    documents, signatures, docs = found.documents, found.signatures, found.docs
    in_frame = framed(documents.n_letters, found.spans)
    docs = docs[documents.n_letters[docs] >= SHORT]
    most = rare(len(docs))

    def by_value(column: int) -> NDArray[np.int64]:
        order, values = group_equal(signatures.values[docs, column].astype(np.uint64))
        first = np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if len(values) else order
        size = np.diff(np.r_[first, len(values)])
        few = np.repeat((size > 1) & (size <= most), size)
        pairs = kernels.bucket_pairs(values[few], docs[order[few]], most)
        good = of_like_size(*documents.n_letters[pairs].T)
        return pair_keys(pairs[good & ~in_frame[pairs].all(axis=1)])

    keys = [np.zeros(0, np.int64), *parallel_map(by_value, range(signatures.num_perm))]
    signatures.release_pages()
    pairs, times = unique_counts(np.concatenate(keys))
    return pairs_of(pairs[times >= shared(len(docs))])


def may_be_copies(
    pairs: NDArray[np.int32], read: Read, table: Any, parallel_map: ParallelMap
) -> NDArray[np.bool_]:
    """Tell which pairs int32[m, 2] (sorted) begin alike but for errors, and go on so: bool[m].

    `read(docs)` gives the text of each document, or None where it cannot be read any more.
    """
    from ..content import kernels as content_kernels  # a rescan with nothing new needs none of it

    out = np.ones(len(pairs), np.bool_)
    for n_bytes, alike in ((BEGINNING, content_kernels.begin_alike), (MORE, content_kernels.end_alike)):

        def some(part: NDArray[np.int32], n_bytes: int = n_bytes, alike: Alike = alike) -> NDArray[np.bool_]:
            docs, local = np.unique(part, return_inverse=True)
            texts = [(text or b"")[:n_bytes] for text in read(docs)]
            words = content_kernels.words_of(*text_kernels.joined(texts), table)
            return alike(words, local.reshape(-1, 2).astype(np.int32))

        rows = np.flatnonzero(out)
        parts = (pairs[rows[start : start + PAIRS_AT_ONCE]] for start in range(0, len(rows), PAIRS_AT_ONCE))
        out[rows] = np.concatenate([np.zeros(0, np.bool_), *parallel_map(some, parts)])
    return out


def find_noisy_pairs(found: Searched, known: Flagged, read: Read, parallel_map: ParallelMap) -> Flagged:
    """Find the pairs that may be noisy copies -> all that share rare values, flagged BY_NOISE if they may.

    What is `known` of the same pairs of the same texts is not worked out again.
    """
    pairs = sharing_rare_values(found, parallel_map)
    pairs = pairs[~is_in(pair_keys(pairs), pair_keys(found.known))]
    flags = np.full(len(pairs), state.ASKED, np.uint8)
    keys, known_keys = pair_keys(pairs), pair_keys(known.pairs)
    there = is_in(keys, known_keys)
    flags[there] |= known.flags[np.searchsorted(known_keys, keys[there])] & state.BY_NOISE
    alike = may_be_copies(pairs[~there], read, letter_table(), parallel_map)
    flags[~there] |= alike.astype(np.uint8) * state.BY_NOISE
    return Flagged(pairs, flags)
