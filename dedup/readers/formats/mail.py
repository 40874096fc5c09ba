"""E-mail: a message is a document, its text the body; .eml holds one message, .mbox many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import BinaryIO

from ...core.documents import BAD_RECORD, BINARY, EMPTY, TOO_LARGE, UNREADABLE
from ...text.decode import Decoded, decode, in_bytes
from ..base import (
    BROKEN,
    CHUNK_BYTES,
    Chunk,
    Options,
    Place,
    Read,
    Reader,
    Record,
    by_place,
    copy_places,
    too_large,
    why,
)
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
        note = f"not a message that can be read ({type(error).__name__})"
        return Decoded(b"", "", BAD_RECORD, note=note)
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
        return Decoded(b"", "", BINARY, note=f"no text but {parts[0].get_content_type()[:80]}")
    return best or Decoded(b"", "", EMPTY)


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


def prepare(stream: BinaryIO, options: Options) -> Options:
    """Return the options unchanged: a mailbox has no fields to choose."""
    return options


def chunks(stream: BinaryIO, source: int, options: Options) -> Iterator[Chunk]:
    """Messages of about CHUNK_BYTES together, as (offset, bytes or None, their number)."""
    held: list[tuple[int, bytes | None, int]] = []
    size = 0
    problem = ""
    try:
        for found in _messages(stream, options.max_bytes):
            held.append(found)
            size += len(found[1] or b"")
            if size >= CHUNK_BYTES:
                yield Chunk(source, held[0][0], rows=held, n_bytes=size)
                held, size = [], 0
    except BROKEN as error:
        problem = f"{why(error)}: the rest is lost"
    if held or problem:
        offset = held[0][0] if held else stream.tell()
        yield Chunk(source, offset, rows=held, n_bytes=size, problem=problem)


def _messages(stream: BinaryIO, limit: int) -> Iterator[tuple[int, bytes | None, int]]:
    """(offset, its bytes, how many) of each message; of one longer than `limit` the bytes are not held.

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
                yield offset, b"".join(lines) if held <= limit else None, size
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
        yield offset, b"".join(lines) if held <= limit else None, size


def records(chunk: Chunk, options: Options) -> Read:
    """Messages -> records."""
    found, texts = [], []
    for line, (offset, raw, size) in enumerate(chunk.rows):
        text = _message(raw, options)
        repairs = ",".join(text.repairs)
        found.append(Record(line, offset, size, text.encoding, text.status, text.id, text.note, repairs))
        texts.append(text.utf8)
    if chunk.problem:
        found.append(Record(len(chunk.rows), chunk.offset, 0, "", UNREADABLE, note=chunk.problem))
        texts.append(b"")
    return found, texts, len(chunk.rows)


def _message(raw: bytes | None, options: Options) -> Decoded:
    """A message as it stands in an mbox -> its text."""
    if raw is None:
        return Decoded(b"", "", TOO_LARGE, note=too_large(options))
    if not raw.startswith(b"From "):
        return Decoded(b"", "", BAD_RECORD, note="not a message: it does not begin with a line From ...")
    return message(QUOTED_FROM.sub(rb"\1", raw.partition(b"\n")[2]), options)


def _text(raw: bytes, options: Options) -> bytes:
    return _message(raw, options).utf8


def write(stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place]) -> None:
    """Write the messages at some places, unchanged, each with a blank line after it."""
    for place in places:
        copy_places(stream, out, [place], b"\n")
        stream.seek(sum(place) - 3 if place[1] > 3 else place[0])
        if not stream.read(3).endswith((b"\n\n", b"\n\r\n")):
            out.write(b"\n")


MBOX = Reader((".mbox", ".mbx"), prepare, chunks, records, by_place(_text), write, starts=(b"From ",))
