"""WARC and WET: a document per response, conversion or resource record that holds text.

The offset of a document is that of its record in the packed file, where records are packed one by one.
"""

from __future__ import annotations

import gzip
import io
import logging
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import Any, BinaryIO

from ...core.documents import BAD_RECORD, BINARY, OK, TOO_LARGE, UNREADABLE
from ...text.decode import Decoded, decode, no_text
from .. import base
from ..base import Chunk, Options, Place, Read, Reader, Record
from .fields import kept
from .warcfile import Frame, frames, opened

logging.getLogger("warcio").setLevel(logging.CRITICAL)  # it tells of what it mends, as a blank in a URI

DOCUMENTS = ("response", "conversion", "resource")
PAGES = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
NO_PROSE = ("text/css", "text/javascript", "text/dns")


def chunks(stream: BinaryIO, source: int, options: Options) -> Iterator[Chunk]:
    """Records of about CHUNK_BYTES together."""
    return base.in_chunks(_records(stream, options), source)


def _records(stream: BinaryIO, options: Options) -> Iterator[Frame]:
    yield from frames(*opened(stream), options.max_bytes)  # what `opened` raises counts as a break, too


def records(chunk: Chunk, options: Options) -> Read:
    """WARC records -> those that are documents; all are counted."""
    found = []
    for line, frame in enumerate(chunk.rows):
        got = _record(frame, options)
        if got is not None:
            record = got[0]._replace(line=line, offset=frame.offset, n_bytes=frame.n_bytes)
            found.append((record, got[1]))
    return base.unzipped([*found, *base.lost_rest(chunk)], len(chunk.rows))


def _record(frame: Frame, options: Options) -> tuple[Record, bytes] | None:
    """A WARC record -> the document in it and its text; None when it is of another kind."""
    if frame.problem:
        return Record(0, 0, 0, "", UNREADABLE, note=frame.problem), b""
    from warcio.recordloader import ArcWarcRecordLoader

    try:
        record = ArcWarcRecordLoader(verify_http=False).parse_record_stream(
            io.BytesIO(frame.data), known_format="warc"
        )
        if record.rec_type not in DOCUMENTS or (record.content_type or "").startswith(NO_PROSE):
            return None
        uri = record.rec_headers.get_header("WARC-Target-URI") or ""
        values = dict(record.rec_headers.headers)
        text = _text(record, frame, options)
    except Exception as error:  # whatever hostile bytes bring about in the parsers
        note = f"not a WARC record that can be read ({type(error).__name__})"
        return Record(0, 0, 0, "", BAD_RECORD, note=note), b""
    about = uri.encode("utf-8", "replace").decode()
    repairs = ",".join(text.repairs)
    shown = kept(values, options.kept_fields)
    return Record(0, 0, 0, text.encoding, text.status, about, text.note, repairs, shown), text.utf8


def _text(record: Any, frame: Frame, options: Options) -> Decoded:
    """A record that warcio has read -> its text."""
    if frame.size > len(frame.data):
        return no_text(TOO_LARGE, base.too_large(options))
    http = record.http_headers
    kind = (http.get_header("Content-Type") if http else record.content_type) or ""
    kind, charset = _kind_of(kind)
    if kind and (not kind.startswith("text/") or kind in NO_PROSE) and kind not in PAGES:
        return no_text(BINARY, kind)
    packing = ((http.get_header("Content-Encoding") if http else "") or "").lower().strip()
    if packing not in ("", "identity", "none", "utf-8") and packing not in _packings():
        return no_text(UNREADABLE, f"its content is packed as {packing[:40]!r}, which is not read")
    stream, pieces, size = record.content_stream(), [], 0
    while (piece := stream.read(1 << 16)) and size <= options.max_bytes:
        pieces.append(piece)
        size += len(piece)
    if size > options.max_bytes:
        return no_text(TOO_LARGE, base.too_large(options))
    return decode(b"".join(pieces), options.encoding, charset, kind in PAGES)


def _packings() -> Sequence[str]:
    from warcio.bufferedreaders import BufferedReader

    found: Sequence[str] = BufferedReader.get_supported_decompressors()
    return found


def _kind_of(header: str) -> tuple[str, str]:
    """A Content-Type -> (the type, the charset).

    >>> _kind_of('Text/HTML; Charset="utf-8"'), _kind_of("nonsense")
    (('text/html', 'utf-8'), ('nonsense', ''))
    """
    kind, _, rest = header.partition(";")
    message = Message()
    message["Content-Type"] = "text/plain; " + " ".join(rest.split())
    charset = message.get_param("charset", "")
    return kind.strip().lower(), charset if isinstance(charset, str) else ""


def reread(
    stream: BinaryIO, options: Options, places: Sequence[Place]
) -> Iterator[tuple[bytes, bytes] | None]:
    """Read the records at some places again: their bytes and texts."""
    stream, gzipped = opened(stream)
    for offset, length in places:
        stream.seek(offset)
        data = stream.read(length)
        frame = next(frames(io.BytesIO(data), gzipped, options.max_bytes), None)
        got = _record(frame, options) if frame and frame.n_bytes == length else None
        yield (data, got[1]) if got and got[0].status == OK else None


def write(stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place]) -> None:
    """Write the records at some places, unchanged; those of a file gzipped as a whole, one by one."""
    stream.seek(0)
    packed = stream.read(2) == b"\x1f\x8b"
    stream, gzipped = opened(stream)
    if not packed or gzipped:
        base.copy_places(stream, out, places)
        return
    for place in places:
        with gzip.GzipFile("", "wb", fileobj=out, mtime=0) as member:
            base.copy_places(stream, member, [place])  # type: ignore[arg-type]


STARTS = (b"WARC/1.", b"WARC/0.")
READER = Reader((".warc", ".wet"), chunks, records, reread, write, unpacks=True, starts=STARTS)
