"""JSON Lines: a document per line, its text in one field."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ..errors import BadInput
from ..model import BAD_RECORD, EMPTY, OK, UNREADABLE, Source
from ..repair import repair
from .base import BROKEN, PART_BYTES, Options, Part, Read, Reader, Record, open_source, why

TEXT_FIELDS = ("text", "content", "body", "raw_content", "document", "article", "post", "message")
ID_FIELDS = ("id", "doc_id", "_id", "uuid", "guid", "url", "uri", "key", "name")
PEEKED = 100  # lines looked at to find the fields


class BadLine(Exception):
    """A line that is no JSON object, or has no text."""


def parse(line: bytes) -> Mapping[str, Any]:
    """A line -> its object; raises BadLine.

    subtle: orjson refuses lone surrogates and NaN, which other programs write; json takes them.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise BadLine(f"not JSON: {str(error) or 'nested too deeply'}".split(" (char")[0]) from None
    if not isinstance(value, dict):
        raise BadLine(f"a JSON {_kind(value)}, not an object with a text field")
    return value


def lookup(value: Mapping[str, Any], name: str) -> Any:
    """The field of that name, or by a dotted path; KeyError when it is not there.

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


def prepare(source: Source, options: Options) -> Options:
    """Settle the text field and the id field by the first records of the source."""
    fields: dict[str, None] = {}
    first: Mapping[str, Any] | None = None
    try:
        with open_source(source) as stream:
            for _, line in zip(range(PEEKED), stream, strict=False):
                try:
                    value = parse(line)
                except BadLine:
                    continue
                first = value if first is None else first
                fields.update(dict.fromkeys(value))
    except BROKEN as error:
        raise BadInput(why(error)) from None
    text_field = options.text_field or next(
        (f for f in TEXT_FIELDS if isinstance((first or {}).get(f), str)), ""
    )
    if not text_field and first is not None:
        raise BadInput(
            f"no text field was found; the fields are {_names(fields)}: name one with --text-field"
        )
    id_field = options.id_field or next((f for f in ID_FIELDS if f in fields and f != text_field), "")
    return Options(text_field or "text", id_field, options.kept_fields)


def parts(source: Source, index: int) -> Iterator[Part]:
    """Pieces of about PART_BYTES that end at a line's end."""
    offset, rest = 0, b""
    try:
        with open_source(source) as stream:
            while chunk := stream.read(PART_BYTES):
                end = chunk.rfind(b"\n") + 1
                if not end:
                    rest += chunk
                    continue
                data = rest + chunk[:end]
                yield Part(index, offset, data)
                offset, rest = offset + len(data), chunk[end:]
    except BROKEN as error:
        yield Part(index, offset, rest, problem=why(error))
        return
    if rest:
        yield Part(index, offset, rest)


def records(part: Part, source: Source, fields: Options) -> Read:
    """A piece -> its records; lines are split at \\n only, blank ones are no documents."""
    found: list[Record] = []
    texts: list[bytes] = []
    offset = part.offset
    lines = (part.data or b"").split(b"\n")
    last = lines.pop() if part.problem or not lines[-1] else b""
    for number, line in enumerate(lines):
        if line and not line.isspace():
            record, utf8 = _record(number, offset, line, fields)
            found.append(record)
            texts.append(utf8)
        offset += len(line) + 1
    if part.problem:  # what stands after the last whole line cannot be trusted
        note = f"{part.problem}: the rest is lost"
        found.append(Record(len(lines), offset, len(last), "", UNREADABLE, note=note))
        texts.append(b"")
    return found, texts, len(lines)


def extract(raw: bytes, fields: Options) -> bytes:
    """The bytes of a line -> its text."""
    return _record(0, 0, raw, fields)[1]


def _record(number: int, offset: int, line: bytes, fields: Options) -> tuple[Record, bytes]:
    try:
        value = parse(line)
        try:
            text = lookup(value, fields.text_field)
        except KeyError:
            raise BadLine(f"no field {fields.text_field!r}; the fields are {_names(value)}") from None
        if text is not None and not isinstance(text, str):
            raise BadLine(f"the field {fields.text_field!r} holds a JSON {_kind(text)}, not text")
    except BadLine as error:
        return Record(number, offset, len(line), "", BAD_RECORD, note=str(error)), b""
    try:
        name = lookup(value, fields.id_field) if fields.id_field else ""
    except KeyError:
        name = ""
    utf8, repairs = repair(text.encode("utf-8", "replace")) if text else (b"", ())
    status = OK if utf8 else EMPTY
    name = "" if name is None else str(name)
    kept = _kept(value, fields.kept_fields)
    return Record(number, offset, len(line), "utf-8", status, name, "", ",".join(repairs), kept), utf8


def _kept(value: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The values of some fields as a JSON object, "" when none is wanted; what is missing is left out."""
    found = {}
    for name in names:
        with contextlib.suppress(KeyError):
            found[name] = lookup(value, name)
    return json.dumps(found) if names else ""


def _kind(value: Any) -> str:
    return {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}.get(
        type(value), "number"
    )


def _names(fields: Mapping[str, Any]) -> str:
    return ", ".join(repr(f) for f in list(fields)[:20]) or "none at all"


READER = Reader((".jsonl", ".ndjson"), prepare, parts, records, extract)
