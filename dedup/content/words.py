"""Split a text into words, each with its position and its letters, so that two texts can be aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..text.normalize import LetterTable
from ..text.scripts import UNSPACED
from ..text.shingle import shingle_hash

APOSTROPHES = (0x27, 0x2019)
DECIMALS = frozenset(c for c in map(chr, range(0x2000)) if c.isdecimal())  # digits of all common scripts
INSIDE_WORD = 4  # in LetterTable.flags: accents, soft hyphens, joiners


@dataclass(frozen=True)
class Words:
    """The words of a text; start and end int64[n] count characters, letters has those of each word."""

    text: str
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    letters: list[str]

    def __len__(self) -> int:
        return len(self.letters)


def code_points(text: str) -> NDArray[np.uint32]:
    """Return the code points of a text, uint32[n]."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def counts(text: str, table: LetterTable) -> tuple[int, int, int]:
    """Count the letters, capitals and punctuation marks of a text, as a scan does.

    >>> from dedup.text.normalize import letter_table
    >>> counts("Ca n't STOP… ﬁn", letter_table())
    (11, 5, 2)
    """
    out = np.zeros(3, np.int64)
    for at in range(0, len(text), 1 << 20):
        codes = code_points(text[at : at + (1 << 20)])
        flags = table.flags[codes]
        out += (
            int(_letters_each(codes, table).sum()),
            int(np.count_nonzero(flags & 1)),
            int(np.count_nonzero(flags & 2)),
        )
    return int(out[0]), int(out[1]), int(out[2])


def _letters_each(codes: NDArray[np.uint32], table: LetterTable) -> NDArray[np.int64]:
    """Return the number of letters of each character, int64[n]."""
    value = table.value[codes]
    several = np.where(value < 0, -value, 0)
    return np.where(value < 0, table.starts[several + 1] - table.starts[several], value > 0).astype(np.int64)


def letters_at(text: str, table: LetterTable) -> tuple[str, NDArray[np.int64]]:
    """Return the letters of a text by the table, and int64[n + 1]: how many come before each character.

    >>> from dedup.text.normalize import letter_table
    >>> found, before = letters_at("Aﬁ!b", letter_table())
    >>> found, before.tolist()
    ('afib', [0, 1, 3, 3, 4])
    """
    codes = code_points(text)
    value, each = table.value[codes], _letters_each(codes, table)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(each)])
    out = np.zeros(int(before[-1]), np.uint32)
    one = np.flatnonzero(value > 0)
    out[before[one]] = value[one]
    several = np.flatnonzero(value < 0)
    for place in range(int(each[several].max(initial=0))):
        several = several[each[several] > place]
        out[before[several] + place] = table.pool[table.starts[-value[several]] + place]
    return out.tobytes().decode("utf-32-le", "surrogatepass"), before


def words(text: str, table: LetterTable) -> Words:
    """Text -> its words: runs of letters with their accents and inner apostrophes; of a script without
    spaces, each character.

    >>> from dedup.text.normalize import letter_table
    >>> found = words("<p>She can't — 猫だ!", letter_table())
    >>> [found.text[i:j] for i, j in zip(found.start, found.end)]
    ['p', 'She', "can't", '猫', 'だ']
    """
    found, before = letters_at(text, table)
    if not found:
        none = np.zeros(0, np.int64)
        return Words(text, none, none, [])
    codes = code_points(text)
    has = before[1:] > before[:-1]
    inside = has | (table.flags[codes] & INSIDE_WORD != 0)
    inside[1:-1] |= np.isin(codes[1:-1], APOSTROPHES) & has[:-2] & has[2:]
    alone = np.zeros(len(codes), np.bool_)
    for low, high in UNSPACED:
        alone |= (codes >= low) & (codes <= high)
    begins = inside.copy()
    begins[1:] &= ~inside[:-1] | (has[1:] & (alone[1:] | alone[:-1]))
    ends = inside.copy()
    ends[:-1] &= ~inside[1:] | begins[1:]
    start, end = np.flatnonzero(begins), np.flatnonzero(ends) + 1
    real = before[end] > before[start]
    start, end = start[real], end[real]
    places = zip(before[start].tolist(), before[end].tolist(), strict=True)
    return Words(text, start, end, [found[i:j] for i, j in places])


def word_key(word: str) -> int:
    """Return the 64-bit key of a word: the hash of its letters, the last one first."""
    return shingle_hash(word[::-1])


def comes_second(left: Sequence[str], right: Sequence[str]) -> bool:
    """Tell whether the right text is compared with the left one, rather than the reverse.

    Words may be matched in several ways, and which is taken must not hang on the order of the documents: so
    the one comes first whose words have the smaller keys.
    """
    return [*map(word_key, left)] > [*map(word_key, right)]
