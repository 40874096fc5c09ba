"""What a scan found on the way to its candidates, kept so that the next scan works out only what changes.

Not a part of the result: a run folder without it (an engine may leave it out) is scanned all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.array_table import ArrayTable
from ...core.pairs import pair_keys
from ...core.sorted_arrays import distinct, pairs_of

# flags of a pair: the two share a band of their shingles, of their skeletons; they count as one where
# boilerplate is learned; they share boilerplate alone; the left, the right one finds the other by its
# anchors; they share rare values, and may be noisy copies
BY_SHINGLES, BY_SKELETONS, CLOSE, APART, FROM_LEFT, FROM_RIGHT, ASKED, BY_NOISE = (1 << i for i in range(8))
BY_BANDS = BY_SHINGLES | BY_SKELETONS
BY_ANCHORS = FROM_LEFT | FROM_RIGHT


@dataclass(frozen=True)
class Flagged(ArrayTable):
    """Pairs int32[m, 2] (left < right, sorted, each once) with flags uint8[m]."""

    pairs: NDArray[np.int32]
    flags: NDArray[np.uint8]

    @staticmethod
    def of(*found: tuple[NDArray[np.int32], int | NDArray[np.uint8]]) -> Flagged:
        """Sets of pairs, each with a flag or with a flag for each pair -> one, with all flags of each pair.

        >>> both = Flagged.of((np.array([[3, 1], [0, 2]]), 1), (np.array([[1, 3]]), 4))
        >>> both.pairs.tolist(), both.flags.tolist()
        ([[0, 2], [1, 3]], [1, 5])
        """
        keys = [pair_keys(pairs) for pairs, _ in found]
        all_keys = distinct(np.concatenate(keys))
        flags = np.zeros(len(all_keys), np.uint8)
        for some, (_, flag) in zip(keys, found, strict=True):
            np.bitwise_or.at(flags, np.searchsorted(all_keys, some), np.asarray(flag, np.uint8))
        return Flagged(pairs_of(all_keys), flags)

    @staticmethod
    def none() -> Flagged:
        return Flagged(np.zeros((0, 2), np.int32), np.zeros(0, np.uint8))

    def having(self, flag: int) -> NDArray[np.int32]:
        """Return the pairs int32[k, 2] with a flag, or with one of several."""
        return self.pairs[self.flags & flag != 0]


@dataclass(frozen=True)
class CandidateState:
    """In the numbers of one run.

    `mine` bool[n_docs]: documents that are looked at; `owning` those of them with a long run that is in no
    common passage; n_anchors, n_left, n_sampled int32[n_docs]: different anchors, those that are no
    boilerplate, and those of them in the sample.  pairs int32[m, 2] (left < right, sorted) with flags
    uint8[m]: all that bands, anchors or rare values found; shared int32[m, 2]: by how many anchors the left,
    and the right one finds the other.
    `common`, `frames` uint64, rising: passages in many groups, and in many groups of owning documents.
    boilerplate uint8[n_anchors // 8 + 1]: a bit for each anchor in a passage of `frames`.
    """

    mine: NDArray[np.bool_]
    owning: NDArray[np.bool_]
    n_anchors: NDArray[np.int32]
    n_left: NDArray[np.int32]
    n_sampled: NDArray[np.int32]
    pairs: NDArray[np.int32]
    flags: NDArray[np.uint8]
    shared: NDArray[np.int32]
    common: NDArray[np.uint64]
    frames: NDArray[np.uint64]
    boilerplate: NDArray[np.uint8]

    @property
    def found(self) -> Flagged:
        """Return the pairs with their flags."""
        return Flagged(self.pairs, self.flags)

    def with_pairs(self, more: Flagged) -> CandidateState:
        """Return the state with more flagged pairs."""
        all_pairs = Flagged.of((self.pairs, self.flags), (more.pairs, more.flags))
        shared = np.zeros((len(all_pairs.pairs), 2), np.int32)
        shared[np.searchsorted(pair_keys(all_pairs.pairs), pair_keys(self.pairs))] = self.shared
        return replace(self, shared=shared, **vars(all_pairs))

    @property
    def directed(self) -> NDArray[np.int32]:
        """Return int32[k, 3]: a document, another one that it finds, and by how many anchors."""
        sides = []
        for flag, order, shared in ((FROM_LEFT, [0, 1], 0), (FROM_RIGHT, [1, 0], 1)):
            rows = self.flags & flag != 0
            sides.append(np.column_stack([self.pairs[rows][:, order], self.shared[rows, shared]]))
        return np.concatenate(sides)

    def save(self, path: Path) -> None:
        """Write an npz file (NumPy); the same state gives the same bytes."""
        packed = {"mine": np.packbits(self.mine), "owning": np.packbits(self.owning)}
        with open(path, "xb") as file:
            np.savez(file, allow_pickle=False, **{**vars(self), **packed})

    @staticmethod
    def load(path: Path) -> CandidateState:
        """Read what `save` wrote, from a file known to be undamaged."""
        with np.load(path, allow_pickle=False) as found:
            columns = {name: found[name] for name in CandidateState.__dataclass_fields__}
        n_docs = len(columns["n_left"])
        for name in ("mine", "owning"):
            columns[name] = np.unpackbits(columns[name], count=n_docs).astype(np.bool_)
        return CandidateState(**columns)
