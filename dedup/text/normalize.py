"""Normalize text to its letters, the view in which variants of a document are equal.

The letters of a text are its letters and digits after compatibility decomposition (NFKD) and full
case folding (Unicode Standard Annex 15; The Unicode Standard 3.13), without marks.  Casing,
punctuation, white space, tokenization, typographic quotes, full-width forms, ligatures and NFC/NFD
make no difference.  A kana or Han character says about as much as two letters, so it counts as two.
The simplified, traditional and Japanese forms of a Han character (the tables of OpenCC) are one letter,
and so are the kana that old and new spelling exchange (small and large, wi and i, we and e).

`letters` is the plain definition.  `letter_table` is the same mapping as a table over all code
points.  It is built once by `build_table` and shipped with the package, so that every machine and
every Python version uses the tables of one Unicode version.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLE_FILE = Path(__file__).with_name("letters.npz")
N_CODE_POINTS = 0x110000
UPPER, PUNCTUATION, INSIDE_WORD = 1, 2, 4
DENSE = ((0x3040, 0x3100), (0x3400, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32000))  # kana and Han
KANA = dict(
    zip(
        *(
            "ぁぃぅぇぉっゃゅょゎゕゖゐゑァィゥェォッャュョヮヵヶヰヱ",
            "あいうえおつやゆよわかけいえアイウエオツヤユヨワカケイエ",
        ),
        strict=True,
    )
)


@dataclass(frozen=True)
class LetterTable:
    """The letters of every code point.

    value int32[0x110000]: 0 no letter, > 0 the letter, -i the letters pool[starts[i]:starts[i+1]];
    flags uint8[0x110000]: 1 upper case, 2 punctuation, 4 does not end a word; pool int32[n]; starts int32[m].
    """

    value: NDArray[np.int32]
    flags: NDArray[np.uint8]
    pool: NDArray[np.int32]
    starts: NDArray[np.int32]
    unicode: str

    @cached_property
    def packed(self) -> NDArray[np.int32]:
        """int32[0x110000]: value << 5 | flags, one look-up a character; flag 16: the letter counts twice."""
        value = self.value.copy()
        size = np.diff(self.starts)
        pair = self.pool[np.minimum(self.starts[:-1, None] + [[0, 1]], max(len(self.pool) - 1, 0))]
        twice = (size == 2) & (pair[:, 0] == pair[:, 1])
        at = np.flatnonzero(value < 0)
        at = at[twice[-value[at]]]
        value[at] = pair[-value[at], 0]
        packed = value << 5 | self.flags
        packed[at] |= 16
        return packed


def letters(text: str) -> str:
    """Return the letters of a text, by the Unicode tables of the running Python: the plain definition.

    >>> letters("Ca n't we -- STOP?") == letters("can’t we stop") == "cantwestop"
    True
    >>> letters("Straße ﬁn Ｆｕｌｌ ½ crème")
    'strassefinfull12creme'
    >>> letters("學習") == letters("学习")
    True
    """
    return "".join(map(_letters_of_char, text))


@lru_cache(maxsize=65536)
def _letters_of_char(char: str) -> str:
    """Return the letters of one character.

    NOTE: text is folded character by character, never as a whole string.  So the letters of a text are
    the letters of its parts, and a table can hold them.
    """
    if 0xD800 <= ord(char) < 0xE000:
        return ""
    bare = "".join(c for c in unicodedata.normalize("NFKD", char) if unicodedata.category(c)[0] != "M")
    folded = unicodedata.normalize("NFKD", bare.casefold())
    plain = (c for c in folded if unicodedata.category(c)[0] in "LN")
    return "".join(2 * _one_form(c) if _is_dense(c) else c for c in plain)


def _one_form(char: str) -> str:
    return KANA.get(char) or chr(han_forms().get(ord(char), ord(char)))


def _is_dense(char: str) -> bool:
    return any(low <= ord(char) < high for low, high in DENSE)


@lru_cache(maxsize=1)
def han_forms() -> dict[int, int]:
    """Map a Han code point to the one that represents all its forms; others represent themselves."""
    with np.load(TABLE_FILE, allow_pickle=False) as f:
        return dict(f["han"].tolist())


def build_han_forms() -> dict[int, int]:
    """Build that map from the tables of OpenCC (pip install opencc-python-reimplemented)."""
    from importlib.resources import files

    tables = files("opencc") / "dictionary"
    stands_for: dict[str, str] = {}

    def root(char: str) -> str:
        while char in stands_for:
            char = stands_for[char]
        return char

    for name in ("TSCharacters.txt", "JPVariants.txt"):
        for line in (tables / name).read_text("utf-8").splitlines():
            one, others = line.split("\t")
            other = others.split(" ")[0]
            if (
                len(one) == len(other) == 1
                and _is_dense(one)
                and _is_dense(other)
                and root(one) != root(other)
            ):
                # the smaller code point represents both, whatever the order of the tables
                low, high = sorted((root(one), root(other)))
                stands_for[high] = low
    return {ord(char): ord(root(char)) for char in sorted(stands_for)}


def build_table() -> LetterTable:
    """Build the letters of every code point from the Unicode tables of the running Python (about 2 s)."""
    value = np.zeros(N_CODE_POINTS, np.int32)  # int32[0x110000]
    flags = np.zeros(N_CODE_POINTS, np.uint8)  # uint8[0x110000]
    pool: list[int] = []
    starts = [0, 0]
    for code_point in range(N_CODE_POINTS):
        char = chr(code_point)
        category = unicodedata.category(char)
        if category in ("Lu", "Lt"):
            flags[code_point] = UPPER
        elif category[0] == "P":
            flags[code_point] = PUNCTUATION
        elif category in ("Mn", "Mc", "Me", "Cf"):
            flags[code_point] = INSIDE_WORD
        mapped = _letters_of_char(char)
        if len(mapped) == 1:
            value[code_point] = ord(mapped)
        elif mapped:
            value[code_point] = -(len(starts) - 1)
            pool += map(ord, mapped)
            starts.append(len(pool))
    return LetterTable(
        value, flags, np.array(pool, np.int32), np.array(starts, np.int32), unicodedata.unidata_version
    )


BLOCK = 256  # code points; blocks of which none has a letter or a flag are not stored


def write_table(path: Path = TABLE_FILE) -> None:
    """Build the table and write it where `letter_table` finds it."""
    han = np.array(list(build_han_forms().items()), np.int32)
    np.savez_compressed(path, han=han)
    han_forms.cache_clear()
    _letters_of_char.cache_clear()
    t = build_table()
    value, flags = t.value.reshape(-1, BLOCK), t.flags.reshape(-1, BLOCK)
    blocks = np.flatnonzero((value != 0).any(axis=1) | (flags != 0).any(axis=1))
    # most letters map to themselves, so the difference compresses well
    delta = np.where(value > 0, value - np.arange(N_CODE_POINTS, dtype=np.int32).reshape(-1, BLOCK), value)
    np.savez_compressed(
        path,
        han=han,
        blocks=blocks.astype(np.int32),
        delta=delta[blocks],
        kind=np.sign(value[blocks]).astype(np.int8),
        flags=flags[blocks],
        pool=t.pool,
        starts=t.starts,
        unicode=np.array(t.unicode),
    )


@lru_cache(maxsize=1)
def letter_table() -> LetterTable:
    """Load the shipped table."""
    value, flags = np.zeros(N_CODE_POINTS, np.int32), np.zeros(N_CODE_POINTS, np.uint8)
    with np.load(TABLE_FILE, allow_pickle=False) as f:
        blocks = f["blocks"]
        own = blocks[:, None] * BLOCK + np.arange(BLOCK, dtype=np.int32)
        value.reshape(-1, BLOCK)[blocks] = f["delta"] + np.where(f["kind"] > 0, own, 0)
        flags.reshape(-1, BLOCK)[blocks] = f["flags"]
        return LetterTable(value, flags, f["pool"], f["starts"], str(f["unicode"]))
