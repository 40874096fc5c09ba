"""Words of two texts -> the places where they differ: the compiled twin of alignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import BASE, I32, I64, U64, inner
from .. import alignment
from .sign_classes import is_decimal

BLOCK, SMALL, WIDER = alignment.BLOCK, alignment.SMALL, alignment.WIDER
SAMPLED, LONG = alignment.SAMPLED, alignment.LONG
ISLAND, NUMBERS_APART, MOVED = alignment.ISLAND, alignment.NUMBERS_APART, alignment.MOVED
REPEATED = -2  # in a table: the block stands more than once
FREE = U64(0)


@inner
def block_key(x: NDArray[np.uint64], i: int, size: int) -> np.uint64:
    """Words i..i + size - 1 -> 64 bits that stand for the block, never FREE."""
    h = x[i]
    for n in range(1, size):
        h = h * BASE + x[i + n]
    return h if h != FREE else U64(1)


@inner
def new_table(n: int) -> tuple[NDArray[np.uint64], NDArray[np.int32], int]:
    """-> an empty table for n keys: (keys, two values for each, how far a key is shifted to its place)."""
    bits = 4
    while (1 << bits) < 2 * n:
        bits += 1
    return np.zeros(1 << bits, U64), np.full(2 << bits, -1, I32), 64 - bits


@inner
def slot_of_key(keys: NDArray[np.uint64], shift: int, key: np.uint64) -> np.int64:
    """Where a key is in a table, or would be."""
    at = I64((key * BASE) >> U64(shift))
    while keys[at] != FREE and keys[at] != key:
        at = (at + 1) & (len(keys) - 1)
    return at


@inner
def _window(short: NDArray[np.uint64], long: NDArray[np.uint64]) -> tuple[int, int]:
    """See alignment.window."""
    size = min(BLOCK, len(short))
    if size == 0 or len(long) <= WIDER * len(short):
        return 0, len(long)
    mask = U64(SAMPLED - 1 if len(short) >= LONG else 0)
    keys, _, shift = new_table(len(short))
    for i in range(len(short) - size + 1):
        if short[i] & mask == 0:
            key = block_key(short, i, size)
            keys[slot_of_key(keys, shift, key)] = key
    hits, n = np.empty(len(long), I32), 0
    for j in range(len(long) - size + 1):
        if long[j] & mask == 0:
            hits[n] = j
            n += keys[slot_of_key(keys, shift, block_key(long, j, size))] != FREE
    first = most = 0
    start = end = -1
    for last in range(n):
        while hits[last] - hits[first] >= WIDER * len(short):
            first += 1
        if last - first + 1 > most:
            most, start, end = last - first + 1, hits[first], hits[last]
    if most == 0:
        return 0, len(long)
    around = len(short) // 2 + size
    return max(0, start - around), min(len(long), end + size + around)


@inner
def _fixed_points(x, i1, i2, y, j1, j2, size, sampled):  # type: ignore[no-untyped-def]
    """Blocks that stand once in each part -> their places int32[m, 2], the most that rise on both sides."""
    mask, n_keys = U64(sampled - 1), 1
    for i in range(i1, i2):
        n_keys += (x[i] & mask) == 0
    keys, values, shift = new_table(n_keys)
    slots, n_slots = np.empty(n_keys, I32), 0
    for i in range(i1, i2 - size + 1):
        if x[i] & mask:
            continue
        key = block_key(x, i, size)
        at = slot_of_key(keys, shift, key)
        slots[n_slots] = at
        n_slots += 1
        keys[at] = key
        values[2 * at] = i if values[2 * at] == -1 else REPEATED
    for j in range(j1, j2 - size + 1):
        if y[j] & mask:
            continue
        at = slot_of_key(keys, shift, block_key(y, j, size))
        if keys[at] != FREE:
            values[2 * at + 1] = j if values[2 * at + 1] == -1 else REPEATED
    both, n = np.empty((n_keys, 2), I32), 0
    for slot in slots[:n_slots]:
        if values[2 * slot] >= 0 and values[2 * slot + 1] >= 0:
            both[n, 0], both[n, 1] = values[2 * slot], values[2 * slot + 1]
            n += 1
    return _rising(both, n)


@inner
def _rising(both, n):  # type: ignore[no-untyped-def]
    """Pairs of places both[:n], rising on the left -> the most that rise on the right too."""
    falls = 0
    for place in range(1, n):
        falls += both[place, 1] <= both[place - 1, 1]
    if falls == 0:
        return both[:n]
    tails, at, before = np.empty(n, I32), np.empty(n, I32), np.empty(n, I32)
    length = 0
    for place in range(n):
        low, high = 0, length
        while low < high:
            middle = (low + high) >> 1
            if tails[middle] < both[place, 1]:
                low = middle + 1
            else:
                high = middle
        before[place] = at[low - 1] if low else -1
        tails[low], at[low] = both[place, 1], place
        length = max(length, low + 1)
    out = np.empty((length, 2), I32)
    place = at[length - 1] if length else -1
    for n_left in range(length - 1, -1, -1):
        out[n_left, 0], out[n_left, 1] = both[place, 0], both[place, 1]
        place = before[place]
    return out


@inner
def _common(x, i1, i2, y, j1, j2, table, out, n):  # type: ignore[no-untyped-def]
    """A longest common subsequence of two short parts, as runs of one word joined to out[:n] -> n."""
    width = j2 - j1 + 1
    for j in range(width):
        table[(i2 - i1) * width + j] = 0
    for i in range(i2 - i1 - 1, -1, -1):
        table[i * width + width - 1] = 0
        for j in range(width - 2, -1, -1):
            if x[i1 + i] == y[j1 + j]:
                table[i * width + j] = table[(i + 1) * width + j + 1] + 1
            else:
                table[i * width + j] = max(table[(i + 1) * width + j], table[i * width + j + 1])
    i = j = 0
    while i < i2 - i1 and j < j2 - j1:
        if x[i1 + i] == y[j1 + j]:
            n = _add(out, n, i1 + i, j1 + j, 1)
            i, j = i + 1, j + 1
        elif table[(i + 1) * width + j] >= table[i * width + j + 1]:
            i += 1
        else:
            j += 1
    return n


@inner
def _add(out, n, i, j, length):  # type: ignore[no-untyped-def]
    """A run joined to the runs out[:n] -> n."""
    if n and out[n - 1, 0] + out[n - 1, 2] == i and out[n - 1, 1] + out[n - 1, 2] == j:
        out[n - 1, 2] += length
        return n
    out[n, 0], out[n, 1], out[n, 2] = i, j, length
    return n + 1


@inner
def _runs(x: NDArray[np.uint64], y: NDArray[np.uint64], table: NDArray[np.int16]) -> NDArray[np.int32]:
    """Words of two texts -> the runs that match, int32[n, 3]: place on the left, on the right, length."""
    i_first, i_last, j_first, j_last = 0, len(x), 0, len(y)
    if len(x) <= len(y):
        j_first, j_last = _window(x, y)
    else:
        i_first, i_last = _window(y, x)
    out, n = np.empty((min(len(x), len(y)) + 1, 3), I32), 0
    todo, m = np.empty((64, 5), I32), 1  # whether it is a run, its place in both
    todo[0, 0], todo[0, 1], todo[0, 2], todo[0, 3], todo[0, 4] = 0, i_first, i_last, j_first, j_last
    while m:
        m -= 1
        is_run, i1, i2, j1, j2 = todo[m, 0], todo[m, 1], todo[m, 2], todo[m, 3], todo[m, 4]
        if is_run:
            n = _add(out, n, i1, j1, i2 - i1)
            continue
        same = 0
        while i1 + same < i2 and j1 + same < j2 and x[i1 + same] == y[j1 + same]:
            same += 1
        if same:
            n = _add(out, n, i1, j1, same)
            i1, j1 = i1 + same, j1 + same
        same = 0
        while i1 < i2 - same and j1 < j2 - same and x[i2 - same - 1] == y[j2 - same - 1]:
            same += 1
        if same:
            todo[m, 0], todo[m, 1], todo[m, 2], todo[m, 3], todo[m, 4] = 1, i2 - same, i2, j2 - same, j2
            m += 1
            i2, j2 = i2 - same, j2 - same
        if i1 == i2 or j1 == j2:
            continue
        if (i2 - i1) * (j2 - j1) <= SMALL:
            n = _common(x, i1, i2, y, j1, j2, table, out, n)
            continue
        size = BLOCK
        points = _fixed_points(x, i1, i2, y, j1, j2, size, SAMPLED if min(i2 - i1, j2 - j1) >= LONG else 1)
        if len(points) == 0 and min(i2 - i1, j2 - j1) >= LONG:
            points = _fixed_points(x, i1, i2, y, j1, j2, size, 1)
        if len(points) == 0:
            size = 1
            points = _fixed_points(x, i1, i2, y, j1, j2, size, 1)
        if m + 2 * len(points) + 4 > len(todo):
            todo = grown_rows(todo, 2 * len(todo) + 2 * len(points) + 4)
        # what lies between is put on the stack from the last to the first
        begin, i, j, run = m, i1, j1, -1  # run: where one began that may go on
        for k in range(len(points)):
            p, q = points[k, 0], points[k, 1]
            if p >= i and q >= j:
                if run < 0 or p > i or q > j:
                    todo[m, 0], todo[m, 1], todo[m, 2], todo[m, 3], todo[m, 4] = 0, i, p, j, q
                    m, run = m + 1, -1
            elif p - i != q - j:
                continue
            start, start_y = max(i, p), max(j, q)
            i, j = p + size, q + size
            # subtle: only as far as the next point, which may lie elsewhere in the other text
            i_end, j_end = (points[k + 1, 0], points[k + 1, 1]) if k + 1 < len(points) else (i2, j2)
            while i < i_end and j < j_end and x[i] == y[j]:
                i, j = i + 1, j + 1
            if run < 0:
                todo[m, 0], todo[m, 1], todo[m, 3] = 1, start, start_y
                m, run = m + 1, start
            todo[m - 1, 2], todo[m - 1, 4] = i, j
        if len(points):
            todo[m, 0], todo[m, 1], todo[m, 2], todo[m, 3], todo[m, 4] = 0, i, i2, j, j2
            m += 1
        for k in range((m - begin) // 2):
            for c in range(5):
                todo[begin + k, c], todo[m - 1 - k, c] = todo[m - 1 - k, c], todo[begin + k, c]
    return out[:n]


@inner
def grown_rows(rows, size):  # type: ignore[no-untyped-def]
    out = np.empty((size, rows.shape[1]), rows.dtype)
    out[: len(rows)] = rows
    return out


@inner
def differences(
    x: NDArray[np.uint64],
    x_start: NDArray[np.int64],
    y: NDArray[np.uint64],
    y_start: NDArray[np.int64],
    letters: NDArray[np.int32],
    table: NDArray[np.int16],
) -> NDArray[np.int32]:
    """Words of two texts -> the places where they differ, int32[n, 4]: i1, i2, j1, j2.

    x uint64[n] are the keys of words, word i has letters[x_start[i]:x_start[i + 1]]; `table` is room.
    """
    runs = _runs(x, y, table)
    out, n = np.empty((len(runs) + 1, 4), I32), 0
    i = j = 0
    for r in range(len(runs) + 1):
        last = r == len(runs)
        i2, j2 = (len(x), len(y)) if last else (I64(runs[r, 0]), I64(runs[r, 1]))
        i1, j1 = _same_letters(letters, x_start, i, i2, y_start, j, j2)
        i2_, j2_ = _same_letters_at_end(letters, x_start, i1, i2, y_start, j1, j2)
        if i1 < i2_ or j1 < j2_:
            if n and _is_island(letters, x_start, y_start, out[n - 1], i1, i2_, j1, j2_):
                out[n - 1, 1], out[n - 1, 3] = i2_, j2_
            else:
                out[n, 0], out[n, 1], out[n, 2], out[n, 3] = i1, i2_, j1, j2_
                n += 1
        if not last:
            i, j = i2 + runs[r, 2], j2 + runs[r, 2]
    return out[:n]


@inner
def _same_letters(letters, x_start, i1, i2, y_start, j1, j2):  # type: ignore[no-untyped-def]
    """A place -> where what differs begins, behind words that have the same letters in all."""
    a, b, reach = x_start[i1], y_start[j1], 0
    most = min(x_start[i2] - a, y_start[j2] - b)
    while reach < most and letters[a + reach] == letters[b + reach]:
        reach += 1
    i, j, best_i, best_j = i1, j1, i1, j1
    while i < i2 and j < j2:
        end_i, end_j = x_start[i + 1] - a, y_start[j + 1] - b
        if end_i > reach or end_j > reach:
            break
        if end_i == end_j:
            i, j = i + 1, j + 1
            best_i, best_j = i, j
        elif end_i < end_j:
            i += 1
        else:
            j += 1
    return best_i, best_j


@inner
def _same_letters_at_end(letters, x_start, i1, i2, y_start, j1, j2):  # type: ignore[no-untyped-def]
    """The same from the end: where what differs ends."""
    a, b, reach = x_start[i2], y_start[j2], 0
    most = min(a - x_start[i1], b - y_start[j1])
    while reach < most and letters[a - reach - 1] == letters[b - reach - 1]:
        reach += 1
    i, j, best_i, best_j = i2, j2, i2, j2
    while i > i1 and j > j1:
        begin_i, begin_j = a - x_start[i - 1], b - y_start[j - 1]
        if begin_i > reach or begin_j > reach:
            break
        if begin_i == begin_j:
            i, j = i - 1, j - 1
            best_i, best_j = i, j
        elif begin_i < begin_j:
            i -= 1
        else:
            j -= 1
    return best_i, best_j


@inner
def _is_island(letters, x_start, y_start, before, i1, i2, j1, j2):  # type: ignore[no-untyped-def]
    """Whether what lies between two differences is so short that it agrees by chance."""
    island = max(x_start[i1] - x_start[before[1]], y_start[j1] - y_start[before[3]])
    if island >= ISLAND:
        return False
    one = max(x_start[before[1]] - x_start[before[0]], y_start[before[3]] - y_start[before[2]])
    other = max(x_start[i2] - x_start[i1], y_start[j2] - y_start[j1])
    if island <= min(one, other):
        return True
    return island <= NUMBERS_APART and (
        (
            has_decimal(letters, x_start[before[0]], x_start[before[1]])
            or has_decimal(letters, y_start[before[2]], y_start[before[3]])
        )
        and (has_decimal(letters, x_start[i1], x_start[i2]) or has_decimal(letters, y_start[j1], y_start[j2]))
    )


@inner
def has_decimal(letters: NDArray[np.int32], start: int, end: int) -> bool:
    """Whether a digit is among letters[start:end]."""
    for i in range(start, end):
        if is_decimal(letters[i]):
            return True
    return False


@inner
def moved(x, y, found, gone, come):  # type: ignore[no-untyped-def]
    """Sets gone bool[n], come bool[m] where words in differences only stand elsewhere in the other text."""
    n = 0
    for d in range(len(found)):
        n += max(0, found[d, 1] - found[d, 0] - MOVED + 1)
    some = False
    for d in range(len(found)):
        some = some or found[d, 3] - found[d, 2] >= MOVED
    if n == 0 or not some:
        return False
    keys, values, shift = new_table(n)
    for d in range(len(found)):
        for i in range(found[d, 0], found[d, 1] - MOVED + 1):
            key = block_key(x, i, MOVED)
            keys[slot_of_key(keys, shift, key)] = key
    some = False
    for d in range(len(found)):
        for j in range(found[d, 2], found[d, 3] - MOVED + 1):
            at = slot_of_key(keys, shift, block_key(y, j, MOVED))
            if keys[at] != FREE:
                values[2 * at] = 1
                come[j : j + MOVED] = True
                some = True
    if some:
        for d in range(len(found)):
            for i in range(found[d, 0], found[d, 1] - MOVED + 1):
                if values[2 * slot_of_key(keys, shift, block_key(x, i, MOVED))] == 1:
                    gone[i : i + MOVED] = True
    return some
