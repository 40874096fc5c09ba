"""Repair damaged text before its letters are taken: markup, mojibake, escapes, entities, treebank codes.

A repair is a cheap test on the UTF-8 bytes, which clean text fails, and a function UTF-8 -> UTF-8.
To add one, write the function and its row in REPAIRS; repairs run in the order of that table.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .markup import is_page, visible_text
from .mojibake import bytes_of_characters, mojibake

ENTITY = re.compile(rb"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
PLAIN_ESCAPE = re.compile(r'\\(["\\/bfnrt])')
PTB_CODE = re.compile(rb"-(?:[LR][RSC]B)-", re.I)
RUBY = re.compile("[｜|]?《[\u3040-\u30ff\u31f0-\u31ffー・ ]{1,30}》|［＃[^］\n]{1,80}］")


def entities(text: bytes) -> bytes:
    """Replace HTML entities and Moses escapes by their characters, also where they were escaped twice.

    >>> entities(b"Tom &amp;amp; Jerry &apos;s &#91; 1 &#93;")
    b"Tom & Jerry 's [ 1 ]"
    """
    for _ in range(2):
        text = ENTITY.sub(lambda m: html.unescape(m.group().decode()).encode("utf-8", "replace"), text)
    return text


def has_json_escapes(data: bytes) -> bool:
    """Tell whether a text is the inside of a JSON string: with \\uXXXX, or \\n where line ends should be."""
    if b"\\" not in data:
        return False
    return data.count(b"\\u") >= 3 or (
        data.count(b"\\n") >= 3 and data.count(b"\n") * 5 <= data.count(b"\\n")
    )


def json_escapes(data: bytes) -> bytes:
    """Replace JSON escapes by their characters; \\n and its like only where line ends are written so.

    >>> json_escapes(b"caf\\\\u00e9 \\\\ud83d\\\\ude00").decode()
    'café 😀'
    """
    text = data.decode("utf-8", "replace")
    literal = text.count("\\n") >= 3 and text.count("\n") * 5 <= text.count("\\n")
    text = UNICODE_ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), text)
    if literal:
        text = PLAIN_ESCAPE.sub(lambda m: m.group(1) if m.group(1) in '"\\/' else "\n", text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def ptb_codes(text: bytes) -> bytes:
    """Remove the bracket codes of the Penn Treebank, since brackets are no letters.

    >>> ptb_codes(b"bees -LRB- five hives -RRB-")
    b'bees   five hives  '
    """
    return PTB_CODE.sub(b" ", text)


def ruby(text: bytes) -> bytes:
    """Remove readings and notes set into Japanese text, in the notation of Aozora Bunko.

    >>> ruby("漢字《かんじ》を｜読む《よむ》［＃「読」に傍点］".encode()).decode()
    '漢字を読む'
    """
    return RUBY.sub("", text.decode("utf-8", "replace")).replace("｜", "").encode()


Test = Callable[[bytes], bool]
Function = Callable[[bytes], bytes]
REPAIRS: dict[str, tuple[Test, Function]] = {
    "html": (is_page, visible_text),
    "mojibake": (lambda data: not data.isascii(), mojibake),
    "json escapes": (has_json_escapes, json_escapes),
    "entities": (lambda data: b"&" in data and b";" in data, entities),
    "ptb codes": (lambda data: b"RB-" in data or b"rb-" in data, ptb_codes),
    "ruby": (lambda data: not data.isascii() and ("《".encode() in data or "［＃".encode() in data), ruby),
}


def repair(utf8: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Repair UTF-8 text -> the repaired text, and the names of the repairs that changed it.

    >>> repair(b"fish &amp; chips"), repair(b"fish and chips")
    ((b'fish & chips', ('entities',)), (b'fish and chips', ()))
    """
    done = []
    for name, (test, function) in REPAIRS.items():
        if test(utf8):
            better = _better(function, utf8)
            if better != utf8:
                utf8 = better
                done.append(name)
    return utf8, tuple(done)


def _better(function: Function, utf8: bytes) -> bytes:
    try:
        return function(utf8)
    except RecursionError:  # markup nested beyond all reason: the text stays as it is
        return utf8


def repair_all(texts: Sequence[bytes]) -> dict[int, tuple[bytes, tuple[str, ...]]]:
    """Repair many UTF-8 texts -> what `repair` gives for each text that it changes, by index.

    Compiled code finds the damaged texts.

    >>> repair_all([b"fish and chips", b"fish &amp; chips"])
    {1: (b'fish & chips', ('entities',))}
    """
    from . import kernels  # NOTE: `repair`, for one text, must not wait for compiled code

    return repair_joined(*kernels.joined(texts))


def repair_joined(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64]
) -> dict[int, tuple[bytes, tuple[str, ...]]]:
    """Repair n texts, text i being buffer[starts[i]:starts[i + 1]] -> the same as `repair_all`."""
    from . import kernels

    now: dict[int, bytes] = {}
    done: dict[int, list[str]] = {}
    signs = kernels.signs_of_damage(buffer, starts)
    tools = functools.partial(_as_utf8, kernels), functools.partial(_suspected, kernels)
    for bit, (name, (test, function)) in enumerate(REPAIRS.items()):
        changed = []
        bits = np.uint8(kernels.MOJIBAKE if function is mojibake else 1 << bit)
        for i in np.flatnonzero(signs & bits).tolist():
            utf8 = now[i] if i in now else buffer[starts[i] : starts[i + 1]].tobytes()
            if test(utf8):
                better = mojibake(utf8, *tools) if function is mojibake else _better(function, utf8)
                if better != utf8:
                    now[i] = better
                    done.setdefault(i, []).append(name)
                    changed.append(i)
        if changed:
            signs[changed] = kernels.signs_of_damage(*kernels.joined([now[i] for i in changed]))
    return {i: (now[i], tuple(done[i])) for i in sorted(now)}


def _suspected(kernels: Any, utf8: bytes) -> tuple[bool, bool, bool]:
    """Find suspected mojibake by compiled code, which has fewer false alarms than `mojibake.suspected`."""
    (signs,) = kernels.signs_of_damage(*kernels.joined([utf8])).tolist()
    rest = kernels.MOJIBAKE & ~(kernels.AS_A_WHOLE | kernels.ALPHABET)
    return bool(signs & kernels.AS_A_WHOLE), bool(signs & kernels.ALPHABET), bool(signs & rest)


def _as_utf8(kernels: Any, utf8: bytes, codec: str, as_a_whole: bool) -> bytes:
    """Do what `mojibake.as_utf8` does for valid UTF-8, by compiled code."""
    room = np.empty(3 * len(utf8), np.uint8)
    out, run = room[len(utf8) :], room[: len(utf8)]
    (table,) = bytes_of_characters((codec,))
    n = kernels.once_encoded(np.frombuffer(utf8, np.uint8), table, as_a_whole, out, run)
    return out[:n].tobytes()
