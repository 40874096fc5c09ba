"""Texts -> signs of damage; and text that was encoded twice -> the text that was meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import I64, U8, U64, jit
from .simd import LANES, SPECIAL, first_bit, special_mask

TAG, TWICE, ESCAPE, ENTITY, CODE, NOTE = (U8(1 << bit) for bit in range(6))  # the order of repair.REPAIRS
LOOKED_AT = 1 << 16  # bytes in which two characters that were encoded twice must stand
_IS_SPECIAL = np.isin(np.arange(256), list(SPECIAL))


def signs_of_damage(buffer: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """n texts -> uint8[n]: the repairs that each may need, a bit each, in the order of repair.REPAIRS.

    Where a bit is not set, the text does not need that repair for certain.
    """
    found: NDArray[np.uint8] = _signs_of_damage(buffer, starts, _IS_SPECIAL)
    return found


@jit()
def _signs_of_damage(buffer, starts, is_special):  # type: ignore[no-untyped-def]
    out = np.zeros(len(starts) - 1, U8)
    for t in range(len(out)):
        start, end = starts[t], starts[t + 1]
        found, n_twice, n_backslash = U8(0), 0, 0
        amp = semicolon = False
        for first in range(start, end, LANES):
            if first + LANES <= end:
                bits = special_mask(buffer, first)
            else:
                bits = U64(0)
                for i in range(first, end):
                    bits |= U64(is_special[buffer[i]]) << U64(i - first)
            while bits != 0:
                i = first + first_bit(bits)
                bits &= bits - U64(1)
                b = buffer[i]
                if b == 0x3C:
                    found |= TAG
                elif b == 0x26:
                    amp = True
                elif b == 0x3B:
                    semicolon = True
                elif b == 0x5C:
                    n_backslash += 1
                elif b == 0x2D:
                    if i - start >= 2 and buffer[i - 1] | 0x20 == 0x62 and buffer[i - 2] | 0x20 == 0x72:
                        found |= CODE
                elif b == 0xC3:
                    n_twice += n_twice < 2 and _is_twice_encoded(buffer, i, min(end, start + LOOKED_AT))
                elif i + 2 < end and (
                    (b == 0xE3 and buffer[i + 1] == 0x80 and buffer[i + 2] == 0x8A)
                    or (b == 0xEF and buffer[i + 1] == 0xBC and buffer[i + 2] == 0xBB)
                ):
                    found |= NOTE
        if n_twice >= 2:
            found |= TWICE
        if n_backslash >= 3:
            found |= ESCAPE
        if amp and semicolon:
            found |= ENTITY
        out[t] = found
    return out


@jit()
def _is_twice_encoded(buffer, i, end):  # type: ignore[no-untyped-def]
    """Whether C3 at i begins a character encoded twice: what its second byte had become follows."""
    if i + 3 >= end or buffer[i + 1] & 0xC0 != 0x80:
        return False
    b, c = buffer[i + 2], buffer[i + 3]
    if b == 0xE2:
        d = buffer[i + 4] if i + 4 < end else U8(0)
        return (c == 0x80 and 0x93 <= d <= 0xBA) or (c == 0x82 and d == 0xAC) or (c == 0x84 and d == 0xA2)
    if b == 0xC2:
        return c & 0xC0 == 0x80
    return (b == 0xC5 and 0x92 <= c <= 0xBE) or (b == 0xC6 and c == 0x92) or (b == 0xCB and 0x86 <= c <= 0x9C)


@jit()
def once_encoded(
    text: NDArray[np.uint8],
    byte_of: NDArray[np.int16],
    out: NDArray[np.uint8],
    run: NDArray[np.uint8],
) -> int:
    """Valid UTF-8, with runs of characters that are bytes of other UTF-8 -> those, in `out` -> its length.

    `byte_of` int16[65536] is -1 for all others.  `out` has room for twice the text, `run` for the text.
    """
    i, n, used = 0, len(text), 0
    while i < n:
        if text[i] < 0x80:
            out[used] = text[i]
            used, i = used + 1, i + 1
            continue
        first, n_run, wide = i, 0, 0
        while i < n and text[i] >= 0x80:
            wide, point = _character(text, i)
            if byte_of[point] < 0:
                break
            run[n_run] = byte_of[point]
            n_run, i = n_run + 1, i + wide
        if n_run >= 2:
            n_new, n_characters, n_bad = _decoded(run, n_run, out, used)
            if 10 * n_bad <= n_characters:
                used += n_new
                continue
        if n_run == 0:
            i += wide
        for j in range(first, i):
            out[used] = text[j]
            used += 1
    return used


@jit()
def _character(text: NDArray[np.uint8], i: int) -> tuple[int, int]:
    """The length and the code point of the character at i, which is not of ASCII; 0 for those of 4 bytes."""
    b = I64(text[i])
    if b < 0xE0:
        return 2, int((b & 0x1F) << 6 | I64(text[i + 1]) & 0x3F)
    if b < 0xF0:
        return 3, int((b & 0xF) << 12 | (I64(text[i + 1]) & 0x3F) << 6 | I64(text[i + 2]) & 0x3F)
    return 4, 0


@jit()
def _decoded(data: NDArray[np.uint8], n: int, out: NDArray[np.uint8], used: int) -> tuple[int, int, int]:
    """data[:n], none of it ASCII, as UTF-8 into out[used:] -> (bytes, characters, those that are U+FFFD).

    As the Unicode Standard recommends (section 3.9), the longest part of a character that is cut short
    becomes one U+FFFD.
    """
    i, at, n_characters, n_bad = 0, used, 0, 0
    while i < n:
        b = data[i]
        wide = 2 if 0xC2 <= b < 0xE0 else 3 if 0xE0 <= b < 0xF0 else 4 if 0xF0 <= b < 0xF5 else 0
        low, high = 0xA0 if b == 0xE0 else 0x90 if b == 0xF0 else 0x80, 0x9F if b == 0xED else 0xBF
        if b == 0xF4:
            high = 0x8F
        good = 1
        while good < wide and i + good < n and low <= data[i + good] <= high:
            good, low, high = good + 1, 0x80, 0xBF
        n_characters += 1
        if good == wide:
            for j in range(wide):
                out[at + j] = data[i + j]
            n_bad += b == 0xEF and data[i + 1] == 0xBF and data[i + 2] == 0xBD
            at += wide
        else:
            out[at], out[at + 1], out[at + 2] = 0xEF, 0xBF, 0xBD
            at += 3
            n_bad += 1
        i += good
    return at - used, n_characters, n_bad
