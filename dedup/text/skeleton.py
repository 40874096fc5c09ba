"""Text -> skeleton shingle hashes: the plain definition of the second, coarser view.

What letters cannot see is a copy whose stop words were removed or whose words were stemmed.  The
skeleton of a text is its words of five letters or more, each cut to its first four; its shingles are
three of those in a row, hashed like a shingle of twelve letters.  Scripts that write no spaces
between words have no skeleton, and a text that is more than a little in such a script has none at all:
what is left of it, names and numbers, does not stand for it.
"""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from . import normalize, scripts, shingle

MIN_WORD, CUT, IN_A_ROW = 5, 4, 3
MAX_UNSPACED = 15  # percent of the letters


def words(text: str) -> list[str]:
    """Text -> its runs of letters; marks and invisible format characters do not end one.

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


def bones(text: str) -> list[str]:
    """Text -> the cut words that make up its skeleton.

    >>> bones("Whoever can't come may borrow the vaporiser afterwards")
    ['whoe', 'borr', 'vapo', 'afte']
    >>> bones("Kubernetes の導入について説明します")
    []
    """
    found = words(text)
    unspaced = sum(map(scripts.is_unspaced, "".join(found)))
    if 100 * unspaced > MAX_UNSPACED * len("".join(found)):
        return []
    return [w[:CUT] for w in found if len(w) >= MIN_WORD and not scripts.is_unspaced(w[0])]


def skeleton_hashes(text: str) -> NDArray[np.uint64]:
    """Text -> uint64[n], the hash of every three cut words in a row, in order of place."""
    cut = bones(text)
    rows = ("".join(cut[i : i + IN_A_ROW]) for i in range(len(cut) - IN_A_ROW + 1))
    return np.array([shingle.shingle_hash(row) for row in rows], np.uint64)
