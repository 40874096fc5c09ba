"""A file that is one document, in any encoding."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from ...core.documents import OK, TOO_LARGE
from ...text.decode import Decoded, decode
from ..base import Chunk, Options, Place, Read, Reader, Record, too_large

Decode = Callable[[bytes, Options], Decoded]


def whole_file(suffixes: tuple[str, ...], decode: Decode, starts: tuple[bytes, ...] = ()) -> Reader:
    """The reader of a format in which a file is one document; decode(bytes, options) -> its text."""

    def chunks(stream: BinaryIO, source: int, options: Options) -> Iterator[Chunk]:
        data = stream.read(options.max_bytes + 1)
        if len(data) > options.max_bytes:
            yield Chunk(source, too_large=len(data))
        else:
            yield Chunk(source, 0, data)

    def records(chunk: Chunk, options: Options) -> Read:
        if chunk.data is None:
            return [Record(-1, 0, chunk.too_large, "", TOO_LARGE, note=too_large(options))], [b""], 0
        text = decode(chunk.data, options)
        repairs = ",".join(text.repairs)
        written = hashlib.blake2b(chunk.data, digest_size=16).digest() if text.utf8 != chunk.data else b""
        record = Record(
            -1, 0, len(chunk.data), text.encoding, text.status, text.id, text.note, repairs, written=written
        )
        return [record], [text.utf8 if text.status == OK else b""], 0

    def reread(
        stream: BinaryIO, options: Options, places: Sequence[Place]
    ) -> Iterator[tuple[bytes, bytes] | None]:
        for _, length in places:
            stream.seek(0)
            raw = stream.read(length)
            found = decode(raw, options)
            yield (raw, found.utf8) if len(raw) == length and found.status == OK else None

    return Reader(suffixes, chunks, records, reread, whole=True, starts=starts)


READER = whole_file((), lambda data, options: decode(data, options.encoding))
HTML = whole_file(
    (".html", ".htm", ".xhtml", ".shtml"), lambda data, options: decode(data, options.encoding, is_html=True)
)
