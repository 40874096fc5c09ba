"""E-mail: a message is a document, its text the body; .eml holds one message, .mbox many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import BinaryIO, NamedTuple

from ...core.documents import BAD_RECORD, BINARY, EMPTY, TOO_LARGE
from ...text.decode import Decoded, decode, in_bytes, no_text
from .. import base
from ..base import Chunk, Options, Place, Read, Reader, Record
from .whole_file import whole_file

HEADER = re.compile(rb"[!-9;-~]+[ \t]*:")
QUOTED_FROM = re.compile(rb"^>(>*From )", re.M)


def message(raw: bytes, options: Options) -> Decoded:
    """The bytes of a message -> its text: the first plain part that is not blank, else the first of HTML.

    NOTE: the older policy, compat32, since the newer one raises errors at headers that are out of order.
    """
    try:
        mail = message_from_bytes(raw, policy=compat32)
        name = in_bytes(str(mail.get("Message-ID", ""))).decode().strip()
        found = _body(mail, options)
    except Exception as error:  # whatever hostile bytes bring about in the parser
        return no_text(BAD_RECORD, f"not a message that can be read ({type(error).__name__})")
    return Decoded(found.utf8, found.encoding, found.status, found.repairs, found.note, name)


def _body(mail: Message, options: Options) -> Decoded:
    parts = [part for part in _leaves(mail) if part.get_content_disposition() != "attachment"]
    texts = [part for part in parts if part.get_content_type() in ("text/plain", "text/html")]
    texts.sort(key=lambda part: part.get_content_type() == "text/html")
    best = None
    for part in texts:
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        charset = part.get_param("charset", "")
        is_html = part.get_content_type() == "text/html"
        found = decode(data, options.encoding, charset if isinstance(charset, str) else "", is_html)
        if found.utf8.strip():
            return found
        best = best or found
    if best is None and parts and any(part.get_payload() for part in parts):
        return no_text(BINARY, f"no text but {parts[0].get_content_type()[:80]}")
    return best or no_text(EMPTY)


def _leaves(mail: Message) -> Iterator[Message]:
    """Return the parts of a message that are not made of parts; those of a message within it do not count."""
    pending: list[Message] = [mail]
    while pending:
        part = pending.pop()
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            pending += [p for p in reversed(inner) if isinstance(p, Message)]
        elif part is mail or part.get_content_maintype() != "message":
            yield part


EML = whole_file((".eml",), message)


# ------------------------------------------------------------------ mbox


class Posting(NamedTuple):
    """A message in a mailbox: where it stands, and its bytes, or None where there are too many."""

    offset: int
    n_bytes: int
    data: bytes | None

    @property
    def held(self) -> int:
        return len(self.data or b"")


def chunks(stream: BinaryIO, source: int, options: Options) -> Iterator[Chunk]:
    """Messages of about CHUNK_BYTES together."""
    return base.in_chunks(_messages(stream, options.max_bytes), source)


def _messages(stream: BinaryIO, limit: int) -> Iterator[Posting]:
    """Return the messages of a mailbox; of one longer than `limit` the bytes are not held.

    A message begins at a line `From ...` at the start or after a blank line, before a line like a header.
    """
    offset = size = 0
    lines: list[bytes] = []
    held = 0
    blank, pending = True, b""
    while True:
        line = stream.readline(1 << 20)
        if pending:
            if HEADER.match(line) and (size or lines):
                yield Posting(offset, size, b"".join(lines) if held <= limit else None)
                offset, size, held, lines = offset + size, 0, 0, []
            size += len(pending)
            held += len(pending)
            lines.append(pending)
            pending = b""
        if not line:
            break
        if blank and line.startswith(b"From ") and line.endswith(b"\n"):
            pending = line
        else:
            size += len(line)
            held += len(line)
            if held <= limit:
                lines.append(line)
            else:
                lines = lines[:1]
        blank = line in (b"\n", b"\r\n")
    if size and (held > limit or b"".join(lines).strip()):
        yield Posting(offset, size, b"".join(lines) if held <= limit else None)


def records(chunk: Chunk, options: Options) -> Read:
    """Messages -> records."""
    found = []
    for line, (offset, size, raw) in enumerate(chunk.rows):
        text = _message(raw, options)
        repairs = ",".join(text.repairs)
        record = Record(line, offset, size, text.encoding, text.status, text.id, text.note, repairs)
        found.append((record, text.utf8))
    return base.unzipped([*found, *base.lost_rest(chunk)], len(chunk.rows))


def _message(raw: bytes | None, options: Options) -> Decoded:
    """A message as it stands in an mbox -> its text."""
    if raw is None:
        return no_text(TOO_LARGE, base.too_large(options))
    if not raw.startswith(b"From "):
        return no_text(BAD_RECORD, "not a message: it does not begin with a line From ...")
    return message(QUOTED_FROM.sub(rb"\1", raw.partition(b"\n")[2]), options)


def _text(raw: bytes, options: Options) -> bytes:
    return _message(raw, options).utf8


def write(stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place]) -> None:
    """Write the messages at some places, unchanged, each with a blank line after it."""
    for place in places:
        base.copy_places(stream, out, [place], b"\n")
        stream.seek(sum(place) - 3 if place[1] > 3 else place[0])
        if not stream.read(3).endswith((b"\n\n", b"\n\r\n")):
            out.write(b"\n")


MBOX = Reader((".mbox", ".mbx"), chunks, records, base.by_place(_text), write, starts=(b"From ",))
