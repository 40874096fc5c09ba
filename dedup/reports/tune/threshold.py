"""Answers about pairs near the line -> the `min_jaccard` that agrees with most of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...core.errors import safe
from ..wording import counted

FEW = 10  # answers, below which the advice is a hint


@dataclass(frozen=True)
class Answers:
    """jaccard float64[n], same bool[n] of the pairs that a person judged."""

    jaccard: NDArray[np.float64]
    same: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.same)


@dataclass(frozen=True)
class Advice:
    """The line to take; any above low, up to high, does as well.  Errors: (false joins, missed)."""

    line: float
    low: float
    high: float
    answers: int
    same: int
    errors: tuple[int, int]
    now: float
    errors_now: tuple[int, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the advice as plain values."""
        return asdict(self)


def errors_at(answers: Answers, line: float) -> tuple[int, int]:
    """Count pairs of two documents that a line would join, and pairs of one that it would not.

    >>> errors_at(Answers(np.array([0.4, 0.5, 0.6]), np.array([False, True, False])), 0.5)
    (1, 0)
    """
    joined = answers.jaccard >= line
    return int((joined & ~answers.same).sum()), int((~joined & answers.same).sum())


def advice(answers: Answers, now: float) -> Advice:
    """Answers and the line of the run -> the line with the fewest errors among the answers.

    Only their order matters: between two neighbours every line does as well.  Of several best stretches
    the one nearest to the line of the run is taken; its own line where it lies in it, else the middle.

    >>> advice(Answers(np.array([0.52, 0.6, 0.7]), np.array([False, False, True])), 0.5).line
    0.65
    """
    # a line just above values[i] and up to values[i + 1] joins the same pairs
    values = np.concatenate([[0.0], np.unique(answers.jaccard), [1.0]])
    ends = np.unique(values)
    stretches = [(a, b) for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
    totals = [sum(errors_at(answers, high)) for _, high in stretches]
    best = [s for s, n in zip(stretches, totals, strict=True) if n == min(totals)]
    merged: list[tuple[float, float]] = []
    for low, high in best:
        if merged and merged[-1][1] == low:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    low, high = min(merged, key=lambda s: (max(s[0] - now, now - s[1], 0.0), s))
    line = now if low < now <= high else _between(low, high)
    return Advice(
        line,
        low,
        high,
        len(answers),
        int(answers.same.sum()),
        errors_at(answers, line),
        now,
        errors_at(answers, now),
    )


def _between(low: float, high: float) -> float:
    """Return a number above low, up to high, near the middle, with as few digits as do.

    >>> _between(0.6, 0.7), _between(0.601, 0.604)
    (0.65, 0.603)
    """
    middle = (low + high) / 2
    for digits in range(2, 12):
        if low < round(middle, digits) <= high:
            return round(middle, digits)
    return high


def advice_view(found: Advice, answers: Answers, file: str) -> RenderableType:
    """The advice and its evidence -> what is printed."""
    if not found.answers:
        return Text("\nno answers, so no advice", "dim")
    n = found.answers
    head = f"\n{counted(n, 'answer')} in {safe(file)} about pairs near the line: "
    head += f"{found.same:,} same, {n - found.same:,} different"
    parts: list[RenderableType] = [Text(head, "bold")]
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("min_jaccard", "right", "false joins", "missed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", style="dim")
    lines = {found.now: "this run", found.line: "fewest errors"}
    if found.line == found.now:
        lines = {found.now: "this run, fewest errors"}
    low, high = float(answers.jaccard.min()), float(answers.jaccard.max())
    around = [round(x / 20, 2) for x in range(1, 20) if low - 0.05 < x / 20 < high + 0.05]
    for line in sorted({*lines, *around}):
        false, missed = errors_at(answers, line)
        table.add_row(
            f"{line:g}", f"{n - false - missed:,}", f"{false:,}", f"{missed:,}", lines.get(line, "")
        )
    parts.append(table)
    parts.append(
        Text(f"any line above {found.low:.3f}, up to {found.high:.3f}, does as well on these answers", "dim")
    )
    if found.line == found.now:
        parts.append(Text(f"keep --min-jaccard {found.now:g}", "bold green"))
    else:
        parts.append(Text(f"scan again with --min-jaccard {found.line:g}", "bold green"))
    if found.line < found.now:
        parts.append(
            Text(f"below {found.now:g} this run saw only candidates that were found by chance", "yellow")
        )
    if n < FEW:
        parts.append(Text(f"fewer than {FEW} answers: a hint, no more", "yellow"))
    return Group(*parts)
