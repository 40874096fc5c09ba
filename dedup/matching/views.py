"""The views in which texts are compared by signatures: their letters, and their skeletons.

Each view has shingles, a signature and a threshold of its own.  Two documents are candidates if they share
a band, and enough values, in one of them.  A new view is one line in VIEWS, with a column of signatures
(`core.features.Signatures`), one of sizes (`core.documents.Documents`) and a kind of count
(`core.pairs.VerifiedPairs.counts`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core import estimates, rules
from ..core.documents import Documents
from ..core.features import Banding, Signatures
from ..core.settings import Settings
from .bands import banding
from .update import state


@dataclass(frozen=True)
class View:
    """One set of shingles of each text, and what two of them must share."""

    name: str  # of its signatures: a field of Signatures
    size: str  # of its sets of shingles: a field of Documents
    threshold: str  # the setting that two texts must reach
    least: int  # shingles that each text must have
    is_sampled: bool  # signatures of long texts are those of a sample
    flag: int  # of a pair that shares a band in this view

    def signatures(self, signatures: Signatures) -> NDArray[np.uint32]:
        """Return the signatures of all documents, uint32[n_docs, num_perm]."""
        values: NDArray[np.uint32] = getattr(signatures, self.name)
        return values

    def sizes(self, documents: Documents) -> NDArray[np.int64]:
        """Return the sizes of all sets of shingles, int64[n_docs]."""
        sizes: NDArray[np.int64] = getattr(documents, self.size)
        return sizes

    def min_jaccard(self, s: Settings) -> float:
        """Return the Jaccard that two sets must reach."""
        jaccard: float = getattr(s, self.threshold)
        return jaccard

    def bands(self, s: Settings) -> Banding:
        """Return the bands that find a pair at the threshold, unless it is found as part and whole."""
        lowest = self.min_jaccard(s)
        if self.is_sampled:
            lowest = estimates.least_sampled_jaccard(lowest, s.min_containment)
        return banding(lowest, rules.MIN_RECALL, s.num_perm)

    def index_bands(self, s: Settings) -> Banding:
        """Return the bands of the index for `check`: as sure to find a pair whose texts are of one length.

        A scan has three times as many for sampled signatures; here they would take more disk than all else.
        """
        return banding(self.min_jaccard(s), rules.MIN_RECALL, s.num_perm)

    def estimated_overlap(self, s: Settings, matching: int, left: int, right: int) -> float:
        """Return how many shingles two sets of given sizes share, by the signature values that agree."""
        sample = s.sample if self.is_sampled else estimates.EVERY
        jaccard = estimates.whole_jaccard(matching / s.num_perm, left, right, sample)
        return jaccard / (1 + jaccard) * (left + right)

    def min_matching(self, s: Settings, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many signature values two sets of sizes int64[2, n] share at the threshold: int64[n]."""
        sample = s.sample if self.is_sampled else estimates.EVERY
        return rules.min_matching_values(self.min_jaccard(s), sizes, s.num_perm, sample)


LETTERS = View("values", "n_letters", "min_jaccard", 0, True, state.BY_SHINGLES)
SKELETON = View("skeletons", "n_bones", "min_skeleton", rules.MIN_SKELETON, False, state.BY_SKELETONS)
VIEWS = (LETTERS, SKELETON)
