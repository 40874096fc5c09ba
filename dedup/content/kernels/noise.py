"""Words of two texts -> how they differ letter by letter: the compiled twin of noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import BASE, I32, I64, U64, inner, jit
from ...core.pairs import COUNTS, TURNED
from .. import noise
from .alignment import FREE, _fixed_points, block_key, new_table, slot_of_key
from .own_content import _comes_second
from .sign_classes import is_decimal
from .words import WORD_ARRAYS, WordArrays

BLOCK, MOST_CELLS, PASSAGE, SWITCH = noise.BLOCK, noise.MOST_CELLS, noise.PASSAGE, noise.SWITCH
MANY_WRONG = noise.MANY_WRONG
GRAM, STRETCH, DIAGONALS = noise.GRAM, noise.STRETCH, noise.DIAGONALS
ALIKE, LEAST_ALIKE = noise.ALIKE, noise.LEAST_ALIKE
RATES = np.array(noise.RATES, np.int64)
SCORES = np.array(noise.SCORES, np.int64)  # [n_rates, 2]: of a match, of an error
FOREIGN_MATCH, FOREIGN_ERROR = noise.FOREIGN
N_LANES = 16
LANE_SCORES = np.zeros((2, N_LANES), np.int64)  # the same for all rates, of matches and of errors
LANE_SCORES[:, : len(RATES)] = SCORES.T
N_COUNTS = len(COUNTS)
LETTERS_LEFT, LETTERS_RIGHT, ONLY_LEFT, ONLY_RIGHT, PASSAGES, REPLACED, REPEATED, BROKEN = (
    COUNTS.index(name)
    for name in (
        "letters_left",
        "letters_right",
        "only_left",
        "only_right",
        "passages",
        "replaced",
        "repeated",
        "doubtful",
    )
)
NUMBERS, WORDS, PLACES, ERRORS, NOISE, GRAMS_LEFT, GRAMS_RIGHT = (
    COUNTS.index(name)
    for name in ("numbers", "words", "places", "errors", "noise", "grams_left", "grams_right")
)
NONE = -1
ERROR, FOREIGN, ALWAYS, MOSTLY, DIGITS, CHANGED = 1, 2, 4, 8, 16, 32  # of a column of an alignment


def noise_of_pairs(texts: WordArrays, pairs: NDArray[np.int32], whole: bool = True) -> NDArray[np.int64]:
    """Words of texts, pairs int32[m, 2] of them -> counts int64[m, 21] of how they differ by letters.

    With `whole` false only the first words of each are compared; see noise.first_words.
    """
    counts = np.zeros((len(pairs), N_COUNTS), np.int64)
    turned = _comes_second(texts.text, texts.key, pairs)
    _noise_of_pairs(texts, np.where(turned[:, None], pairs[:, ::-1], pairs), whole, counts)
    counts[turned] = counts[turned][:, TURNED]
    return counts


@jit(WORD_ARRAYS, "int32[:,:]", "bool", "int64[:,:]")
def _noise_of_pairs(texts, pairs, whole, all_counts):  # type: ignore[no-untyped-def]
    text = texts.text
    way = np.empty(1 << 16, np.uint8)
    for p in range(len(pairs)):
        x, x_end = text[pairs[p, 0]], text[pairs[p, 0] + 1]
        y, y_end = text[pairs[p, 1]], text[pairs[p, 1] + 1]
        if not whole:
            x_end, y_end = end_of_first_words(texts, x, x_end), end_of_first_words(texts, y, y_end)
        way = compare(texts, x, x_end, y, y_end, all_counts[p], way)


@inner
def end_of_first_words(texts, x, x_end):  # type: ignore[no-untyped-def]
    """-> where the words end in which the first letters of a text stand."""
    start, end = texts.start, x
    while end < x_end and (end == x or start[end] - start[x] < STRETCH):
        end += 1
    return end


@inner
def compare(texts, x, x_end, y, y_end, counts, way):  # type: ignore[no-untyped-def]
    """Count how words x..x_end - 1 and y..y_end - 1 differ by letters -> room for alignments."""
    start = texts.start
    a, b = texts.letters[start[x] : start[x_end]], texts.letters[start[y] : start[y_end]]
    keys_a, keys_b = letter_keys(a), letter_keys(b)
    partner, way = _aligned(a, keys_a, b, keys_b, way)
    columns, flags = _columns(a, b, partner)
    rate = _explained(flags)
    spans_a, spans_b = _spans(start[x : x_end + 1], columns, 0), _spans(start[y : y_end + 1], columns, 1)
    _mark_recurring(texts.key[x:x_end], spans_a, a, b, columns, 0, flags)
    _mark_recurring(texts.key[y:y_end], spans_b, b, a, columns, 1, flags)
    counts[:] = 0
    counts[LETTERS_LEFT], counts[LETTERS_RIGHT] = len(a), len(b)
    counts[WORDS] = min(x_end - x, y_end - y)
    counts[BROKEN] = max(_broken(spans_a, flags), _broken(spans_b, flags))
    counts[GRAMS_LEFT], counts[GRAMS_RIGHT] = _n_grams(keys_a), _n_grams(keys_b)
    _count(flags, columns, rate, counts)
    return way


@inner
def _n_grams(x):  # type: ignore[no-untyped-def]
    """Keys of letters -> how many of 10,000 GRAM in a row are different."""
    n = 0
    keys, _, shift = new_table(len(x))
    for i in range(len(x) - GRAM + 1):
        key = block_key(x, i, GRAM)
        slot = slot_of_key(keys, shift, key)
        n += keys[slot] == FREE
        keys[slot] = key
    return 10_000 * n // max(1, len(x) - GRAM + 1)


# ------------------------------------------------------------------ the alignment


@inner
def _aligned(a, keys_a, b, keys_b, way):  # type: ignore[no-untyped-def]
    """Letters and keys of two texts -> the letter of the right one, or NONE, for each of the left; room."""
    partner = np.full(len(a), NONE, I32)
    points = _fixed_points(keys_a, 0, len(a), keys_b, 0, len(b), BLOCK, 1)
    i = j = I64(0)
    for n in range(len(points) + 1):
        last = n == len(points)
        p, q = (I64(len(a)), I64(len(b))) if last else (I64(points[n, 0]), I64(points[n, 1]))
        if p >= i and q >= j:
            cells = (p - i) * (q - j)
            if cells > len(way) and cells <= MOST_CELLS:
                way = np.empty(2 * cells, np.uint8)
            if cells <= MOST_CELLS:
                _between(a, i, p, b, j, q, partner, way)
            i, j = p, q
        elif p - i != q - j:
            continue
        while not last and i < p + BLOCK:
            partner[i] = j
            i, j = i + 1, j + 1
    return partner, way


@inner
def letter_keys(letters):  # type: ignore[no-untyped-def]
    """Letters -> numbers that make good keys of blocks, uint64[n]."""
    out = np.empty(len(letters), U64)
    for i in range(len(letters)):
        out[i] = (U64(letters[i]) + U64(1)) * BASE
    return out


@inner
def _between(a, i1, i2, b, j1, j2, partner, way):  # type: ignore[no-untyped-def]
    """Align a[i1:i2] and b[j1:j2] with the fewest errors; see noise._between."""
    n, m = i2 - i1, j2 - j1
    if n == 0 or m == 0:
        return
    cost = np.empty(m + 1, I32)
    for j in range(m + 1):
        cost[j] = j
    for i in range(n):
        before, left = cost[0], I32(i + 1)
        letter = a[i1 + i]
        cost[0] = left
        for j in range(m):
            above = cost[j + 1]
            best, step = before + (letter != b[j1 + j]), 0
            if above + 1 < best:
                best, step = above + 1, 1
            if left + 1 < best:
                best, step = left + 1, 2
            before, left = above, I32(best)
            cost[j + 1] = best
            way[i * m + j] = step
    i, j = n - 1, m - 1
    while i >= 0 and j >= 0:
        step = way[i * m + j]
        if step == 0:
            partner[i1 + i] = j1 + j
        i -= step != 2
        j -= step != 1


@inner
def _columns(a, b, partner):  # type: ignore[no-untyped-def]
    """-> the columns int32[n, 2] of an alignment, and what each is, uint8[n]."""
    columns = np.empty((len(a) + len(b), 2), I32)
    flags = np.empty(len(a) + len(b), np.uint8)
    n = i = j = 0
    while i < len(a) or j < len(b):
        if i < len(a) and partner[i] == NONE:
            columns[n, 0], columns[n, 1], flags[n] = i, NONE, ERROR
            i += 1
        elif i == len(a) or j < partner[i]:
            columns[n, 0], columns[n, 1], flags[n] = NONE, j, ERROR
            j += 1
        else:
            columns[n, 0], columns[n, 1] = i, j
            wrong = a[i] != b[j]
            flags[n] = wrong * ERROR
            if is_decimal(a[i]) and is_decimal(b[j]):
                flags[n] |= DIGITS | wrong * CHANGED
            i, j = i + 1, j + 1
        n += 1
    return columns[:n], flags[:n]


# ------------------------------------------------------------------ what explains it


@inner
def _explained(flags):  # type: ignore[no-untyped-def]
    """Mark the columns that are foreign -> the rate of errors of the others; see noise.explain."""
    same, foreign = np.zeros(N_LANES, I64), np.full(N_LANES, -SWITCH, I64)
    for at in range(len(flags)):
        wrong = flags[at] & ERROR
        step = FOREIGN_ERROR if wrong else FOREIGN_MATCH
        for r in range(N_LANES):  # subtle: as many as fill whole vectors
            one, other = same[r], foreign[r]
            same[r] = max(one, other - SWITCH) + LANE_SCORES[wrong, r]
            foreign[r] = max(other, one - SWITCH) + step
    best = 0
    for r in range(1, len(RATES)):
        if max(same[r], foreign[r]) > max(same[best], foreign[best]):
            best = r
    _mark_foreign(flags, SCORES[best, 0], SCORES[best, 1])
    return RATES[best]


@inner
def _mark_foreign(flags, match, error):  # type: ignore[no-untyped-def]
    """Mark the columns that are foreign in the likeliest sequence of states."""
    turned = np.empty((len(flags), 2), np.bool_)
    same, foreign = I64(0), I64(-SWITCH)
    for at in range(len(flags)):
        wrong = flags[at] & ERROR != 0
        turned[at, 0], turned[at, 1] = foreign - SWITCH > same, same - SWITCH > foreign
        one, other = same, foreign
        same = max(one, other - SWITCH) + (error if wrong else match)
        foreign = max(other, one - SWITCH) + (FOREIGN_ERROR if wrong else FOREIGN_MATCH)
    state = I64(foreign > same)
    for at in range(len(flags) - 1, -1, -1):
        flags[at] |= state * FOREIGN
        state ^= I64(turned[at, state])


@inner
def _spans(start, columns, side):  # type: ignore[no-untyped-def]
    """Where words start, and the last one ends -> where their columns do, int64[n_words + 1]."""
    spans, word = np.zeros(len(start), I64), 0
    for at in range(len(columns)):
        if word + 1 < len(start) and columns[at, side] == start[word + 1] - start[0] - 1:
            word += 1
            spans[word] = at + 1
    return spans


@inner
def _mark_recurring(word_keys, spans, a, b, columns, side, flags):  # type: ignore[no-untyped-def]
    """Mark the columns of words that differ in the same way twice or more, always or mostly."""
    words, stands, by_word = new_table(len(word_keys))
    readings, differs, by_reading = new_table(len(word_keys))
    for go in range(2):
        for word in range(len(word_keys)):
            as_read, as_it_is = U64(1), U64(1)
            for at in range(spans[word], spans[word + 1]):
                i, j = columns[at, side], columns[at, 1 - side]
                if i != NONE:
                    as_it_is = (as_it_is + U64(a[i])) * BASE
                if j != NONE:
                    as_read = (as_read + U64(b[j])) * BASE
            of_word = word_keys[word] if word_keys[word] != FREE else U64(1)
            of_reading = (of_word + as_read) * BASE
            of_reading = of_reading if of_reading != FREE else U64(1)
            at_word = slot_of_key(words, by_word, of_word)
            at_reading = slot_of_key(readings, by_reading, of_reading)
            if go == 0:
                stands[2 * at_word] = 1 if words[at_word] == FREE else stands[2 * at_word] + 1
                words[at_word] = of_word
                if as_read != as_it_is:
                    known = readings[at_reading] != FREE
                    differs[2 * at_reading] = differs[2 * at_reading] + 1 if known else 1
                    readings[at_reading] = of_reading
            elif as_read != as_it_is:
                times = differs[2 * at_reading]
                if times > 1 and 2 * times >= stands[2 * at_word]:
                    always = times == stands[2 * at_word]
                    for at in range(spans[word], spans[word + 1]):
                        flags[at] |= MOSTLY | ALWAYS if always else MOSTLY


@inner
def _broken(spans, flags):  # type: ignore[no-untyped-def]
    """Count the errors in words of which most letters are wrong."""
    total = I64(0)
    for word in range(len(spans) - 1):
        wrong = I64(0)
        for at in range(spans[word], spans[word + 1]):
            wrong += flags[at] & (ERROR | FOREIGN) == ERROR
        if wrong >= MANY_WRONG and 2 * wrong > spans[word + 1] - spans[word]:
            total += wrong
    return total


@inner
def _count(flags, columns, rate, counts):  # type: ignore[no-untyped-def]
    """Count what the columns of an alignment are."""
    n_digits = n_changed = I64(0)
    n, m = I64(0), I64(0)
    for at in range(len(flags)):
        flag = flags[at]
        n_digits += flag & DIGITS != 0
        n_changed += flag & CHANGED != 0
        counts[ERRORS] += flag & ERROR
        if flag & FOREIGN:
            n, m = n + (columns[at, 0] != NONE), m + (columns[at, 1] != NONE)
        elif flag & ERROR and not flag & DIGITS:
            counts[REPLACED if flag & ALWAYS else NOISE] += 1
            counts[REPEATED] += flag & MOSTLY != 0
        if flag & FOREIGN and (at + 1 == len(flags) or not flags[at + 1] & FOREIGN):
            smaller = min(n, m)
            counts[REPLACED if smaller < PASSAGE else PASSAGES] += smaller
            counts[ONLY_LEFT], counts[ONLY_RIGHT] = (
                counts[ONLY_LEFT] + n - smaller,
                counts[ONLY_RIGHT] + m - smaller,
            )
            n = m = I64(0)
    counts[PLACES] = counts[ERRORS]
    expected = rate * n_digits
    excess = 1000 * n_changed - expected
    if excess > 0 and excess * excess > 9000 * expected:
        counts[NUMBERS] = (excess // 1000 + 1) // 2


# ------------------------------------------------------------------ a quick test


def begin_alike(texts: WordArrays, pairs: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Words of texts, pairs int32[m, 2] of them -> bool[m]: see noise.begin_alike."""
    out: NDArray[np.bool_] = _alike(texts, pairs, False)
    return out


def end_alike(texts: WordArrays, pairs: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Words of texts, pairs int32[m, 2] of them -> bool[m]: see noise.end_alike."""
    out: NDArray[np.bool_] = _alike(texts, pairs, True)
    return out


@jit(WORD_ARRAYS, "int32[:,:]", "bool")
def _alike(texts, pairs, at_end):  # type: ignore[no-untyped-def]
    text, start = texts.text, texts.start
    out = np.zeros(len(pairs), np.bool_)
    votes = np.zeros(2 * STRETCH // DIAGONALS + 2, I32)
    for p in range(len(pairs)):
        a, a_end = start[text[pairs[p, 0]]], start[text[pairs[p, 0] + 1]]
        b, b_end = start[text[pairs[p, 1]]], start[text[pairs[p, 1] + 1]]
        skipped = max(0, min(a_end - a, b_end - b) - STRETCH) if at_end else 0
        a, b = a + skipped, b + skipped
        n, m = min(STRETCH, a_end - a), min(STRETCH, b_end - b)
        x, y = letter_keys(texts.letters[a : a + n]), letter_keys(texts.letters[b : b + m])
        keys, values, shift = new_table(n)
        n_once, shorter = 0, max(1, min(n, m))
        for i in range(n - GRAM + 1):
            key = block_key(x, i, GRAM)
            slot = slot_of_key(keys, shift, key)
            n_once += keys[slot] == FREE
            n_once -= keys[slot] != FREE and values[2 * slot] != NONE
            values[2 * slot] = i if keys[slot] == FREE else NONE
            keys[slot] = key
        votes[:] = 0
        for j in range(m - GRAM + 1):
            i = values[2 * slot_of_key(keys, shift, block_key(y, j, GRAM))]
            if i != NONE:
                votes[(i - j + STRETCH) // DIAGONALS] += 1
        for d in range(len(votes) - 1):
            common = shorter - abs((d + 1) * DIAGONALS - STRETCH)
            least = max(LEAST_ALIKE, n_once * common // (ALIKE * shorter))
            out[p] |= votes[d] + votes[d + 1] >= least
    return out
