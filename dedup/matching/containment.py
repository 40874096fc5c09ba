"""Find candidate pairs of part and whole by the anchors that two documents share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core import rules
from ..core.by_letters import MIN_PLACED, of_like_size
from ..core.features import AnchorChunk, Anchors
from ..core.pairs import CandidatePairs
from ..core.parallel import ParallelMap, trim_memory
from ..core.sorted_arrays import group_equal, offsets_from_sizes
from . import kernels
from .boilerplate import Boilerplate, columns_of, count_table, own_of
from .partition import N_BUCKETS, Buckets

RANGES = 16  # of documents, taken one at a time on each thread
DOCS_OF_GROUP = 64  # of one group of near-duplicates, looked at for each anchor
PAIRS_WITH_GROUP = 4  # candidates that a document makes with one group
MAX_GROUPS = 64  # an anchor that stands in more groups makes no candidates, boilerplate or not
RARE = 8  # groups in which an anchor stands that tells of a part full of errors
FEW_ANCHORS = 128  # a document with more is looked for by every SAMPLED-th of them
SAMPLED = 4  # a power of two


@dataclass(frozen=True)
class SharedAnchors:
    """The anchors that documents of 2 to MAX_GROUPS groups share, boilerplate left out.

    Anchor t stands in the documents docs[sum(sizes[:t]):][:sizes[t]], of which some are the `few` of their
    group there (see `kernels.postings`).  A document of more than FEW_ANCHORS anchors is matched by a sample
    of them, so that a long text is cheap.
    """

    sizes: NDArray[np.int64]  # [n_anchors]
    docs: NDArray[np.int32]
    few: NDArray[np.bool_]
    group: NDArray[np.int32]  # [n_docs], of near-duplicates
    n_terms: NDArray[np.int64]  # [n_docs]: by how many anchors each is matched
    n_sampled: NDArray[np.int64]  # [n_docs]: how many are in the sample

    @staticmethod
    def of(
        anchors: Anchors,
        mine: NDArray[np.bool_],
        known: Boilerplate,
        group: NDArray[np.int32],
        scratch: Path | None = None,
        parallel_map: ParallelMap = map,
    ) -> SharedAnchors:
        """Look up the anchors of all documents for which `mine` bool[n_docs] is true."""
        many = known.n_effective > FEW_ANCHORS
        buckets, n_sampled = _shared_anchors(anchors, mine, known, many, scratch, parallel_map)

        def one_bucket(number: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
            hashes, docs = buckets.bucket(number)
            order, hashes = group_equal(hashes)
            docs = docs[order]
            sure = sample(hashes) | ~many[docs]  # others serve only where a document of few has them
            return kernels.postings(hashes, docs, sure, group, MAX_GROUPS, DOCS_OF_GROUP)[:3]

        with buckets:
            sizes, docs, few = columns_of(parallel_map(one_bucket, range(N_BUCKETS)))
        trim_memory()
        n_terms = terms_looked_for(known.n_effective, known.n_left, n_sampled)
        return SharedAnchors(sizes, docs, few, group, n_terms, n_sampled)

    def pairs(self, min_share: float, parallel_map: ParallelMap) -> NDArray[np.int32]:
        """Find pairs of which one may contain the other: (one, another, anchors that both have) int32[m, 3].

        Two documents make a pair if they share as many different anchors as `rules.min_shared_anchors` asks.
        Documents of one group make no pair.  Of each other group a document is paired with the few that share
        most with it, so that two groups of thousands stay cheap.
        """
        return self._pairs(rules.min_shared_anchors(self.n_terms, min_share), parallel_map)

    def noisy_parts(self, n_letters: NDArray[np.int64], parallel_map: ParallelMap) -> CandidatePairs:
        """Find pairs of texts of which the much shorter one may be a part of the other, full of errors.

        They share rare anchors.
        """
        n_groups = kernels.distinct_groups(offsets_from_sizes(self.sizes), self.docs, self.group, RARE)
        rare = n_groups <= RARE
        rows = np.repeat(rare, self.sizes)
        few = replace(self, sizes=self.sizes[rare], docs=self.docs[rows], few=self.few[rows])
        found = few._pairs(rules.min_rare_anchors(self.n_terms, len(self.group)), parallel_map)
        sizes = n_letters[found[:, :2]].T
        good = ~of_like_size(*sizes) & (sizes.min(axis=0) >= MIN_PLACED)
        return CandidatePairs.of(found[good, :2])

    def _pairs(self, enough: NDArray[np.int64], parallel_map: ParallelMap) -> NDArray[np.int32]:
        n_docs, least = len(self.group), enough.astype(np.int32)
        sizes, few_docs = self.sizes, self.docs
        doc_indptr, terms = kernels.terms_of_docs(sizes, few_docs, n_docs)
        if not self.few.all():
            sizes = np.add.reduceat(self.few, np.cumsum(sizes) - sizes, dtype=np.int64)
            few_docs = few_docs[self.few]
        few_postings = offsets_from_sizes(sizes)

        def some_docs(start: int) -> NDArray[np.int32]:
            limits = (least, PAIRS_WITH_GROUP, start, min(start + step, n_docs))
            return kernels.shared_term_pairs(few_postings, few_docs, doc_indptr, terms, self.group, *limits)

        step = max(1, -(-n_docs // RANGES))
        found = [np.zeros((0, 3), np.int32), *parallel_map(some_docs, range(0, n_docs, step))]
        return np.concatenate(found)


def terms_looked_for(
    n_effective: NDArray[np.int64], n_left: NDArray[np.int64], n_sampled: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return by how many anchors each document is matched, by a sample of them or by all: int64[n_docs]."""
    return np.where((n_effective > FEW_ANCHORS) & (n_effective == n_left), n_sampled, n_effective)


def _shared_anchors(
    anchors: Anchors,
    mine: NDArray[np.bool_],
    known: Boilerplate,
    many: NDArray[np.bool_],
    scratch: Path | None,
    parallel_map: ParallelMap,
) -> tuple[Buckets, NDArray[np.int64]]:
    """Return the anchors that may be shared (hash, document), and how many each document has in the sample.

    Most anchors of one document only are left out, and of long documents most anchors that are neither in the
    sample nor in a short document.
    """
    small = mine & ~many
    in_small, shared = count_table(len(anchors.hash) // 2), count_table(len(anchors.hash))

    def of_small(chunk: AnchorChunk) -> NDArray[np.uint64]:
        return chunk.hash[own_of(chunk, small, known.bits)]

    def wanted(chunk: AnchorChunk) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.int64]]:
        sampled = sample(chunk.hash)
        keep = sampled | ~many[chunk.doc] | kernels.are_frequent(in_small, chunk.hash, 1)
        keep &= own_of(chunk, mine, known.bits)
        counted = np.bincount(chunk.doc[keep & sampled] - chunk.first_doc, minlength=len(chunk.start) - 1)
        return chunk.hash[keep], np.packbits(keep), counted

    def often(given: tuple[AnchorChunk, NDArray[np.uint8]]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        chunk, bits = given
        keep = np.flatnonzero(np.unpackbits(bits, count=len(chunk.hash)))
        keep = keep[kernels.are_frequent(shared, chunk.hash[keep], 2)]
        return chunk.hash[keep], chunk.doc[keep]

    for hashes in parallel_map(of_small, anchors.chunks()):
        kernels.count_hashes(in_small, hashes, 1)
    n_sampled, kept = [np.zeros(0, np.int64)], []
    for hashes, bits, counted in parallel_map(wanted, anchors.chunks()):
        kernels.count_hashes(shared, hashes, 2)
        n_sampled.append(counted)
        kept.append(bits)
    buckets = Buckets((np.uint64, np.int32), scratch)
    for rows in parallel_map(often, zip(anchors.chunks(), kept, strict=True)):
        buckets.add(*rows)
    return buckets, np.concatenate(n_sampled)


def sample(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return bool[n]: about one in SAMPLED hashes, the same ones in every document."""
    return hashes & np.uint64(SAMPLED - 1 << 8) == 0
