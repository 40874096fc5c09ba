"""The nouns that pass between stages: frozen dataclasses over arrays.  No algorithms.

`doc` is a document's place in the run, counted from 0; documents stand in the order of
(source path, record), so the same corpus gives the same numbers whatever the order of reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .keys import distinct, is_in, pairs_of, places_in, starts_of

OK, EMPTY, BINARY, UNREADABLE, BAD_RECORD, CHANGED, TOO_SHORT, TOO_LARGE = range(8)
STATUS = (
    *("ok", "empty", "binary", "unreadable", "bad record", "changed while read"),
    *("too short to judge", "too large"),
)
FAULTS = (UNREADABLE, BAD_RECORD, CHANGED, TOO_LARGE)  # of a scan that has them the exit code is 2

KEPT, IDENTICAL, ENCODING, WHITESPACE, CASE, PUNCTUATION, NEAR, CONTAINED, REWRITTEN, FORM = range(10)
RELATIONS = (
    *("kept", "identical", "encoding", "whitespace", "case", "punctuation"),
    *("near", "contained", "rewritten", "form"),
)
DECIDING = (
    *("", "letters", "jaccard", "discounted_jaccard", "containment", "discounted_containment"),
    "skeleton_jaccard",
)
NO_FIGURE, LETTERS, JACCARD, DISCOUNTED_JACCARD, CONTAINMENT, DISCOUNTED_CONTAINMENT, SKELETON = range(7)
COUNTS = (  # of what two texts say that the other does not; see content.Content
    *("letters_left", "letters_right", "only_left", "only_right", "passages", "replaced", "lopsided"),
    *("numbers", "doubtful", "doubtful_numbers", "repeated", "inserted", "damaged", "words", "places"),
    *("silent_left", "silent_right"),
)
TURNED = [1, 0, 3, 2, *range(4, 15), 16, 15]  # the same counts of the two texts the other way round


def pair_keys(docs: NDArray[Any]) -> NDArray[np.int64]:
    """Pairs of documents int[n, 2], in either order -> int64[n], one number a pair, in the order of pairs.

    >>> pair_keys(np.array([[0, 3], [3, 0], [1, 2]])).tolist() == [3, 3, (1 << 32) + 2]
    True
    """
    left, right = docs[:, 0], docs[:, 1]
    return np.minimum(left, right).astype(np.int64) << 32 | np.maximum(left, right).astype(np.int64)


@dataclass(frozen=True)
class Document:
    """A text given from Python: `dedup.scan_texts([Document("...", id="a"), ...])`."""

    text: str
    id: str = ""


@dataclass(frozen=True)
class Source:
    """One file, member of an archive, standard input, or text given from Python, and how it is read."""

    path: bytes  # as given, for the eye and the lists; b"-" is standard input
    reader: str  # a name in READERS
    codec: str  # how it is packed: "", gz, bz2, xz, zst
    size: int  # of the file; of the archive, for a member
    mtime_ns: int
    file: bytes = b""  # where the bytes are, when not at `path`: the archive, or where a pipe was copied to
    member: int = -1  # its place among the members of the archive
    given: bytes = b""  # the path on the command line by which it was found
    problem: str = ""  # why nothing could be read; "" when all is well
    version: str = ""  # the ETag of a URL whose size or time is not known

    @property
    def at(self) -> bytes:
        return self.file or self.path


@dataclass(frozen=True)
class Documents:
    """One row per document seen, set aside or not; every array has n_docs rows."""

    source: NDArray[np.int32]  # index into sources
    record: NDArray[np.int64]  # line number in the source, 0 for a whole file
    offset: NDArray[np.int64]  # where its bytes begin in the (unpacked) source
    n_bytes: NDArray[np.int64]  # how many they are there
    n_letters: NDArray[np.int64]
    n_upper: NDArray[np.int64]
    n_marks: NDArray[np.int64]  # punctuation marks
    n_bones: NDArray[np.int64]  # skeleton shingles
    letters_hash: NDArray[np.uint64]  # [n_docs, 2]
    status: NDArray[np.int8]  # index into STATUS
    encoding: list[str]
    id: list[str]  # the record's own id, "" when it has none
    note: list[str]  # why it was set aside
    fields: list[str]  # values of its record that a policy asks for, as a JSON object
    repairs: list[str]  # what was done to its text before the letters were taken, "html,entities"
    written: list[bytes]  # digest of the bytes of a whole file, b"" where they are those of its text

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class Signatures:
    """values, skeletons uint32[n_docs, num_perm]; comparable only if num_perm, seed and k agree.

    Where the arrays are files mapped into memory, `forget` lets go of the pages that were read.
    """

    values: NDArray[np.uint32]
    skeletons: NDArray[np.uint32]
    num_perm: int
    seed: int
    k: int
    forget: Callable[[], None] = lambda: None


KEPT_CHUNKS = 8  # of anchors that stay in memory until they are let go of


@dataclass(frozen=True)
class Anchors:
    """By document as CSR: those of document d are at start[d]..start[d + 1] - 1.

    hash uint64[n], position int32[n] counted in letters, start int64[n_docs + 1].  Where the arrays are
    files mapped into memory, `forget` lets go of the pages that were read.
    """

    hash: NDArray[np.uint64]
    position: NDArray[np.int32]
    start: NDArray[np.int64]
    forget: Callable[[], None] = lambda: None

    @property
    def doc(self) -> NDArray[np.int32]:
        """int32[n]: the document of each."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int32), np.diff(self.start))

    def chunks(self, size: int = 1 << 20) -> Iterator[AnchorChunk]:
        """All of them in order, about `size` at a time, whole documents."""
        for number, place in enumerate(self.places(size), 1):
            if number % KEPT_CHUNKS == 0:
                self.forget()
            yield self.chunk(*place)

    def places(self, size: int = 1 << 20) -> Iterator[tuple[int, int]]:
        """The first document of each chunk, and the one after its last."""
        first, n_docs = 0, len(self.start) - 1
        while first < n_docs:
            last = max(first + 1, int(np.searchsorted(self.start, self.start[first] + size, "right")) - 1)
            yield first, last
            first = last

    def chunk(self, first: int, last: int) -> AnchorChunk:
        """The anchors of the documents first..last - 1."""
        begin, end = int(self.start[first]), int(self.start[last])
        start = self.start[first : last + 1] - begin
        return AnchorChunk(first, begin, start, self.hash[begin:end], self.position[begin:end])


@dataclass(frozen=True)
class AnchorChunk:
    """The anchors of some documents in a row, from `first_doc` on; they stand from `begin` on among all."""

    first_doc: int
    begin: int
    start: NDArray[np.int64]  # [m + 1], of each document, from 0
    hash: NDArray[np.uint64]
    position: NDArray[np.int32]

    @cached_property
    def doc(self) -> NDArray[np.int32]:
        """int32[n]: the document of each."""
        docs = np.arange(self.first_doc, self.first_doc + len(self.start) - 1, dtype=np.int32)
        return np.repeat(docs, np.diff(self.start))


@dataclass(frozen=True)
class Spans:
    """Boilerplate by document: of document d the shingles at places start[i]..end[i] - 1 for the i in
    indptr[d]..indptr[d + 1] - 1.  start, end int64[n], rising in each document; indptr int64[n_docs + 1]."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    indptr: NDArray[np.int64]

    def of_docs(self, docs: NDArray[np.int32]) -> Spans:
        """Those of some documents int32[m], which are then 0, 1, ... m - 1."""
        sizes = self.indptr[docs + 1] - self.indptr[docs]
        indptr = starts_of(sizes)
        rows = places_in(self.indptr[docs], sizes)
        return Spans(self.start[rows], self.end[rows], indptr)

    @staticmethod
    def none(n_docs: int) -> Spans:
        zero = np.zeros(0, np.int64)
        return Spans(zero, zero, np.zeros(n_docs + 1, np.int64))


@dataclass(frozen=True)
class Banding:
    """columns int32[n_bands, rows]: the places in the signature that make up each band."""

    columns: NDArray[np.int32]
    recall: float  # of a pair at min_jaccard


@dataclass(frozen=True)
class CandidatePairs:
    """docs int32[n, 2]: left < right, sorted, unique."""

    docs: NDArray[np.int32]

    @staticmethod
    def of(pairs: NDArray[np.int32]) -> CandidatePairs:
        """Any pairs int32[n, 2] -> sorted, each once, left < right.

        >>> CandidatePairs.of(np.array([[3, 1], [0, 2], [1, 3]], np.int32)).docs.tolist()
        [[0, 2], [1, 3]]
        """
        pairs = pairs.reshape(-1, 2)
        keys = distinct(pair_keys(pairs[pairs[:, 0] != pairs[:, 1]]))
        return CandidatePairs(pairs_of(keys))

    def __len__(self) -> int:
        return len(self.docs)


@dataclass(frozen=True)
class VerifiedPairs:
    """docs int32[n, 2], sorted; overlap, size_left, size_right int64[n] count distinct shingles.

    bones int64[n, 3] are the same three counts of skeleton shingles, own int64[n, 3] those of the
    shingles that are boilerplate in neither document.  content int32[n, 17] are the COUNTS of what each
    text says alone, and slots uint32[n, 4, 4] where they differ (see content.Slot: before, after, left,
    right, hashed); both are 0 where the texts were not compared word by word.  by_family bool[n]: the
    family of the two tells that they are instances of one form.
    """

    docs: NDArray[np.int32]
    overlap: NDArray[np.int64]
    size_left: NDArray[np.int64]
    size_right: NDArray[np.int64]
    bones: NDArray[np.int64]
    own: NDArray[np.int64]
    content: NDArray[np.int32]
    slots: NDArray[np.uint32]
    by_family: NDArray[np.bool_]

    @staticmethod
    def of_shingles(
        docs: NDArray[np.int32], shingles: NDArray[np.int64], bones: NDArray[np.int64], own: NDArray[np.int64]
    ) -> VerifiedPairs:
        """Pairs and three counts int64[n, 3] each -> pairs whose texts are not compared word by word."""
        n = len(docs)
        content, slots = np.zeros((n, len(COUNTS)), np.int32), np.zeros((n, 4, 4), np.uint32)
        overlap, left, right = shingles.T
        return VerifiedPairs(docs, overlap, left, right, bones, own, content, slots, np.zeros(n, np.bool_))

    def __len__(self) -> int:
        return len(self.docs)

    def counted(self, name: str) -> NDArray[np.int64]:
        """int64[n]: one of the COUNTS."""
        return self.content[:, COUNTS.index(name)].astype(np.int64)

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """float64[n]: overlap / union, in 0..1."""
        return self.overlap / np.maximum(self.size_left + self.size_right - self.overlap, 1)

    @property
    def left_in_right(self) -> NDArray[np.float64]:
        """float64[n]: the share of the left document's shingles that the right one holds."""
        return self.overlap / np.maximum(self.size_left, 1)

    @property
    def right_in_left(self) -> NDArray[np.float64]:
        """float64[n]: the share of the right document's shingles that the left one holds."""
        return self.overlap / np.maximum(self.size_right, 1)

    @property
    def containment(self) -> NDArray[np.float64]:
        """float64[n]: the larger of the two, overlap / the smaller set."""
        return np.maximum(self.left_in_right, self.right_in_left)

    @property
    def discounted_jaccard(self) -> NDArray[np.float64]:
        """float64[n]: Jaccard without boilerplate; 0 where nothing else is left."""
        return self.own[:, 0] / np.maximum(self.own[:, 1] + self.own[:, 2] - self.own[:, 0], 1)

    @property
    def discounted_containment(self) -> NDArray[np.float64]:
        """float64[n]: containment without boilerplate, overlap / the smaller set."""
        return self.own[:, 0] / np.maximum(np.minimum(self.own[:, 1], self.own[:, 2]), 1)

    @property
    def skeleton_jaccard(self) -> NDArray[np.float64]:
        """float64[n]: Jaccard of the sets of skeleton shingles; 0 where there are none."""
        return self.bones[:, 0] / np.maximum(self.bones[:, 1] + self.bones[:, 2] - self.bones[:, 0], 1)

    def where(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> VerifiedPairs:
        """The pairs where rows bool[n] is true, or those at rows int64[m]."""
        return VerifiedPairs(*(getattr(self, f.name)[rows] for f in fields(self)))

    @staticmethod
    def concatenated(parts: Sequence[VerifiedPairs]) -> VerifiedPairs:
        """Several one after the other."""
        return VerifiedPairs(
            *(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(VerifiedPairs))
        )

    def among(self, keys: NDArray[np.int64]) -> VerifiedPairs:
        """Those whose pair_keys are among some, which are rising."""
        return self.where(is_in(pair_keys(self.docs), keys))

    def merged(self, other: VerifiedPairs) -> VerifiedPairs:
        """Both, sorted; a pair in both stands once."""
        both = VerifiedPairs.concatenated([self, other])
        _, first = np.unique(pair_keys(both.docs), return_index=True)
        return both.where(first)

    @staticmethod
    def none() -> VerifiedPairs:
        three = np.zeros((0, 3), np.int64)
        return VerifiedPairs.of_shingles(np.zeros((0, 2), np.int32), three, three, three)


@dataclass(frozen=True)
class Spellings:
    """How documents are written that share their letters with another one.

    docs int32[n], rising; digests uint64[n, 9], four of 128 bits: of the bytes, of the text, of the text
    but for its spacing, of that but for its capitals; and one of 64 of the points, signs and operators that
    say something; n_shingles, n_bones int64[n], distinct ones.
    """

    docs: NDArray[np.int32]
    digests: NDArray[np.uint64]
    n_shingles: NDArray[np.int64]
    n_bones: NDArray[np.int64]

    def where(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Spellings:
        """Those where rows bool[n] is true, or those at rows int64[m]."""
        return Spellings(*(getattr(self, f.name)[rows] for f in fields(self)))

    @staticmethod
    def concatenated(parts: Sequence[Spellings]) -> Spellings:
        """Several one after the other."""
        return Spellings(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Spellings)))

    @staticmethod
    def none() -> Spellings:
        zero = np.zeros(0, np.int64)
        return Spellings(zero.astype(np.int32), np.zeros((0, 9), np.uint64), zero, zero)


@dataclass(frozen=True)
class Evidence:
    """All that was compared, whether it reached a threshold or not: enough to decide anew without a text."""

    pairs: VerifiedPairs
    by_anchors: NDArray[np.bool_]  # of the pairs: found as a part and its whole
    candidate: NDArray[np.bool_]  # of the pairs: found at all, not asked for while witnesses were chosen
    spellings: Spellings

    def with_pairs(self, everything: VerifiedPairs) -> Evidence:
        """The same with more pairs, which were asked for."""
        keys, mine = pair_keys(everything.docs), pair_keys(self.pairs.docs)
        by_anchors, candidate = (is_in(keys, mine[which]) for which in (self.by_anchors, self.candidate))
        return Evidence(everything, by_anchors, candidate, self.spellings)


@dataclass(frozen=True)
class Verdict:
    """What was decided about each document; every array has n_docs rows."""

    cluster: NDArray[np.int32]  # the smallest doc of its cluster; itself where it stands alone
    canonical: NDArray[np.int32]  # the cluster's canonical document
    witness: NDArray[np.int32]  # itself where it is kept; the witness of a witness is itself
    relation: NDArray[np.int8]  # to the witness; index into RELATIONS
    jaccard: NDArray[np.float64]  # to the witness; 1 where it is kept
    containment: NDArray[np.float64]  # overlap / the smaller of the two sets
    discounted_jaccard: NDArray[np.float64]  # the same two without boilerplate
    discounted_containment: NDArray[np.float64]
    skeleton_jaccard: NDArray[np.float64]  # of the skeletons, where it is rewritten; NaN elsewhere
    lost: NDArray[np.float64]  # the share of its letters that its witness lacks
    figure: NDArray[np.int8]  # by which it is one with its witness; index into DECIDING
    value: NDArray[np.float64]  # of that figure; 1 where it is kept
    line: NDArray[np.float64]  # that it had to reach
    size: NDArray[np.int64]  # shingles of a dropped document; 0 where it is kept
    witness_size: NDArray[np.int64]  # shingles of its witness
    reason: list[str]  # the policy by which a canonical document was chosen; "" for the others
    family: NDArray[np.int32]  # the smallest doc of the instances of its form; -1 where it is of none
