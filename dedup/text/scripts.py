"""Scripts that are written without spaces between words."""

from __future__ import annotations

UNSPACED = (  # first and last code point, sorted
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF)),  # Thai, Lao, Burmese, Khmer
    *((0x2E80, 0x2FDF), (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF)),  # Han, Hiragana, Katakana
    *((0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x3FFFF)),
)
UNSPACED_CLASS = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)  # for a regular expression


def is_unspaced(char: str) -> bool:
    """Tell whether a character is of a script without spaces between words.

    >>> [is_unspaced(c) for c in "a猫ไ한"]
    [False, True, True, False]
    """
    return any(low <= ord(char) <= high for low, high in UNSPACED)
