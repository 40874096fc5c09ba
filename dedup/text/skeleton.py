"""Hash the skeleton of a text: the plain definition of the second, coarser view.

The skeleton finds copies that letters miss, where stop words were removed or words were stemmed.  It is
the words of five letters or more, each cut to its first four.  Its shingles are three such words in a
row, hashed like a shingle of twelve letters.  Scripts without spaces between words have no skeleton.  A
text with more than a little of such a script has none at all, as the rest of it would be names and numbers.
"""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from . import normalize, scripts, shingle

MIN_WORD, CUT, IN_A_ROW = 5, 4, 3
MAX_UNSPACED = 15  # percent of the letters


def words(text: str) -> list[str]:
    """Return the words of a text, runs of letters; marks and invisible format characters do not end one.

    >>> words("The hives' re\\u00adports, cafe\\u0301!")
    ['the', 'hives', 'reports', 'cafe']
    """
    found = [""]
    for char in text:
        letters = normalize.letters(char)
        if letters:
            found[-1] += letters
        elif unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf"):
            found.append("")
    return [w for w in found if w]


def skeleton(text: str) -> list[str]:
    """Return the skeleton of a text: its long words, cut.

    >>> skeleton("Whoever can't come may borrow the vaporiser afterwards")
    ['whoe', 'borr', 'vapo', 'afte']
    >>> skeleton("Kubernetes の導入について説明します")
    []
    """
    found = words(text)
    unspaced = sum(map(scripts.is_unspaced, "".join(found)))
    if 100 * unspaced > MAX_UNSPACED * len("".join(found)):
        return []
    return [w[:CUT] for w in found if len(w) >= MIN_WORD and not scripts.is_unspaced(w[0])]


def skeleton_hashes(text: str) -> NDArray[np.uint64]:
    """Return the hash of every three words of the skeleton in a row, uint64[n], in order."""
    cut = skeleton(text)
    rows = ("".join(cut[i : i + IN_A_ROW]) for i in range(len(cut) - IN_A_ROW + 1))
    return np.array([shingle.shingle_hash(row) for row in rows], np.uint64)
