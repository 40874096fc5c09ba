"""PDF, through pypdf, where it is installed; a file is one document."""

from __future__ import annotations

import io
import logging

from ...core.documents import EMPTY, TOO_LARGE, UNREADABLE
from ...text.decode import Decoded, in_bytes, no_text
from ...text.repair import repair
from ..base import Options, too_large
from .whole_file import whole_file

NEEDED = "needs: pip install 'dedup-corpus[documents]'"
END_BYTES = 4096  # at the end, where %%EOF stands unless something follows it that does not belong there


def text_of(data: bytes, options: Options) -> Decoded:
    """The bytes of a PDF -> the text of its pages.

    NOTE: pypdf mends a file that was cut off as well as it can and says nothing of the pages it lost.
    """
    try:
        import pypdf
    except ImportError:
        return no_text(UNREADABLE, NEEDED)
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    if b"%PDF-" not in data[:1024]:
        return no_text(UNREADABLE, "it is no PDF")
    if b"%%EOF" not in data[-END_BYTES:]:
        return no_text(UNREADABLE, "it is damaged or cut off")
    pages: list[bytes] = []
    size = 0
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            return no_text(UNREADABLE, "it is encrypted")
        for page in reader.pages:
            pages.append(in_bytes(page.extract_text()))
            size += len(pages[-1])
            if size > options.max_bytes:
                return no_text(TOO_LARGE, too_large(options))
    except Exception as error:  # whatever hostile bytes bring about in the parser
        where = f"page {len(pages) + 1} " if pages else "it "
        return no_text(UNREADABLE, f"{where}cannot be read ({type(error).__name__})")
    utf8, repairs = repair(b"\n".join(pages))
    if not utf8.strip():
        return no_text(EMPTY, "no text in it; its pages may be pictures")
    return Decoded(utf8, "utf-8", repairs=repairs)


READER = whole_file((".pdf",), text_of, starts=(b"%PDF-",))
