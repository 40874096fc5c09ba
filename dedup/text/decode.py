"""Bytes -> text, whatever the encoding: its mark, UTF-8, what it says of itself, then what it looks like."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..core.documents import BINARY, EMPTY, OK
from .encodings import BOMS, UNDECIDED, codec_of, detected, escaped, labels, read_as, without_mark
from .markup import as_page
from .repair import repair

SNIFFED = 8192  # bytes looked at to tell text from other data
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


def decode(data: bytes, encoding: str = "", charset: str = "", is_html: bool = False) -> Decoded:
    """Bytes -> text, its damage undone.  Bytes that make no sense become U+FFFD; nothing raises.

    `encoding`, when it is given, is not questioned; `charset`, which a header says, is believed if it fits.
    Where a header or the name of the file says that this `is_html`, its tags need not show it.

    >>> decode(b"caf\\xc3\\xa9").encoding, decode("café".encode("utf-16")).utf8.decode()
    ('utf-8', 'café')
    >>> decode(b"\\x89PNG\\x00\\x00").status == BINARY
    True
    >>> decode("für".encode(), charset="iso-8859-1").encoding
    'utf-8'
    >>> decode("fünf über".encode("cp1250"), charset="windows-1250").encoding
    'cp1250'
    >>> decode(b"<b>a</b> <i>b</i>", is_html=True)
    Decoded(utf8=b'a b', encoding='utf-8', status=0, repairs=('html',), note='', id='')
    """
    found = transcode(data, encoding, charset)
    if found.status != OK:
        return found
    utf8 = as_page(found.utf8) if is_html else found.utf8
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
        found = _legacy(line, ())
        return found.utf8.decode(), found.encoding


def transcode(data: bytes, encoding: str = "", charset: str = "") -> Decoded:
    """Bytes -> the text as it is written, not repaired.

    What is valid UTF-8 is seldom anything else, so what is said of the encoding decides only about the
    rest, and about encodings that look like ASCII or are wide.
    """
    if not data:
        return Decoded(b"", "", EMPTY)
    if encoding:
        return Decoded(b"", "", BINARY) if data.startswith(MAGIC) else _as(data, encoding)
    for mark, name in BOMS:
        if data.startswith(mark):
            return _as(data, name)
    if codec_of(charset).startswith(("utf-16", "utf-32", "utf-7", "iso2022", "hz")):
        fits = read_as(data, charset)
        if fits:
            return Decoded(in_bytes(fits[0]), fits[1])
    head = data[:SNIFFED]
    if wide := without_mark(head):
        return _as(data, wide)
    if b"\0" in head or head.startswith(MAGIC):
        return Decoded(b"", "", BINARY)
    if name := escaped(data):
        return _as(data, name)
    if _mostly_control(head):
        return Decoded(b"", "", BINARY)
    try:
        data.decode("utf-8")
        return Decoded(data, "utf-8")
    except UnicodeDecodeError:
        return _legacy(data, (charset, *labels(data)))


def _as(data: bytes, encoding: str) -> Decoded:
    return Decoded(in_bytes(data.decode(encoding, "replace")), encoding)


def _mostly_control(head: bytes) -> bool:
    control = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1b\x0b\x08")
    return 10 * (len(head) - len(head.translate(None, control))) > len(head)


def _legacy(data: bytes, said: Iterable[str]) -> Decoded:
    """Text that is not UTF-8: UTF-8 with a few broken bytes, the first said that fits, or a guess."""
    loose = data.decode("utf-8", "replace")
    broken = loose.count("\ufffd")
    whole = sum(1 for c in loose if c > "\x7f") - broken
    if whole > 2 * broken:
        return Decoded(loose.encode(), "utf-8 (damaged)")
    for label in said:
        if fits := read_as(data, label):
            return Decoded(in_bytes(fits[0]), fits[1])
    name, sure = detected(data)
    found = _as(data, name)
    return found if sure >= UNDECIDED else replace(found, encoding=f"{name} (confidence {sure:.2f})")
