"""Two words -> whether one may be the other, damaged: the compiled twin of alike."""

from __future__ import annotations

import numpy as np

from .. import alike as plain
from .alignment import has_decimal
from .jit import U64, inner
from .marks import is_decimal
from .simd import count_bits

SAME, STEM, DAMAGED, DOUBTFUL, OTHER = plain.SAME, plain.STEM, plain.DAMAGED, plain.DOUBTFUL, plain.OTHER
LONGEST, ALIKE, ALIKE_JOINED = plain.LONGEST, plain.ALIKE, plain.ALIKE_JOINED
STEM_ENDING, SHORTEST_STEM = plain.STEM_ENDING, plain.SHORTEST_STEM
_FOLDED = np.array([ord(chr(c).translate(plain.CONFUSED)) for c in range(128)], np.int32)
_JOINED = np.array([[ord(pair[0]), ord(pair[1]), ord(one)] for pair, one in plain.JOINED], np.int32)


@inner
def fold(letters, start, end, out):  # type: ignore[no-untyped-def]
    """A word -> its folded letters in `out`, how many."""
    n, i = 0, start
    while i < end:
        c = letters[i]
        if i + 1 < end:
            joined = False
            for j in range(len(_JOINED)):
                if c == _JOINED[j, 0] and letters[i + 1] == _JOINED[j, 1]:
                    out[n] = _FOLDED[_JOINED[j, 2]]
                    joined = True
                    break
            if joined:
                n, i = n + 1, i + 2
                continue
        out[n] = _FOLDED[c] if c < 128 else c
        n, i = n + 1, i + 1
    return n


@inner
def edits(a, n, b, m, row, substitute):  # type: ignore[no-untyped-def]
    """Letters a[:n], b[:m] -> the fewest edits; without `substitute` an exchange of letters counts as two."""
    for j in range(m + 1):
        row[j] = j
    for i in range(n):
        diagonal, row[0] = row[0], i + 1
        for j in range(m):
            above = row[j + 1]
            if a[i] == b[j]:
                row[j + 1] = diagonal
            else:
                best = min(above, row[j]) + 1
                row[j + 1] = min(best, diagonal + 1) if substitute else best
            diagonal = above
    return row[m]


@inner
def _n_digits(letters, start, end):  # type: ignore[no-untyped-def]
    n = 0
    for i in range(start, end):
        n += is_decimal(letters[i])
    return n


@inner
def same_digits(left, a, a_end, right, b, b_end):  # type: ignore[no-untyped-def]
    """Whether left[a:a_end] and right[b:b_end] have the same digits in the same order."""
    while True:
        while a < a_end and not is_decimal(left[a]):
            a += 1
        while b < b_end and not is_decimal(right[b]):
            b += 1
        if a == a_end or b == b_end:
            return a == a_end and b == b_end
        if left[a] != right[b]:
            return False
        a, b = a + 1, b + 1


@inner
def equal(a, n, b, m):  # type: ignore[no-untyped-def]
    if n != m:
        return False
    for i in range(n):
        if a[i] != b[i]:
            return False
    return True


@inner
def _is_stem(letters, a, n, b, m):  # type: ignore[no-untyped-def]
    """See alike.is_stem."""
    if n < m:
        a, n, b, m = b, m, a, n
    same = 0
    while same < m and letters[a + same] == letters[b + same]:
        same += 1
    ending = n - same
    if m - same > 1:
        return False
    if same >= SHORTEST_STEM:
        return ending <= min(STEM_ENDING, same + 2)
    return same == SHORTEST_STEM - 1 and ending <= 1


@inner
def _has_prefix(letters, a, n, b, m):  # type: ignore[no-untyped-def]
    """See alike._has_prefix."""
    if n < m:
        a, n, b, m = b, m, a, n
    if n < m + 2:
        return False
    for i in range(m):
        if letters[a + n - m + i] != letters[b + i]:
            return False
    return True


@inner
def letter_sets(letters, start, words, sets, room):  # type: ignore[no-untyped-def]
    """Words -> in sets uint64[n, 2] the set of the letters of each and that of its folded letters, as bits.

    A word with digits, or a very long one, has none.
    """
    for w in range(len(words)):
        begin, end = start[words[w]], start[words[w] + 1]
        plain = folded = U64(0)
        for i in range(begin, end):
            plain |= U64(1) << U64(letters[i] & 63)
        if end - begin > LONGEST or has_decimal(letters, begin, end):
            plain = U64(0)
        else:
            for i in range(fold(letters, begin, end, room)):
                folded |= U64(1) << U64(room[i] & 63)
        sets[w, 0], sets[w, 1] = plain, folded


@inner
def far_apart(letters, a, n, b, m, sets_a, sets_b):  # type: ignore[no-untyped-def]
    """Whether two words have so few letters in common that they are not alike for certain: OTHER.

    An insertion changes the set of letters by one at most, an exchange by two.
    """
    plain, other = sets_a[0], sets_b[0]
    both = plain & other
    if plain == 0 or other == 0 or both == plain or both == other or letters[a] == letters[b]:
        return False
    if ALIKE * count_bits(plain ^ other) <= n + m:
        return False
    return count_bits(sets_a[1] ^ sets_b[1]) > 2 * max(1, (max(n, m) + 2) // 3)


@inner
def alike(letters, a, a_end, b, b_end, one, other, row):  # type: ignore[no-untyped-def]
    """Two words that differ -> STEM, DAMAGED, DOUBTFUL or OTHER, see alike.alike; the last three are room."""
    n, m = a_end - a, b_end - b
    longer, shorter = max(n, m), min(n, m)
    if longer > LONGEST:
        return OTHER
    digits_a, digits_b = _n_digits(letters, a, a_end), _n_digits(letters, b, b_end)
    if digits_a or digits_b:
        n_one, n_other = fold(letters, a, a_end, one), fold(letters, b, b_end, other)
        if digits_a == n and digits_b == m:
            near = longer > 1 and longer - shorter <= 1
            return (
                DOUBTFUL
                if near and edits(letters[a:a_end], n, letters[b:b_end], m, row, True) <= 1
                else OTHER
            )
        if equal(one, n_one, other, n_other):
            return DAMAGED
        if digits_a and digits_b:
            if longer > 4 and same_digits(letters, a, a_end, letters, b, b_end):
                near = edits(letters[a:a_end], n, letters[b:b_end], m, row, False)
                return DAMAGED if ALIKE * near <= n + m else OTHER
        elif 3 * (digits_a + digits_b) <= longer:
            if ALIKE * edits(one, n_one, other, n_other, row, False) <= n_one + n_other:
                return DAMAGED
        if shorter <= 1:
            return OTHER
        return DOUBTFUL if edits(one, n_one, other, n_other, row, True) <= max(1, n // 5) else OTHER
    if _is_stem(letters, a, n, b, m):
        return STEM
    if _has_prefix(letters, a, n, b, m):
        return DOUBTFUL
    n_one, n_other = fold(letters, a, a_end, one), fold(letters, b, b_end, other)
    most = max(1, (longer + 2) // 3)
    if abs(n_one - n_other) > most and ALIKE * (longer - shorter) > n + m:
        return OTHER
    if equal(one, n_one, other, n_other):
        return DAMAGED
    if ALIKE * (longer - shorter) <= n + m:
        if ALIKE * edits(letters[a:a_end], n, letters[b:b_end], m, row, False) <= n + m:
            return DAMAGED
    distance = edits(one, n_one, other, n_other, row, True)
    if longer > 1 and distance <= max(1, longer // 5):
        return DAMAGED
    return DOUBTFUL if distance <= most else OTHER
