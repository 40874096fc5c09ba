"""Compiled twins of the definitions in `content`; `tests/content/test_own_content.py` holds them together."""

from .noise import begin_alike, end_alike, noise_of_pairs
from .noisy_parts import noise_of_parts
from .own_content import content_of_pairs
from .signs import may_have_values, value_digests
from .words import WordArrays, with_frames, words_of

__all__ = [
    "WordArrays",
    "begin_alike",
    "content_of_pairs",
    "end_alike",
    "may_have_values",
    "noise_of_pairs",
    "noise_of_parts",
    "value_digests",
    "with_frames",
    "words_of",
]
