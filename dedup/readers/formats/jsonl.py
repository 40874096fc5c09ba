"""JSON Lines: a document per line, its text in one field."""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

import orjson

from ...core.documents import BAD_RECORD, EMPTY, NUMBER, OK, TOO_LARGE, UNREADABLE
from ...core.errors import BadInput
from ...text.decode import in_bytes, line_text
from ...text.repair import repair, repair_all
from .. import base
from ..base import Chunk, Options, Place, Read, Reader, Record
from ..storage.streams import in_utf8, of_lines
from .added import Added

TEXT_FIELDS = ("text", "content", "body", "raw_content", "document", "article", "post", "message")
ID_FIELDS = ("id", "doc_id", "_id", "uuid", "guid", "url", "uri", "key", "name")
PEEKED, PEEKED_BYTES = 100, 1 << 20  # lines looked at to find the fields, and the longest of them


class BadLine(Exception):
    """A line that is no JSON object, or has no text."""


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
        raise BadLine(f"{_KIND.get(type(value), 'a number')} in JSON, not an object with a text field")
    return value, found


def lookup(value: Mapping[str, Any], name: str) -> Any:
    """Return the field of that name, or by a dotted path; KeyError when it is not there.

    >>> lookup({"doc": {"text": "a"}, "doc.id": 1}, "doc.text"), lookup({"doc.id": 1}, "doc.id")
    ('a', 1)
    """
    if name in value:
        return value[name]
    found: Any = value
    for part in name.split("."):
        if not isinstance(found, dict):
            raise KeyError(name)
        found = found[part]
    return found


def prepare(stream: BinaryIO, options: Options) -> Options:
    """Choose the text field and the id field by the first records of the source."""
    fields: dict[str, list[Any]] = {}
    found = ""
    for line in first_lines(in_utf8(stream, options)):
        try:
            value = parse(line, options.encoding)[0]
        except BadLine:
            continue
        found = found or next((f for f in TEXT_FIELDS if isinstance(value.get(f), str)), "")
        for name, held in value.items():
            seen = fields.setdefault(name, [])
            if not found:  # the values may be long, and then tell nothing
                seen.append(held)
    if not (found or options.text_field):
        found = only_text(fields)
    if not (options.text_field or found) and fields:
        raise no_text_field(fields)
    return with_fields(options, options.text_field or found or "text", fields)


def with_fields(options: Options, text: str, fields: Iterable[str]) -> Options:
    """Return the options with the text field that was found, and the id field if there is one."""
    ids = (name for name in ID_FIELDS if name in fields and name != text)
    return replace(options, text_field=text, id_field=options.id_field or next(ids, ""))


def only_text(columns: Mapping[str, Sequence[Any]]) -> str:
    """Columns with some of their values -> the only one of text; "" if there are none or several.

    It is the one of strings with a letter in them, but for ids; of several, the one of whole sentences.

    >>> only_text({"id": ["a1"], "n": ["3", "4.5"], "line": ["hello", "bye"]})
    'line'
    >>> only_text({"label": ["spam"], "sms": ["Win a prize, call this number now"]})
    'sms'
    """
    strings = {
        name: [v for v in values if v]
        for name, values in columns.items()
        if name not in ID_FIELDS and all(v is None or isinstance(v, str) for v in values)
    }
    found = [name for name, values in strings.items() if any(c.isalpha() for v in values for c in v)]
    if len(found) > 1:
        found = [name for name in found if 2 * sum(map(_is_sentence, strings[name])) > len(strings[name])]
    return found[0] if len(found) == 1 else ""


def _is_sentence(value: str) -> bool:
    return len(value.split()) >= 4 or len(value) >= 80


def no_text_field(fields: Iterable[str]) -> BadInput:
    """Return the error of a source that has none of the usual fields."""
    return BadInput(f"no text field was found; the fields are {names_of(fields)}: name one with --text-field")


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
            found.append(_record(number, offset, line, options))
        offset += len(line) + 1
    if chunk.problem:  # what stands after the last whole line cannot be trusted
        note = f"{chunk.problem}: the rest is lost"
        found.append((Record(len(lines), offset, len(last), "", UNREADABLE, note=note), b""))
    return mended(found, len(lines))


def _record(number: int, offset: int, line: bytes, options: Options) -> tuple[Record, bytes]:
    if len(line) > options.max_bytes:
        return Record(number, offset, len(line), "", TOO_LARGE, note=base.too_large(options)), b""
    try:
        value, encoding = parse(line, options.encoding)
        record, utf8 = of_fields(value, options)
    except BadLine as error:
        return Record(number, offset, len(line), "", BAD_RECORD, note=str(error)), b""
    return record._replace(line=number, offset=offset, n_bytes=len(line), encoding=encoding), utf8


def of_fields(value: Mapping[str, Any], options: Options) -> tuple[Record, bytes]:
    """The fields of a record, of whatever format -> the record and its text as it stands; raises BadLine."""
    try:
        text = lookup(value, options.text_field)
    except KeyError:
        raise BadLine(f"no field {options.text_field!r}; the fields are {names_of(value)}") from None
    if text is not None and not isinstance(text, str):
        raise BadLine(f"the field {options.text_field!r} holds {_KIND.get(type(text), 'a number')}, not text")
    try:
        name = lookup(value, options.id_field) if options.id_field else ""
    except KeyError:
        name = ""
    utf8 = in_bytes(text) if text else b""
    shown = "" if name is None else in_bytes(str(name)).decode()
    others = kept(value, options.kept_fields)
    status, id_type = OK if utf8 else EMPTY, NUMBER if _is_number(name) else ""
    return Record(0, 0, 0, "utf-8", status, shown, fields=others, id_type=id_type), utf8


def _is_number(value: Any) -> bool:
    """Tell whether a value is a number that JSON can write.

    >>> _is_number(7), _is_number(1e5), _is_number(True), _is_number(float("nan")), _is_number("7")
    (True, True, False, False, False)
    """
    return type(value) is int or (type(value) is float and math.isfinite(value))


def mended(found: Sequence[tuple[Record, bytes]], n_lines: int) -> Read:
    """Records with their texts, and how many lines they were read from -> the same, the texts repaired."""
    records, texts, _ = base.unzipped(found, n_lines)
    for i, (utf8, repairs) in repair_all(texts).items():
        status = records[i].status if utf8 else EMPTY
        records[i], texts[i] = records[i]._replace(status=status, repairs=",".join(repairs)), utf8
    return records, texts, n_lines


def kept(value: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The values of some fields as a JSON object, "" when none is wanted; what is missing is left out."""
    found = {}
    for name in names:
        with contextlib.suppress(KeyError):
            found[name] = lookup(value, name)
    return json.dumps(found, default=str) if names else ""  # dates, which Parquet has, sort as text


_KIND: dict[type, str] = {
    **{dict: "an object", list: "an array", str: "a string", bytes: "bytes"},
    **{bool: "true or false", type(None): "null"},
}


def names_of(fields: Iterable[str]) -> str:
    """Names of fields -> a list for a message.

    >>> names_of(["a", "b"])
    "'a', 'b'"
    """
    return ", ".join(repr(f) for f in list(fields)[:20]) or "none at all"


def _text(raw: bytes, options: Options) -> bytes:
    return repair(_record(0, 0, raw, options)[1])[0]


def reread(
    stream: BinaryIO, options: Options, places: Sequence[Place]
) -> Iterator[tuple[bytes, bytes] | None]:
    """Read the lines at some places again: their bytes and texts."""
    return base.by_place(_text)(in_utf8(stream, options), options, places)


def write(stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place]) -> None:
    """Write the lines at some places, unchanged."""
    base.copy_places(in_utf8(stream, options), out, places, b"\n")


def annotate(
    stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place] | None, added: Added
) -> int:
    """Copy lines, each object with more fields at its end -> how many lines are left alone."""
    unmarked = 0
    for offset, line in _lines(in_utf8(stream, options), places):
        row = added.rows.get(offset)
        end = len(line.rstrip())
        try:
            if row is not None:
                added.check(value := parse(line, options.encoding)[0])
                if not line[:end].endswith(b"}"):
                    raise BadLine("in an encoding of its own")
                comma = "," if value else ""
                line = b"%s%s}%s" % (line[: end - 1], f"{comma}{added.in_json(row)}".encode(), line[end:])
        except BadLine:
            unmarked += 1
        out.write(line)
    return unmarked


def _lines(stream: BinaryIO, places: Sequence[Place] | None) -> Iterator[tuple[int, bytes]]:
    """Return (offset, the line with its end) of the lines at some places, or of all."""
    if places is None:
        offset = 0
        for line in stream:
            yield offset, line
            offset += len(line)
        return
    for place in places:
        held = io.BytesIO()
        base.copy_places(stream, held, [place], b"\n")
        yield place[0], held.getvalue()


def values(stream: BinaryIO, options: Options, places: Sequence[Place], field: str) -> Iterator[Any]:
    """Return the value of a field in each of the lines at some places."""
    for _, line in _lines(in_utf8(stream, options), places):
        try:
            yield lookup(parse(line, options.encoding)[0], field)
        except (BadLine, KeyError):
            yield None


READER = Reader((".jsonl", ".ndjson"), chunks, records, reread, write, annotate, values, prepare)
