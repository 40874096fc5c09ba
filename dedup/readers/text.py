"""A file that is one document, in any encoding."""

from __future__ import annotations

from collections.abc import Iterator

from ..decode import decode
from ..model import CHANGED, UNREADABLE, Source
from .base import BROKEN, Options, Part, Read, Reader, Record, open_source, unchanged, why


def prepare(source: Source, options: Options) -> Options:
    """Whole files have no fields."""
    return Options()


def parts(source: Source, index: int) -> Iterator[Part]:
    """One part, read later, by the thread that takes it."""
    yield Part(index)


def records(part: Part, source: Source, fields: Options) -> Read:
    """The file -> one record."""
    try:
        with open_source(source) as stream:
            data = stream.read()
    except BROKEN as error:
        return [Record(-1, 0, 0, "", UNREADABLE, note=why(error))], [b""], 0
    if not unchanged(source):
        return [Record(-1, 0, len(data), "", CHANGED, note="the file changed while it was read")], [b""], 0
    text = decode(data)
    repairs = ",".join(text.repairs)
    return [Record(-1, 0, len(data), text.encoding, text.status, repairs=repairs)], [text.utf8], 0


def extract(raw: bytes, fields: Options) -> bytes:
    """The bytes of the file -> its text."""
    return decode(raw).utf8


READER = Reader((), prepare, parts, records, extract)
