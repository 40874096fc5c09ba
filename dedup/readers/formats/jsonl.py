"""JSON Lines: a document per line, its text in one field or in several."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import orjson

from ...core.documents import BAD_RECORD, EMPTY, TOO_LARGE, UNREADABLE
from ...text.decode import in_bytes, line_text
from ...text.repair import repair, repair_all
from .. import base
from ..base import Changes, Chunk, Options, Place, Read, Reader, Record
from ..storage.streams import in_utf8, of_lines
from .added import Added
from .fields import KIND_NAMES, BadLine, choose_fields, lookup, of_fields

PEEKED, PEEKED_BYTES = 100, 1 << 20  # lines looked at to find the fields, and the longest of them


def parse(line: bytes, encoding: str = "") -> tuple[Mapping[str, Any], str]:
    """A line -> its object, and the encoding it was in; raises BadLine.

    NOTE: orjson refuses lone surrogates and NaN, which other programs write; json takes them.  A line
    in the encoding that was asked for may be other text when it is taken for UTF-8 (UTF-7, HZ).
    """
    encoding = of_lines(encoding)
    found = encoding or "utf-8"
    if found != "utf-8":
        line = in_bytes(line_text(line, encoding)[0])
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            text, detected = line_text(line, encoding and "utf-8")
            value = json.loads(text)
            found = encoding or detected
        except (ValueError, RecursionError) as error:
            raise BadLine(f"not JSON: {str(error) or 'nested too deeply'}".split(" (char")[0]) from None
    if not isinstance(value, dict):
        raise BadLine(f"{KIND_NAMES.get(type(value), 'a number')} in JSON, not an object with a text field")
    return value, found


def prepare(stream: BinaryIO, options: Options) -> Options:
    """Choose the text field and the id field by the first records of the source."""
    return choose_fields(_objects(first_lines(in_utf8(stream, options)), options), options)


def _objects(lines: Iterable[bytes], options: Options) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        with contextlib.suppress(BadLine):
            yield parse(line, options.encoding)[0]


def first_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Return the first PEEKED lines, without those that are very long."""
    try:
        for _ in range(PEEKED):
            line = stream.readline(PEEKED_BYTES)
            whole = line.endswith(b"\n") or len(line) < PEEKED_BYTES
            if line and whole:
                yield line
            while line and not whole:
                line = stream.readline(PEEKED_BYTES)
                whole = line.endswith(b"\n")
    except base.BROKEN:  # told where the records are read
        return


def chunks(stream: BinaryIO, source: int, options: Options) -> Iterator[Chunk]:
    """Pieces of about CHUNK_BYTES that end at a line's end; a line that is too long is one without bytes."""
    offset, skipped = 0, 0
    held = bytearray()
    problem = ""
    try:
        for chunk in base.slices(in_utf8(stream, options)):
            start = 0
            if skipped:
                start = chunk.find(b"\n") + 1
                skipped += start - 1 if start else len(chunk)
                if not start:
                    continue
                yield Chunk(source, offset, too_large=skipped)
                offset, skipped = offset + skipped + 1, 0
            end = chunk.rfind(b"\n") + 1
            if end > start:
                held += chunk[start:end]
                yield Chunk(source, offset, bytes(held))
                offset, start = offset + len(held), end
                held.clear()
            held += chunk[start:]
            if len(held) > options.max_bytes:
                skipped = len(held)
                held.clear()
    except base.BROKEN as error:
        problem = base.why(error)
    if skipped:
        yield Chunk(source, offset, too_large=skipped)
        offset += skipped
    if held or problem:
        yield Chunk(source, offset, bytes(held), problem=problem)


def records(chunk: Chunk, options: Options) -> Read:
    """A chunk -> its records; lines are split at \\n only, blank ones are no documents."""
    if chunk.data is None:
        note = base.too_large(options)
        return [Record(0, chunk.offset, chunk.too_large, "", TOO_LARGE, note=note)], [b""], 1
    found: list[tuple[Record, bytes]] = []
    offset = chunk.offset
    lines = chunk.data.split(b"\n")
    last = lines.pop() if chunk.problem or not lines[-1] else b""
    for number, line in enumerate(lines):
        if line and (not line.isspace() or len(line) > options.max_bytes):
            found.append(record_of(number, offset, line, options))
        offset += len(line) + 1
    if chunk.problem:  # what stands after the last whole line cannot be trusted
        note = f"{chunk.problem}: the rest is lost"
        found.append((Record(len(lines), offset, len(last), "", UNREADABLE, note=note), b""))
    return mended(found, len(lines))


def record_of(number: int, offset: int, line: bytes, options: Options) -> tuple[Record, bytes]:
    """A line, or an object in an array -> the record and its text as it stands."""
    if len(line) > options.max_bytes:
        return Record(number, offset, len(line), "", TOO_LARGE, note=base.too_large(options)), b""
    try:
        value, encoding = parse(line, options.encoding)
        record, utf8 = of_fields(value, options)
    except BadLine as error:
        return Record(number, offset, len(line), "", BAD_RECORD, note=str(error)), b""
    return record._replace(line=number, offset=offset, n_bytes=len(line), encoding=encoding), utf8


def mended(found: Sequence[tuple[Record, bytes]], n_lines: int) -> Read:
    """Records with their texts, and how many lines they were read from -> the same, the texts repaired."""
    records, texts, _ = base.unzipped(found, n_lines)
    for i, (utf8, repairs) in repair_all(texts).items():
        status = records[i].status if utf8 else EMPTY
        records[i], texts[i] = records[i]._replace(status=status, repairs=",".join(repairs)), utf8
    return records, texts, n_lines


def text_again(raw: bytes, options: Options) -> bytes:
    """Return the text of a record that is read again, repaired."""
    return repair(record_of(0, 0, raw, options)[1])[0]


def reread(
    stream: BinaryIO, options: Options, places: Sequence[Place]
) -> Iterator[tuple[bytes, bytes] | None]:
    """Read the lines at some places again: their bytes and texts."""
    return base.by_place(text_again)(in_utf8(stream, options), options, places)


def write(stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place]) -> None:
    """Write the lines at some places, unchanged."""
    base.copy_places(in_utf8(stream, options), out, places, b"\n")


def annotate(
    stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place] | None, added: Added
) -> int:
    """Copy lines, each object with more fields at its end -> how many lines are left alone."""
    unmarked = 0
    for offset, line in _lines(in_utf8(stream, options), places):
        longer = with_more(line, options, added, added.rows.get(offset))
        unmarked += longer is None
        out.write(longer or line)
    return unmarked


def with_more(raw: bytes, options: Options, added: Added, row: tuple[Any, ...] | None) -> bytes | None:
    """Return an object with more fields at its end, as it is without a row; None where it is no record."""
    end = len(raw.rstrip())
    if row is None:
        return raw
    try:
        added.check(value := parse(raw, options.encoding)[0])
    except BadLine:
        return None
    if not raw[:end].endswith(b"}"):  # in an encoding of its own
        return None
    comma = "," if value else ""
    return b"%s%s}%s" % (raw[: end - 1], f"{comma}{added.in_json(row)}".encode(), raw[end:])


def replace(
    stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place], changes: Changes
) -> None:
    """Write the lines at some places, some with a changed text."""
    for offset, line in _lines(in_utf8(stream, options), places):
        out.write(line if offset not in changes else with_text(line, options, changes[offset]) + b"\n")


def with_text(raw: bytes, options: Options, change: Callable[[str], str]) -> bytes:
    """Return an object with its text changed, in its own style; raise Damaged where it has none."""
    try:
        value: Any = parse(raw, options.encoding)[0]
        found = lookup(value, options.text_field)
    except (BadLine, KeyError):
        found = None
    if not isinstance(found, str):
        raise base.Damaged(f"the field {options.text_field!r} of a record is no text that can be cut")
    holder, name = value, options.text_field
    while name not in holder:
        first, name = name.split(".", 1)
        holder = holder[first]
    holder[name] = change(found)
    style = (",", ":") if b'": ' not in raw else (", ", ": ")
    plain = raw.isascii() or in_bytes(raw.decode("utf-8", "replace")) != raw
    return json.dumps(value, ensure_ascii=plain, separators=style).encode("utf-8", "surrogatepass")


def _lines(stream: BinaryIO, places: Sequence[Place] | None) -> Iterator[tuple[int, bytes]]:
    """Return (offset, the line with its end) of the lines at some places, or of all."""
    if places is None:
        offset = 0
        for line in stream:
            yield offset, line
            offset += len(line)
        return
    offsets = (offset for offset, _ in places)
    yield from zip(offsets, base.raw_places(stream, places, b"\n"), strict=True)


def values(stream: BinaryIO, options: Options, places: Sequence[Place], field: str) -> Iterator[Any]:
    """Return the value of a field in each of the lines at some places."""
    for _, line in _lines(in_utf8(stream, options), places):
        try:
            yield lookup(parse(line, options.encoding)[0], field)
        except (BadLine, KeyError):
            yield None


READER = Reader(
    (".jsonl", ".ndjson", ".jsonlines", ".jl"),
    chunks,
    records,
    reread,
    write,
    annotate,
    values,
    replace,
    prepare,
)
