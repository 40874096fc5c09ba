"""Decode bytes to text: by a byte order mark, as UTF-8, by a declared encoding, or by detection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..core.documents import BINARY, EMPTY, OK
from .encodings import BOMS, UNDECIDED, codec_of, decode_as, detect, escaped, labels, without_mark
from .markup import as_page
from .repair import repair

SNIFFED = 8192  # bytes looked at to tell text from other data
MAGIC = (  # the first bytes of documents, packed files, pictures and programs
    *(b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"),
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF"),
)


@dataclass(frozen=True)
class Decoded:
    """A decoded text in UTF-8, with its former encoding, its status and the repairs made to it."""

    utf8: bytes
    encoding: str
    status: int = OK
    repairs: tuple[str, ...] = ()
    note: str = ""  # why it was set aside
    id: str = ""  # its own, where its format has one


def no_text(status: int, note: str = "") -> Decoded:
    """Return what stands for a document that is set aside."""
    return Decoded(b"", "", status, note=note)


def decode(data: bytes, encoding: str = "", charset: str = "", is_html: bool = False) -> Decoded:
    """Decode bytes and repair the text.  Invalid bytes become U+FFFD; nothing raises.

    A given `encoding` is used as it is; a `charset` from a header is used if the bytes are valid in it.
    Set `is_html` where a header or the file name says so, as fragments of HTML are not always recognized.

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
    """Encode text as UTF-8; a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.

    >>> in_bytes("a\\ud800b").decode()
    'a\ufffdb'
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def line_text(line: bytes, encoding: str = "") -> tuple[str, str]:
    """Decode a line of a format with ASCII syntax -> (text, encoding)."""
    if encoding:
        return line.decode(encoding, "replace").removeprefix("\ufeff"), encoding
    try:
        return line.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        found = _legacy(line, ())
        return found.utf8.decode(), found.encoding


def transcode(data: bytes, encoding: str = "", charset: str = "") -> Decoded:
    """Decode bytes without repairing the text.

    Valid UTF-8 is seldom anything else.  So a declared encoding is asked only for other bytes, and for
    encodings that look like ASCII or use two or four bytes a character.
    """
    if not data:
        return no_text(EMPTY)
    if encoding:
        return no_text(BINARY) if data.startswith(MAGIC) else _as(data, encoding)
    for mark, name in BOMS:
        if data.startswith(mark):
            return _as(data, name)
    if codec_of(charset).startswith(("utf-16", "utf-32", "utf-7", "iso2022", "hz")):
        fits = decode_as(data, charset)
        if fits:
            return Decoded(in_bytes(fits[0]), fits[1])
    head = data[:SNIFFED]
    if wide := without_mark(head):
        return _as(data, wide)
    if b"\0" in head or head.startswith(MAGIC):
        return no_text(BINARY)
    if name := escaped(data):
        return _as(data, name)
    if _mostly_control(head):
        return no_text(BINARY)
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
    """Decode what is not UTF-8: as damaged UTF-8, by a declared encoding that fits, or by detection."""
    loose = data.decode("utf-8", "replace")
    broken = loose.count("\ufffd")
    whole = sum(1 for c in loose if c > "\x7f") - broken
    if whole > 2 * broken:
        return Decoded(loose.encode(), "utf-8 (damaged)")
    for label in said:
        if fits := decode_as(data, label):
            return Decoded(in_bytes(fits[0]), fits[1])
    name, sure = detect(data)
    found = _as(data, name)
    return found if sure >= UNDECIDED else replace(found, encoding=f"{name} (confidence {sure:.2f})")
