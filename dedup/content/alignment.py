"""Align the words of two texts: runs that match, and the places between them, in their plain definition.

Words are compared by their letters.  Equal beginnings and ends match; of what is left, blocks of words that
stand once in each text are fixed points (as in a patience diff; of a long gap, every fourth block or so is
looked at), and what lies between two of them is aligned by its longest common subsequence.  A short text is
aligned with the part of a much longer one in which most of its blocks lie, so what is scattered over a long
text does not match a short one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from .words import DECIMALS, word_key

BLOCK = 4  # words in a row, unique in each text, that make an anchor of the alignment; else one word
SAMPLED = 8  # of a gap of LONG words only blocks are taken whose first word has a key that 8 divides
LONG = 128
SMALL = 4096  # cells of the largest table of a longest common subsequence
WIDER = 2  # times as long as the other text: of a longer one, only such a part is aligned
ISLAND = 8  # letters: a shorter match between two differences is chance
NUMBERS_APART = 5  # letters: a longer match stays between two numbers, as the month between day and year
MOVED = 6  # words in a row that stand elsewhere in the other text have moved

Words = Sequence[str]


class EqualRun(NamedTuple):
    """Words left..left + length - 1 of the one text equal words right..right + length - 1 of the other."""

    left: int
    right: int
    length: int


class Difference(NamedTuple):
    """Words i1..i2 - 1 of the left text are in the place of words j1..j2 - 1 of the right one."""

    i1: int
    i2: int
    j1: int
    j2: int


def differences(left: Words, right: Words) -> list[Difference]:
    """Return the places where the words of two texts differ, in order.

    >>> differences("you can't come home".replace("'", "").split(), "you ca nt go home".split())
    [Difference(i1=2, i2=3, j1=3, j2=4)]
    """
    found: list[Difference] = []
    i = j = 0
    for run in [*runs(left, right), EqualRun(len(left), len(right), 0)]:
        place = _without_equal_ends(left, right, Difference(i, run.left, j, run.right))
        if place.i1 < place.i2 or place.j1 < place.j2:
            found.append(place)
        i, j = run.left + run.length, run.right + run.length
    return _joined_over_islands(left, right, found)


# ------------------------------------------------------------------ which words match


def runs(left: Words, right: Words) -> list[EqualRun]:
    """Return the runs of words that match, in order on both sides.

    >>> runs("a b c d".split(), "a x c d".split())
    [EqualRun(left=0, right=0, length=1), EqualRun(left=2, right=2, length=2)]
    """
    if len(left) <= len(right):
        start, end = window(left, right)
        return [EqualRun(i, j + start, n) for i, j, n in _joined(_solved(left, right[start:end]))]
    start, end = window(right, left)
    return [EqualRun(i + start, j, n) for i, j, n in _joined(_solved(left[start:end], right))]


def window(short: Words, long: Words) -> tuple[int, int]:
    """Return the part (start, end) of a much longer text that has most blocks of a short one.

    All of it where it is at most `WIDER` times as long, or shares no block.

    >>> window(["b", "c"], ["a"] * 50 + ["b", "c"] + ["d"] * 50)
    (47, 55)
    """
    size = min(BLOCK, len(short))
    if not size or len(long) <= WIDER * len(short):
        return 0, len(long)
    sampled = SAMPLED if len(short) >= LONG else 1
    known = {tuple(short[i : i + size]) for i in _places(short, size, sampled)}
    hits = [j for j in _places(long, size, sampled) if tuple(long[j : j + size]) in known]
    first = most = 0
    best = (-1, -1)
    for last, place in enumerate(hits):
        while place - hits[first] >= WIDER * len(short):
            first += 1
        if last - first + 1 > most:
            most, best = last - first + 1, (hits[first], place)
    if not most:
        return 0, len(long)
    around = len(short) // 2 + size
    return max(0, best[0] - around), min(len(long), best[1] + size + around)


def _joined(found: Iterator[EqualRun]) -> Iterator[EqualRun]:
    """Join adjacent runs."""
    last = EqualRun(0, 0, 0)
    for run in found:
        if last.left + last.length == run.left and last.right + last.length == run.right:
            last = EqualRun(last.left, last.right, last.length + run.length)
            continue
        if last.length:
            yield last
        last = run
    if last.length:
        yield last


def _solved(x: Words, y: Words) -> Iterator[EqualRun]:
    """Return the runs that match, in order."""
    todo = [(False, 0, len(x), 0, len(y))]  # (whether it is a run, its place in both); the last is the first
    while todo:
        is_run, i1, i2, j1, j2 = todo.pop()
        if is_run:
            yield EqualRun(i1, j1, i2 - i1)
            continue
        n = _agreeing(x, y, i1, i2, j1, j2)
        if n:
            yield EqualRun(i1, j1, n)
            i1, j1 = i1 + n, j1 + n
        n = _agreeing_at_end(x, y, i1, i2, j1, j2)
        if n:
            todo.append((True, i2 - n, i2, j2 - n, j2))
            i2, j2 = i2 - n, j2 - n
        if i1 == i2 or j1 == j2:
            continue
        if (i2 - i1) * (j2 - j1) <= SMALL:
            for i, j in common_subsequence(x[i1:i2], y[j1:j2]):
                yield EqualRun(i1 + i, j1 + j, 1)
            continue
        todo += reversed(list(_between_fixed_points(x, y, i1, i2, j1, j2)))


def _agreeing(x: Words, y: Words, i1: int, i2: int, j1: int, j2: int) -> int:
    n = 0
    while i1 + n < i2 and j1 + n < j2 and x[i1 + n] == y[j1 + n]:
        n += 1
    return n


def _agreeing_at_end(x: Words, y: Words, i1: int, i2: int, j1: int, j2: int) -> int:
    n = 0
    while i1 < i2 - n and j1 < j2 - n and x[i2 - n - 1] == y[j2 - n - 1]:
        n += 1
    return n


def _between_fixed_points(
    x: Words, y: Words, i1: int, i2: int, j1: int, j2: int
) -> Iterator[tuple[bool, int, int, int, int]]:
    """Return the unique blocks of a gap as runs, and the gaps between them; nothing if it has none."""
    size, points = BLOCK, list[tuple[int, int]]()
    if min(i2 - i1, j2 - j1) >= LONG:
        points = fixed_points(x[i1:i2], y[j1:j2], size, SAMPLED)
    if not points:
        points = fixed_points(x[i1:i2], y[j1:j2], size)
    if not points:
        size = 1
        points = fixed_points(x[i1:i2], y[j1:j2], size)
    i, j = i1, j1
    for p, q in ((i1 + p, j1 + q) for p, q in points):
        if p >= i and q >= j:
            yield False, i, p, j, q
        elif p - i != q - j:  # it overlaps the one before it, in other places
            continue
        n = p + size - max(i, p)
        yield True, max(i, p), max(i, p) + n, max(j, q), max(j, q) + n
        i, j = p + size, q + size
    if points:
        yield False, i, i2, j, j2


def fixed_points(x: Words, y: Words, size: int, sampled: int = 1) -> list[tuple[int, int]]:
    """Return the blocks of `size` words unique in each text, as many as are in order in both.

    >>> fixed_points("a b a c d".split(), "b c a d".split(), 1)
    [(1, 0), (3, 1), (4, 3)]
    """
    in_x, in_y = _once(x, size, sampled), _once(y, size, sampled)
    both = sorted((i, in_y[block]) for block, i in in_x.items() if block in in_y)
    return [both[n] for n in longest_rising([j for _, j in both])]


def _places(x: Words, size: int, sampled: int) -> list[int]:
    """Return where blocks of `size` words begin whose first word has a key that `sampled` divides."""
    return [i for i in range(len(x) - size + 1) if sampled == 1 or not word_key(x[i]) % sampled]


def _once(x: Words, size: int, sampled: int) -> dict[tuple[str, ...], int]:
    """Return the positions of blocks that occur once."""
    places: dict[tuple[str, ...], int] = {}
    for i in _places(x, size, sampled):
        block = tuple(x[i : i + size])
        places[block] = -1 if block in places else i
    return {block: i for block, i in places.items() if i >= 0}


def longest_rising(values: Sequence[int]) -> list[int]:
    """Return the positions of a longest increasing subsequence of distinct numbers (Fredman 1975).

    >>> longest_rising([3, 1, 2, 5, 4])
    [1, 2, 4]
    """
    tails: list[int] = []
    at: list[int] = []
    before = []
    for place, value in enumerate(values):
        n = bisect_left(tails, value)
        before.append(at[n - 1] if n else -1)
        tails[n : n + 1], at[n : n + 1] = [value], [place]
    out = [at[-1]] if at else []
    while out and before[out[-1]] >= 0:
        out.append(before[out[-1]])
    return out[::-1]


def common_subsequence(x: Words, y: Words) -> list[tuple[int, int]]:
    """Return the positions of a longest common subsequence, the first in the right text.

    >>> common_subsequence("a b c".split(), "b a c".split())
    [(1, 0), (2, 2)]
    """
    longest = [[0] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i in range(len(x) - 1, -1, -1):
        for j in range(len(y) - 1, -1, -1):
            if x[i] == y[j]:
                longest[i][j] = longest[i + 1][j + 1] + 1
            else:
                longest[i][j] = max(longest[i + 1][j], longest[i][j + 1])
    out = []
    i = j = 0
    while i < len(x) and j < len(y):
        if x[i] == y[j]:
            out.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return out


# ------------------------------------------------------------------ what stands between the runs


def _without_equal_ends(left: Words, right: Words, place: Difference) -> Difference:
    """Shorten a difference by equal letters in other words at its ends (can't, ca n't)."""
    i1, i2, j1, j2 = place
    m, n = _same_letters(left[i1:i2], right[j1:j2])
    i1, j1 = i1 + m, j1 + n
    m, n = _same_letters([w[::-1] for w in left[i1:i2][::-1]], [w[::-1] for w in right[j1:j2][::-1]])
    return Difference(i1, i2 - m, j1, j2 - n)


def _same_letters(left: Words, right: Words) -> tuple[int, int]:
    """Return how many words of each side, from the front, have the same letters in all.

    >>> _same_letters(["can", "not", "go"], ["cannot", "come"]), _same_letters(["a"], ["ab"])
    ((2, 1), (0, 0))
    """
    one, other = "".join(left), "".join(right)
    reach = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    ends = {n: i for i, n in enumerate(accumulate(map(len, left)), 1) if n <= reach}
    both = [(ends[n], j) for j, n in enumerate(accumulate(map(len, right)), 1) if n in ends]
    return both[-1] if both else (0, 0)


def n_letters(words: Words) -> int:
    """Count the letters of words."""
    return sum(map(len, words))


def _joined_over_islands(left: Words, right: Words, found: list[Difference]) -> list[Difference]:
    """Join differences with only a few letters between them, which agree by chance."""

    def size(d: Difference) -> int:
        return max(n_letters(left[d.i1 : d.i2]), n_letters(right[d.j1 : d.j2]))

    def has_number(d: Difference) -> bool:
        return not DECIMALS.isdisjoint("".join([*left[d.i1 : d.i2], *right[d.j1 : d.j2]]))

    out: list[Difference] = []
    for d in found:
        if out:
            b = out[-1]
            island = max(n_letters(left[b.i2 : d.i1]), n_letters(right[b.j2 : d.j1]))
            numbers = island <= NUMBERS_APART and has_number(b) and has_number(d)
            if island < ISLAND and (numbers or island <= min(size(b), size(d))):
                out[-1] = Difference(b.i1, d.i2, b.j1, d.j2)
                continue
        out.append(d)
    return out


def moved(left: Words, right: Words, found: Sequence[Difference]) -> tuple[set[int], set[int]]:
    """Return the positions of words in either text that are elsewhere in the other.

    They are in blocks of `MOVED` words that stand in differences on both sides.

    >>> x, y = list("abcdefgh"), list("ghabcdef")
    >>> moved(x, y, [Difference(0, 8, 0, 8)])
    ({0, 1, 2, 3, 4, 5}, {2, 3, 4, 5, 6, 7})
    """
    in_left = _blocks(left, [(d.i1, d.i2) for d in found])
    in_right = _blocks(right, [(d.j1, d.j2) for d in found])
    both = in_left.keys() & in_right.keys()

    def places(blocks: dict[tuple[str, ...], list[int]]) -> set[int]:
        return {i for block in both for start in blocks[block] for i in range(start, start + MOVED)}

    return places(in_left), places(in_right)


def _blocks(words: Words, spans: Sequence[tuple[int, int]]) -> dict[tuple[str, ...], list[int]]:
    out: dict[tuple[str, ...], list[int]] = {}
    for start, end in spans:
        for i in range(start, end - MOVED + 1):
            out.setdefault(tuple(words[i : i + MOVED]), []).append(i)
    return out
