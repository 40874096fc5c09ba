"""A place in the text that was compared -> the line on which it stands in the document as written."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ...content.words import letters_at
from ...text.normalize import letter_table
from .align import SAME, align


class Lines:
    """Lines of a document, counted from 1; `original` is its text before repair, where there was any.

    >>> Lines("I know.", "<html>\\n<p>\\nI know.").of(0, 7)
    '3'
    """

    def __init__(self, text: str, original: str | None = None) -> None:
        self.text = text
        written = text if original is None else original
        self.ends = [i for i, c in enumerate(written) if c == "\n"]
        self.count = len(self.ends) + (not written.endswith("\n") and written != "")
        self.spans = None if original is None else align(text, original, letter_table()).spans
        if original is not None:
            self.before = letters_at(text, letter_table())[1]
            self.before_original = letters_at(original, letter_table())[1]

    def of(self, start: int, end: int) -> str:
        """Characters start:end of the text -> "3" or "3-5"."""
        first, last = self.first_last(start, end)
        return f"{first:,}" if first == last else f"{first:,}-{last:,}"

    def first_last(self, start: int, end: int) -> tuple[int, int]:
        """Characters start:end of the text -> the lines of the first and the last that is not blank."""
        passage = self.text[start:end]
        if passage.strip():
            start += len(passage) - len(passage.lstrip())
            end = start + len(passage.strip())
        elif start == len(self.text):
            start = end = max(0, len(self.text.rstrip()) - 1)
        first = bisect_left(self.ends, self.place(start))
        last = bisect_left(self.ends, self.place(max(start, end - 1)))
        return first + 1, max(first, last) + 1

    def place(self, place: int) -> int:
        """A place in the text -> the place in the original."""
        if not self.spans:
            return place
        span = self.spans[max(0, bisect_right(self.spans, place, key=lambda s: s.left[0]) - 1)]
        if span.kind != SAME:
            return span.right[0]
        letters = int(self.before[place] - self.before[span.left[0]] + self.before_original[span.right[0]])
        return min(int(self.before_original.searchsorted(letters, "right")) - 1, span.right[1])
