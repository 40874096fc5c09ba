"""Verified pairs -> clusters, canonical documents, witnesses and relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import canonical, cluster, kernels, lsh, relation, verify
from .model import (
    KEPT,
    OK,
    CandidatePairs,
    Documents,
    LetterTable,
    Signatures,
    Source,
    Verdict,
    VerifiedPairs,
)
from .settings import Settings

MIN_PART = 32  # shingles that a part must have to be called contained
WITNESS_ROUNDS = 8  # so many kept documents of a cluster are compared with all the rest of it
COVER = 0.95  # share of a document's shingles that another must hold to cover it


def same_letters(documents: Documents) -> NDArray[np.int32]:
    """int32[n_docs]: the first document with the same letters; itself where it is set aside."""
    n = len(documents)
    same = np.arange(n, dtype=np.int32)
    docs = np.flatnonzero(documents.status == OK)
    if len(docs):
        keys = np.ascontiguousarray(documents.letters_hash[docs]).view("V16").ravel()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        same[docs] = docs[first[inverse]]
    return same


def decide(
    s: Settings,
    sources: list[Source],
    documents: Documents,
    signatures: Signatures,
    same: NDArray[np.int32],
    pairs: VerifiedPairs,
    verified: Callable[[CandidatePairs], VerifiedPairs],
) -> tuple[VerifiedPairs, Verdict, NDArray[np.int32]]:
    """Verified pairs -> the same and more, the verdict, and the speaker of each document.

    Of documents with the same letters the most preferred one speaks for all: int32[n_docs].  Pairs of
    kept documents that were never compared are verified on the way.
    """
    n = len(documents)
    everyone = np.arange(n, dtype=np.int32)
    weight = np.bincount(same, minlength=n)

    def reaching() -> VerifiedPairs:
        return pairs.where(verify.reaches(pairs, s.min_jaccard, s.min_containment, MIN_PART))

    covers = cluster.covers(n, reaching(), COVER, weight)
    facts = canonical.Facts(
        documents,
        covers[same] + weight[same],
        np.array([sources[i].mtime_ns for i in documents.source.tolist()], np.int64),
        [sources[i].path for i in documents.source.tolist()],
    )
    place, _ = canonical.rank(s.prefer, facts)
    best = _best_of(same, place)
    speaker = best[same]
    least = lsh.least_matches(s.min_jaccard, s.num_perm)
    for turn in range(WITNESS_ROUNDS + 1):
        good = reaching()
        edges = cluster.allowed(good, s.min_jaccard, s.min_containment, MIN_PART)
        label = cluster.clusters(n, np.concatenate([good.docs, np.stack([same, everyone], axis=1)]))
        between = cluster.Edges(best[edges.dropped], best[edges.witness])
        witness = cluster.choose_witnesses(place, between)
        witness = np.where(speaker == everyone, witness, witness[speaker])
        if turn == WITNESS_ROUNDS:
            break
        missing = cluster.unverified(_in_terms_of(same, witness), place[best], label, pairs, turn)
        hopeful = _hopeful(missing, signatures, documents.n_letters, s, least)
        pairs = pairs.merged(verified(CandidatePairs(missing.docs[hopeful])))
    first = np.full(n, -1, np.int32)
    order = np.argsort(place, kind="stable")[::-1]
    first[label[order]] = order  # the last one written, so the most preferred, stands
    jaccard, containment = _figures(pairs, same, witness)
    kind = np.array([relation.of_figures(j, s.min_jaccard) for j in jaccard.tolist()], np.int8).reshape(n)
    kind[witness == everyone] = KEPT
    decided = Verdict(label, first[label], witness.astype(np.int32), kind, jaccard, containment)
    return pairs, decided, speaker


def _hopeful(
    pairs: CandidatePairs, signatures: Signatures, n_letters: NDArray[np.int64], s: Settings, least: int
) -> NDArray[np.bool_]:
    """bool[n]: the pairs whose signatures and lengths do not rule out that one is dropped for the other.

    From the estimated Jaccard j and the lengths, overlap = j / (1 + j) * (left + right), and the
    containment is overlap / the shorter; both may be off by five standard errors of j.
    """
    agree = kernels.matches(signatures.values, pairs.docs)
    j = agree / s.num_perm
    high = np.minimum(1.0, j + lsh.STANDARD_ERRORS * np.sqrt(np.maximum(j * (1 - j), 0.01) / s.num_perm))
    left, right = n_letters[pairs.docs[:, 0]], n_letters[pairs.docs[:, 1]]
    containment = high / (1 + high) * (left + right) / np.maximum(1, np.minimum(left, right))
    return (agree >= least) | (containment >= s.min_containment)


def _best_of(same: NDArray[np.int32], place: NDArray[np.int64]) -> NDArray[np.int32]:
    """int32[n_docs], by first document of the same letters: the most preferred of them."""
    best = np.arange(len(same), dtype=np.int32)
    order = np.argsort(place, kind="stable")[::-1]
    best[same[order]] = order
    return best


def _in_terms_of(same: NDArray[np.int32], witness: NDArray[np.int32]) -> NDArray[np.int32]:
    """Witnesses among the first documents of the same letters, which are the ones that are compared."""
    out = np.full(len(same), -1, np.int32)
    out[same] = same[witness]
    return out


def _figures(
    pairs: VerifiedPairs, same: NDArray[np.int32], witness: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(Jaccard, share of the document that the witness holds) of each document to its witness."""
    n = len(same)
    jaccard, containment = np.ones(n), np.ones(n)
    docs = np.flatnonzero(same != same[witness])
    left, right = same[docs].astype(np.int64), same[witness[docs]].astype(np.int64)
    keys = np.minimum(left, right) << 32 | np.maximum(left, right)
    known = pairs.docs[:, 0].astype(np.int64) << 32 | pairs.docs[:, 1]
    row = np.searchsorted(known, keys)
    jaccard[docs] = pairs.jaccard[row]
    containment[docs] = np.where(left < right, pairs.left_in_right[row], pairs.right_in_left[row])
    return jaccard, containment


def same_letter_pairs(
    speaker: NDArray[np.int32],
    read: Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]],
    table: LetterTable,
    k: int,
    run_all: Callable[..., Iterable[tuple[VerifiedPairs, NDArray[np.int8]]]],
) -> tuple[VerifiedPairs, NDArray[np.int8]]:
    """Speakers int32[n_docs] -> the pairs (document, its speaker), sorted, and the relation of each."""
    docs = np.flatnonzero(speaker != np.arange(len(speaker))).astype(np.int32)
    docs = docs[np.argsort(speaker[docs], kind="stable")]
    size = 512

    def some_pairs(some: NDArray[np.int32]) -> tuple[VerifiedPairs, NDArray[np.int8]]:
        wanted = np.unique(np.concatenate([some, speaker[some]])).astype(np.int32)
        texts = dict(zip(wanted.tolist(), read(wanted), strict=True))
        some = np.array([d for d in some.tolist() if texts[d] and texts[int(speaker[d])]], np.int32)
        mine = [texts[d] or (b"", b"") for d in some.tolist()]
        other = [texts[d] or (b"", b"") for d in speaker[some].tolist()]
        kind = [
            relation.same_letters(a[0], a[1].decode(), b[0], b[1].decode())
            for a, b in zip(mine, other, strict=True)
        ]
        _, indptr = kernels.shingle_sets(*verify.joined([text for _, text in mine]), table, k)
        n = np.diff(indptr)
        pairs = np.stack([np.minimum(some, speaker[some]), np.maximum(some, speaker[some])], axis=1)
        return VerifiedPairs(pairs, n, n, n), np.array(kind, np.int8)

    found = [(VerifiedPairs.none(), np.zeros(0, np.int8))]
    found += run_all(some_pairs, [docs[i : i + size] for i in range(0, len(docs), size)])
    pairs = VerifiedPairs.concatenated([p for p, _ in found])
    kinds = np.concatenate([kind for _, kind in found])
    order = np.lexsort((pairs.docs[:, 1], pairs.docs[:, 0]))
    return pairs.where(order), kinds[order]


def related(
    verdict: Verdict, speaker: NDArray[np.int32], pairs: VerifiedPairs, kinds: NDArray[np.int8]
) -> Verdict:
    """The verdict with the relation of each document whose witness has the same letters.

    `pairs` and `kinds` are those of `same_letter_pairs`.
    """
    kind = verdict.relation.copy()
    left, right = pairs.docs[:, 0], pairs.docs[:, 1]
    doc = np.where(speaker[left] == right, left, right)
    mine = verdict.witness[doc] == speaker[doc]
    kind[doc[mine]] = kinds[mine]
    return replace(verdict, relation=kind)
