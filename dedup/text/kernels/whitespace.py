"""Texts -> the same with each run of spaces as one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import I64, U8, inlined, jit


@inlined
def _wide_space(buffer, i, end):  # type: ignore[no-untyped-def]
    """How many bytes the space outside ASCII at i has, 0 where there is none, as str.split."""
    b = buffer[i]
    if b == 0xC2 and i + 1 < end:
        return 2 * (buffer[i + 1] == 0x85 or buffer[i + 1] == 0xA0)
    if 0xE1 <= b <= 0xE3 and i + 2 < end:
        c, d = buffer[i + 1], buffer[i + 2]
        if b == 0xE1:
            return 3 * (c == 0x9A and d == 0x80)
        if b == 0xE3:
            return 3 * (c == 0x80 and d == 0x80)
        general = 0x80 <= d <= 0x8A or d == 0xA8 or d == 0xA9 or d == 0xAF
        return 3 * ((c == 0x80 and general) or (c == 0x81 and d == 0x9F))
    return 0


@jit("const uint8[:]", "int64[:]")
def spaces_joined(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """n UTF-8 texts -> `" ".join(text.split())` of each: (buffer, starts)."""
    out, ends, used = np.empty(len(buffer), U8), np.zeros(len(starts), I64), 0
    for t in range(len(starts) - 1):
        i, end, first, after_space = starts[t], starts[t + 1], used, True
        while i < end:
            b = buffer[i]
            wide = _wide_space(buffer, i, end) if b >= 0xC2 else 0
            space = (b == 32) | ((b >= 9) & (b <= 13)) | ((b >= 28) & (b <= 31)) | (wide > 0)
            out[used] = U8(32) if space else b
            used += not (space & after_space)  # subtle: without a branch, which could not be foreseen
            after_space = space
            i += max(1, wide)
        used -= after_space and used > first
        ends[t + 1] = used
    return out[:used].copy(), ends
