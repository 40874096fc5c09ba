"""Documents of equal letters: how each of them is written, and so how any two of them differ."""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..content import kernels as content_kernels
from ..core.pairs import DIGEST_WORDS, Spellings, VerifiedPairs
from ..core.parallel import ParallelMap
from ..core.verdicts import CASE, ENCODING, IDENTICAL, PUNCTUATION, WHITESPACE, WRITTEN_ALIKE
from ..matching import kernels as matching_kernels
from ..text import kernels as text_kernels
from ..text.normalize import LetterTable

AT_ONCE = 128  # documents


def spellings(
    docs: NDArray[np.int32],
    read: Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]],
    table: LetterTable,
    k: int,
    parallel_map: ParallelMap,
) -> Spellings:
    """Documents int32[n], rising -> how each is written; those that cannot be read are left out."""

    def some_docs(some: NDArray[np.int32]) -> Spellings:
        texts = [(d, text) for d, text in zip(some.tolist(), read(some), strict=True) if text]
        digests = b"".join(digests_of([text for _, text in texts]))
        utf8 = [text for _, (_, text) in texts]
        buffer, starts = text_kernels.joined(utf8)
        told = _value_digests(utf8, buffer, starts, table)
        return Spellings(
            np.array([d for d, _ in texts], np.int32),
            np.column_stack([np.frombuffer(digests, np.uint64).reshape(-1, DIGEST_WORDS - 1), told]),
            np.diff(matching_kernels.shingle_sets(buffer, starts, table, k)[1]),
            np.diff(matching_kernels.skeleton_sets(buffer, starts, table)[1]),
        )

    parts = [docs[i : i + AT_ONCE] for i in range(0, len(docs), AT_ONCE)]
    return Spellings.concatenated([Spellings.none(), *parallel_map(some_docs, parts)])


def spellings_of_several(
    same: NDArray[np.int32],
    known: Spellings,
    read: Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]],
    table: LetterTable,
    k: int,
    parallel_map: ParallelMap,
) -> Spellings:
    """First documents of the same letters int32[n_docs] -> how those are written that share theirs.

    `known` is how some of them are.
    """
    wanted = np.bincount(same, minlength=len(same))[same] > 1
    known = known.where(wanted[known.docs])
    wanted[known.docs] = False
    new = spellings(np.flatnonzero(wanted).astype(np.int32), read, table, k, parallel_map)
    both = Spellings.concatenated([known, new])
    return both.where(np.argsort(both.docs))


def values(texts: list[bytes | None], table: LetterTable) -> list[int | None]:
    """UTF-8 texts -> the digest of the points, signs and operators of each; None where a text is None."""
    there = [text or b"" for text in texts]
    found = _value_digests(there, *text_kernels.joined(there), table).tolist()
    return [None if text is None else value for text, value in zip(texts, found, strict=True)]


def _value_digests(
    texts: list[bytes], buffer: NDArray[np.uint8], starts: NDArray[np.int64], table: LetterTable
) -> NDArray[np.uint64]:
    """UTF-8 texts, and the same joined -> the digest of the points, signs and operators of each, uint64[n].

    Most texts have none, which their bytes alone tell.
    """
    out = np.zeros(len(texts), np.uint64)
    some = np.flatnonzero(content_kernels.may_have_values(buffer, starts))
    words = content_kernels.words_of(*text_kernels.joined([texts[i] for i in some.tolist()]), table)
    out[some] = content_kernels.value_digests(words)
    return out


def same_values(same: NDArray[np.int32], known: Spellings) -> NDArray[np.int32]:
    """First documents of the same letters int32[n_docs] -> those of the same letters and values.

    The letters do not tell 2.5 from 25, or -4 from 4.
    """
    out = same.copy()
    rows = np.lexsort((known.docs, known.digests[:, -1], same[known.docs]))
    docs, values = known.docs[rows], known.digests[rows, -1]
    new = np.r_[True, (same[docs[1:]] != same[docs[:-1]]) | (values[1:] != values[:-1])][: len(docs)]
    out[docs] = docs[np.flatnonzero(new)[np.cumsum(new) - 1]]
    return out


def _kinds(mine: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.int8]:
    """Digests uint64[n, DIGEST_WORDS] of documents of equal letters -> the relation of each pair, int8[n]."""
    equal = (mine[:, :-1] == other[:, :-1]).reshape(-1, len(WRITTEN_ALIKE), 2).all(axis=2)
    return np.select(list(equal.T), WRITTEN_ALIKE, PUNCTUATION).astype(np.int8)


def kind_of(known: Spellings, doc: int, other: int) -> int:
    """Two documents of equal letters -> their relation; -1 where one of them is not known."""
    rows = np.searchsorted(known.docs, [doc, other])
    if rows.max() >= len(known.docs) or (known.docs[rows] != [doc, other]).any():
        return -1
    return int(_kinds(known.digests[rows[:1]], known.digests[rows[1:]])[0])


def pairs(representative: NDArray[np.int32], known: Spellings) -> tuple[VerifiedPairs, NDArray[np.int8]]:
    """Return the pairs of documents and their representatives int32[n_docs], sorted, and their relations."""
    row = np.full(len(representative), -1, np.int64)
    row[known.docs] = np.arange(len(known.docs))
    docs = np.flatnonzero(
        (representative != np.arange(len(representative))) & (row >= 0) & (row[representative] >= 0)
    )
    mine, other = known.digests[row[docs]], known.digests[row[representative[docs]]]
    kind = _kinds(mine, other)
    n, n_skeleton = known.n_shingles[row[docs]], known.n_bones[row[docs]]
    both = np.stack([np.minimum(docs, representative[docs]), np.maximum(docs, representative[docs])], axis=1)
    counts = np.stack([n, n, n_skeleton], axis=1)
    found = VerifiedPairs.of_counts(both.astype(np.int32), np.repeat(counts[:, :, None], 3, axis=2))
    order = np.lexsort((both[:, 1], both[:, 0]))
    return found.where(order), kind[order]


def same_letters(raw_left: bytes, text_left: str, raw_right: bytes, text_right: str) -> int:
    """Two documents with equal letters, as bytes and as text -> how they differ otherwise.

    >>> from dedup.core.verdicts import RELATIONS
    >>> kind = lambda a, b: RELATIONS[same_letters(a.encode(), a, b.encode("utf-16"), b)]
    >>> kind("A cat.", "A cat."), kind("A cat.", "A  cat."), kind("A cat.", "a CAT."), kind("A cat.", "a cat")
    ('encoding', 'whitespace', 'case', 'punctuation')
    """
    if raw_left == raw_right:
        return IDENTICAL
    left, right = _plain(text_left), _plain(text_right)
    if left == right:
        return ENCODING
    left, right = " ".join(left.split()), " ".join(right.split())
    if left == right:
        return WHITESPACE
    if left.casefold() == right.casefold():
        return CASE
    return PUNCTUATION


def digests(raw: bytes, text: str) -> bytes:
    """A document as bytes and as text -> 16 bytes for each of WRITTEN_ALIKE.

    The first that two documents with equal letters share says how they are related; where they share none,
    it is punctuation.  `same_letters` is the definition.
    """
    plain = _plain(text)
    spaced = " ".join(plain.split())
    return _digested(raw, plain.encode(), spaced.encode(), spaced.casefold().encode())


def digests_of(texts: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """Documents, each as bytes and as UTF-8 -> `digests` of each, in a third of the time."""
    plain = [utf8 if _is_plain(utf8) else _plain(utf8.decode()).encode() for _, utf8 in texts]
    buffer, starts = text_kernels.spaces_joined(*text_kernels.joined(plain))
    joined, ends = buffer.tobytes(), starts.tolist()
    out = []
    for (raw, _), text, (start, end) in zip(texts, plain, itertools.pairwise(ends), strict=True):
        spaced = joined[start:end]
        folded = spaced.lower() if spaced.isascii() else spaced.decode().casefold().encode()
        out.append(_digested(raw, text, spaced, folded))
    return out


def _is_plain(utf8: bytes) -> bool:
    """Tell whether `_plain` would change nothing, for certain."""
    return utf8.isascii() and b"\r" not in utf8


def _digested(*views: bytes) -> bytes:
    last, out = None, list[bytes]()
    for view in views:
        out.append(out[-1] if view == last else hashlib.blake2b(view, digest_size=16).digest())
        last = view
    return b"".join(out)


def _plain(text: str) -> str:
    """Text -> without what belongs to its encoding: byte order mark, composition, line ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.lstrip("\ufeff"))
    return text.replace("\r\n", "\n")
