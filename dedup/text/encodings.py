"""Find the encoding of bytes: by a byte order mark, by a declaration in them, or by detection."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # NOTE: before UTF-16, as its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MAY_BE_WIDE = re.compile(rb"[\0\1\2]")  # in UTF-16, a byte of ASCII, or of a CJK comma or full stop
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
ESCAPED = ("iso2022_jp_2", "iso2022_jp_2004", "iso2022_jp_ext", "iso2022_kr")
ESCAPE = b"\x1b$"  # begins characters of two bytes in each of them
LABELLED = 4096  # bytes searched for a declared encoding
LABELS = (
    re.compile(rb"\A\s*<\?xml\s[^<>]*?encoding\s*=\s*[\"']([\w.:-]{2,40})[\"']"),
    re.compile(rb"<meta\b[^<>]*?\bcharset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I),
    re.compile(rb"\A(?:[^\n]*\n)?[^\n]*?coding[:=][ \t]*([\w.-]{2,40})"),  # PEP 263, Emacs
    re.compile(rb"^\"?Content-Type:[ \t]*text/[^\n]*?\bcharset=\"?([\w.:-]{2,40})", re.I | re.M),  # gettext
)
# the codecs for a declared encoding: supersets of it, as browsers use (WHATWG, Encoding Standard)
CODECS_FOR = {
    "ascii": ("cp1252",),
    "iso8859-1": ("cp1252",),
    "iso8859-9": ("cp1254",),
    "iso8859-11": ("cp874",),
    "tis-620": ("cp874",),
    "gb2312": ("gb18030",),
    "gbk": ("gb18030",),
    "big5": ("big5hkscs", "cp950"),
    "cp950": ("cp950", "big5hkscs"),
    "euc_kr": ("cp949",),
    "euc_jp": ("euc_jp", "euc_jis_2004"),
    "shift_jis": ("cp932", "shift_jis_2004"),
    "cp932": ("cp932", "shift_jis_2004"),
    "iso2022_jp": ESCAPED[:3],
}
# the common encodings of texts not in UTF-8: chosen from alone where a text is too short to tell
_COMMON = (
    "cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp866 cp874 iso8859-1 iso8859-2 "
    "iso8859-5 iso8859-15 koi8-r koi8-u mac-roman big5hkscs cp932 cp949 euc_jis_2004 gb18030 johab "
    "shift_jis_2004"
)
_RARE = (
    "cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 "
    "cp869 cp1006 cp1125 euc_kr hp-roman8 iso8859-3 iso8859-4 iso8859-6 iso8859-7 iso8859-8 iso8859-9 "
    "iso8859-10 iso8859-13 iso8859-14 iso8859-16 koi8-t kz1048 mac-cyrillic mac-greek mac-iceland "
    "mac-latin2 mac-turkish ptcp154 tis-620"
)
COMMON, RARE = tuple(_COMMON.split()), tuple(_RARE.split())
DETECTED = 1 << 16  # bytes given to the detector
UNDECIDED = 0.1  # confidence below which only common encodings are chosen, and the document table says so
CONTROLS = "".join(map(chr, range(0x80, 0xA0)))
BLANKS = " \n\u3000\u3001\u3002\uff0c"
NOT_ASCII = re.compile(rb"[\x80-\xff]")


def codec_of(label: str) -> str:
    """Return the name of Python's codec for a named encoding, or "" where there is none for text.

    >>> codec_of("X-SJIS"), codec_of("maccyrillic"), codec_of("iso-8859-8-i"), codec_of("zip"), codec_of("?")
    ('shift_jis', 'mac-cyrillic', 'iso8859-8', '', '')
    """
    label = label.strip("\"' ").lower()
    for name in (label, label.removeprefix("x-"), label.removesuffix("-i").removesuffix("-e")):
        try:
            found = codecs.lookup(name).name if name else ""
            "".encode(found or "ascii")
        except (LookupError, ValueError):  # unknown, or not one of text
            continue
        if found:
            return found
    return ""


def labels(data: bytes) -> Iterator[str]:
    """Find the encodings that a text declares: in an XML declaration, <meta>, coding line or Content-Type.

    >>> list(labels(b'<p><meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'))
    ['koi8-r']
    """
    head = data[:LABELLED]
    for label in LABELS:
        found = label.search(head)
        # NOTE: a declaration that can be read byte by byte is not in a wide encoding
        if found and not codec_of(found[1].decode()).startswith(("utf-16", "utf-32")):
            yield found[1].decode()


def decode_as(data: bytes, label: str) -> tuple[str, str] | None:
    """Decode bytes in a declared encoding -> (text, codec), or None if more than a few are invalid in it.

    >>> decode_as("жёлтый".encode("koi8-r"), "KOI8-R"), decode_as(b"\\xff\\x81", "utf-8")
    (('жёлтый', 'koi8-r'), None)
    """
    codec = codec_of(label)
    for name in CODECS_FOR.get(codec, (codec,) if codec else ()):
        text = data.decode(name, "replace")
        bad = text.count("\ufffd") + sum(map(text.count, CONTROLS))
        if not bad or 50 * bad <= len(text) - len(text.encode("ascii", "ignore")):
            return text, name
    return None


def without_mark(head: bytes) -> str:
    """Return the encoding of UTF-16 or UTF-32 without a byte order mark, or "" for anything else.

    Nearly all characters must be assigned and visible, and blanks among them.

    >>> without_mark("Ёж спит.".encode("utf-16-be")), without_mark("a b".encode("utf-32-le"))
    ('utf-16-be', 'utf-32-le')
    >>> without_mark(bytes(range(64)))
    ''
    """
    if not MAY_BE_WIDE.search(head):
        return ""
    found = {name: score for name in WIDE if (score := _looks_like_text(head, name)) is not None}
    return min(found, key=lambda name: found[name]) if found else ""


def _looks_like_text(head: bytes, name: str) -> int | None:
    """Score how little bytes look like text in a wide encoding; None if they cannot be in it.

    In the wrong byte order, the characters of one alphabet spread over all of Unicode, and blanks vanish.
    """
    width = 4 if "32" in name else 2
    try:
        text = head[: len(head) // width * width].decode(name)
    except UnicodeDecodeError as error:
        if error.start < len(head) - width - 2:
            return None
        text = head[: error.start].decode(name)  # a character of four bytes is cut
    kinds = [unicodedata.category(c) for c in text if c not in "\t\n\r\f\ufeff"]
    odd = sum(kind[0] == "C" and kind != "Cf" for kind in kinds)
    letters = sum(kind[0] in "LMN" for kind in kinds)
    if 100 * odd > len(text) or not 2 * letters >= len(kinds) > 0:
        return None
    blanks = sum(map(text.count, BLANKS))
    rows = len({ord(c) >> 8 for c in text})  # of 256 code points
    if not blanks and (b"\0" not in head or (len(text) >= 64 and rows > 1)):
        return None
    return rows - blanks


def escaped(data: bytes) -> str:
    """Return the encoding of text that switches character sets by escape sequences (ISO 2022), or "".

    >>> escaped("日本語".encode("iso2022_jp")), escaped("한국어".encode("iso2022_kr")), escaped(b"\\x1b$x")
    ('iso2022_jp_2', 'iso2022_kr', '')
    """
    if ESCAPE not in data or NOT_ASCII.search(data):
        return ""
    for name in ESCAPED:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if not text.isascii() and "\x1b" not in text:
            return name
    return ""


def detect(data: bytes, among: tuple[str, ...] = ()) -> tuple[str, float]:
    """Detect the encoding of bytes that are not UTF-8, by chardet -> (codec, confidence from 0 to 1).

    Where it is unsure, as in lines of a few words, it chooses among the common encodings.  With `among`, it
    chooses among those only.

    >>> detect("Съешь ещё этих мягких французских булок".encode("cp855"))[0]
    'cp855'
    """
    import chardet

    first = NOT_ASCII.search(data)
    start = max(0, first.start() - DETECTED // 4) if first else 0
    part = data[start : start + DETECTED]
    for choice in (among,) if among else (COMMON + RARE, COMMON):
        # NOTE: prefer_superset would turn iso8859-5 into cp1251, which is no superset of it
        found = chardet.detect(
            part,
            max_bytes=DETECTED,
            prefer_superset=False,
            compat_names=False,
            include_encodings=choice,
        )
        name, sure = found["encoding"], found["confidence"] or 0.0
        if name is not None and sure >= UNDECIDED:
            break
    return ("cp1252" if name in (None, "iso8859-1") else codecs.lookup(name).name), sure
