"""Rich Text Format, through striprtf, where it is installed; a file is one document."""

from __future__ import annotations

import re

from ...core.documents import EMPTY, TOO_LARGE, UNREADABLE
from ...text.decode import Decoded, no_text
from ...text.repair import repair
from ..base import Options, too_large
from .pdf import NEEDED
from .whole_file import whole_file

START = b"{\\rtf"
RAW = re.compile(rb"[\x80-\xff]")  # of the code page of the file, like \'xx


def text_of(data: bytes, options: Options) -> Decoded:
    """The bytes of an RTF file -> its text, without fonts, styles and pictures."""
    try:
        from striprtf.striprtf import rtf_to_text
    except ImportError:
        return no_text(UNREADABLE, NEEDED)
    if not data.lstrip().startswith(START):
        return no_text(UNREADABLE, "it is no RTF")
    if not data.rstrip(b" \t\r\n\0").endswith(b"}"):
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


READER = whole_file((".rtf",), text_of, starts=(START,))
