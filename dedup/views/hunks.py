"""Spans -> what a reader is shown: differences with a little of what is around them, the rest folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .align import SAME, Span
from .words import UNSPACED_CLASS

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
    """Where the first few words of text[start:end] end."""
    limit = min(start + CONTEXT, end)
    return next((i for i in range(limit, start + CONTEXT // 2, -1) if text[i - 1].isspace()), limit)


def _end(text: str, start: int, end: int) -> int:
    """Where the last few words of text[start:end] begin."""
    limit = max(end - CONTEXT, start)
    return next((i for i in range(limit, end - CONTEXT // 2) if text[i - 1 : i].isspace()), limit)


def n_words(text: str) -> int:
    """Text -> how many words a reader would count; of scripts without spaces, characters.

    >>> n_words("She can't see. 猫だ")
    5
    """
    return sum(1 for _ in _WORD.finditer(text))
