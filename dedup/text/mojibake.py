"""Repair mojibake: text whose bytes were decoded in the wrong encoding.

There are three kinds, and a text may have been decoded wrongly more than once.
1. UTF-8 decoded as Windows-1252 or Latin-1 is repaired run by run, so it may be a part of a text.
2. UTF-8 decoded as another single-byte encoding is recognized where nearly all characters beyond ASCII are
   valid UTF-8 in that encoding.
3. A single-byte alphabet (Cyrillic, Greek, ...) decoded as Windows-1252 is recognized by whole words of
   accented letters, which no language has.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from .encodings import detect

Undo = Callable[[bytes, str, bool], bytes]
Suspects = Callable[[bytes], tuple[bool, bool, bool]]
LOOKED_AT = 1 << 16  # bytes in which mojibake must show
TWICE_ENCODED = re.compile(
    rb"\xc3[\x80-\xbf](?:\xc2[\x80-\xbf]|\xe2\x80[\x93-\xba]|\xe2\x82\xac|\xe2\x84\xa2"
    rb"|\xc5[\x92-\xbe]|\xc6\x92|\xcb[\x86-\x9c])"
)
WRONG_CODECS = (  # in which UTF-8 is decoded by mistake
    "cp1252",
    "cp1251",
    "cp437",
    "cp850",
    "mac-roman",
    "cp1250",
    "cp1254",
    "cp866",
    "koi8-r",
)
SAMPLE, OF_RUN = 64, 16  # characters beyond ASCII in a sample, and of each run of them
HEAD = 12  # runs, of which half must be valid for a closer look
MAX_BAD = 6  # characters of the sample that may be invalid, and at most one in eight
MIN_GOOD = 3  # valid characters that the sample must have
RUN = re.compile(rb"[\x80-\xff]+")
NO_BREAK = 0xA0
LIKELY = (  # what texts have beyond ASCII: no archaic Greek, no phonetics, no private use
    "\u00a0-\u0131\u0134-\u0148\u014a-\u017e\u018f\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u0259\u02bb\u02bc"
    "\u0386-\u03ce\u0400-\u045f\u048a-\u06ff\u0780-\u07bf\u0900-\u10ff\u1200-\u137f\u1780-\u17ff\u1e00-\u1eff"
    "\u2010-\u2044\u20a0-\u20bf\u2100-\u214f\u2190-\u21ff\u2200-\u22ff\u2500-\u26ff\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
    "\ufb00-\ufb4f\ufe0f\uff00-\uffef"
)
UNLIKELY = re.compile(f"[^{LIKELY}\U00010000-\U0010ffff]")
LONG = re.compile(rb"[\x80-\xff]{6,}")
NO_LETTERS = bytes(b for b in range(128) if not chr(b).isalpha())
ACCENTS = re.compile(rb"\xc3[\x80-\xbf](?:[\xc2\xc3][\x80-\xbf]){2}")
OF_WORDS = 1 << 12  # bytes searched for such words, from the first one on
MIN_ACCENTED = 12  # characters in words of three such characters at least
ALPHABETS = (  # whose words may have been decoded as accented letters
    *("cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp866", "mac-cyrillic"),
    *("cp1253", "iso8859-7", "cp1255", "cp1256"),
)
SURE = 0.2  # confidence in the alphabet
TIMES = 3  # that one text may have been decoded wrongly


@functools.cache
def _table(codec: str) -> dict[int, int]:
    """Map code points to bytes beyond ASCII in a codec; a byte without a character is its own code point."""
    table = {b: b for b in range(0x80, 0xA0)}
    table |= {ord(c): b for b in range(0x80, 0x100) for c in bytes([b]).decode(codec, "ignore")}
    return table


BYTE_OF = _table("cp1252")


@functools.cache
def _sets(codec: str) -> tuple[str, str, str, str]:
    """Return the characters that bytes of UTF-8 are in a codec, as character classes of a regular expression:
    continuation bytes, and first bytes of characters of two, three and four bytes."""
    character = {b: re.escape(chr(point)) for point, b in _table(codec).items()}
    ranges = (0x80, 0xBF), (0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4)
    follow, two, three, four = (
        "[" + "".join(character[b] for b in range(first, last + 1)) + "]" for first, last in ranges
    )
    return follow, two, three, four


@functools.cache
def _characters(codec: str) -> re.Pattern[str]:
    """Return the pattern of UTF-8 characters whose bytes were decoded in a codec."""
    follow, two, three, four = _sets(codec)
    return re.compile(f"{two}{follow}|{three}{follow}{{2}}|{four}{follow}{{3}}")


@functools.cache
def _tail(codec: str) -> re.Pattern[str]:
    """Return the pattern of an incomplete such character at the end of a text."""
    follow, two, three, four = _sets(codec)
    return re.compile(f"(?:{two}|{three}{follow}?|{four}{follow}{{0,2}})\\Z")


@functools.cache
def bytes_of_characters(names: tuple[str, ...]) -> NDArray[np.int16]:
    """Map code points below 65,536 to their bytes in codecs: int16[codecs, 65536], -1 for none."""
    out = np.full((len(names), 1 << 16), -1, np.int16)
    for row, codec in zip(out, names, strict=True):
        row[list(_table(codec))] = list(_table(codec).values())
    return out


@functools.cache
def likely_characters() -> NDArray[np.bool_]:
    """Return bool[0x110000]: LIKELY, and all code points from 65,536 on, such as emoji."""
    out = np.zeros(0x110000, np.bool_)
    for first, last in re.findall("(.)(?:-(.))?", LIKELY):
        out[ord(first) : ord(last or first) + 1] = True
    out[0x10000:] = True
    return out


# ------------------------------------------------------------------ recognition


def suspected(data: bytes) -> tuple[bool, bool, bool]:
    """Tell whether a text may be mojibake as a whole, of an alphabet, and of Windows-1252 in part."""
    western = b"\xc3" in data
    return not data.isascii(), western, western


def _better(data: bytes, undo: Undo, suspects: Suspects) -> Iterator[bytes]:
    """Undo mojibake in a UTF-8 text in each way that may be right, the most likely first."""
    as_a_whole, words, runs = suspects(data)
    codec = wrong_codec(data) if as_a_whole else ""
    if codec:
        yield undo(data, codec, True)
    codec = alphabet(data) if words else ""
    if codec:
        yield as_alphabet(data, codec)
    if runs:
        first = TWICE_ENCODED.search(data, 0, LOOKED_AT)
        if first is not None and TWICE_ENCODED.search(data, first.end(), LOOKED_AT) is not None:
            yield undo(data, "cp1252", False)


def wrong_codec(data: bytes) -> str:
    """Return the codec in which all of a UTF-8 text was decoded by mistake, or "".

    >>> wrong_codec("se├▒or Nicol├ís, ma├▒ana".encode()), wrong_codec("Р“РѕСЂРѕРґ".encode())
    ('cp437', 'cp1251')
    """
    first = [run for run, _ in islice(_sample(data), HEAD)]
    if all(len(run) == 1 for run in first):  # real accents or quotes
        return ""
    head, found = "".join(first), []
    for i, codec in enumerate(WRONG_CODECS):
        if 2 * sum(map(len, _characters(codec).findall(head))) >= len(head):
            good, bad = _score(_sample(data), codec)
            if good >= MIN_GOOD and bad <= MAX_BAD and 8 * bad <= good:
                found.append((good - bad, -i))
            if found and not bad:
                break
    return WRONG_CODECS[-max(found)[1]] if found else ""


def _sample(data: bytes) -> Iterator[tuple[str, bool]]:
    """Return the first runs of characters beyond ASCII, OF_RUN characters of each, and if it is cut."""
    n = 0
    for run in RUN.finditer(data, 0, LOOKED_AT):
        text = run.group()[: 4 * OF_RUN + 4].decode("utf-8", "ignore")
        yield text[:OF_RUN], len(text) > OF_RUN
        n += min(len(text), OF_RUN)
        if n >= SAMPLE:
            return


def _score(runs: Iterable[tuple[str, bool]], codec: str) -> tuple[int, int]:
    """Count the characters in runs that are UTF-8 decoded in a codec, and the others.

    The last character of a cut run may be incomplete, and then counts as neither.

    >>> _score([("Ã©Ã¨", False), ("Ã©Ã", True)], "cp1254"), _score([("éè", False)], "cp1254")
    ((3, 0), (0, 2))
    """
    tail = _tail(codec)
    text = " ".join(tail.sub("", run) if is_cut else run for run, is_cut in runs)
    found = "".join(_characters(codec).findall(text))
    meant = found.translate(_table(codec)).encode("latin-1").decode("utf-8", "replace")
    good = len(UNLIKELY.sub("", meant))
    return good, len(text) - text.count(" ") - len(found) + len(meant) - good


def _accented(data: bytes) -> Iterator[str]:
    """Find words of three or more characters, all of Windows-1252 and beyond ASCII."""
    for found in LONG.finditer(data):
        word = found.group().decode("utf-8", "ignore")
        around = data[max(0, found.start() - 1) : found.start()] + data[found.end() : found.end() + 1]
        if len(word) >= 3 and not around.strip(NO_LETTERS) and all(ord(c) in BYTE_OF for c in word):
            yield word


def alphabet(data: bytes) -> str:
    """Return the codec of an alphabet that was decoded as Windows-1252, or "".

    >>> alphabet("Ãîðîäñêîé ñîâåò ðåøèë".encode()), alphabet("créée, müßig, Ææðð".encode())
    ('cp1251', '')
    """
    first = ACCENTS.search(data, 0, LOOKED_AT)
    if first is None:
        return ""
    data = data[first.start() : first.start() + OF_WORDS]
    text = data.decode("utf-8", "ignore")
    letters = sum(map(len, _accented(data)))
    if letters < MIN_ACCENTED or 2 * letters < len(text) - len(text.encode("ascii", "ignore")):
        return ""
    known = text.translate(BYTE_OF).encode("latin-1", "ignore")
    if 8 * known.decode("utf-8", "replace").count("\ufffd") < letters:  # it is UTF-8
        return ""
    codec, sure = detect(known, ALPHABETS)
    return codec if sure >= SURE else ""


# ------------------------------------------------------------------ repair


def as_utf8(data: bytes, codec: str, as_a_whole: bool) -> bytes:
    """Decode runs of characters whose bytes are UTF-8; a run that is hardly UTF-8 stays.

    A letter before a no-break space stays too, where the text is not mojibake as a whole.
    """
    text = data.decode("utf-8", "replace")
    mended = _runs_of(codec).sub(lambda run: _meant(run.group(), codec, as_a_whole), text)
    return mended.encode("utf-8", "replace")


def mojibake(data: bytes, undo: Undo = as_utf8, suspects: Suspects = suspected) -> bytes:
    """Repair mojibake; other text stays.

    `undo` and `suspects` may be faster functions than `as_utf8` and `suspected`, if they miss nothing.

    >>> mojibake("schÃ¶n, itâ€™s déjà là".encode()).decode(), mojibake("ÃƒÂ©tÃƒÂ© Ã©tÃ©".encode()).decode()
    ('schön, it’s déjà là', 'été été')
    >>> mojibake("Ïðèâåò, Ãîðîäñêîé ñîâåò ðåøèë".encode()).decode()
    'Привет, Городской совет решил'
    """
    for _ in range(TIMES):
        better = next((text for text in _better(data, undo, suspects) if text != data), None)
        if better is None:
            break
        data = better
    return data


@functools.cache
def _runs_of(codec: str) -> re.Pattern[str]:
    return re.compile("[" + re.escape("".join(map(chr, _table(codec)))) + "]{2,}")


@functools.lru_cache(1 << 14)  # most damaged texts have the same few runs
def _meant(run: str, codec: str, as_a_whole: bool) -> str:
    data = run.translate(_table(codec)).encode("latin-1")
    if not as_a_whole and len(data) == 2 and data[1] == NO_BREAK and data[0] not in b"\xc2\xc3":
        return run
    meant = data.decode("utf-8", "replace")
    return meant if 10 * meant.count("\ufffd") <= len(meant) else run


def as_alphabet(data: bytes, codec: str) -> bytes:
    """Replace the characters of Windows-1252 in a text by those of another single-byte codec."""
    decode = codecs.lookup(codec).decode
    table = {point: decode(bytes([b]), "replace")[0] for point, b in BYTE_OF.items()}
    text = data.decode("utf-8", "replace")
    return text.translate({point: c for point, c in table.items() if c != "\ufffd"}).encode()
