"""Spans -> what a reader is shown: differences with a little of what is around them, the rest folded."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...text.scripts import UNSPACED_CLASS
from .align import ONLY_LEFT, ONLY_RIGHT, SAME, Alignment, Span

MOVED_LEFT, MOVED_RIGHT = "moved_left", "moved_right"  # of one text; the same stands elsewhere in the other
CONTEXT = 48  # characters of a shared passage shown on either side of a difference
_WORD = re.compile(rf"[{UNSPACED_CLASS}]|[^\W_{UNSPACED_CLASS}]+(?:['’][^\W_{UNSPACED_CLASS}]+)*")


@dataclass(frozen=True)
class Fold:
    """A shared passage that need not be read."""

    left: tuple[int, int]
    right: tuple[int, int]


@dataclass(frozen=True)
class Hunk:
    """Differences near each other, with what is around them."""

    spans: list[Span]


def marked(found: Alignment) -> list[Span]:
    """Cut the spans of an alignment where a moved passage begins or ends, into spans of two more kinds."""
    away, here = [move.left for move in found.moves], sorted(move.right for move in found.moves)
    out: list[Span] = []
    for span in found.spans:
        left, right = _pieces(span.left, away), _pieces(span.right, here)
        if len(left) == len(right) == 1:
            out.append(span)
            continue
        i, j = span.left[1], span.right[0]
        out += [Span(MOVED_LEFT if gone else ONLY_LEFT, p, (j, j)) for gone, p in left if p[0] < p[1]]
        out += [Span(MOVED_RIGHT if come else ONLY_RIGHT, (i, i), p) for come, p in right if p[0] < p[1]]
    return out


def _pieces(whole: tuple[int, int], parts: list[tuple[int, int]]) -> list[tuple[bool, tuple[int, int]]]:
    """A passage, and parts of the text in order -> (whether it is one of them, its place) of each piece.

    >>> _pieces((0, 9), [(2, 4), (20, 30)])
    [(False, (0, 2)), (True, (2, 4)), (False, (4, 9))]
    """
    out = []
    at, end = whole
    for part in parts[bisect_left(parts, at, key=lambda part: part[0]) :]:
        if part[0] >= end:
            break
        out += [(False, (at, part[0])), (True, part)]
        at = part[1]
    return [*out, (False, (at, end))]


def hunks(spans: Iterable[Span], left: str, right: str) -> Iterator[Hunk | Fold]:
    """The spans of two texts -> hunks and folds in order, which cover both texts."""
    spans = list(spans)
    shown: list[Span] = []
    for n, span in enumerate(spans):
        if span.kind != SAME:
            shown.append(span)
            continue
        head, fold, tail = _folded(span, left, right, n > 0, n < len(spans) - 1)
        if fold is None:
            shown.append(span)
            continue
        if head:
            shown.append(head)
        if shown:
            yield Hunk(shown)
        yield fold
        shown = [tail] if tail else []
    if shown:
        yield Hunk(shown)


def _folded(
    span: Span, left: str, right: str, after: bool, before: bool
) -> tuple[Span | None, Fold | None, Span | None]:
    """A shared passage -> (its beginning, what is folded, its end); the ends only where something differs."""
    (i1, i2), (j1, j2) = span.left, span.right
    p, q = _begin(left, i1, i2) if after else i1, _begin(right, j1, j2) if after else j1
    r, s = _end(left, i1, i2) if before else i2, _end(right, j1, j2) if before else j2
    if (after or before) and min(r - p, s - q) < CONTEXT:
        return None, None, None
    head = Span(SAME, (i1, p), (j1, q)) if after else None
    tail = Span(SAME, (r, i2), (s, j2)) if before else None
    return head, Fold((p, r), (q, s)), tail


def _begin(text: str, start: int, end: int) -> int:
    """Return where the first few words of text[start:end] end."""
    limit = min(start + CONTEXT, end)
    return next((i for i in range(limit, start + CONTEXT // 2, -1) if text[i - 1].isspace()), limit)


def _end(text: str, start: int, end: int) -> int:
    """Return where the last few words of text[start:end] begin."""
    limit = max(end - CONTEXT, start)
    return next((i for i in range(limit, end - CONTEXT // 2) if text[i - 1 : i].isspace()), limit)


def n_words(text: str) -> int:
    """Text -> how many words a reader would count; of scripts without spaces, characters.

    >>> n_words("She can't see. 猫だ")
    5
    """
    return sum(1 for _ in _WORD.finditer(text))
