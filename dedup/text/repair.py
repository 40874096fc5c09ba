"""Damage that is undone before the letters are taken, each step only where a cheap test says it is there.

A repair is a test on the UTF-8 bytes, which clean text fails at the speed of a byte search, and a
function UTF-8 -> UTF-8.  A new repair is one function and one line in REPAIRS; they run in that order.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .markup import is_page, visible_text
from .mojibake import bytes_of_characters, mojibake

ENTITY = re.compile(rb"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
PLAIN_ESCAPE = re.compile(r'\\(["\\/bfnrt])')
PTB_CODE = re.compile(rb"-(?:[LR][RSC]B)-", re.I)
RUBY = re.compile("[｜|]?《[\u3040-\u30ff\u31f0-\u31ffー・ ]{1,30}》|［＃[^］\n]{1,80}］")


def entities(text: bytes) -> bytes:
    """HTML entities and Moses escapes -> their characters, twice where they were escaped twice.

    >>> entities(b"Tom &amp;amp; Jerry &apos;s &#91; 1 &#93;")
    b"Tom & Jerry 's [ 1 ]"
    """
    for _ in range(2):
        text = ENTITY.sub(lambda m: html.unescape(m.group().decode()).encode("utf-8", "replace"), text)
    return text


def has_json_escapes(data: bytes) -> bool:
    """Whether the text is the inside of a JSON string: \\uXXXX, or \\n where line ends should be."""
    if b"\\" not in data:
        return False
    return data.count(b"\\u") >= 3 or (
        data.count(b"\\n") >= 3 and data.count(b"\n") * 5 <= data.count(b"\\n")
    )


def json_escapes(data: bytes) -> bytes:
    """JSON escapes -> their characters; \\n and its like only where line ends are written so.

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
    """The bracket codes of the Penn Treebank -> nothing, as brackets are no letters.

    >>> ptb_codes(b"bees -LRB- five hives -RRB-")
    b'bees   five hives  '
    """
    return PTB_CODE.sub(b" ", text)


def ruby(text: bytes) -> bytes:
    """Readings and notes set into Japanese text (Aozora Bunko's form) -> nothing.

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
    """UTF-8 text -> the text with its damage undone, and the names of the repairs that changed it.

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
    """UTF-8 texts -> what repair() makes of those that it changes, by place; compiled code finds them.

    >>> repair_all([b"fish and chips", b"fish &amp; chips"])
    {1: (b'fish & chips', ('entities',))}
    """
    from . import kernels  # subtle: what repairs one text does not wait for compiled code to be loaded

    now: dict[int, bytes] = {}
    done: dict[int, list[str]] = {}
    signs = kernels.signs_of_damage(*kernels.joined(texts))
    tools = functools.partial(_as_utf8, kernels), functools.partial(_suspected, kernels)
    for bit, (name, (test, function)) in enumerate(REPAIRS.items()):
        changed = []
        bits = np.uint8(kernels.MOJIBAKE if function is mojibake else 1 << bit)
        for i in np.flatnonzero(signs & bits).tolist():
            utf8 = now.get(i, texts[i])
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
    """suspected() by compiled code, which is wrong less often."""
    (signs,) = kernels.signs_of_damage(*kernels.joined([utf8])).tolist()
    rest = kernels.MOJIBAKE & ~(kernels.AS_A_WHOLE | kernels.ALPHABET)
    return bool(signs & kernels.AS_A_WHOLE), bool(signs & kernels.ALPHABET), bool(signs & rest)


def _as_utf8(kernels: Any, utf8: bytes, codec: str, as_a_whole: bool) -> bytes:
    """What as_utf8() gives for valid UTF-8, by compiled code."""
    room = np.empty(3 * len(utf8), np.uint8)
    out, run = room[len(utf8) :], room[: len(utf8)]
    (table,) = bytes_of_characters((codec,))
    n = kernels.once_encoded(np.frombuffer(utf8, np.uint8), table, as_a_whole, out, run)
    return out[:n].tobytes()
