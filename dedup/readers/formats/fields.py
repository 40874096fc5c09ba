"""The fields of a record, of whatever format -> its text and its id."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...core.documents import EMPTY, NUMBER, OK
from ...core.errors import BadInput
from ...text.decode import in_bytes
from ..base import Options, Record

TEXT_FIELDS = ("text", "content", "body", "raw_content", "document", "article", "post", "message")
ID_FIELDS = ("id", "doc_id", "_id", "uuid", "guid", "url", "uri", "key", "name")
LISTS = ("messages", "conversations", "paragraphs")  # fields whose values are lists of texts
SAID = ("content", "value", "text")  # where a message has what it says, in this order
KIND_NAMES: dict[type, str] = {
    **{dict: "an object", list: "an array", str: "a string", bytes: "bytes"},
    **{bool: "true or false", type(None): "null"},
}


class BadLine(Exception):
    """A line that is no JSON object, or has no text."""


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


def choose_fields(objects: Iterable[Mapping[str, Any]], options: Options) -> Options:
    """Choose the text field and the id field by the first records.  Raises BadInput where none has a text."""
    fields: dict[str, list[Any]] = {}
    found = listed = ""
    for value in objects:
        found = found or next((f for f in TEXT_FIELDS if isinstance(value.get(f), str)), "")
        listed = listed or next((f for f in LISTS if is_list_of_texts(value.get(f))), "")
        for name, held in value.items():
            seen = fields.setdefault(name, [])
            if not found:  # the values may be long, and then tell nothing
                seen.append(held)
    if not (found or options.text_field):
        found = listed or only_text(fields)
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


def of_fields(value: Mapping[str, Any], options: Options) -> tuple[Record, bytes]:
    """The fields of a record, of whatever format -> the record and its text as it stands; raises BadLine."""
    text = text_in(value, options.text_field)
    try:
        name = lookup(value, options.id_field) if options.id_field else ""
    except KeyError:
        name = ""
    utf8 = in_bytes(text) if text else b""
    shown = "" if name is None else in_bytes(str(name)).decode()
    others = kept(value, options.kept_fields)
    status, id_type = OK if utf8 else EMPTY, NUMBER if _is_number(name) else ""
    return Record(0, 0, 0, "utf-8", status, shown, fields=others, id_type=id_type), utf8


def text_names(text_field: str, fields: Iterable[str] = ()) -> list[str]:
    """The names in a text field that is asked for; a field may itself have a comma in its name.

    >>> text_names("title, body"), text_names("a,b", ["a,b"])
    (['title', 'body'], ['a,b'])
    """
    if text_field in fields:
        return [text_field]
    return [name.strip() for name in text_field.split(",") if name.strip()] or [text_field]


def text_in(value: Mapping[str, Any], text_field: str) -> str | None:
    """Return the text of a record: of several fields, those that it has, with blank lines between.

    Raises BadLine where it has none of them, or one is no text.

    >>> text_in({"title": "A", "body": None, "notes": ["b", "c"]}, "title,body,notes")
    'A\\n\\nb\\n\\nc'
    """
    texts, found = [], False
    for name in text_names(text_field, value):
        try:
            texts.append(text_of(lookup(value, name), name))
            found = True
        except KeyError:
            continue
    if not found:
        raise BadLine(f"no field {text_field!r}; the fields are {names_of(value)}")
    return texts[0] if len(texts) == 1 else "\n\n".join(filter(None, texts)) or None


def text_of(value: Any, name: str) -> str | None:
    """The value of a text field -> its text; of paragraphs, or messages of a chat, with blank lines between.

    Of a message only what it says is taken: its `content`, `value` or `text`.  Raises BadLine.

    >>> text_of([{"role": "user", "content": "Hi"}, {"role": "bot", "content": [{"text": "Ho"}]}], "messages")
    'Hi\\n\\nHo'
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        said = [_said(part) if isinstance(part, dict) else part for part in value]
        parts = [text_of(part, name) for part in said]
        return "\n\n".join(filter(None, parts)) or None
    raise BadLine(f"the field {name!r} holds {KIND_NAMES.get(type(value), 'a number')}, not text")


def _said(message: Mapping[str, Any]) -> Any:
    """What a message says; the message itself where it has nothing of the kind."""
    found = [message[name] for name in SAID if name in message]
    return next((said for said in found if said is not None), None) if found else message


def is_list_of_texts(value: Any) -> bool:
    """Tell whether a value is a list of paragraphs or of messages, one of which says something."""
    if not isinstance(value, list):
        return False
    said = (_said(part) if isinstance(part, dict) else part for part in value)
    return any(isinstance(part, str) or is_list_of_texts(part) for part in said)


def _is_number(value: Any) -> bool:
    """Tell whether a value is a number that JSON can write.

    >>> _is_number(7), _is_number(1e5), _is_number(True), _is_number(float("nan")), _is_number("7")
    (True, True, False, False, False)
    """
    return type(value) is int or (type(value) is float and math.isfinite(value))


def kept(value: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The values of some fields as a JSON object, "" when none is wanted; what is missing is left out."""
    found = {}
    for name in names:
        with contextlib.suppress(KeyError):
            found[name] = lookup(value, name)
    return json.dumps(found, default=str) if names else ""  # dates, which Parquet has, sort as text


def names_of(fields: Iterable[str]) -> str:
    """Names of fields -> a list for a message.

    >>> names_of(["a", "b"])
    "'a', 'b'"
    """
    return ", ".join(repr(f) for f in list(fields)[:20]) or "none at all"
