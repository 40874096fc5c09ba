"""What is computed from each text: signatures, anchors, boilerplate spans; and the bands of signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .sorted_arrays import expand_ranges, offsets_from_sizes


@dataclass(frozen=True)
class Signatures:
    """values, skeletons uint32[n_docs, num_perm]; comparable only if num_perm, seed and k agree.

    Where the arrays are files mapped into memory, `release_pages` releases the pages that were read.
    """

    values: NDArray[np.uint32]
    skeletons: NDArray[np.uint32]
    num_perm: int
    seed: int
    k: int
    release_pages: Callable[[], None] = lambda: None


KEPT_CHUNKS = 8  # of anchors that stay in memory until they are let go of


@dataclass(frozen=True)
class Anchors:
    """Anchors by document, as CSR: those of document d are at start[d]..start[d + 1] - 1.

    hash uint64[n], position int32[n] counted in letters, start int64[n_docs + 1].  Where the arrays are
    files mapped into memory, `release_pages` releases the pages that were read.
    """

    hash: NDArray[np.uint64]
    position: NDArray[np.int32]
    start: NDArray[np.int64]
    release_pages: Callable[[], None] = lambda: None

    @property
    def doc(self) -> NDArray[np.int32]:
        """Return the document of each anchor, int32[n]."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int32), np.diff(self.start))

    def chunks(self, size: int = 1 << 20) -> Iterator[AnchorChunk]:
        """Yield all anchors in order, about `size` at a time, whole documents."""
        for number, place in enumerate(self.places(size), 1):
            if number % KEPT_CHUNKS == 0:
                self.release_pages()
            yield self.chunk(*place)

    def places(self, size: int = 1 << 20) -> Iterator[tuple[int, int]]:
        """Yield the first document of each chunk, and the one after its last."""
        first, n_docs = 0, len(self.start) - 1
        while first < n_docs:
            last = max(first + 1, int(np.searchsorted(self.start, self.start[first] + size, "right")) - 1)
            yield first, last
            first = last

    def chunk(self, first: int, last: int) -> AnchorChunk:
        """Return the anchors of documents first..last - 1."""
        begin, end = int(self.start[first]), int(self.start[last])
        start = self.start[first : last + 1] - begin
        return AnchorChunk(first, begin, start, self.hash[begin:end], self.position[begin:end])


@dataclass(frozen=True)
class AnchorChunk:
    """The anchors of consecutive documents from `first_doc` on; the first has index `begin` among all."""

    first_doc: int
    begin: int
    start: NDArray[np.int64]  # [m + 1], of each document, from 0
    hash: NDArray[np.uint64]
    position: NDArray[np.int32]

    @cached_property
    def doc(self) -> NDArray[np.int32]:
        """Return the document of each anchor, int32[n]."""
        docs = np.arange(self.first_doc, self.first_doc + len(self.start) - 1, dtype=np.int32)
        return np.repeat(docs, np.diff(self.start))


@dataclass(frozen=True)
class FeatureRows:
    """The signatures, skeletons and anchors of consecutive documents."""

    signatures: NDArray[np.uint32]  # [n_docs, num_perm]
    skeletons: NDArray[np.uint32]  # [n_docs, num_perm]
    anchor_hashes: NDArray[np.uint64]
    anchor_positions: NDArray[np.int32]


@dataclass(frozen=True)
class Spans:
    """Boilerplate by document: of document d the shingles at places start[i]..end[i] - 1 for the i in
    indptr[d]..indptr[d + 1] - 1.  start, end int64[n], rising in each document; indptr int64[n_docs + 1]."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    indptr: NDArray[np.int64]

    def of_docs(self, docs: NDArray[np.int32]) -> Spans:
        """Select the boilerplate of documents int32[m], which become 0..m - 1."""
        sizes = self.indptr[docs + 1] - self.indptr[docs]
        indptr = offsets_from_sizes(sizes)
        rows = expand_ranges(self.indptr[docs], sizes)
        return Spans(self.start[rows], self.end[rows], indptr)

    @staticmethod
    def none(n_docs: int) -> Spans:
        zero = np.zeros(0, np.int64)
        return Spans(zero, zero, np.zeros(n_docs + 1, np.int64))


@dataclass(frozen=True)
class Banding:
    """columns int32[n_bands, rows]: the signature positions of each band."""

    columns: NDArray[np.int32]
    recall: float  # of a pair at min_jaccard
