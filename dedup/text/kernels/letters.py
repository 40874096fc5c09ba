"""The letters of texts, and the characters and lines in which letters stand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I32, I64, inner, jit
from .utf8 import grown

NEWLINE = 10


def letters_of_texts(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], table: Any
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """n texts -> (their letters as code points int32[m], where those of each text begin int64[n + 1]).

    >>> from dedup.text.kernels import joined
    >>> from dedup.text.normalize import letter_table
    >>> found, indptr = letters_of_texts(*joined([b"Ca n't!", b"", "Stra\u00dfe".encode()]), letter_table())
    >>> "".join(map(chr, found)), indptr.tolist()
    ('cantstrasse', [0, 4, 4, 11])
    """
    found: tuple[NDArray[np.int32], NDArray[np.int64]] = all_letters(
        buffer, starts, table.packed, table.pool, table.starts
    )
    return found


@inner
def code_point(buffer, place, end):  # type: ignore[no-untyped-def]
    """-> (the code point at buffer[place], where the next one begins); broken UTF-8 ends the text."""
    c = I64(buffer[place])
    if c < 0x80:
        return c, place + 1
    size = 2 if c < 0xE0 else 3 if c < 0xF0 else 4
    if place + size > end:
        return I64(-1), end
    c &= 0x7F >> size
    for i in range(1, size):
        c = c << 6 | (I64(buffer[place + i]) & 63)
    return c, place + size


@inner
def n_letters_of(entry, pool_starts):  # type: ignore[no-untyped-def]
    """An entry of LetterTable.packed -> how many letters the character has."""
    v = entry >> 5
    if v > 0:
        return I64(1 + (entry >> 4 & 1))
    return I64(pool_starts[-v + 1] - pool_starts[-v]) if v < 0 else I64(0)


@jit("const uint8[:]", "int64[:]", "int32[:]", "int32[:]", "int32[:]")
def all_letters(buffer, starts, packed, pool, pool_starts):  # type: ignore[no-untyped-def]
    out = np.empty(starts[-1] - starts[0] + 64, I32)
    indptr, n = np.zeros(len(starts), I64), I64(0)
    for t in range(len(starts) - 1):
        place, end = starts[t], starts[t + 1]
        while place < end:
            c, place = code_point(buffer, place, end)
            if c < 0 or c >= len(packed):
                continue
            entry = packed[c]
            v = entry >> 5
            if n + 64 > len(out):
                out = grown(out, 2 * len(out))
            if v > 0:
                out[n] = v
                n += 1
                if entry & 16:
                    out[n] = v
                    n += 1
            elif v < 0:
                for j in range(pool_starts[-v], pool_starts[-v + 1]):
                    out[n] = pool[j]
                    n += 1
        indptr[t + 1] = n
    return out[:n].copy(), indptr


@jit("const uint8[:]", "int32[:]", "int32[:]", "int64[:]")
def characters_of_letters(
    text: NDArray[np.uint8],
    packed: NDArray[np.int32],
    pool_starts: NDArray[np.int32],
    letters: NDArray[np.int64],
) -> NDArray[np.int64]:
    """UTF-8 text, numbers of letters int64[n], rising -> int64[n, 2]: the character and line of each.

    Characters are counted from 0, lines from 1.
    """
    out = np.zeros((len(letters), 2), I64)
    place, found, character, line, i = I64(0), I64(0), I64(0), I64(1), 0
    while place < len(text) and i < len(letters):
        c, place = code_point(text, place, len(text))
        if 0 <= c < len(packed):
            found += n_letters_of(packed[c], pool_starts)
        while i < len(letters) and letters[i] < found:
            out[i, 0], out[i, 1] = character, line
            i += 1
        character += 1
        line += c == NEWLINE
    return out
