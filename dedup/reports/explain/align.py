"""Two texts -> the spans in which they are the same and those in which they differ.

Words are compared by their letters.  Blocks of words that stand once in each text are the fixed
points (as in a patience diff); between them rapidfuzz finds the longest common subsequence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from os.path import commonprefix
from typing import NamedTuple
from unicodedata import category

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from ...content.alignment import longest_rising
from ...content.words import Words, words
from ...text.normalize import LetterTable
from .moves import BLOCK, Move, moved, once, run_of

CELLS = 400_000_000  # of one table of rapidfuzz: 50 MB, 0.1 s
MAX_CHARACTERS = 8_000_000  # of each text that are aligned
ISLAND = 16  # letters: a shorter agreement amid larger differences is chance

SAME, REPLACED, ONLY_LEFT, ONLY_RIGHT = "same", "replaced", "only_left", "only_right"
MOVED_LEFT, MOVED_RIGHT = (
    "moved_left",
    "moved_right",
)  # only in `marked`: the same stands elsewhere in the other


class Span(NamedTuple):
    """Characters left[0]:left[1] of the one text and right[0]:right[1] of the other."""

    kind: str
    left: tuple[int, int]
    right: tuple[int, int]


@dataclass(frozen=True)
class Alignment:
    """The spans, which cover both texts from end to end; `cut_short` says that not all was compared.

    `moves` are the passages, outside the same spans, that are the same in another order, as they stand in
    the left text.
    """

    spans: list[Span]
    cut_short: bool
    moves: list[Move]


class _Op(NamedTuple):
    """Words i1:i2 of the left text and j1:j2 of the right one."""

    same: bool
    i1: int
    i2: int
    j1: int
    j2: int


def align(left: str, right: str, table: LetterTable) -> Alignment:
    """Two texts -> their alignment.

    >>> from dedup.text.normalize import letter_table
    >>> found = align("You can't go home.", "You ca n't come home!", letter_table())
    >>> [(s.kind, "You can't go home."[slice(*s.left)]) for s in found.spans]
    [('same', "You can't "), ('replaced', 'go '), ('same', 'home.')]
    """
    long = max(len(left), len(right)) > MAX_CHARACTERS
    a, b = words(left[:MAX_CHARACTERS], table), words(right[:MAX_CHARACTERS], table)
    x, y = _numbered(a.letters, b.letters)
    matches, cut_short = _matches(x, y)
    ops = _alternating(_with_gaps(matches, len(a), len(b)))
    ops = _alternating([part for op in ops for part in _relettered(op, a.letters, b.letters)])
    ops = _alternating(_slid(ops, x, y))
    ops = _alternating(_without_islands(ops, a.letters, b.letters))
    spans = _spans(ops, a, b)
    moves = _moves(ops, spans, a, b, x, y)
    if long:
        spans.append(_rest(spans, len(left), len(right)))
    return Alignment(spans, cut_short or long, moves)


def _numbered(left: list[str], right: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Words of both texts -> a number for each, equal where their letters are."""
    number: dict[str, int] = {}
    both = [number.setdefault(word, len(number)) for word in (*left, *right)]
    return np.array(both[: len(left)], np.int64), np.array(both[len(left) :], np.int64)


# ------------------------------------------------------------------ which words match


def _matches(x: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[list[tuple[int, int]], bool]:
    """Numbered words of two texts -> the pairs of places that match, rising, and whether it was cut short."""
    found: list[tuple[int, int]] = []
    cut_short = False
    i = j = _same_beginning(x, y)
    found += zip(range(i), range(j), strict=True)
    for p, q in [*((i + p, j + q) for p, q in _fixed_points(x[i:], y[j:])), (len(x), len(y))]:
        if p >= i and q >= j:
            between, cut = _between(x[i:p].tolist(), y[j:q].tolist())
            found += [(i + n, j + m) for n, m in between]
            cut_short |= cut
            i, j = p, q
        elif p - i != q - j:  # overlaps the block before it, in other places
            continue
        if p < len(x) and q < len(y):
            found += zip(range(i, p + BLOCK), range(j, q + BLOCK), strict=True)
            i, j = p + BLOCK, q + BLOCK
    return found, cut_short


def _same_beginning(x: NDArray[np.int64], y: NDArray[np.int64]) -> int:
    n = min(len(x), len(y))
    differ = np.flatnonzero(x[:n] != y[:n])
    return int(differ[0]) if len(differ) else n


def _fixed_points(x: NDArray[np.int64], y: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Find blocks of words that occur once in each text: the most that have the same order in both."""
    if min(len(x), len(y)) < BLOCK:
        return []
    (keys_x, at_x), (keys_y, at_y) = once(x, [(0, len(x))]), once(y, [(0, len(y))])
    _, p, q = np.intersect1d(keys_x, keys_y, assume_unique=True, return_indices=True)
    i, j = at_x[p], at_y[q]
    window = np.lib.stride_tricks.sliding_window_view
    true = (window(x, BLOCK)[i] == window(y, BLOCK)[j]).all(axis=1)
    order = np.argsort(i[true])
    i, j = i[true][order], j[true][order]
    rising = longest_rising(j.tolist())
    return list(zip(i[rising].tolist(), j[rising].tolist(), strict=True))


def _between(x: list[int], y: list[int]) -> tuple[list[tuple[int, int]], bool]:
    """Two runs of numbered words -> a longest common subsequence; cut up when they are very long.

    Words that the other run lacks can match nothing, so they are left out first.
    """
    in_x, in_y = set(x), set(y)
    at_x = [i for i, word in enumerate(x) if word in in_y]
    at_y = [j for j, word in enumerate(y) if word in in_x]
    if not at_x:
        return [], False
    parts = math.ceil(math.sqrt(len(at_x) * len(at_y) / CELLS))
    out: list[tuple[int, int]] = []
    for part in range(parts):
        p = at_x[len(at_x) * part // parts : len(at_x) * (part + 1) // parts]
        q = at_y[len(at_y) * part // parts : len(at_y) * (part + 1) // parts]
        for op in Indel.opcodes([x[i] for i in p], [y[j] for j in q]):
            if op.tag == "equal":
                out += zip(p[op.src_start : op.src_end], q[op.dest_start : op.dest_end], strict=True)
    return out, parts > 1


# ------------------------------------------------------------------ matches -> what a reader wants to see


def _with_gaps(matches: list[tuple[int, int]], n_left: int, n_right: int) -> Iterator[_Op]:
    """Pairs of places that match -> runs of them and what stands between."""
    i = j = 0
    for p, q in [*matches, (n_left, n_right)]:
        yield _Op(False, i, p, j, q)
        if p < n_left and q < n_right:
            yield _Op(True, p, p + 1, q, q + 1)
        i, j = p + 1, q + 1


def _alternating(ops: Iterator[_Op] | list[_Op]) -> list[_Op]:
    """Join neighbouring spans of one kind, and leave out empty ones."""
    out: list[_Op] = []
    for op in ops:
        if op.i1 == op.i2 and op.j1 == op.j2:
            continue
        if out and out[-1].same == op.same:
            out[-1] = _Op(op.same, out[-1].i1, op.i2, out[-1].j1, op.j2)
        else:
            out.append(op)
    return out


def _relettered(op: _Op, left: list[str], right: list[str]) -> list[_Op]:
    """A difference -> without what at its ends is the same letters in other words (can't, ca n't)."""
    same, i1, i2, j1, j2 = op
    if same or i1 == i2 or j1 == j2:
        return [op]
    m, n = _agreeing(left[i1:i2], right[j1:j2])
    i, j = i1 + m, j1 + n
    m, n = _agreeing([w[::-1] for w in left[i:i2][::-1]], [w[::-1] for w in right[j:j2][::-1]])
    return [
        _Op(True, i1, i, j1, j),
        _Op(False, i, i2 - m, j, j2 - n),
        _Op(True, i2 - m, i2, j2 - n, j2),
    ]


def _agreeing(left: list[str], right: list[str]) -> tuple[int, int]:
    """Words of two sides -> how many of each, from the front, have together the same letters.

    >>> _agreeing(["can", "not", "go"], ["cannot", "come"]), _agreeing(["a"], ["ab"])
    ((2, 1), (0, 0))
    """
    reach = len(commonprefix(["".join(left), "".join(right)]))
    of_left = {n: i for i, n in enumerate(accumulate(map(len, left)), 1) if n <= reach}
    of_right = {n: i for i, n in enumerate(accumulate(map(len, right)), 1) if n <= reach}
    most = max(of_left.keys() & of_right.keys(), default=0)
    return (of_left[most], of_right[most]) if most else (0, 0)


def _slid(ops: list[_Op], x: NDArray[np.int64], y: NDArray[np.int64]) -> list[_Op]:
    """Move the smaller of two equal parts beside an insertion to the larger, where the words allow it.

    So `I`, of a page's menu, is not taken for the `I` with which the post begins.
    """
    out = list(ops)
    for n in range(1, len(out) - 1):
        a, d, b = out[n - 1], out[n], out[n + 1]
        if d.same or (d.i1 < d.i2) == (d.j1 < d.j2):
            continue
        side = x if d.i1 < d.i2 else y
        (a1, a2), (d1, d2), (b1, b2) = (((op.i1, op.i2) if side is x else (op.j1, op.j2)) for op in (a, d, b))
        if a2 - a1 <= b2 - b1:
            size = a2 - a1
            if size <= d2 - d1 and np.array_equal(side[a1:a2], side[d2 - size : d2]):
                out[n - 1], out[n], out[n + 1] = _moved(a, d, b, side is x, a1, d2 - size)
        else:
            size = b2 - b1
            if size <= d2 - d1 and np.array_equal(side[b1:b2], side[d1 : d1 + size]):
                out[n - 1], out[n], out[n + 1] = _moved(a, d, b, side is x, d1 + size, b2)
    return out


def _moved(a: _Op, d: _Op, b: _Op, on_left: bool, start: int, end: int) -> tuple[_Op, _Op, _Op]:
    """Return the difference between a and b at start:end of its side instead."""
    if on_left:
        at = a.j1 if start == a.i1 else b.j2
        return (
            _Op(True, a.i1, start, a.j1, at),
            _Op(False, start, end, at, at),
            _Op(True, end, b.i2, at, b.j2),
        )
    at = a.i1 if start == a.j1 else b.i2
    return _Op(True, a.i1, at, a.j1, start), _Op(False, at, at, start, end), _Op(True, at, b.i2, end, b.j2)


def _without_islands(ops: list[_Op], left: list[str], right: list[str]) -> list[_Op]:
    """Make a few letters that agree by chance between two larger differences part of these."""

    def size(op: _Op) -> int:
        return max(sum(map(len, left[op.i1 : op.i2])), sum(map(len, right[op.j1 : op.j2])))

    out: list[tuple[_Op, int]] = []
    for op in ops:
        letters = size(op)
        if not op.same and len(out) >= 2:
            (before, many), (island, few) = out[-2:]
            if few < ISLAND and few <= many and few <= letters:
                del out[-2:]
                op, letters = _Op(False, before.i1, op.i2, before.j1, op.j2), many + few + letters
        out.append((op, letters))
    return [op for op, _ in out]


# ------------------------------------------------------------------ words -> characters


def _spans(ops: list[_Op], a: Words, b: Words) -> list[Span]:
    """Runs of words -> spans of characters, which cover both texts."""
    if not ops:
        span = _span(a.text == b.text, (0, len(a.text)), (0, len(b.text)))
        return [span] if a.text or b.text else []
    left = _side([(op.same, op.i1, op.i2) for op in ops], a)
    right = _side([(op.same, op.j1, op.j2) for op in ops], b)
    return [_span(op.same, i, j) for op, i, j in zip(ops, left, right, strict=True)]


def _span(same: bool, left: tuple[int, int], right: tuple[int, int]) -> Span:
    """Places -> the span of its kind."""
    if same:
        return Span(SAME, left, right)
    no_left, no_right = left[0] == left[1], right[0] == right[1]
    return Span(ONLY_RIGHT if no_left else ONLY_LEFT if no_right else REPLACED, left, right)


def _side(runs: list[tuple[bool, int, int]], of: Words) -> list[tuple[int, int]]:
    """Runs of words of one text -> their characters; what stands between two words goes to one of them."""
    text = of.text
    busy = [run for run in runs if run[1] < run[2]]
    cuts = [
        _cut(text, int(of.end[i - 1]), int(of.start[i]), not same)
        for (same, _, _), (_, i, _) in pairwise(busy)
    ]
    edges = [0, *cuts, len(text)]
    if not busy:
        return [(0, len(text)), *[(len(text), len(text))] * (len(runs) - 1)]
    out: list[tuple[int, int]] = []
    n = 0
    for _, i, j in runs:
        out.append((edges[n], edges[n + (i < j)]))
        n += i < j
    return out


def _moves(
    ops: list[_Op], spans: list[Span], a: Words, b: Words, x: NDArray[np.int64], y: NDArray[np.int64]
) -> list[Move]:
    """Runs of words with their spans -> the passages that only stand elsewhere."""
    both = [(op, span) for op, span in zip(ops, spans, strict=False) if not op.same]
    left = {(op.i1, op.i2): span.left for op, span in both if op.i1 < op.i2}
    right = {(op.j1, op.j2): span.right for op, span in both if op.j1 < op.j2}
    in_left, in_right = list(left), list(right)

    def passage(of: Words, i: int, j: int, run: tuple[int, int], whole: tuple[int, int]) -> tuple[int, int]:
        start = _cut(of.text, int(of.end[i - 1]), int(of.start[i]), True) if i > run[0] else whole[0]
        end = _cut(of.text, int(of.end[j - 1]), int(of.start[j]), True) if j < run[1] else whole[1]
        return start, end

    out = []
    for i, j, n in moved(x, y, in_left, in_right, a.letters):
        p, q = run_of(in_left, i), run_of(in_right, j)
        out.append(Move(passage(a, i, i + n, p, left[p]), passage(b, j, j + n, q, right[q])))
    return out


def _cut(text: str, start: int, end: int, to_first: bool) -> int:
    """Return where between two words the one span ends and the next begins.

    White space, and marks before it, go with the first word; marks after it with the second.  Where
    there is none, the marks go with the span that differs, but closing ones stay with the first word.
    """
    for place in range(end, start, -1):
        if text[place - 1].isspace():
            return place
    if to_first:
        return end
    opening = (i for i in range(start, end) if text[i] == "<" or category(text[i]) in ("Ps", "Pi"))
    return next(opening, start)


def _rest(spans: list[Span], n_left: int, n_right: int) -> Span:
    """Return what stands beyond the characters that were aligned."""
    left, right = (spans[-1].left[1], spans[-1].right[1]) if spans else (0, 0)
    return _span(False, (left, n_left), (right, n_right))
