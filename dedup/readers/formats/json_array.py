"""A .json file: objects in an array, a document each; or lines of JSON; or one text, by what is in it."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from ...core.errors import BadInput
from .. import base
from ..base import Changes, Chunk, Damaged, Options, Place, Read, Reader
from ..storage.streams import in_utf8
from . import jsonl
from .added import Added
from .fields import BadLine, choose_fields, lookup, text_in

LOOKED_AT = 1 << 20  # bytes at the beginning of a file
READ = 1 << 20
SPACE = " \t\r\n\ufeff"
DECODER = json.JSONDecoder(strict=False)
LINES, ARRAY, TEXT = "jsonl", "json", "text"  # readers


class Element(NamedTuple):
    """An element of the array: where it stands, and its bytes."""

    offset: int
    raw: bytes

    @property
    def n_bytes(self) -> int:
        return len(self.raw)

    @property
    def held(self) -> int:
        return len(self.raw)


def look(stream: BinaryIO, options: Options) -> str:
    """A stream of JSON -> the reader for it: LINES, ARRAY, or TEXT where the file is one document.

    It holds records if its first two lines are an object each, or it is an array that begins with an object;
    and if a text field is found in them, as it is asked for or usually named.

    >>> look(io.BytesIO(b'{"text": "a"}\\n{"text": "b"}\\n'), Options())
    'jsonl'
    >>> look(io.BytesIO(b'[{"text": "a"}]'), Options()), look(io.BytesIO(b'{"name": "x"}'), Options())
    ('json', 'text')
    """
    try:
        head = in_utf8(stream, options).read(LOOKED_AT)
        if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
            reader, objects = ARRAY, _first_objects(head, options)
        else:
            reader, objects = LINES, _first_lines(head, options)
        if not objects:
            return TEXT
        chosen = choose_fields(objects, options)
        return reader if any(_has(value, chosen.text_field) for value in objects) else TEXT
    except (BadInput, *base.BROKEN):
        return TEXT


def _has(value: Any, text_field: str) -> bool:
    try:
        return text_in(value, text_field) is not None
    except BadLine:
        return False


def _first_lines(head: bytes, options: Options) -> list[Any]:
    """Return the objects of the first lines; none unless there are two lines, the first of them objects."""
    lines = [line for line in head.split(b"\n") if line.strip()]
    if len(head) == LOOKED_AT:
        lines = lines[:-1]  # it may go on
    try:
        both = [jsonl.parse(line, options.encoding)[0] for line in lines[:2]]
    except BadLine:
        return []
    asked = len(both) == 1 and options.text_field and _has(both[0], options.text_field)
    return both if len(both) == 2 or asked else []


def _first_objects(head: bytes, options: Options) -> list[Any]:
    found = []
    try:
        for element in islice(elements(io.BytesIO(head), options), jsonl.PEEKED):
            found.append(jsonl.parse(element.raw, options.encoding)[0])
    except (BadLine, Damaged):
        pass  # what is cut off, or no object; told where the records are read
    return found


# ------------------------------------------------------------------ the elements


class _Text:
    """The characters of a stream that are still needed, and the byte at which each stands."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.at, self.ended = "", 0, False
        self._mark = self._offset = 0  # a character, and its byte

    def more(self) -> None:
        """Read on, as much again as is held."""
        self.offset()
        self.text = self.text[self.at :]
        self.at = self._mark = 0
        data = self._stream.read(max(READ, len(self.text)))
        self.ended = not data
        self.text += self._decoder.decode(data, self.ended)

    def offset(self) -> int:
        """Return the byte at which the next character stands."""
        self._offset += _size(self.text[self._mark : self.at])
        self._mark = self.at
        return self._offset

    def next(self) -> str:
        """Return the next character that is no space; "" where the stream ends."""
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in SPACE:
                    return self.text[self.at]
                self.at += 1
            if self.ended:
                return ""
            self.more()


def elements(stream: BinaryIO, options: Options) -> Iterator[Element]:
    """Return the elements of the array in a stream of UTF-8, one by one.

    Raises Damaged where it is no array, or an element is no JSON, does not end, or is longer than max_bytes.
    """
    held = _Text(stream)
    if held.next() != "[":
        raise Damaged("is no array of JSON")
    held.at += 1
    first = True
    while held.next() != "]":
        if not first:
            if held.next() != ",":
                raise Damaged("the array of JSON is cut off or damaged here")
            held.at += 1
        first = False
        yield _element(held, options)


def _element(held: _Text, options: Options) -> Element:
    held.next()
    while True:
        try:
            end = DECODER.raw_decode(held.text, held.at)[1]
        except RecursionError:
            raise Damaged("an element of the array is nested too deeply") from None
        except ValueError:
            end = 0
        if end and (end < len(held.text) or held.ended):  # a number may go on
            offset, raw = held.offset(), held.text[held.at : end].encode("utf-8", "surrogateescape")
            held.at = end
            return Element(offset, raw)
        if held.ended:
            raise Damaged("the array of JSON is cut off, or an element of it is no JSON")
        if len(held.text) - held.at > options.max_bytes + READ:
            raise Damaged(f"an element of the array is no JSON, or {base.too_large(options)}")
        held.more()


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


# ------------------------------------------------------------------ the reader


def prepare(stream: BinaryIO, options: Options) -> Options:
    """Choose the text field and the id field by the first elements."""
    return choose_fields(_first_objects(in_utf8(stream, options).read(LOOKED_AT), options), options)


def chunks(stream: BinaryIO, source: int, options: Options) -> Iterator[Chunk]:
    """Pieces of about CHUNK_BYTES of elements."""
    return base.in_chunks(elements(in_utf8(stream, options), options), source)


def records(chunk: Chunk, options: Options) -> Read:
    """A chunk -> its records, one for each element."""
    found = [jsonl.record_of(i, e.offset, e.raw, options) for i, e in enumerate(chunk.rows)]
    return jsonl.mended([*found, *base.lost_rest(chunk)], len(chunk.rows))


def reread(
    stream: BinaryIO, options: Options, places: Sequence[Place]
) -> Iterator[tuple[bytes, bytes] | None]:
    """Read the elements at some places again: their bytes and texts."""
    return base.by_place(jsonl.text_again)(in_utf8(stream, options), options, places)


def write(stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place]) -> None:
    """Write an array of the elements at some places, an element a line."""
    _write(out, base.raw_places(in_utf8(stream, options), places))


def annotate(
    stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place] | None, added: Added
) -> int:
    """Write an array of elements, each object with more fields -> how many elements are left alone."""
    stream = in_utf8(stream, options)
    unmarked = 0

    def longer() -> Iterator[bytes]:
        nonlocal unmarked
        found: Iterable[Element] = elements(stream, options)
        if places is not None:
            offsets = [offset for offset, _ in places]
            found = map(Element, offsets, base.raw_places(stream, places))
        for element in found:
            more = jsonl.with_more(element.raw, options, added, added.rows.get(element.offset))
            unmarked += more is None
            yield more or element.raw

    _write(out, longer())
    return unmarked


def replace(
    stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place], changes: Changes
) -> None:
    """Write an array of the elements at some places, some with a changed text."""
    offsets = [offset for offset, _ in places]
    found = zip(offsets, base.raw_places(in_utf8(stream, options), places), strict=True)
    _write(out, (jsonl.with_text(raw, options, changes[at]) if at in changes else raw for at, raw in found))


def _write(out: BinaryIO, found: Iterator[bytes]) -> None:
    out.write(b"[")
    for n, raw in enumerate(found):
        out.write((b",\n" if n else b"\n") + raw)
    out.write(b"\n]\n")


def values(stream: BinaryIO, options: Options, places: Sequence[Place], field: str) -> Iterator[Any]:
    """Return the value of a field in each of the elements at some places."""
    for raw in base.raw_places(in_utf8(stream, options), places):
        try:
            yield lookup(jsonl.parse(raw, options.encoding)[0], field)
        except (BadLine, KeyError):
            yield None


READER = Reader((".json",), chunks, records, reread, write, annotate, values, replace, prepare)
