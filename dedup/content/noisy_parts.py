"""Compare a part, full of errors, with the place of a longer text where it stands: a page with its book."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from .noise import NONE, Noise, compared, first_words

BLOCK = 8  # letters in a row, that stand once in the whole
MIN_DRIFT, DRIFT = 64, 16  # letters by which errors move what follows: so many, or one in so many of a part
LEAST_BLOCKS, ONE_BLOCK, EIGHTHS = (
    8,
    40,
    5,
)  # in its place: so many, one in so many letters, all over it


def compare_part(part: Sequence[str], whole: Sequence[str], beginning: bool = False) -> Noise | None:
    """Compare the words of a part, on the left, with the place of a longer text where it stands, if any.

    Or, with `beginning`, its first words.  What the longer text has besides is added to its letters, its own
    ones and the errors, as if all of it had been aligned.  Texts of other lengths cannot be compared by their
    grams, which are 0.
    """
    found = place("".join(part), "".join(whole))
    if found is None:
        return None
    ends = list(accumulate(map(len, whole)))
    first, last = bisect_right(ends, found[0]), bisect_left(ends, found[1]) + 1
    place_of_part = whole[first:last]
    if beginning:
        part, place_of_part = first_words(part), first_words(place_of_part)
    here = compared(part, place_of_part)
    rest = ends[-1] - here.letters_right
    more = {name: getattr(here, name) + rest for name in ("letters_right", "only_right", "errors")}
    return replace(here, **more, grams_left=0, grams_right=0)


def place(part: str, whole: str) -> tuple[int, int] | None:
    """Return where a part stands in a longer text, errors and all: start and end; or None.

    Blocks of letters that stand once in the whole tell: those on two neighbouring diagonals, if they are
    enough and stand all over the part.

    >>> verse = "the bees were asleep when the keeper came to the hive at dusk".replace(" ", "")
    >>> place(verse.replace("keeper", "kceper"), "prose" * 20 + verse + "more" * 20)
    (100, 149)
    >>> place(verse, verse[::-1] * 3) is None
    True
    """
    once: dict[str, int] = {}
    for j in range(len(whole) - BLOCK + 1):
        block = whole[j : j + BLOCK]
        once[block] = NONE if block in once else j
    blocks = (part[i : i + BLOCK] for i in range(len(part) - BLOCK + 1))
    points = [(i, j) for i, block in enumerate(blocks) if (j := once.get(block, NONE)) != NONE]
    drift = max(MIN_DRIFT, len(part) // DRIFT)
    votes = Counter((len(part) + j - i) // drift for i, j in points)
    best = max(sorted(votes), key=lambda at: votes[at] + votes[at + 1], default=0)  # of equal ones the first
    near = [(i, j) for i, j in points if best <= (len(part) + j - i) // drift <= best + 1]
    if len(near) < max(LEAST_BLOCKS, len(part) // ONE_BLOCK):
        return None
    if len({8 * i // len(part) for i, _ in near}) < EIGHTHS:
        return None
    (i, j), (p, q) = near[0], near[-1]
    return max(0, j - i), min(len(whole), q + len(part) - p)
