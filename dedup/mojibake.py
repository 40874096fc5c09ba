"""Mojibake: text whose bytes were read in the wrong encoding -> the text that was meant.

There are three kinds, and each can be there twice.  UTF-8 that was read as Windows-1252 or Latin-1 is
mended run by run, so it may be part of a text.  UTF-8 that was read as another encoding of one byte is told
by nearly all that is not ASCII being valid UTF-8 in it.  And Cyrillic or the like in one byte that was read
as Windows-1252 is told by whole words of accented letters, which no language has.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from .encodings import detected

Undo = Callable[[bytes, str], bytes]
LOOKED_AT = 1 << 16  # bytes in which mojibake must show
TWICE_ENCODED = re.compile(
    rb"\xc3[\x80-\xbf](?:\xc2[\x80-\xbf]|\xe2\x80[\x93-\xba]|\xe2\x82\xac|\xe2\x84\xa2"
    rb"|\xc5[\x92-\xbe]|\xc6\x92|\xcb[\x86-\x9c])"
)
READ_AS = (
    "cp1252",
    "cp1251",
    "cp437",
    "cp850",
    "mac-roman",
    "cp1250",
    "cp1254",
    "cp866",
    "koi8-r",
)  # instead of UTF-8
SAMPLE, OF_RUN = 64, 16  # characters beyond ASCII that are looked at, and of each run of them
HEAD = 12  # runs of them, of which half must be valid for a closer look
MAX_BAD = 6  # of these, and one in eight, may be no UTF-8
MIN_GOOD = 3  # characters that were meant
RUN = re.compile(rb"[\x80-\xff]+")
NONE, NO_BREAK = "\0", 0xA0
INCREMENTAL = codecs.getincrementaldecoder("utf-8")
MEANT = (  # what a text is likely to have beyond ASCII: no archaic Greek, no phonetics, nothing private
    "\u00a0-\u0131\u0134-\u0148\u014a-\u017e\u018f\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u0259\u02bb\u02bc"
    "\u0386-\u03ce\u0400-\u045f\u048a-\u06ff\u0780-\u07bf\u0900-\u10ff\u1200-\u137f\u1780-\u17ff\u1e00-\u1eff"
    "\u2010-\u2044\u20a0-\u20bf\u2100-\u214f\u2190-\u21ff\u2200-\u22ff\u2500-\u26ff\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
    "\ufb00-\ufb4f\ufe0f\uff00-\uffef"
)
ACCENTS = re.compile(rb"\xc3[\x80-\xbf](?:[\xc2\xc3][\x80-\xbf]){2}")
WORD = re.compile("(?<![A-Za-z])[^\0-\x7f]{3,}(?![A-Za-z])")
MIN_ACCENTED = 12  # characters in words of three such characters at least
ALPHABETS = (  # of which words may have been read as accented letters
    "cp1251 koi8-r koi8-u iso8859-5 cp866 mac-cyrillic cp1253 iso8859-7 cp1255 cp1256"
)
SURE = 0.2  # of the alphabet
TIMES = 3  # that one text may have been read wrongly


def _byte_of(codec: str) -> dict[int, int]:
    """Code points -> bytes beyond ASCII in an encoding; a byte that is no character is its own code point."""
    table = {b: b for b in range(0x80, 0xA0)}
    table |= {ord(c): b for b in range(0x80, 0x100) for c in bytes([b]).decode(codec, "ignore")}
    return table


BYTE_OF = _byte_of("cp1252") | {b: b for b in range(0xA0, 0x100)}


@functools.cache
def _table(codec: str) -> dict[int, int]:
    return BYTE_OF if codec == "cp1252" else _byte_of(codec)


class _Bytes(dict[int, str]):
    """Code points -> their bytes in an encoding, as characters of Latin-1; NONE for all others."""

    def __missing__(self, point: int) -> str:
        return NONE


@functools.cache
def _characters(codec: str) -> re.Pattern[str]:
    """What finds characters of UTF-8 whose bytes were read as characters of an encoding."""
    character = {b: re.escape(chr(point)) for point, b in _table(codec).items()}

    def those(first: int, last: int) -> str:
        return "[" + "".join(character[b] for b in range(first, last + 1)) + "]"

    follow = those(0x80, 0xBF)
    two, three, four = those(0xC2, 0xDF), those(0xE0, 0xEF), those(0xF0, 0xF4)
    return re.compile(f"{two}{follow}|{three}{follow}{{2}}|{four}{follow}{{3}}")


@functools.cache
def _in_bytes(codec: str) -> _Bytes:
    return _Bytes({point: chr(b) for point, b in _table(codec).items()})


@functools.cache
def bytes_of_characters(names: tuple[str, ...]) -> NDArray[np.int16]:
    """Code points below 65,536 -> bytes that they may have been; int16[codecs, 65536], -1 for none."""
    out = np.full((len(names), 1 << 16), -1, np.int16)
    for row, codec in zip(out, names, strict=True):
        row[list(_table(codec))] = list(_table(codec).values())
    return out


@functools.cache
def likely_characters() -> NDArray[np.bool_]:
    """bool[0x110000]: MEANT, and all beyond the first 65,536, such as emoji."""
    out = np.zeros(0x110000, np.bool_)
    for first, last in re.findall("(.)(?:-(.))?", MEANT):
        out[ord(first) : ord(last or first) + 1] = True
    out[0x10000:] = True
    return out


# ------------------------------------------------------------------ tests


def is_mojibake(data: bytes) -> bool:
    """Whether the text looks like mojibake of any kind.

    >>> is_mojibake("schÃ¶n und grÃ¼n".encode()), is_mojibake("schön und grün".encode())
    (True, False)
    """
    return not data.isascii() and next(_kinds(data), None) is not None


def _kinds(data: bytes) -> Iterator[tuple[Undo, str]]:
    """What may undo the mojibake in UTF-8 text, and the encoding that it needs."""
    codec = read_as(data)
    if codec:
        yield as_utf8, codec
    if b"\xc3" in data:
        codec = alphabet(data) if ACCENTS.search(data, 0, LOOKED_AT) else ""
        if codec:
            yield as_alphabet, codec
        first = TWICE_ENCODED.search(data, 0, LOOKED_AT)
        if first is not None and TWICE_ENCODED.search(data, first.end(), LOOKED_AT) is not None:
            yield as_utf8, "cp1252"


def read_as(data: bytes) -> str:
    """The encoding as which all of a UTF-8 text was read; "" if it was not.

    >>> read_as("se├▒or Nicol├ís, ma├▒ana".encode()), read_as("Р“РѕСЂРѕРґ".encode()), read_as(b"Gorod")
    ('cp437', 'cp1251', '')
    """
    first = [run for run, _ in islice(_sample(data), HEAD)]
    if all(len(run) == 1 for run in first):  # real accents or quotes
        return ""
    head, runs = "".join(first), list(_sample(data))
    found = []
    for i, codec in enumerate(READ_AS):
        if 2 * sum(map(len, _characters(codec).findall(head))) >= len(head):
            good, bad = map(sum, zip(*(_score(run, codec, is_cut) for run, is_cut in runs), strict=True))
            found.append((good - bad, -i, good, bad))
    _, i, good, bad = max(found, default=(0, 0, 0, 0))
    return READ_AS[-i] if good >= MIN_GOOD and bad <= MAX_BAD and 8 * bad <= good else ""


def _sample(data: bytes) -> Iterator[tuple[str, bool]]:
    """The first runs of characters beyond ASCII, OF_RUN characters of each; and whether one is cut."""
    n = 0
    for run in RUN.finditer(data, 0, LOOKED_AT):
        text = run.group()[: 4 * OF_RUN + 4].decode("utf-8", "ignore")
        yield text[:OF_RUN], len(text) > OF_RUN
        n += min(len(text), OF_RUN)
        if n >= SAMPLE:
            return


def _score(run: str, codec: str, is_cut: bool = False) -> tuple[int, int]:
    """Some text -> how many characters of UTF-8 it is that were read so, and how many that are none.

    >>> _score("Ã©Ã¨", "cp1254"), _score("éè", "cp1254"), _score("Ã©Ã", "cp1254", is_cut=True)
    ((2, 0), (0, 2), (1, 0))
    """
    good = bad = 0
    *whole, last = run.translate(_in_bytes(codec)).split(NONE)
    likely = likely_characters()
    for i, piece in enumerate([*whole, last]):
        ends = i < len(whole) or not is_cut  # subtle: of a run that is cut, the last character may be
        for c in INCREMENTAL("replace").decode(piece.encode("latin-1"), ends) if piece else "":
            if likely[ord(c)]:
                good += 1
            else:
                bad += 1
    return good, bad + len(whole)


def alphabet(data: bytes) -> str:
    """The encoding of an alphabet that was read as Windows-1252; "" if there is none.

    >>> alphabet("Ãîðîäñêîé ñîâåò ðåøèë".encode()), alphabet("créée, müßig, Ææðð".encode())
    ('cp1251', '')
    """
    text = data[:LOOKED_AT].decode("utf-8", "ignore")
    letters = sum(len(w) for w in WORD.findall(text) if all(ord(c) in BYTE_OF for c in w))
    if letters < MIN_ACCENTED or 2 * letters < len(text) - len(text.encode("ascii", "ignore")):
        return ""
    known = "".join(c for c in text if c < "\x80" or ord(c) in BYTE_OF)
    codec, sure = detected(known.translate(BYTE_OF).encode("latin-1"), tuple(ALPHABETS.split()))
    return codec if sure >= SURE else ""


# ------------------------------------------------------------------ mending


def mojibake(data: bytes, undo: Undo | None = None) -> bytes:
    """Mojibake -> the text that was meant; what is none stays.  `undo` may stand for as_utf8.

    >>> mojibake("schÃ¶n, itâ€™s déjà là".encode()).decode(), mojibake("ÃƒÂ©tÃƒÂ© Ã©tÃ©".encode()).decode()
    ('schön, it’s déjà là', 'été été')
    >>> mojibake("Ïðèâåò, Ãîðîäñêîé ñîâåò ðåøèë".encode()).decode()
    'Привет, Городской совет решил'
    """
    for _ in range(TIMES):
        kinds = iter(()) if data.isascii() else _kinds(data)
        tried = ((undo if undo and kind is as_utf8 else kind)(data, codec) for kind, codec in kinds)
        better = next((text for text in tried if text != data), None)
        if better is None:
            break
        data = better
    return data


def as_utf8(data: bytes, codec: str) -> bytes:
    """Runs of characters whose bytes are UTF-8 -> that; a run that is hardly UTF-8 stays."""
    text = data.decode("utf-8", "replace")
    return _runs_of(codec).sub(lambda run: _meant(run.group(), codec), text).encode("utf-8", "replace")


@functools.cache
def _runs_of(codec: str) -> re.Pattern[str]:
    return re.compile("[" + re.escape("".join(map(chr, _table(codec)))) + "]{2,}")


@functools.lru_cache(1 << 14)  # the same few runs stand in most damaged texts
def _meant(run: str, codec: str) -> str:
    data = run.translate(_table(codec)).encode("latin-1")
    if len(data) == 2 and data[1] == NO_BREAK and data[0] not in b"\xc2\xc3":  # a letter before that space
        return run
    meant = data.decode("utf-8", "replace")
    return meant if 10 * meant.count("\ufffd") <= len(meant) else run


def as_alphabet(data: bytes, codec: str) -> bytes:
    """The characters of Windows-1252 in a text -> those of another encoding of one byte."""
    decode = codecs.lookup(codec).decode
    table = {point: decode(bytes([b]), "replace")[0] for point, b in BYTE_OF.items()}
    text = data.decode("utf-8", "replace")
    return text.translate({point: c for point, c in table.items() if c != "\ufffd"}).encode()
