"""Rich Text Format, through striprtf, where it is installed; a file is one document."""

from __future__ import annotations

import codecs
import re

from ...core.documents import EMPTY, TOO_LARGE, UNREADABLE
from ...text.decode import Decoded, no_text
from ...text.repair import repair
from ..base import Options, too_large
from .pdf import NEEDED
from .whole_file import whole_file

START = b"{\\rtf"
ESCAPED = re.compile(rb"\\[\\{}]")
RAW = re.compile(rb"[\x80-\xff]")  # of the code page of the file, like \'xx


def text_of(data: bytes, options: Options) -> Decoded:
    """The bytes of an RTF file -> its text, without fonts, styles and pictures."""
    try:
        from striprtf.striprtf import rtf_to_text
    except ImportError:
        return no_text(UNREADABLE, NEEDED)
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.lstrip().startswith(START):
        return no_text(UNREADABLE, "it is no RTF")
    if not _is_closed(data):
        return no_text(UNREADABLE, "it is damaged or cut off")
    plain = RAW.sub(lambda byte: b"\\'%02x" % byte[0][0], data).decode("ascii")
    try:
        text: str = rtf_to_text(  # type: ignore[no-untyped-call]
            plain, encoding=options.encoding or "cp1252", errors="replace"
        )
    except Exception as error:  # whatever hostile bytes bring about in the parser
        return no_text(UNREADABLE, f"it cannot be read ({type(error).__name__})")
    # NOTE: characters beyond U+FFFF are written as two halves
    utf8, repairs = repair(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode())
    if len(utf8) > options.max_bytes:
        return no_text(TOO_LARGE, too_large(options))
    if not utf8.strip():
        return no_text(EMPTY, "no text in it")
    return Decoded(utf8, "utf-8", repairs=repairs)


def _is_closed(data: bytes) -> bool:
    """Tell whether every group of an RTF file is closed; not known where pictures are in bytes.

    >>> _is_closed(rb"{\\rtf1 a \\{ {b}}"), _is_closed(rb"{\\rtf1 cut off {b}")
    (True, False)
    """
    if not data.rstrip(b" \t\r\n\0").endswith(b"}"):
        return False
    plain = ESCAPED.sub(b"", data)
    return b"\\bin" in plain or plain.count(b"{") <= plain.count(b"}")


READER = whole_file((".rtf",), text_of, starts=(START,))
