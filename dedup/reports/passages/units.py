"""A text -> its paragraphs, lines, sentences or words, as they may be cut out of it."""

from __future__ import annotations

import re

from ...text.scripts import UNSPACED_CLASS

UNIT_END = {  # after which a unit ends
    "paragraph": re.compile(r"\n[ \t\r]*\n\s*"),
    "line": re.compile(r"\n"),
    "sentence": re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[」』”）]*\s*|\n"),
    "exact": re.compile(rf"\s+|(?<=[{UNSPACED_CLASS}])|(?=[{UNSPACED_CLASS}])"),
}
WHOLE = re.compile(  # never cut in two: a block of code, a row of a table
    r"^(?P<fence>```|~~~)[^\n]*\n.*?(?:^(?P=fence)[^\n]*(?:\n|\Z)|\Z)|^[ \t]*\|[^\n]*(?:\n|\Z)", re.M | re.S
)


def units_of(text: str, unit: str) -> list[tuple[int, int]]:
    """Return the characters start, end of each unit; together they are the text.

    >>> [("A b.  C d. "[i:j]) for i, j in units_of("A b.  C d. ", "sentence")]
    ['A b.  ', 'C d. ']
    >>> len(units_of("x\\n\\n```\\na\\n\\nb\\n```\\n\\ny", "paragraph"))
    3
    """
    ends = sorted({m.end() for m in UNIT_END[unit].finditer(text) if m.end()} | {len(text)} - {0})
    kept = _outside(ends, [m.span() for m in WHOLE.finditer(text)])
    # white space alone is no unit: it belongs to the one before
    kept = [a for a, b in zip(kept, kept[1:], strict=False) if text[a:b].strip()] + kept[-1:]
    return list(zip([0, *kept], kept, strict=False))


def _outside(ends: list[int], blocks: list[tuple[int, int]]) -> list[int]:
    """Leave out the ends inside blocks; a block begins and ends a unit."""
    found: set[int] = set()
    at = 0
    for start, end in blocks:
        found.update(e for e in ends[at:] if e <= start)
        found.update({start, end} - {0})
        while at < len(ends) and ends[at] <= end:
            at += 1
    found.update(ends[at:])
    return sorted(found)
