"""Documents that are set aside after the pass: their file has changed, or they are too short to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..clustering.verdict import same_letters
from ..core.documents import CHANGED, OK, TOO_SHORT, Documents, Source
from ..readers.storage.sources import all_unchanged


def find_changed(sources: Sequence[Source], documents: Documents) -> NDArray[np.bool_]:
    """Return bool[n_docs]: the documents of files that are no longer as they were listed."""
    unchanged = all_unchanged(list(sources))
    lost = np.array([not unchanged.get(source.at, True) for source in sources], np.bool_)
    return lost[documents.source] & (documents.status == OK)


def set_changed_aside(documents: Documents, changed: NDArray[np.bool_]) -> Documents:
    """Set aside the documents whose file has changed since it was read."""
    status, note = documents.status.copy(), list(documents.note)
    for d in np.flatnonzero(changed).tolist():
        status[d], note[d] = CHANGED, "the file changed or vanished during the scan"
    return replace(documents, status=status, note=note)


def set_short_aside(documents: Documents, k: int) -> Documents:
    """Set aside documents shorter than a shingle of k letters, unless another one has the same letters."""
    status, note = documents.status.copy(), list(documents.note)
    short = np.flatnonzero((status == OK) & (documents.n_letters < k))
    same = same_letters(documents)
    for d in short[np.bincount(same, minlength=len(documents))[same[short]] == 1].tolist():
        status[d], note[d] = TOO_SHORT, f"{documents.n_letters[d]} letters; a shingle has {k}"
    return replace(documents, status=status, note=note)
