"""Anchors and letters -> the stretches of some texts that stand in others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I64, jit
from .passages import LETTERS, PLACES, Letters, Places, agree


@jit(LETTERS, LETTERS, PLACES, "int64", "int64", "int64")
def stretches_in_others(
    letters: Letters, others: Letters, places: Places, n_new: int, least: int, max_texts: int
) -> NDArray[np.int64]:
    """Places of anchors -> stretches of texts that stand in others, int64[n, 6].

    Text t of places is that of `letters`, or from `n_new` on t - n_new of `others`.

    Of each: the text, its first letter and the one after its last, another text that has it, where it begins
    there, and how many others have the `least` letters by which it was found.  A stretch is the longest one
    around these; those in more than `max_texts` others are left out.  One may be given more than once.
    """
    out, n = np.empty((256, 6), I64), 0
    for g in range(len(places.indptr) - 1):
        first, last = places.indptr[g], places.indptr[g + 1]
        middle = first
        while middle < last and places.text[middle] < n_new:
            middle += 1
        if middle == last:
            continue
        reached = I64(-1)  # the end of what was found of the text
        for a in range(first, middle):
            t = places.text[a]
            if a > first and t != places.text[a - 1]:
                reached = I64(-1)
            for l in range(places.far[a], places.near[a] - 1, -1):  # noqa: E741
                s = places.position[a] - l
                if s + least > letters.n_letters[t] or s + least <= reached:
                    continue
                n_texts, last_text, before = I64(0), I64(-1), reached
                best, best_length, best_left = 0, I64(0), I64(0)
                for b in range(middle, last):
                    u, at = places.text[b] - n_new, places.position[b] - l
                    if at < 0 or agree(letters, t, s, others, u, at, 1, least) < least:
                        continue
                    n_texts += I64(u != last_text)
                    last_text = I64(u)
                    if best_length == letters.n_letters[t]:
                        continue  # none is longer
                    right = agree(letters, t, s + least, others, u, at + least, 1, I64(1) << 62)
                    left = agree(letters, t, s - 1, others, u, at - 1, -1, I64(1) << 62)
                    if left + right + least > best_length:
                        best, best_length, best_left = b, left + right + least, left
                        reached = max(reached, s + least + right) if n_texts <= max_texts else reached
                if 0 < n_texts <= max_texts:
                    if n == len(out):
                        longer = np.empty((2 * n, 6), I64)
                        longer[:n] = out
                        out = longer
                    out[n, 0], out[n, 1], out[n, 2] = t, s - best_left, s - best_left + best_length
                    out[n, 3], out[n, 4] = places.text[best] - n_new, places.position[best] - l - best_left
                    out[n, 5] = n_texts
                    n += 1
                else:
                    reached = before
    return out[:n].copy()
