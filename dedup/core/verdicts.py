"""What is decided about each document: its cluster, canonical document, witness and relation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# NOTE: the numbers are stored in run folders and Spark checkpoints, and their order is used: from the mildest
# difference on; those before NEAR are of equal letters.  A new one needs a new FORMAT of runs/manifest.
KEPT, IDENTICAL, ENCODING, WHITESPACE, CASE, PUNCTUATION = range(6)
NEAR, SCANNED, CONTAINED, REWRITTEN, FORM = range(PUNCTUATION + 1, 11)
RELATIONS = (
    *("kept", "identical", "encoding", "whitespace", "case", "punctuation"),
    *("near", "scanned", "contained", "rewritten", "form"),
)
WRITTEN_ALIKE = (IDENTICAL, ENCODING, WHITESPACE, CASE)  # each with a digest; see pairs.Spellings
DECIDING = (
    *("", "letters", "jaccard", "discounted_jaccard", "containment", "discounted_containment"),
    *("skeleton_jaccard", "aligned"),
)
NO_FIGURE, LETTERS, JACCARD, DISCOUNTED_JACCARD, CONTAINMENT, DISCOUNTED_CONTAINMENT, SKELETON, ALIGNED = (
    range(8)
)


def of_equal_letters(relations: Any) -> Any:
    """Tell of relations, a number or int8[n], which are those of documents of equal letters.

    >>> of_equal_letters(np.array([IDENTICAL, PUNCTUATION, NEAR, FORM])).tolist()
    [True, True, False, False]
    """
    return relations < NEAR


@dataclass(frozen=True)
class Verdict:
    """What was decided about each document; every array has n_docs rows."""

    cluster: NDArray[np.int32]  # the smallest doc of its cluster; itself where it is in none
    canonical: NDArray[np.int32]  # the cluster's canonical document
    witness: NDArray[np.int32]  # itself where it is kept; the witness of a witness is itself
    relation: NDArray[np.int8]  # to the witness; index into RELATIONS
    jaccard: NDArray[np.float64]  # to the witness; 1 where it is kept
    containment: NDArray[np.float64]  # overlap / the smaller of the two sets
    discounted_jaccard: NDArray[np.float64]  # the same two without boilerplate
    discounted_containment: NDArray[np.float64]
    skeleton_jaccard: NDArray[np.float64]  # of the skeletons, where it is rewritten; NaN elsewhere
    lost: NDArray[np.float64]  # the share of its letters that its witness lacks
    figure: NDArray[np.int8]  # that decided about it and its witness; index into DECIDING
    value: NDArray[np.float64]  # of that figure; 1 where it is kept
    line: NDArray[np.float64]  # that it had to reach
    size: NDArray[np.int64]  # shingles of a dropped document; 0 where it is kept
    witness_size: NDArray[np.int64]  # shingles of its witness
    reason: list[str]  # the policy by which a canonical document was chosen; "" for the others
    family: NDArray[np.int32]  # the smallest doc of the instances of its form; -1 where it is of none
