"""Verified pairs -> how two documents are related, and whether one may be dropped for the other.

Two documents are related that are alike (near), part and whole (contained), alike by their skeletons
(rewritten) or by their aligned letters (scanned).  They are instances of one form, not one document, where
one puts something else in the other's place: the passages, words and numbers that stand for others are
weighed against the text that agrees.  A document may be dropped for another that holds it, but for a small
share, and that replaces nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .by_letters import (
    MIN_OWN_CONTENT,
    PER_NUMBER,
    PER_WORD,
    SHORTER,
    ByLetters,
    about_as_long,
    in_frames,
    may_be_noisy_parts,
)
from .pairs import VerifiedPairs
from .verdicts import (
    ALIGNED,
    CONTAINED,
    CONTAINMENT,
    DISCOUNTED_CONTAINMENT,
    DISCOUNTED_JACCARD,
    FORM,
    JACCARD,
    LETTERS,
    NEAR,
    PUNCTUATION,
    REWRITTEN,
    SCANNED,
    SKELETON,
)

MIN_OWN_SHARE = 0.25  # of a text that must be no boilerplate for the rest of it to speak for it
MIN_JACCARD_OF_FRAMES = 0.8  # of two texts that are little but boilerplate
PIECES = 0.01  # share of a text that may be pieces of damaged words, where many are
NOISE, NOISE_SHARE = 4, 0.004  # damaged words, and their share of all, that show what else is damage
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def noisy(pairs: VerifiedPairs) -> Bools:
    """Tell where two texts show so much damage that doubtful differences count as damage: bool[n]."""
    return damaged_words(pairs) | (pairs.counted("noise") > 0)


def damaged_words(pairs: VerifiedPairs) -> Bools:
    """Tell where words that were compared as words show damage: bool[n]."""
    damaged = pairs.counted("damaged")
    return (damaged >= NOISE) & (damaged >= NOISE_SHARE * pairs.counted("words"))


def replaced(pairs: VerifiedPairs) -> NDArray[np.int64]:
    """Count the letters of words in the place of other words: int64[n]."""
    unsure = pairs.counted("doubtful") + pairs.counted("repeated")
    return pairs.counted("replaced") + np.where(noisy(pairs), 0, unsure)


def numbers(pairs: VerifiedPairs) -> NDArray[np.int64]:
    """Count the numbers, signs and negations in the place of others: int64[n]."""
    return pairs.counted("numbers") + np.where(noisy(pairs), 0, pairs.counted("doubtful_numbers"))


def own_content(pairs: VerifiedPairs) -> Floats:
    """Return replaced content as a share of the text that agrees: float64[n]."""
    agree = np.minimum(
        pairs.counted("letters_left") - pairs.counted("only_left"),
        pairs.counted("letters_right") - pairs.counted("only_right"),
    )
    words = replaced(pairs) + pairs.counted("lopsided")
    own = PER_WORD * words + PER_NUMBER * numbers(pairs)
    return (pairs.counted("passages") + own) / np.maximum(agree, 1)


def lost(pairs: VerifiedPairs) -> Floats:
    """Return the share of each document that the other lacks, in letters: float64[n, 2].

    Boilerplate that both have is left out of it; what one has alone is lost with it, frame or not.
    """
    other = pairs.counted("passages") + replaced(pairs) + pairs.counted("lopsided")
    sides = []
    for name in ("left", "right"):
        silent = pairs.counted(f"silent_{name}")
        letters = np.maximum(pairs.counted(f"letters_{name}") + silent, 1)
        sides.append(np.minimum(1.0, (pairs.counted(f"only_{name}") + other + silent) / letters))
    return np.stack(sides, axis=1)


@dataclass(frozen=True)
class Thresholds:
    """What two documents must reach to be variants of one; all figures are exact."""

    min_jaccard: float
    min_containment: float
    min_part: int  # shingles of a part, below which it is never called contained
    min_skeleton: float
    min_skeleton_size: int  # skeleton shingles of each, below which nothing is called rewritten
    min_aligned: float  # share of the letters of noisy copies; above 1, none are looked for
    max_lost: float  # share of a document's letters that the one it is dropped for may lack
    joins_forms: bool = False  # instances of one form count as one document

    def classify(self, pairs: VerifiedPairs) -> Classified:
        """Return what pairs are to each other; each answer is worked out once, when it is asked for."""
        return Classified(pairs, self)


@dataclass(frozen=True, eq=False)
class Classified:
    """What each of n verified pairs is by some thresholds, and by which figure."""

    pairs: VerifiedPairs
    limits: Thresholds

    # ------------------------------------------------------------------ alike by shingles

    @cached_property
    def framed(self) -> Bools:
        """Tell where one of the two has boilerplate: bool[n]."""
        return np.asarray((self.pairs.non_boilerplate[:, 1:] < self.pairs.counts[:, 0, 1:]).any(axis=1))

    @cached_property
    def judged_without(self) -> Bools:
        """Tell where enough of both is no boilerplate: bool[n]."""
        own, sizes = self.pairs.non_boilerplate[:, 1:], self.pairs.counts[:, 0, 1:]
        share = (own / np.maximum(sizes, 1)).min(axis=1)
        return (own.min(axis=1) >= self.limits.min_part) & (share >= MIN_OWN_SHARE)

    @cached_property
    def deciding_jaccard(self) -> Floats:
        """Return the Jaccard that is compared: without boilerplate, where enough else is left: float64[n]."""
        own = self.framed & self.judged_without
        return np.where(own, self.pairs.discounted_jaccard, self.pairs.jaccard)

    @cached_property
    def line(self) -> Floats:
        """Return what that Jaccard must reach: float64[n], more for texts of mostly boilerplate."""
        strict = self.framed & ~self.judged_without
        return np.where(strict, max(self.limits.min_jaccard, MIN_JACCARD_OF_FRAMES), self.limits.min_jaccard)

    @cached_property
    def alike(self) -> Bools:
        """Tell which pairs are near-duplicates by their shingles, boilerplate aside: bool[n]."""
        return self.deciding_jaccard >= self.line

    @cached_property
    def rewritten(self) -> Bools:
        """Tell which pairs are similar by their skeletons but not by their shingles: bool[n].

        Texts that share a passage word for word are alike in both views to the same degree, so the
        skeleton must exceed the Jaccard by two of its standard errors.  A skeleton must also speak for
        its text: at least one shingle of it to 20 of the letters.
        """
        sizes = self.pairs.skeleton[:, 1:]
        fewer = sizes.min(axis=1)
        sparse = (self.pairs.counts[:, 0, 1:] > 20 * sizes).any(axis=1)
        s = self.pairs.skeleton_jaccard
        more = s - self.pairs.jaccard >= 2 * np.sqrt(s * (1 - s) / np.maximum(fewer, 1))
        enough = (fewer >= self.limits.min_skeleton_size) & ~sparse
        enough &= ~self.framed | self.judged_without
        return enough & (s >= self.limits.min_skeleton) & more

    # ------------------------------------------------------------------ full of errors

    @cached_property
    def by_letters(self) -> ByLetters:
        """Return what the pairs are by an alignment of their letters."""
        return ByLetters(self.pairs, self.limits.min_aligned)

    @cached_property
    def worth_aligning(self) -> Bools:
        """Tell which pairs are worth aligning by letters, once those worth reading were read: bool[n].

        They are about as long as each other, and their words show errors, or differ as instances of a
        form or noisy copies do, or they share too little to be read.
        """
        unread = ~self.worth_reading & ~in_frames(self.pairs)
        doubtful = noisy(self.pairs) | unread | (self.alike & self.of_one_form)
        return about_as_long(self.pairs) & doubtful & (self.limits.min_aligned <= 1)

    @cached_property
    def worth_placing(self) -> Bools:
        """Tell which pairs may be a whole and a noisy copy of a part, once those worth reading were read."""
        return may_be_noisy_parts(self.pairs) & ~self.reached & (self.limits.min_aligned <= 1)

    @cached_property
    def noisy_part(self) -> Bools:
        """Tell where the shorter text is a noisy copy of a part of the other: bool[n]."""
        return self.by_letters.noisy_part & ~self.alike & ~self.noisy_copy

    @cached_property
    def noisy_copy(self) -> Bools:
        """Tell which pairs are one text and a copy of it with errors, spread as noise is: bool[n]."""
        return np.where(self.alike, self.by_letters.copy_of_alike, self.by_letters.copy_of_unlike)

    @cached_property
    def scanned(self) -> Bools:
        """Tell which noisy copies are not alike by their shingles: bool[n]."""
        return self.noisy_copy & ~self.alike

    @cached_property
    def apart(self) -> Bools:
        """Tell which pairs are known to be two documents: instances of one form, or much alike and no copies.

        A noisy copy of one of the two is none of the other; but where only signs differ, of both.  Where
        words show damage it is not known.
        """
        form = self.of_one_form & (self.pairs.jaccard < 1) & ~damaged_words(self.pairs)
        return np.where(self.related, form, self.by_letters.differ)

    # ------------------------------------------------------------------ part and whole

    @cached_property
    def left_in_right(self) -> Bools:
        """Tell where the left document is part of the right one, in one place of it: bool[n]."""
        return (self._part(0) & self._in_place(0)) | (self.noisy_part & self.by_letters.left_is_shorter)

    @cached_property
    def right_in_left(self) -> Bools:
        """Tell where the right document is part of the left one, in one place of it: bool[n]."""
        return (self._part(1) & self._in_place(1)) | (self.noisy_part & ~self.by_letters.left_is_shorter)

    @cached_property
    def is_part(self) -> Bools:
        """Tell where one of the two is part of the other: bool[n]."""
        return self.left_in_right | self.right_in_left

    def part_share(self, side: int) -> Floats:
        """Return the share of one side's shingles that the other has, boilerplate aside: float64[n]."""
        plain = self.pairs.right_in_left if side else self.pairs.left_in_right
        own = self.pairs.non_boilerplate[:, 0] / np.maximum(self.pairs.non_boilerplate[:, 1 + side], 1)
        return np.where(self.framed, own, plain)

    def _part(self, side: int) -> Bools:
        """Tell where one side, if not too short, is part of the other by shingles: bool[n]."""
        sizes = (self.pairs.size_left, self.pairs.size_right)
        framed = self.framed
        size = np.where(framed, self.pairs.non_boilerplate[:, 1 + side], sizes[side])
        enough = (size >= self.limits.min_part) & (~framed | self.judged_without)
        shorter = sizes[side] <= SHORTER * sizes[1 - side]
        return enough & shorter & (self.part_share(side) >= self.limits.min_containment)

    def _in_place(self, side: int) -> Bools:
        """Tell where as large a share of its words is in one place of the other: bool[n]."""
        return 1 - lost(self.pairs)[:, side] >= self.limits.min_containment

    # ------------------------------------------------------------------ what each says alone

    @cached_property
    def of_one_form(self) -> Bools:
        """Tell which pairs are instances of one form, by their content or by their family: bool[n]."""
        own = own_content(self.pairs) >= MIN_OWN_CONTENT
        return (own & ~self.noisy_copy & ~self.noisy_part) | self.pairs.by_family

    @cached_property
    def held(self) -> tuple[Bools, Bools]:
        """Tell where the left document may be dropped for the right one, and the reverse: two bool[n]."""
        damaged = damaged_words(self.pairs) | self.by_letters.shows_noise
        errors = np.where(
            self.by_letters.shows_noise, self.pairs.counted("noise"), self.pairs.counted("damaged")
        )
        same = replaced(self.pairs) <= np.where(damaged, errors, 0)
        same &= numbers(self.pairs) + self.pairs.counted("inserted") == 0
        same &= self.by_letters.shows_noise | (self.pairs.counted("noise") == 0)
        same |= self.limits.max_lost >= 1  # then whatever is of one cluster may go
        most = np.where(damaged, max(self.limits.max_lost, PIECES), self.limits.max_lost)
        left, right = (lost(self.pairs) <= most[:, None]).T
        return left & same, right & same

    # ------------------------------------------------------------------ all of it

    @cached_property
    def worth_reading(self) -> Bools:
        """Tell which pairs are similar enough to be compared word by word: bool[n]."""
        return self.alike | self.rewritten | self._part(0) | self._part(1)

    @cached_property
    def similar(self) -> Bools:
        """Tell which pairs are near-duplicates by their shingles, skeletons or aligned letters: bool[n]."""
        return self.alike | self.scanned | self.rewritten

    @cached_property
    def related(self) -> Bools:
        """Tell which pairs are near, contained or rewritten, whatever their content: bool[n]."""
        return self.similar | self.is_part

    @cached_property
    def reached(self) -> Bools:
        """Tell which pairs are variants of one document: bool[n]."""
        return self.related & (self.limits.joins_forms | ~self.of_one_form)

    @cached_property
    def likeness(self) -> NDArray[np.int8]:
        """Return NEAR, SCANNED, CONTAINED or REWRITTEN for related pairs, the mildest that holds: int8[n]."""
        other = np.where(self.scanned, SCANNED, np.where(self.is_part, CONTAINED, REWRITTEN))
        return np.where(self.alike, NEAR, other).astype(np.int8)

    @cached_property
    def relation(self) -> NDArray[np.int8]:
        """Return the relation of related pairs, with PUNCTUATION and FORM: int8[n]."""
        kind = self.likeness.copy()
        same_letters = (self.pairs.counted("letters_left") > 0) & (self.pairs.counted("places") == 0)
        kind[same_letters & (numbers(self.pairs) == 0)] = PUNCTUATION
        kind[self.of_one_form] = FORM
        return kind

    @cached_property
    def deciding(self) -> tuple[NDArray[np.int8], Floats, Floats]:
        """Return the deciding figure of related pairs (in DECIDING), its value and threshold, [n] each."""
        alike, left = self.alike, self.left_in_right
        part = ~alike & self.is_part
        own = self.framed & self.judged_without
        jaccard = np.where(own, DISCOUNTED_JACCARD, JACCARD)
        containment = np.where(self.framed, DISCOUNTED_CONTAINMENT, CONTAINMENT)
        figure = np.where(alike, jaccard, np.where(part, containment, SKELETON))
        share = np.where(left, self.part_share(0), self.part_share(1))
        value = np.where(alike, self.deciding_jaccard, np.where(part, share, self.pairs.skeleton_jaccard))
        line = np.where(
            alike, self.line, np.where(part, self.limits.min_containment, self.limits.min_skeleton)
        )
        by_letters = self.by_letters
        for rows, aligned in ((self.scanned, by_letters.share), (self.noisy_part, by_letters.part_share)):
            figure[rows], value[rows], line[rows] = ALIGNED, aligned[rows], by_letters.line[rows]
        same = self.relation == PUNCTUATION
        figure[same], value[same], line[same] = LETTERS, 1.0, 1.0
        return figure.astype(np.int8), value, line
