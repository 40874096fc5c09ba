"""Pairs of documents: candidates, verified pairs, and documents with equal letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .array_table import ArrayTable
from .sorted_arrays import distinct, is_in, pairs_of
from .verdicts import WRITTEN_ALIKE

COUNTS = (  # of what one text says and the other does not; see content.own_content
    *("letters_left", "letters_right", "only_left", "only_right", "passages", "replaced", "lopsided"),
    *("numbers", "doubtful", "doubtful_numbers", "repeated", "inserted", "damaged", "words", "places"),
    *("silent_left", "silent_right", "errors", "noise", "grams_left", "grams_right"),
)
SHINGLES = (  # shared, in the left, in the right document: all, those without boilerplate, of the skeletons
    *("overlap", "size_left", "size_right", "own_overlap", "own_left", "own_right"),
    *("bones_overlap", "bones_left", "bones_right"),
)
DIGEST_WORDS = 2 * len(WRITTEN_ALIKE) + 1
TURNED = [1, 0, 3, 2, *range(4, 15), 16, 15, 17, 18, 20, 19]  # those columns with left and right exchanged


def pair_keys(docs: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number for each pair, in either order, int[n, 2] -> int64[n]; they sort as pairs do.

    >>> pair_keys(np.array([[0, 3], [3, 0], [1, 2]])).tolist() == [3, 3, (1 << 32) + 2]
    True
    """
    left, right = docs[:, 0], docs[:, 1]
    return np.minimum(left, right).astype(np.int64) << 32 | np.maximum(left, right).astype(np.int64)


@dataclass(frozen=True)
class CandidatePairs:
    """docs int32[n, 2]: left < right, sorted, unique."""

    docs: NDArray[np.int32]

    @staticmethod
    def of(pairs: NDArray[np.int32]) -> CandidatePairs:
        """Sort pairs int32[n, 2], each once, left < right.

        >>> CandidatePairs.of(np.array([[3, 1], [0, 2], [1, 3]], np.int32)).docs.tolist()
        [[0, 2], [1, 3]]
        """
        pairs = pairs.reshape(-1, 2)
        keys = distinct(pair_keys(pairs[pairs[:, 0] != pairs[:, 1]]))
        return CandidatePairs(pairs_of(keys))

    @staticmethod
    def none() -> CandidatePairs:
        return CandidatePairs(np.zeros((0, 2), np.int32))

    def __len__(self) -> int:
        return len(self.docs)


def _figures(kind: Any, shape: tuple[int, ...] = (), names: tuple[str, ...] = ()) -> Any:
    """A field: the type and shape of a row, and its columns in tables; without names it is one column."""
    return field(metadata={"row": np.zeros(shape, kind), "names": names})


@dataclass(frozen=True)
class VerifiedPairs(ArrayTable):
    """docs int32[n, 2], sorted.

    counts int64[n, 3, 3]: distinct shingles of three kinds (all, those that are boilerplate in neither
    document, those of the skeletons), each as shared, in the left, in the right document: SHINGLES.  content
    int32[n, 21] are the COUNTS of what each text says alone, and slots uint32[n, 4, 4] where they differ
    (see content.Slot: before, after, left, right, hashed); both are 0 where the texts were not compared
    word by word.  Where texts full of errors were compared letter by letter, `errors` are those of the
    alignment, `noise` those of them that are no content, and `grams_left`, `grams_right` how many of
    10,000 times four letters in a row are different ones in each.  by_family bool[n]: the family of the two
    tells that they are instances of one form.
    """

    docs: NDArray[np.int32] = _figures(np.int32, (2,), ("left", "right"))
    counts: NDArray[np.int64] = _figures(np.int64, (3, 3), SHINGLES)
    content: NDArray[np.int32] = _figures(np.int32, (len(COUNTS),), COUNTS)
    slots: NDArray[np.uint32] = _figures(np.uint32, (4, 4))
    by_family: NDArray[np.bool_] = _figures(np.bool_)

    @staticmethod
    def of_counts(docs: NDArray[np.int32], counts: NDArray[np.int64]) -> VerifiedPairs:
        """Make pairs from counts int64[n, 3, 3]; their texts are not compared word by word."""
        blank = [f.metadata["row"] for f in fields(VerifiedPairs)[2:]]
        return VerifiedPairs(docs, counts, *(np.zeros((len(docs), *r.shape), r.dtype) for r in blank))

    @staticmethod
    def of_columns(column: Callable[[str, NDArray[Any]], NDArray[Any]]) -> VerifiedPairs:
        """Make pairs from the columns of a table: column(its name, an array like one row of it)."""
        out = []
        for f in fields(VerifiedPairs):
            row, names = f.metadata["row"], f.metadata["names"]
            found = [column(name, row.ravel()[0]) for name in names]
            values = np.stack(found, axis=1) if names else column(f.name, row)
            out.append(values.astype(row.dtype, copy=False).reshape(-1, *row.shape))
        return VerifiedPairs(*out)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns of a table of pairs: arrays of n rows."""
        out: dict[str, NDArray[Any]] = {}
        for f in fields(self):
            values, names = getattr(self, f.name), f.metadata["names"]
            if names:
                out |= zip(names, values.reshape(-1, len(names)).T, strict=True)
            else:
                out[f.name] = values
        return out

    def __len__(self) -> int:
        return len(self.docs)

    def counted(self, name: str) -> NDArray[np.int64]:
        """Return one of the COUNTS, int64[n]."""
        return self.content[:, COUNTS.index(name)].astype(np.int64)

    @property
    def overlap(self) -> NDArray[np.int64]:
        """Return the number of shared shingles, int64[n]."""
        return self.counts[:, 0, 0]

    @property
    def size_left(self) -> NDArray[np.int64]:
        """Return the number of shingles of the left document, int64[n]."""
        return self.counts[:, 0, 1]

    @property
    def size_right(self) -> NDArray[np.int64]:
        """Return the number of shingles of the right document, int64[n]."""
        return self.counts[:, 0, 2]

    @property
    def non_boilerplate(self) -> NDArray[np.int64]:
        """Return the counts of shingles that are boilerplate in neither document, int64[n, 3]."""
        return self.counts[:, 1]

    @property
    def skeleton(self) -> NDArray[np.int64]:
        """Return the counts of skeleton shingles, int64[n, 3]."""
        return self.counts[:, 2]

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """Return overlap / union, float64[n] in 0..1."""
        return _jaccard(self.counts[:, 0])

    @property
    def left_in_right(self) -> NDArray[np.float64]:
        """Return the share of the left document's shingles that the right one has, float64[n]."""
        return self.overlap / np.maximum(self.size_left, 1)

    @property
    def right_in_left(self) -> NDArray[np.float64]:
        """Return the share of the right document's shingles that the left one has, float64[n]."""
        return self.overlap / np.maximum(self.size_right, 1)

    @property
    def containment(self) -> NDArray[np.float64]:
        """Return overlap / the size of the smaller set, float64[n]."""
        return np.maximum(self.left_in_right, self.right_in_left)

    @property
    def discounted_jaccard(self) -> NDArray[np.float64]:
        """Return the Jaccard without boilerplate, float64[n]; 0 where nothing else is left."""
        return _jaccard(self.non_boilerplate)

    @property
    def discounted_containment(self) -> NDArray[np.float64]:
        """Return the containment without boilerplate, float64[n]."""
        shared, left, right = self.non_boilerplate.T
        return shared / np.maximum(np.minimum(left, right), 1)

    @property
    def skeleton_jaccard(self) -> NDArray[np.float64]:
        """Return the Jaccard of the sets of skeleton shingles, float64[n]; 0 where there are none."""
        return _jaccard(self.skeleton)

    def among(self, keys: NDArray[np.int64]) -> VerifiedPairs:
        """Select the pairs whose pair_keys are among sorted keys."""
        return self.where(is_in(pair_keys(self.docs), keys))

    def merged(self, other: VerifiedPairs) -> VerifiedPairs:
        """Merge two sets of pairs, sorted; a pair in both occurs once."""
        both = VerifiedPairs.concatenated([self, other])
        _, first = np.unique(pair_keys(both.docs), return_index=True)
        return both.where(first)

    @staticmethod
    def none() -> VerifiedPairs:
        return VerifiedPairs.of_counts(np.zeros((0, 2), np.int32), np.zeros((0, 3, 3), np.int64))


def _jaccard(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts int64[n, 3] (shared, left, right) -> shared / union, float64[n]; 0 where both are empty."""
    shared, left, right = counts.T
    return shared / np.maximum(left + right - shared, 1)


@dataclass(frozen=True)
class Spellings(ArrayTable):
    """How documents with equal letters differ in bytes, spacing, case and signs.

    docs int32[n], rising; digests uint64[n, DIGEST_WORDS]: one of 128 bits for each of WRITTEN_ALIKE (of the
    bytes, of the text, of the text but for its spacing, of that but for its capitals), and in the last column
    one of 64 bits of the points, signs and operators that say something; n_shingles, n_bones int64[n],
    distinct ones.
    """

    docs: NDArray[np.int32]
    digests: NDArray[np.uint64]
    n_shingles: NDArray[np.int64]
    n_bones: NDArray[np.int64]

    @staticmethod
    def none() -> Spellings:
        zero = np.zeros(0, np.int64)
        return Spellings(zero.astype(np.int32), np.zeros((0, DIGEST_WORDS), np.uint64), zero, zero)


@dataclass(frozen=True)
class Evidence:
    """All that was compared, whether it reached a threshold or not: enough to decide again without texts."""

    pairs: VerifiedPairs
    by_anchors: NDArray[np.bool_]  # of the pairs: found as part and whole
    candidate: NDArray[np.bool_]  # of the pairs: found before witnesses were selected
    spellings: Spellings

    def with_pairs(self, everything: VerifiedPairs) -> Evidence:
        """Add pairs that were compared while witnesses were selected."""
        keys, mine = pair_keys(everything.docs), pair_keys(self.pairs.docs)
        by_anchors, candidate = (is_in(keys, mine[which]) for which in (self.by_anchors, self.candidate))
        return Evidence(everything, by_anchors, candidate, self.spellings)
