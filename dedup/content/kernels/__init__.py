"""Compiled twins of the definitions in `content`; `tests/content/test_own_content.py` holds them together."""

from .noise import begin_alike, end_alike, noise_of_pairs
from .own_content import content_of_pairs
from .signs import may_have_values, value_digests
from .words import with_frames, words_of

__all__ = [
    "begin_alike",
    "content_of_pairs",
    "end_alike",
    "may_have_values",
    "noise_of_pairs",
    "value_digests",
    "with_frames",
    "words_of",
]
