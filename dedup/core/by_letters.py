"""Pairs aligned letter by letter -> whether one text is a copy of the other, full of errors.

The counts are those of `content.noise`: errors of the alignment, of which `noise` is what is spread as errors
are, `doubtful` what stands in words of which most letters are wrong, and `repeated` what recurs as names do.
The lines were chosen on generated noise, on instances of forms, on texts of the ICDAR 2019 competition on
post-OCR correction, and on folders of manuals; see docs/quality.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .pairs import VerifiedPairs

PER_WORD = 3  # letters of a word in another's place count so many times
PER_NUMBER = 200  # letters that a number in another's place counts
MIN_OWN_CONTENT = 0.11  # of the letters that agree, from which on two texts are two
MIN_NOISE, NOISE_OF_LETTERS = 5, 0.02  # errors, and their share of the letters, of a noisy copy
SOME_NOISE, SOME_OF_LETTERS, SHORT_ALIKE = 3, 0.005, 150  # of one that is alike by shingles; its letters
MOST_ERRORS, MOST_REPEATED = 3.5, 2  # times as many errors as noise; as much noise as errors that recur
MOST_BROKEN = 0.6  # of the noise, in words of which most letters are wrong
SURE_NOISE, SURE_OF_LETTERS = 25, 0.01  # errors that let a document be dropped in spite of them
MAX_MORE = 0.2  # share of a noisy copy that the other lacks; with more it is another document or a part
MIN_OWN_OF_NOISE = 0.2  # own content of noisy copies, of which some errors look like other words
FRAMED = 0.3  # share of a document that is boilerplate, in pages of a site
MIN_PLACED, MIN_PLACED_SHARE = 300, 0.05  # letters of a noisy part; the share of shingles that its whole has
SHORTER = 0.9  # a part has at most so large a share of its whole
MIN_SHINGLES, ABOUT_AS_LONG, MAX_ALIGNED = 50, 0.6, 2_000_000  # of texts that are aligned by letters
SHORT, LONG = 64, 200  # letters: of shorter texts more must align, as for `line`
MIN_ALIGNED_OF_SHORT, MIN_OWN_OF_SHORT = 0.8, 0.06
TWO_ALIGNED, LITTLE_NOISE = 0.5, 0.1  # of texts aligned by letters that are known to be two documents
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def error_share(pairs: VerifiedPairs) -> Floats:
    """Return the errors of an alignment by letters as a share of the longer text: float64[n]; else 0."""
    return np.minimum(1.0, pairs.counted("errors") / np.maximum(_longer(pairs), 1))


def aligned(pairs: VerifiedPairs) -> Floats:
    """Return the share of the letters that agree: float64[n]; of a part's, where one is part of the other."""
    found = ByLetters(pairs, 1.0)
    return np.where(found.more_is_little, found.share, found.part_share)


def errors(pairs: VerifiedPairs) -> NDArray[np.int64]:
    """Return the errors of an alignment by letters, int64[n]; of a part, where one is part of the other."""
    found = ByLetters(pairs, 1.0)
    return np.where(found.more_is_little, pairs.counted("errors"), np.maximum(0, found.errors_of_part))


def _longer(pairs: VerifiedPairs) -> NDArray[np.int64]:
    return np.maximum(pairs.counted("letters_left"), pairs.counted("letters_right"))


def cleaner(pairs: VerifiedPairs) -> tuple[Bools, Bools]:
    """Tell where the left text is cleaner than the right one, its noisy copy, and the reverse: two bool[n].

    Errors make new words and syllables, so the noisier of two has more different letters in a row.
    """
    left, right = pairs.counted("grams_left"), pairs.counted("grams_right")
    return left < right, right < left


def of_like_size(left: NDArray[np.int64], right: NDArray[np.int64]) -> Bools:
    """Tell which sizes int64[n] are about as large as the others: bool[n].

    >>> of_like_size(np.array([60, 100]), np.array([100, 59])).tolist()
    [True, False]
    """
    return np.minimum(left, right) >= ABOUT_AS_LONG * np.maximum(left, right)


def about_as_long(pairs: VerifiedPairs) -> Bools:
    """Tell which pairs are about as long as each other, and neither too short nor too long: bool[n]."""
    sizes = pairs.counts[:, 0, 1:]
    some, few = sizes.min(axis=1) >= MIN_SHINGLES, sizes.max(axis=1) <= MAX_ALIGNED
    return of_like_size(*sizes.T) & some & few


def may_be_noisy_parts(pairs: VerifiedPairs) -> Bools:
    """Tell which pairs are much longer one than the other, and share some shingles of the shorter: bool[n].

    Shingles that are boilerplate do not count; a text that has much of it has no errors.
    """
    sizes = pairs.counts[:, 0, 1:]
    left = sizes[:, 0] <= sizes[:, 1]
    own, without = (np.where(left, c[:, 1], c[:, 2]) for c in (pairs.counts[:, 0], pairs.non_boilerplate))
    some = (own >= MIN_PLACED) & (sizes.max(axis=1) <= MAX_ALIGNED) & (without > (1 - FRAMED) * own)
    shared = pairs.non_boilerplate[:, 0] >= MIN_PLACED_SHARE * without
    return np.asarray(some & shared & ~of_like_size(*sizes.T))


def in_frames(pairs: VerifiedPairs) -> Bools:
    """Tell which pairs are two pages with much boilerplate, which errors would have broken: bool[n]."""
    frame = 1 - pairs.non_boilerplate[:, 1:] / np.maximum(pairs.counts[:, 0, 1:], 1)
    return np.asarray(frame.min(axis=1) >= FRAMED)


@dataclass(frozen=True, eq=False)
class ByLetters:
    """What n pairs that were aligned by letters are; each answer is worked out once."""

    pairs: VerifiedPairs
    min_aligned: float  # share of the letters that must align

    @cached_property
    def fewer(self) -> NDArray[np.int64]:
        """Return the letters of the shorter text, int64[n]."""
        return np.minimum(self.pairs.counted("letters_left"), self.pairs.counted("letters_right"))

    @cached_property
    def noise(self) -> NDArray[np.int64]:
        """Return the errors that are no content, int64[n]."""
        return self.pairs.counted("noise")

    @cached_property
    def share(self) -> Floats:
        """Return the share of the longer text that the other has, errors aside: float64[n]."""
        return 1 - error_share(self.pairs)

    @cached_property
    def line(self) -> Floats:
        """Return what that share must reach: float64[n], more for short texts, where chance does more."""
        short = max(self.min_aligned, MIN_ALIGNED_OF_SHORT)
        return np.interp(self.fewer, [SHORT, LONG], [short, self.min_aligned])

    @cached_property
    def many(self) -> Bools:
        """Tell where there are so many errors that one text is a noisy copy: bool[n]."""
        return (self.noise >= MIN_NOISE) & (self.noise >= NOISE_OF_LETTERS * self.fewer)

    @cached_property
    def content(self) -> Floats:
        """Return what is no noise as a share of the letters that agree: float64[n]."""
        own = PER_WORD * self.pairs.counted("replaced") + PER_NUMBER * self.pairs.counted("numbers")
        return (self.pairs.counted("passages") + own) / np.maximum(
            _longer(self.pairs) - self.pairs.counted("errors"), 1
        )

    @cached_property
    def evenly(self) -> Bools:
        """Tell where the errors are spread as noise is, and few are foreign, recur, or break whole words."""
        return self._spread(self.pairs.counted("errors"))

    def _spread(self, errors: NDArray[np.int64]) -> Bools:
        most = np.where(self.fewer < LONG, 2, 1) * MOST_REPEATED * self.pairs.counted("repeated")
        broken = self.pairs.counted("doubtful") > MOST_BROKEN * self.noise
        return (MOST_ERRORS * self.noise >= errors) & (self.noise > most) & ~broken

    @cached_property
    def more_is_little(self) -> Bools:
        """Tell where neither text has much that the other lacks: bool[n]."""
        return np.asarray(np.maximum(*self._only) <= MAX_MORE * self.fewer)

    @cached_property
    def copy_of_unlike(self) -> Bools:
        """Tell which pairs that share few shingles are a text and its noisy copy: bool[n]."""
        own = self.content < np.where(self.fewer < LONG, MIN_OWN_OF_SHORT, MIN_OWN_OF_NOISE)
        enough = (self.fewer >= SHORT) & (self.share >= self.line)
        return self.many & own & enough & self.evenly & self.more_is_little

    @cached_property
    def copy_of_alike(self) -> Bools:
        """Tell which pairs that are alike by their shingles are a text and its noisy copy: bool[n].

        They need show fewer errors, and may have less content of their own.
        """
        some = (self.noise >= SOME_NOISE) & (self.noise >= SOME_OF_LETTERS * self.fewer)
        own = self.content < MIN_OWN_CONTENT
        return some & own & (self.fewer >= SHORT_ALIKE) & self.evenly & self.more_is_little

    @cached_property
    def left_is_shorter(self) -> Bools:
        """Tell where the left text has fewer letters, or as many: bool[n]."""
        return self.pairs.counted("letters_left") <= self.pairs.counted("letters_right")

    @cached_property
    def part_share(self) -> Floats:
        """Return the share of the shorter text that the other has, errors aside: float64[n]."""
        return 1 - np.minimum(1.0, self.errors_of_part / np.maximum(self.fewer, 1))

    @cached_property
    def noisy_part(self) -> Bools:
        """Tell where the shorter text is a noisy copy of a part of the other: bool[n]."""
        only = np.where(self.left_is_shorter, *self._only)
        enough = (self.fewer >= MIN_PLACED) & (self.part_share >= self.line) & (only <= MAX_MORE * self.fewer)
        own = self.content < MIN_OWN_OF_NOISE
        part = (self.fewer <= SHORTER * _longer(self.pairs)) & ~self.more_is_little
        return part & enough & self.many & own & self._spread(self.errors_of_part)

    @property
    def _only(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self.pairs.counted("only_left"), self.pairs.counted("only_right")

    @property
    def errors_of_part(self) -> NDArray[np.int64]:
        """Return the errors but for what the longer text has besides: int64[n]."""
        return self.pairs.counted("errors") - np.where(self.left_is_shorter, *self._only[::-1])

    @cached_property
    def may_be_noise(self) -> Bools:
        """Tell where the beginnings of two texts show noise, so that all is worth aligning: bool[n]."""
        return self._may_be_noise(self.pairs.counted("errors"))

    @cached_property
    def part_may_be_noise(self) -> Bools:
        """Tell where the beginning of the shorter text shows noise in its place in the other: bool[n]."""
        return self._may_be_noise(self.errors_of_part)

    def _may_be_noise(self, errors: NDArray[np.int64]) -> Bools:
        some = (self.noise >= SOME_NOISE) & (self.noise >= self.pairs.counted("repeated"))
        return some & (2 * MOST_ERRORS * self.noise >= errors)

    @cached_property
    def shows_noise(self) -> Bools:
        """Tell where there are so many errors that other differences may be errors too: bool[n]."""
        return (self.noise >= SURE_NOISE) & (self.noise >= SURE_OF_LETTERS * self.fewer)

    @cached_property
    def differ(self) -> Bools:
        """Tell which pairs have much in common and differ otherwise than by noise: bool[n]."""
        own = (self.content >= MIN_OWN_CONTENT) & (self.noise <= LITTLE_NOISE * self.fewer)
        aligned = (self.pairs.counted("errors") > 0) & (self.share >= TWO_ALIGNED)
        return aligned & (own | (self.noise < NOISE_OF_LETTERS * self.fewer))
