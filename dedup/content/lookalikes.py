"""Tell whether one word may be a variant of another, or damaged: the plain definition.

A stemmer cuts endings, a scanner takes letters for each other, a hand slips: such words are one.  Where one
letter may as well make another word or number (mode, node; 2016, 2017), they are doubtful.
"""

from __future__ import annotations

from rapidfuzz.distance import Indel, Levenshtein

from .words import DECIMALS

ALIKE = 4  # two words may be one, damaged, if at most one letter in so many has no like one on the other side
SLIP = 4  # letters more or less in a damaged word; where there are more, it is doubtful
ALIKE_JOINED = 5  # the same of all that is left on both sides of a place, taken as one word
LONGEST = 128  # letters of a word that is compared so
STEM_ENDING, SHORTEST_STEM = 7, 3  # letters of the longest ending cut by a stemmer, and of the shortest stem
CONFUSED = str.maketrans(
    "01ij85" + "69q" + "cf", "olllss" + "bgg" + "et"
)  # letters that scanners take for each other
HANGUL = "".join(map(chr, range(0x1100, 0x1200)))  # the letters of its syllables
JOINED = (("rn", "m"), ("cl", "d"), ("vv", "w"))

SAME, STEM, DAMAGED, DOUBTFUL, OTHER = range(5)


def digits(word: str) -> str:
    """Return the digits of a word."""
    return "".join(c for c in word if c in DECIMALS)


def folded(word: str) -> str:
    """Replace letters that scanners confuse by one of them.

    >>> folded("rnoclern"), folded("m0del")
    ('modem', 'model')
    """
    for pair, one in JOINED:
        word = word.replace(pair, one)
    return word.translate(CONFUSED)


def alike(left: str, right: str) -> int:
    """Classify two words as SAME, STEM, DAMAGED, DOUBTFUL or OTHER.

    >>> [alike(*pair.split()) for pair in ("connected connect", "house hcuse", "2016 2017", "gchmod gchown")]
    [1, 2, 3, 4]
    """
    if left == right:
        return SAME
    if max(len(left), len(right)) > LONGEST:
        return OTHER
    one, other = folded(left), folded(right)
    in_left, in_right = digits(left), digits(right)
    if in_left or in_right:
        return _alike_with_digits(left, right, one, other, in_left, in_right)
    if is_stem(left, right):
        return STEM
    distance = Levenshtein.distance(one, other)
    longer = max(len(left), len(right))
    if _has_prefix(left, right):
        return DOUBTFUL
    if one == other:
        return DAMAGED
    if agree(left, right, ALIKE):
        return DAMAGED if Indel.distance(left, right) <= SLIP else DOUBTFUL
    if longer > 1 and distance <= max(1, longer // 5):
        return DAMAGED
    return DOUBTFUL if distance <= max(1, (longer + 2) // 3) else OTHER


def _alike_with_digits(left: str, right: str, one: str, other: str, in_left: str, in_right: str) -> int:
    """Classify two words with digits, which damage turns into letters or loses, but seldom exchanges."""
    longer = max(len(left), len(right))
    if len(in_left) == len(left) and len(in_right) == len(right):
        return DOUBTFUL if longer > 1 and Levenshtein.distance(left, right) <= 1 else OTHER
    if one == other:
        return DAMAGED
    if in_left and in_right:
        if in_left == in_right and longer > 4:
            return DAMAGED if agree(left, right, ALIKE) else OTHER
    elif 3 * len(in_left or in_right) <= longer and agree(one, other, ALIKE):
        return DAMAGED
    close = Levenshtein.distance(one, other) <= max(1, len(left) // 5)
    return DOUBTFUL if close and min(len(left), len(right)) > 1 else OTHER


def agree(left: str, right: str, most: int) -> bool:
    """Tell whether at most one letter in `most` of two words has no counterpart, in order."""
    return most * Indel.distance(left, right) <= len(left) + len(right)


def is_stem(left: str, right: str) -> bool:
    """Tell whether one word may be the stem of the other; at most its last letter differs.

    >>> is_stem("categories", "categori"), is_stem("was", "wa"), is_stem("start", "restart")
    (True, True, False)
    >>> from dedup.text.normalize import letters
    >>> is_stem(*map(letters, ("\ucc45\uc744", "\ucc45")))  # a Korean noun with its particle, and without
    True
    """
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    n = next((i for i, (a, b) in enumerate(zip(longer, shorter, strict=False)) if a != b), len(shorter))
    ending = len(longer) - n
    if len(shorter) - n > 1:
        return False
    if shorter[0] in HANGUL:
        return n == len(shorter) >= SHORTEST_STEM - 1 and ending <= STEM_ENDING
    return ending <= min(STEM_ENDING, n + 2) if n >= SHORTEST_STEM else n == SHORTEST_STEM - 1 and ending <= 1


def _has_prefix(left: str, right: str) -> bool:
    """Tell whether one word is the other with two letters or more before it, as in legal, illegal."""
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    return len(longer) >= len(shorter) + 2 and longer.endswith(shorter)
