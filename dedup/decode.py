"""Bytes -> text, whatever the encoding: byte order mark, then UTF-8, then detection."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

from .model import BINARY, EMPTY, OK
from .repair import repair, visible_text

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # subtle: before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
META_CHARSET = re.compile(rb"<meta\b[^>]*?charset\s*=\s*[\"']?([\w-]{2,40})", re.I)
SNIFFED = 8192  # bytes looked at to tell text from other data
DETECTED = 1 << 16  # bytes given to the detector
LEGACY = (
    *(
        "cp1250",
        "cp1251",
        "cp1252",
        "cp1253",
        "cp1254",
        "cp1255",
        "cp1256",
        "cp1257",
        "cp1258",
        "cp866",
        "cp874",
    ),
    *("iso8859-1", "iso8859-2", "iso8859-5", "iso8859-15", "koi8-r", "koi8-u", "mac-roman"),
    *("big5hkscs", "cp932", "cp949", "euc_jis_2004", "gb18030", "hz", "johab", "shift_jis_2004"),
)
MAGIC = (
    b"%PDF-",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x7fELF",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
)


@dataclass(frozen=True)
class Decoded:
    """The text as UTF-8, the encoding it was in, a status, and the repairs made to it."""

    utf8: bytes
    encoding: str
    status: int = OK
    repairs: tuple[str, ...] = ()
    note: str = ""  # why it was set aside
    id: str = ""  # its own, where its format has one


def decode(data: bytes, encoding: str = "") -> Decoded:
    """Bytes -> text, its damage undone.  Bytes that make no sense become U+FFFD; nothing raises.

    `encoding`, when it is given, is not questioned.

    >>> decode(b"caf\\xc3\\xa9").encoding, decode("café".encode("utf-16")).utf8.decode()
    ('utf-8', 'café')
    >>> decode(b"\\x89PNG\\x00\\x00").status == BINARY
    True
    """
    found = transcode(data, encoding)
    utf8, repairs = repair(found.utf8)
    return replace(found, utf8=utf8, repairs=repairs) if repairs else found


def decode_declared(data: bytes, charset: str, is_html: bool) -> Decoded:
    """Bytes -> text, where a header names the encoding and says whether they are HTML.

    subtle: such names are often wrong, and what is valid UTF-8 is seldom anything else; so they decide
    only about the rest, and about encodings that look like ASCII or are wide.

    >>> decode_declared("für".encode(), "iso-8859-1", False).encoding
    'utf-8'
    >>> decode_declared("fünf über".encode("cp1250"), "windows-1250", False).encoding
    'windows-1250'
    >>> decode_declared(b"<b>a</b> <i>b</i>", "", True).utf8
    b'a b'
    """
    if not charset and is_html and (named := META_CHARSET.search(data, 0, 4096)):
        charset = named[1].decode()
    charset = charset.strip("\"' ").lower()
    try:
        codec = codecs.lookup(charset).name if charset else ""
        "".encode(codec or "utf-8")
    except (LookupError, ValueError):  # unknown, or not one of text
        charset = codec = ""
    wide_or_escaped = codec.startswith(("utf-16", "utf-32", "iso2022", "hz", "utf-7"))
    found = transcode(data, charset if wide_or_escaped else "")
    if found.status == OK and not found.encoding.startswith("utf-") and codec and codec != "utf-8":
        # a browser reads what calls itself Latin-1 or ASCII as Windows-1252
        found = _as(data, "cp1252" if codec in ("iso8859-1", "ascii") else charset)
    if found.status != OK:
        return found
    utf8 = visible_text(found.utf8) if is_html else found.utf8
    done = ("html",) if utf8 != found.utf8 else ()
    utf8, repairs = repair(utf8)
    return replace(found, utf8=utf8, repairs=(*done, *repairs), status=OK if utf8 else EMPTY)


def in_bytes(text: str) -> bytes:
    """Text -> UTF-8; a lone surrogate, which has no place there, becomes U+FFFD.

    >>> in_bytes("a\\ud800b").decode()
    'a\ufffdb'
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def line_text(line: bytes, encoding: str = "") -> tuple[str, str]:
    """A line of a format whose marks are ASCII -> (its text, the encoding it was in)."""
    if encoding:
        return line.decode(encoding, "replace").removeprefix("\ufeff"), encoding
    try:
        return line.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        found = _detected(line)
        return found.utf8.decode(), found.encoding


def transcode(data: bytes, encoding: str = "") -> Decoded:
    """Bytes -> the text as it is written, not repaired."""
    if not data:
        return Decoded(b"", "", EMPTY)
    if encoding:
        return Decoded(b"", "", BINARY) if data.startswith(MAGIC) else _as(data, encoding)
    for mark, name in BOMS:
        if data.startswith(mark):
            return _as(data, name)
    head = data[:SNIFFED]
    if b"\0" in head:
        wide = _utf16_without_mark(head)
        return _as(data, wide) if wide else Decoded(b"", "", BINARY)
    if head.startswith(MAGIC) or _mostly_control(head):
        return Decoded(b"", "", BINARY)
    try:
        data.decode("utf-8")
        return Decoded(data, "utf-8")
    except UnicodeDecodeError:
        return _detected(data)


def _as(data: bytes, encoding: str) -> Decoded:
    return Decoded(in_bytes(data.decode(encoding, "replace")), encoding)


def _utf16_without_mark(head: bytes) -> str:
    """The byte order of UTF-16 text without a mark, by where its zero bytes stand; "" if it is none."""
    even, odd, half = head[0::2].count(0), head[1::2].count(0), max(1, len(head) // 2)
    if odd > 0.3 * half and even < 0.02 * half:
        return "utf-16-le"
    if even > 0.3 * half and odd < 0.02 * half:
        return "utf-16-be"
    return ""


def _mostly_control(head: bytes) -> bool:
    control = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1b\x0b\x08")
    return 10 * (len(head) - len(head.translate(None, control))) > len(head)


def _detected(data: bytes) -> Decoded:
    """Text that is not UTF-8: UTF-8 with a few broken bytes, or the legacy encoding that fits best."""
    loose = data.decode("utf-8", "replace")
    broken = loose.count("\ufffd")
    whole = sum(1 for c in loose if c > "\x7f") - broken
    if whole > 2 * broken:
        return Decoded(loose.encode(), "utf-8 (damaged)")
    import chardet

    # subtle: its prefer_superset would turn iso8859-5 into cp1251, which is no superset of it
    guess = chardet.detect(
        data, max_bytes=DETECTED, prefer_superset=False, compat_names=False, include_encodings=LEGACY
    )["encoding"]
    return _as(data, "cp1252" if guess in (None, "iso8859-1") else guess)
