"""Compiled twins of the definitions in `content`; `tests/content/test_own_content.py` holds them together."""

from .own_content import content_of_pairs
from .signs import may_have_values, value_digests
from .words import with_frames, words_of

__all__ = [
    "content_of_pairs",
    "may_have_values",
    "value_digests",
    "with_frames",
    "words_of",
]
