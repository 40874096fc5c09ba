"""Pairs of texts -> what each says that the other does not: the compiled twin of content."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import BASE, I64, U64, inner, jit
from ...core.pairs import COUNTS, TURNED
from ...text.kernels.utf8 import fmix64
from .. import own_content, unmatched
from ..words import word_key as word_key_of
from .alignment import FREE, differences, has_decimal, new_table, slot_of_key
from .lookalikes import DAMAGED as DAMAGE
from .lookalikes import STEM
from .sign_classes import is_decimal
from .signs import changed_marks
from .unmatched import all_decimal, is_in, is_passage, n_letters, respelled, rest_for, room, sides_of, sift
from .words import WORD_ARRAYS, WordArrays

NUMBER_WORDS, NUMBER_MORE, APART = own_content.NUMBER_WORDS, own_content.NUMBER_MORE, own_content.APART
STEMMED, STEMMED_SHARE = own_content.STEMMED, own_content.STEMMED_SHARE
RECURS, SMALL_SHARE = own_content.RECURS, own_content.SMALL_SHARE
NAME_SHARE = own_content.NAME_SHARE
MANY_SMALL, SMALL_WORDS, N_SLOTS = own_content.MANY_SMALL, own_content.SMALL_WORDS, own_content.N_SLOTS
SLOT_TIMES, SLOT_MORE = unmatched.SLOT_TIMES, unmatched.SLOT_MORE
ADDED, SPELLED, PASSAGES, REPLACED = (
    unmatched.ADDED,
    unmatched.SPELLED,
    unmatched.PASSAGES,
    unmatched.REPLACED,
)
N_COUNTS = len(COUNTS)
(
    LETTERS_LEFT,
    LETTERS_RIGHT,
    ONLY_LEFT,
    ONLY_RIGHT,
    IN_PASSAGES,
    IN_WORDS,
    LOPSIDED,
    NUMBERS,
    DOUBTFUL,
    DOUBTFUL_NUMBERS,
    REPEATED,
    INSERTED,
    DAMAGED,
    WORDS,
    PLACES,
    SILENT_LEFT,
    SILENT_RIGHT,
    *_,
) = range(N_COUNTS)
_NUMERALS = np.array(sorted(map(ord, unmatched.HAN_NUMERALS)), np.int32)
_HAN_NEGATIONS = np.array(sorted(map(ord, own_content.HAN_NEGATIONS)), np.int32)
_NEGATIONS = np.sort(np.array([word_key_of(word) for word in own_content.NEGATIONS], np.uint64))
(  # what is counted over the places of a pair
    LAST_NUMBER,
    SMALL_PLACES,
    NEGATED,
    STEMS,
    SLOTS,
    UNTOLD,
    INSERTIONS,
    MOST_INSERTED,
    LETTERS_INSERTED,
    LOPSIDED_PLACES,
) = range(10)


def content_of_pairs(
    texts: WordArrays, pairs: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Words of texts, pairs int32[m, 2] of them -> (counts int64[m, 21], slots uint32[m, 4, 4])"""
    counts = np.zeros((len(pairs), N_COUNTS), np.int64)
    slots = np.zeros((len(pairs), N_SLOTS, 4), np.uint32)
    turned = _comes_second(texts.text, texts.key, pairs)
    pairs = np.where(turned[:, None], pairs[:, ::-1], pairs)
    _content_of_pairs(texts, pairs, counts, slots)
    counts[turned] = counts[turned][:, TURNED]
    slots[turned] = slots[turned][:, :, [0, 1, 3, 2]]
    return counts, slots


@jit("int64[:]", "uint64[:]", "int32[:,:]")
def _comes_second(
    text: NDArray[np.int64], key: NDArray[np.uint64], pairs: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Where the words of texts begin, their keys -> bool[m]: see `content.comes_second`."""
    out = np.zeros(len(pairs), np.bool_)
    for p in range(len(pairs)):
        i, i_end, j, j_end = (
            text[pairs[p, 0]],
            text[pairs[p, 0] + 1],
            text[pairs[p, 1]],
            text[pairs[p, 1] + 1],
        )
        while i < i_end and j < j_end and key[i] == key[j]:
            i, j = i + 1, j + 1
        out[p] = i < i_end and (j == j_end or key[i] > key[j])
    return out


@jit(WORD_ARRAYS, "int32[:,:]", "int64[:,:]", "uint32[:,:,:]")
def _content_of_pairs(texts, pairs, all_counts, all_slots):  # type: ignore[no-untyped-def]
    text, start, key = texts.text, texts.start, texts.key
    scratch, so_far = room(), np.zeros(10, I64)
    for p in range(len(pairs)):
        left, right, counts, slots = pairs[p, 0], pairs[p, 1], all_counts[p], all_slots[p]
        x, x_end, y, y_end = text[left], text[left + 1], text[right], text[right + 1]
        counts[LETTERS_LEFT], counts[LETTERS_RIGHT] = (
            _own_letters(texts, x, x_end),
            _own_letters(texts, y, y_end),
        )
        counts[WORDS] = min(x_end - x, y_end - y)
        starts = start[x : x_end + 1], start[y : y_end + 1]
        found = differences(key[x:x_end], starts[0], key[y:y_end], starts[1], texts.letters, scratch.table)
        counts[PLACES] = len(found)
        counts[DOUBTFUL_NUMBERS] = changed_marks(texts, left, right, found)
        if len(found) == 0:
            continue
        sides = sides_of(texts, found, left, right)
        counts[SILENT_LEFT], counts[SILENT_RIGHT] = sides.silent[0], sides.silent[1]
        rest, insertions = rest_for(sides), new_table(2 * len(found))
        lopsided = np.empty(len(found), U64), np.empty(len(found), I64)
        so_far[:] = 0
        so_far[LAST_NUMBER], n_damage = -1 - APART, I64(0)
        for d in range(len(found)):
            one = sides.left[sides.left_start[d] : sides.left_start[d + 1]]
            other = sides.right[sides.right_start[d] : sides.right_start[d + 1]]
            before = n_damage
            n, m, doubtful, n_damage, stems = sift(texts, one, other, rest, n_damage, scratch)
            so_far[STEMS] += stems
            kind = _counted(texts, found[d], rest, n, m, doubtful, lopsided, counts, so_far)
            if kind == ADDED and n_damage == before:
                if n:
                    side, words, place = 0, rest.left[:n], (x + found[d, 0], x + found[d, 1], x, x_end)
                else:
                    side, words, place = 1, rest.right[:m], (y + found[d, 2], y + found[d, 3], y, y_end)
                _note_insertion(texts, words, side, place, insertions, so_far)
                counts[DOUBTFUL_NUMBERS] += _is_number_more(texts, words, place)
                continue
            if kind == SPELLED or kind == PASSAGES:
                so_far[UNTOLD] += 1
            elif so_far[SLOTS] < N_SLOTS:
                slot = slots[so_far[SLOTS]]
                _frame(key, x, x_end, y, y_end, found[d], slot)
                if n + doubtful or m + doubtful:
                    slot[2] = _text_key(key, rest.left, n + doubtful) >> U64(32)
                    slot[3] = _text_key(key, rest.right, m + doubtful) >> U64(32)
                else:
                    so_far[UNTOLD] += n_damage - before > 1
                    slot[2] = fmix64(BASE + rest.one[before]) >> U64(32)
                    slot[3] = fmix64(BASE + rest.other[before]) >> U64(32)
            so_far[SLOTS] += 1
        if so_far[UNTOLD] or so_far[STEMS] or sides.moved[0] or so_far[SLOTS] > N_SLOTS:
            slots[:] = 0
        _count_damage(rest, n_damage, counts)
        _count_renamed(lopsided, so_far[LOPSIDED_PLACES], counts)
        small, most = so_far[INSERTIONS], so_far[MOST_INSERTED]
        n_words = counts[WORDS]
        taken_out = small >= MANY_SMALL and n_words <= SMALL_SHARE * small and 5 * small < 4 * n_words
        if most >= RECURS and (not taken_out or NAME_SHARE * most >= small):
            counts[INSERTED] = most * so_far[LETTERS_INSERTED]
        if so_far[SMALL_PLACES] < max(MANY_SMALL, 4 * so_far[NEGATED]):
            counts[DOUBTFUL_NUMBERS] += so_far[NEGATED]


@inner
def _own_letters(texts, first, last):  # type: ignore[no-untyped-def]
    """Letters of the words first..last - 1 that are no boilerplate."""
    n = texts.start[last] - texts.start[first]
    for i in range(first, last):
        if texts.framed[i]:
            n -= texts.start[i + 1] - texts.start[i]
    return n


@inner
def _counted(texts, place, rest, n, m, n_doubtful, lopsided, counts, so_far):  # type: ignore[no-untyped-def]
    """What is left of one place, counted -> its kind."""
    start, letters = texts.start, texts.letters
    one, other = n_letters(start, rest.left, n + n_doubtful), n_letters(start, rest.right, m + n_doubtful)
    smaller = min(one, other)
    counts[ONLY_LEFT] += one - smaller
    counts[ONLY_RIGHT] += other - smaller
    if smaller == 0:
        if 0 < n + m + 2 * n_doubtful <= SMALL_WORDS:
            so_far[SMALL_PLACES] += 1
            so_far[NEGATED] += _denies(texts, rest.left, n + n_doubtful) or _denies(
                texts, rest.right, m + n_doubtful
            )
        return ADDED
    if respelled(letters, start, rest.left, n + n_doubtful, rest.right, m + n_doubtful):
        return SPELLED
    if is_passage(letters, start, rest.left, n + n_doubtful) and is_passage(
        letters, start, rest.right, m + n_doubtful
    ):
        counts[IN_PASSAGES] += smaller
        return PASSAGES
    if max(one, other) > SLOT_TIMES * smaller + SLOT_MORE:
        at = so_far[LOPSIDED_PLACES]
        mine = _text_key(texts.key, rest.left, n + n_doubtful)
        lopsided[0][at] = fmix64(mine * BASE + _text_key(texts.key, rest.right, m + n_doubtful))
        lopsided[1][at] = smaller
        so_far[LOPSIDED_PLACES] += 1
        so_far[UNTOLD] += 1
        return REPLACED
    counts[IN_WORDS] += min(n_letters(start, rest.left, n), n_letters(start, rest.right, m))
    other_number = False
    for i in range(n_doubtful):
        a, b = rest.left[n + i], rest.right[m + i]
        counts[DOUBTFUL] += min(start[a + 1] - start[a], start[b + 1] - start[b])
        if has_decimal(letters, start[a], start[a + 1]) and has_decimal(letters, start[b], start[b + 1]):
            other_number = True
    if max(n, m) + n_doubtful <= NUMBER_WORDS and abs(n - m) <= NUMBER_MORE:
        is_sure = _other_number(texts, rest.left, n, rest.right, m)
        if is_sure or other_number:
            if place[0] - so_far[LAST_NUMBER] > APART:
                counts[NUMBERS if is_sure else DOUBTFUL_NUMBERS] += 1
            so_far[LAST_NUMBER] = place[1]
    return REPLACED


@inner
def _next_numeral(texts, words, n, i, j):  # type: ignore[no-untyped-def]
    """The next digit or Han numeral from letter j of word i on -> (it or 0, word, letter after it)."""
    while i < n:
        begin, end = texts.start[words[i]], texts.start[words[i] + 1]
        while begin + j < end:
            c = texts.letters[begin + j]
            j += 1
            if is_decimal(c) or is_in(c, _NUMERALS):
                return I64(c), i, j
        i, j = i + 1, 0
    return I64(0), i, 0


@inner
def _other_number(texts, left, n, right, m):  # type: ignore[no-untyped-def]
    """Whether both sides have numerals, and not the same."""
    one, i, j = _next_numeral(texts, left, n, 0, 0)
    other, p, q = _next_numeral(texts, right, m, 0, 0)
    if one == 0 or other == 0:
        return False
    while one == other and one != 0:
        one, i, j = _next_numeral(texts, left, n, i, j)
        other, p, q = _next_numeral(texts, right, m, p, q)
    return one != other


@inner
def _denies(texts, words, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        key, first = texts.key[words[i]], texts.letters[texts.start[words[i]]]
        if is_in(key, _NEGATIONS) or is_in(first, _HAN_NEGATIONS):
            return True
    return False


@inner
def _frame(key, x, x_end, y, y_end, place, slot):  # type: ignore[no-untyped-def]
    """What stands before and after a place in both texts -> slot[0], slot[1]; 0 where it is not the same."""
    i1, i2, j1, j2 = x + place[0], x + place[1], y + place[2], y + place[3]
    slot[0] = slot[1] = 0
    if i1 - 2 >= x and j1 - 2 >= y and key[i1 - 2] == key[j1 - 2] and key[i1 - 1] == key[j1 - 1]:
        slot[0] = max(U64(1), fmix64(key[i1 - 2] * BASE + key[i1 - 1]) >> U64(32))
    if i2 + 2 <= x_end and j2 + 2 <= y_end and key[i2] == key[j2] and key[i2 + 1] == key[j2 + 1]:
        slot[1] = max(U64(1), fmix64(key[i2] * BASE + key[i2 + 1]) >> U64(32))


@inner
def _text_key(key, words, n):  # type: ignore[no-untyped-def]
    """Words -> 64 bits that stand for them."""
    h = U64(1)
    for i in range(n):
        h = fmix64(h * BASE + key[words[i]])
    return h


@inner
def _note_insertion(texts, words, side, place, table, so_far):  # type: ignore[no-untyped-def]
    """Words that only one side has: counted with the word before them, and with the word after them.

    place: where they begin and end, where their text does.
    """
    n = len(words)
    if not 0 < n <= SMALL_WORDS:
        return
    so_far[INSERTIONS] += 1
    keys, times, shift = table
    begin, end, first, last = place
    key, letters = _text_key(texts.key, words, n) + U64(side), n_letters(texts.start, words, n)
    for which in range(2):
        if (which == 0 and begin == first) or (which == 1 and end == last):
            continue
        beside = texts.key[end] if which else texts.key[begin - 1]
        h = max(U64(1), fmix64(key * BASE + beside) + U64(which))
        at = slot_of_key(keys, shift, h)
        count = 1 if keys[at] == FREE else times[2 * at] + 1
        keys[at], times[2 * at] = h, count
        if count > so_far[MOST_INSERTED]:
            so_far[MOST_INSERTED], so_far[LETTERS_INSERTED] = count, letters
        elif count == so_far[MOST_INSERTED]:
            so_far[LETTERS_INSERTED] = max(so_far[LETTERS_INSERTED], letters)


@inner
def _is_number_more(texts, words, place):  # type: ignore[no-untyped-def]
    """See content.is_number_more."""
    begin, end, first, last = place
    letters, start = texts.letters, texts.start
    if (
        not 0 < len(words) <= NUMBER_WORDS
        or begin == first
        or end == last
        or not all_decimal(letters, start, words, len(words))
    ):
        return False
    return has_decimal(letters, start[begin - 1], start[begin]) and has_decimal(
        letters, start[end], start[end + 1]
    )


@inner
def _count_damage(rest, n, counts):  # type: ignore[no-untyped-def]
    """Pairs of words that are one -> how many different ones are damaged; the letters of those that recur.

    And of stems, where the text is not stemmed.
    """
    keys, times, shift = new_table(n)
    stems = of_stems = 0
    for i in range(n):
        h = max(U64(1), rest.damage[i])
        at = slot_of_key(keys, shift, h)
        if keys[at] == FREE:
            keys[at], times[2 * at] = h, 0
            stems += rest.kind[i] == STEM
        times[2 * at] += 1
    for i in range(n):
        if times[2 * slot_of_key(keys, shift, max(U64(1), rest.damage[i]))] > 1:
            counts[REPEATED] += rest.size[i] if rest.kind[i] == DAMAGE else 0
        else:
            counts[DAMAGED] += rest.kind[i] == DAMAGE
        of_stems += rest.size[i] if rest.kind[i] == STEM else 0
    if stems < STEMMED or STEMMED_SHARE * stems < counts[WORDS]:
        counts[REPEATED] += of_stems


@inner
def _count_renamed(lopsided, n, counts):  # type: ignore[no-untyped-def]
    """Words that stand for many more: where the same do so again, they are a name."""
    key, letters = lopsided
    keys, times, shift = new_table(n)
    for i in range(n):
        at = slot_of_key(keys, shift, max(U64(1), key[i]))
        times[2 * at] = 1 if keys[at] == FREE else times[2 * at] + 1
        keys[at] = max(U64(1), key[i])
    for i in range(n):
        again = times[2 * slot_of_key(keys, shift, max(U64(1), key[i]))] > 1
        counts[IN_WORDS if again else LOPSIDED] += letters[i]
