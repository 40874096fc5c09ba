"""Texts -> signs of damage; and text that was encoded twice -> the text that was meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I64, U8, U64, inner, jit
from .. import mojibake
from .simd import LANES, SPECIAL, damage_masks, first_bit

TAG, TWICE, ESCAPE, ENTITY, CODE, NOTE = (U8(1 << bit) for bit in range(6))  # the order of repair.REPAIRS
AS_A_WHOLE, ALPHABET = U8(1 << 6), U8(1 << 7)
MOJIBAKE = TWICE | AS_A_WHOLE | ALPHABET
LOOKED_AT, SAMPLE, OF_RUN = mojibake.LOOKED_AT, mojibake.SAMPLE, mojibake.OF_RUN
OF_WORDS, MIN_ACCENTED = mojibake.OF_WORDS, mojibake.MIN_ACCENTED
MAX_BAD, MIN_GOOD, NO_BREAK = mojibake.MAX_BAD, mojibake.MIN_GOOD, mojibake.NO_BREAK
_IS_SPECIAL = np.isin(np.arange(256), list(SPECIAL))


def signs_of_damage(buffer: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """n texts -> uint8[n]: the repairs that each may need, a bit each, in the order of repair.REPAIRS.

    Mojibake has two bits more: AS_A_WHOLE for what wrong_codec() may find, and ALPHABET for alphabet().

    Where a bit is not set, the text does not need that repair for certain.
    """
    tables = mojibake.bytes_of_characters(mojibake.WRONG_CODECS), mojibake.likely_characters()
    found: NDArray[np.uint8] = _signs_of_damage(buffer, starts, _IS_SPECIAL, *tables)
    return found


@jit("const uint8[:]", "int64[:]", "bool[:]", "int16[:,:]", "bool[:]")
def _signs_of_damage(buffer, starts, is_special, byte_of, likely):  # type: ignore[no-untyped-def]
    out = np.zeros(len(starts) - 1, U8)
    state = np.zeros((len(byte_of), 6), I64)
    for t in range(len(out)):
        start, end = starts[t], starts[t + 1]
        found, n_twice, n_backslash, accents, beyond = U8(0), 0, 0, I64(-1), I64(-1)
        amp = semicolon = False
        for first in range(start, end, LANES):
            if first + LANES <= end:
                bits, high = damage_masks(buffer, first)
            else:
                bits = high = U64(0)
                for i in range(first, end):
                    bits |= U64(is_special[buffer[i]]) << U64(i - first)
                    high |= U64(buffer[i] >> U8(7)) << U64(i - first)
            if beyond < 0 and high != 0:
                beyond = I64(first + first_bit(high))
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
                    if accents < 0 and _is_accents(buffer, i, min(end, start + LOOKED_AT)):
                        accents = I64(i)
                elif i + 2 < end and (
                    (b == 0xE3 and buffer[i + 1] == 0x80 and buffer[i + 2] == 0x8A)
                    or (b == 0xEF and buffer[i + 1] == 0xBC and buffer[i + 2] == 0xBB)
                ):
                    found |= NOTE
        last = min(end, start + LOOKED_AT)
        if n_twice >= 2:
            found |= TWICE
        if accents >= 0 and _may_be_alphabet(buffer, accents, end, byte_of[0]):
            found |= ALPHABET
        if beyond >= 0 and _may_be_read_as(buffer, beyond, last, byte_of, likely, state):
            found |= AS_A_WHOLE
        if n_backslash >= 3:
            found |= ESCAPE
        if amp and semicolon:
            found |= ENTITY
        out[t] = found
    return out


@inner
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


@inner
def _is_accents(buffer, i, end):  # type: ignore[no-untyped-def]
    """Whether C3 at i begins three characters from U+0080 to U+00FF; see mojibake.ACCENTS."""
    if i + 5 >= end or buffer[i + 1] & 0xC0 != 0x80:
        return False
    return buffer[i + 2] & 0xFE == 0xC2 and buffer[i + 4] & 0xFE == 0xC2


@inner
def _may_be_alphabet(buffer, start, end, byte_of):  # type: ignore[no-untyped-def]
    """Whether words of characters that Windows-1252 has, and no others, are most of what is beyond ASCII."""
    i, end, n_letters, n_all = start, min(end, start + OF_WORDS), 0, 0
    while i < end:
        if buffer[i] < 0x80:
            i += 1
            continue
        n_run, is_word = 0, i == start or not _is_letter(buffer[i - 1])
        while i < end and buffer[i] >= 0x80:
            wide, point = _character(buffer, i)
            is_word = is_word and byte_of[point] >= 0
            i += wide
            n_run += 1
        n_all += n_run
        if n_run >= 3 and is_word and (i >= end or not _is_letter(buffer[i])):
            n_letters += n_run
    return n_letters >= MIN_ACCENTED and 2 * (n_letters + 3) >= n_all


@inner
def _is_letter(b):  # type: ignore[no-untyped-def]
    return 0x61 <= b | 0x20 <= 0x7A


NEED, LOW, HIGH, VALUE, GOOD, BAD = range(6)  # of the state in which the bytes in one encoding are


@inner
def _may_be_read_as(buffer, start, end, byte_of, likely, state):  # type: ignore[no-untyped-def]
    """Whether mojibake.wrong_codec() may find an encoding, in text whose first byte beyond ASCII is at start.

    `byte_of` int16[encodings, 65536], -1 for characters that they have not; `likely` bool[0x110000];
    `state` int64[encodings, 6] is written.  No sequence of bytes that is cut short makes it say no.
    """
    state[:] = 0
    i, n_seen, n_alive = start, 0, len(state)
    while i < end and n_seen < SAMPLE and n_alive > 0:
        if buffer[i] < 0x80:
            i += 1
            continue
        n_run, is_cut = 0, False
        state[:, NEED] = 0
        while i < end and buffer[i] >= 0x80:
            wide, point = _character(buffer, i)
            i += wide
            is_cut = n_run >= OF_RUN or i > end
            if not is_cut:
                n_run += 1
                for k in range(len(state)):
                    _feed(state[k], I64(byte_of[k, point]), likely)
        n_seen += max(1, n_run)
        n_alive = 0
        for k in range(len(state)):
            if state[k, NEED] > 0 and not is_cut:
                state[k, BAD] += 1
            n_alive += state[k, BAD] <= MAX_BAD
    for k in range(len(state)):
        if state[k, GOOD] >= MIN_GOOD and state[k, BAD] <= MAX_BAD and 8 * state[k, BAD] <= state[k, GOOD]:
            return True
    return False


@inner
def _feed(state, b, likely):  # type: ignore[no-untyped-def]
    """One more byte, -1 for none, of what may be UTF-8: the state counts its good and its bad characters."""
    if state[NEED] > 0:
        if state[LOW] <= b <= state[HIGH]:
            state[VALUE] = state[VALUE] << 6 | b & 0x3F
            state[NEED] -= 1
            state[LOW], state[HIGH] = 0x80, 0xBF
            if state[NEED] == 0:
                if likely[state[VALUE]]:
                    state[GOOD] += 1
                else:
                    state[BAD] += 1
            return
        state[NEED] = 0
        state[BAD] += 1
    wide, state[LOW], state[HIGH] = _begun(b)
    if wide == 0:
        state[BAD] += 1
    else:
        state[NEED], state[VALUE] = wide - 1, b & (0x7F >> wide)


@inner
def _begun(b):  # type: ignore[no-untyped-def]
    """The first byte, int64, of a character of UTF-8 beyond ASCII -> (its bytes, 0 if it is none; the lowest
    and the highest second byte)."""
    wide = 2 if 0xC2 <= b < 0xE0 else 3 if 0xE0 <= b < 0xF0 else 4 if 0xF0 <= b < 0xF5 else 0
    low = 0xA0 if b == 0xE0 else 0x90 if b == 0xF0 else 0x80
    high = 0x9F if b == 0xED else 0x8F if b == 0xF4 else 0xBF
    return wide, low, high


@jit("const uint8[:]", "int16[:]", "bool", "uint8[:]", "uint8[:]")
def once_encoded(
    text: NDArray[np.uint8],
    byte_of: NDArray[np.int16],
    as_a_whole: bool,
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
        if n_run > 2 or (n_run == 2 and (as_a_whole or run[1] != NO_BREAK or run[0] & 0xFE == 0xC2)):
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


@inner
def _character(text: NDArray[np.uint8], i: int) -> tuple[int, int]:
    """The length and the code point of the character at i, which is not of ASCII; 0 for those of 4 bytes."""
    b = I64(text[i])
    if b < 0xE0:
        return 2, int((b & 0x1F) << 6 | I64(text[i + 1]) & 0x3F)
    if b < 0xF0:
        return 3, int((b & 0xF) << 12 | (I64(text[i + 1]) & 0x3F) << 6 | I64(text[i + 2]) & 0x3F)
    return 4, 0


@inner
def _decoded(data: NDArray[np.uint8], n: int, out: NDArray[np.uint8], used: int) -> tuple[int, int, int]:
    """data[:n], none of it ASCII, as UTF-8 into out[used:] -> (bytes, characters, those that are U+FFFD).

    As the Unicode Standard recommends (section 3.9), the longest part of a character that is cut short
    becomes one U+FFFD.
    """
    i, at, n_characters, n_bad = 0, used, 0, 0
    while i < n:
        b = data[i]
        wide, low, high = _begun(I64(b))
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
