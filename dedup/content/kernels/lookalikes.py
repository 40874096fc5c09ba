"""Two words -> whether one may be the other, damaged: the compiled twin of alike."""

from __future__ import annotations

import numpy as np

from ...core.jit import I64, U64, copied, inlined, inner
from ...text.kernels.simd import count_bits
from .. import lookalikes as plain
from .alignment import has_decimal
from .sign_classes import is_decimal

SAME, STEM, DAMAGED, DOUBTFUL, OTHER = plain.SAME, plain.STEM, plain.DAMAGED, plain.DOUBTFUL, plain.OTHER
LONGEST, ALIKE, ALIKE_JOINED, SLIP = plain.LONGEST, plain.ALIKE, plain.ALIKE_JOINED, plain.SLIP
STEM_ENDING, SHORTEST_STEM = plain.STEM_ENDING, plain.SHORTEST_STEM
_FOLDED = np.array([ord(chr(c).translate(plain.CONFUSED)) for c in range(128)], np.int32)
_FIRST_HANGUL, _LAST_HANGUL = ord(plain.HANGUL[0]), ord(plain.HANGUL[-1])
_JOINED = np.array([[ord(pair[0]), ord(pair[1]), ord(one)] for pair, one in plain.JOINED], np.int32)
_BEGINS = np.array([c in _JOINED[:, 0] for c in range(128)])  # whether a letter begins one of these pairs


@inlined
def fold(letters, start, end, out):  # type: ignore[no-untyped-def]
    """A word -> its folded letters in `out`, how many."""
    n, i = 0, start
    while i < end:
        c = letters[i]
        if c < 128 and _BEGINS[c] and i + 1 < end:
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


@copied
def edits(a, first_a, n, b, first_b, m, row, substitute, limit):  # type: ignore[no-untyped-def]
    """n letters of a, m of b -> the fewest edits; without `substitute` an exchange of letters counts as two.

    More than `limit`, it is some number above it.  subtle: no parts of arrays are passed on here and below,
    as counting their uses would take longer than the work.
    """
    if abs(n - m) > limit:
        return limit + 1
    if 0 < n <= 64:
        if substitute:
            return _exchanges(a, first_a, n, b, first_b, m)
        return n + m - 2 * _common_letters(a, first_a, n, b, first_b, m)
    for j in range(m + 1):
        row[j] = j
    for i in range(n):
        diagonal, row[0] = row[0], i + 1
        fewest = i + 1
        for j in range(m):
            above = row[j + 1]
            if a[first_a + i] == b[first_b + j]:
                row[j + 1] = diagonal
            else:
                best = min(above, row[j]) + 1
                row[j + 1] = min(best, diagonal + 1) if substitute else best
            fewest = min(fewest, row[j + 1])
            diagonal = above
        if fewest > limit:
            return limit + 1
    return row[m]


@inlined
def _places(a, first, n, letter):  # type: ignore[no-untyped-def]
    """Where a letter is among n <= 64 letters, as bits."""
    found = U64(0)
    for i in range(n):
        found |= U64(a[first + i] == letter) << U64(i)
    return found


@inlined
def _common_letters(a, first_a, n, b, first_b, m):  # type: ignore[no-untyped-def]
    """How long the longest common subsequence is (Hyyro 2004); n <= 64."""
    free = ~U64(0)
    for j in range(m):
        matched = free & _places(a, first_a, n, b[first_b + j])
        free = (free + matched) | (free - matched)
    return count_bits(~free & (~U64(0) >> U64(64 - n)))


@inlined
def _exchanges(a, first_a, n, b, first_b, m):  # type: ignore[no-untyped-def]
    """The Levenshtein distance (Myers 1999, as Hyyro 2003 has it); n <= 64."""
    more, less, distance, last = ~U64(0), U64(0), n, U64(1) << U64(n - 1)
    for j in range(m):
        same = _places(a, first_a, n, b[first_b + j])
        across = (((same & more) + more) ^ more) | same
        above, below = less | ~(across | more), more & across
        distance += I64((above & last) != 0) - I64((below & last) != 0)
        above, below = above << U64(1) | U64(1), below << U64(1)
        more, less = below | ~(same | less | above), above & (same | less)
    return distance


@inlined
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


@inlined
def equal(a, n, b, m):  # type: ignore[no-untyped-def]
    if n != m:
        return False
    for i in range(n):
        if a[i] != b[i]:
            return False
    return True


@inlined
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
    if _FIRST_HANGUL <= letters[b] <= _LAST_HANGUL:
        return same == m and m >= SHORTEST_STEM - 1 and ending <= STEM_ENDING
    if same >= SHORTEST_STEM:
        return ending <= min(STEM_ENDING, same + 2)
    return same == SHORTEST_STEM - 1 and ending <= 1


@inlined
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


@inlined
def few_inserted(n, m, letters, others):  # type: ignore[no-untyped-def]
    """Whether words of n and m letters, with these sets of them, may be DAMAGED by a few insertions.

    An insertion changes the set of letters by one at most.
    """
    return letters == 0 or others == 0 or ALIKE * count_bits(letters ^ others) <= n + m


@inlined
def few_exchanged(n, m, folded, others):  # type: ignore[no-untyped-def]
    """Whether they may be DAMAGED or DOUBTFUL by a few exchanges, each of which changes the set by two."""
    return folded == 0 or others == 0 or count_bits(folded ^ others) <= 2 * max(1, (max(n, m) + 2) // 3)


@inlined
def alike_by_ends(letters, a, n, b, m):  # type: ignore[no-untyped-def]
    """Two words that are neither of these -> STEM, DOUBTFUL or OTHER, as `alike` has it."""
    if letters[a] == letters[b] and _is_stem(letters, a, n, b, m):
        return STEM
    return (
        DOUBTFUL if letters[a + n - 1] == letters[b + m - 1] and _has_prefix(letters, a, n, b, m) else OTHER
    )


@inlined
def alike(letters, a, a_end, b, b_end, inserted, exchanged, one, other, row):  # type: ignore[no-untyped-def]
    """Two words that differ -> STEM, DAMAGED, DOUBTFUL or OTHER, see alike.alike; the last three are room.

    `inserted` and `exchanged`: whether they may differ by `few_inserted` and `few_exchanged` letters.
    """
    n, m = a_end - a, b_end - b
    longer, shorter = max(n, m), min(n, m)
    if longer > LONGEST:
        return OTHER
    digits_a, digits_b = _n_digits(letters, a, a_end), _n_digits(letters, b, b_end)
    if digits_a or digits_b:
        n_one, n_other = fold(letters, a, a_end, one), fold(letters, b, b_end, other)
        if digits_a == n and digits_b == m:
            near = longer > 1 and longer - shorter <= 1
            return DOUBTFUL if near and edits(letters, a, n, letters, b, m, row, True, 1) <= 1 else OTHER
        if equal(one, n_one, other, n_other):
            return DAMAGED
        if digits_a and digits_b:
            if longer > 4 and same_digits(letters, a, a_end, letters, b, b_end):
                near = edits(letters, a, n, letters, b, m, row, False, (n + m) // ALIKE)
                return DAMAGED if ALIKE * near <= n + m else OTHER
        elif 3 * (digits_a + digits_b) <= longer:
            most = (n_one + n_other) // ALIKE
            if edits(one, 0, n_one, other, 0, n_other, row, False, most) <= most:
                return DAMAGED
        if shorter <= 1:
            return OTHER
        most = max(1, n // 5)
        return DOUBTFUL if edits(one, 0, n_one, other, 0, n_other, row, True, most) <= most else OTHER
    if _is_stem(letters, a, n, b, m):
        return STEM
    if _has_prefix(letters, a, n, b, m):
        return DOUBTFUL
    few, most = (n + m) // ALIKE, max(1, (longer + 2) // 3)
    n_one, n_other = fold(letters, a, a_end, one), fold(letters, b, b_end, other)
    if equal(one, n_one, other, n_other):
        return DAMAGED
    if inserted:
        more = edits(letters, a, n, letters, b, m, row, False, few)
        if more <= few:
            return DAMAGED if more <= SLIP else DOUBTFUL
    if not exchanged:
        return OTHER
    distance = edits(one, 0, n_one, other, 0, n_other, row, True, most)
    if longer > 1 and distance <= max(1, longer // 5):
        return DAMAGED
    return DOUBTFUL if distance <= most else OTHER
