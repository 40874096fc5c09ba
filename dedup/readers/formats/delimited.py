"""CSV and TSV: a document per row, its text in one column; the first row names the columns.

Rows are those of Python's csv module.  A row that begins a quoted cell which is never closed is a bad
record; the rows after its first line are read as if it were not there.
"""

from __future__ import annotations

import contextlib
import csv
import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from ...core.documents import BAD_RECORD, TOO_LARGE
from ...core.errors import BadInput
from ...text.decode import line_text
from ...text.repair import repair
from .. import base
from ..base import Chunk, Options, Place, Read, Reader, Record
from ..storage.streams import in_utf8
from . import fields, jsonl
from .added import Added
from .fields import BadLine

DELIMITERS = ",;\t|"
MAX_UNCLOSED = 16  # cells in a source that are never closed before the rest is given up

csv.field_size_limit((1 << 31) - 1)  # max_bytes is the limit


class Row(NamedTuple):
    """A row: where it stands, with its line end, its cells, or what is wrong with it."""

    offset: int
    n_bytes: int
    cells: list[str]
    encoding: str = "utf-8"
    problem: str = ""
    status: int = BAD_RECORD

    @property
    def held(self) -> int:
        return self.n_bytes


class _Unclosed(Exception):
    """A row has not ended within max_bytes, or where the file ends."""


class _Lines:
    """The lines of a stream as the csv module wants them, counted in bytes for each row."""

    def __init__(self, stream: BinaryIO, encoding: str, max_bytes: int) -> None:
        self._stream, self._asked, self._max = stream, encoding, max_bytes
        self.begin(stream.tell())

    def begin(self, offset: int) -> None:
        """Start a row at the offset."""
        self.offset = offset
        self.n_bytes = self.first = 0
        self.encoding, self.problem = "utf-8", ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(self._max + 1)
        if not line:
            if self.n_bytes:
                raise _Unclosed
            raise StopIteration
        if len(line) > self._max:
            while not line.endswith(b"\n") and (more := self._stream.readline(1 << 20)):
                self.n_bytes += len(line)
                line = more
        self.n_bytes += len(line)
        self.first = self.first or self.n_bytes
        if self.n_bytes > self._max:
            raise _Unclosed
        text = self._decoded(line)
        if "\0" in text:
            self.problem = "holds NUL bytes"
            text = text.replace("\0", "")
        return text

    def _decoded(self, line: bytes) -> str:
        if not self._asked and self.offset:  # no byte order mark there
            with contextlib.suppress(UnicodeDecodeError):
                return line.decode()
        text, encoding = line_text(line, self._asked)
        if encoding != "utf-8":
            self.encoding = encoding
        return text


def rows(stream: BinaryIO, options: Options, offset: int = 0) -> Iterator[Row]:
    """Return the rows of a UTF-8 stream from an offset on; blank lines are none."""
    stream.seek(offset)
    lines = _Lines(stream, options.encoding, options.max_bytes)
    reader = csv.reader(lines, delimiter=options.delimiter or ",")
    unclosed = 0
    while True:
        at = lines.offset
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(at, lines.n_bytes, [], lines.encoding, str(error).split(" - ")[0])
        except _Unclosed:
            size = lines.first
            yield _unclosed(at, lines, options, unclosed)
            if lines.n_bytes > size:
                unclosed += 1
                if unclosed > MAX_UNCLOSED:
                    return
                stream.seek(at + size)
            lines.begin(at + size)
            reader = csv.reader(lines, delimiter=options.delimiter or ",")
            continue
        else:
            if cells:
                yield Row(at, lines.n_bytes, cells, lines.encoding, lines.problem)
        lines.begin(at + lines.n_bytes)


def _unclosed(at: int, lines: _Lines, options: Options, before: int) -> Row:
    """Return the first line of a row that does not end, as a row of its own."""
    status, what = BAD_RECORD, "a quote is opened that is never closed"
    if lines.n_bytes > options.max_bytes:
        if lines.n_bytes == lines.first:
            status, what = TOO_LARGE, base.too_large(options)
        else:
            what += f", or the row is {base.too_large(options)}"
    if before == MAX_UNCLOSED and lines.n_bytes > lines.first:
        what += f", as in {before} rows before: the rest is lost"
    return Row(at, lines.first, [], lines.encoding, what, status)


def _in_utf8(stream: BinaryIO, options: Options) -> tuple[BinaryIO, Options]:
    """Return a stream of lines, and how they are read: what was turned into UTF-8 is in no other encoding."""
    found = in_utf8(stream, options)
    return found, options if found is stream else replace(options, encoding="")


def prepare(stream: BinaryIO, options: Options) -> Options:
    """Find the delimiter and the names of the columns, and choose the text column and the id column."""
    stream, reading = _in_utf8(stream, options)
    asked = fields.text_names(options.text_field) if options.text_field else fields.TEXT_FIELDS
    best: tuple[bool, int, int, list[str], list[list[str]]] = (False, -1, 0, [], [])
    for i, delimiter in enumerate(DELIMITERS):
        found = _first_rows(stream, replace(reading, delimiter=delimiter))
        if found:
            header = [name.strip() for name in found[0]]
            even = sum(len(row) == len(header) for row in found) * (len(header) > 1)
            best = max(best, (any(f in header for f in asked), even, -i, header, found[1:]))
    *_, place, names, below = best
    if options.text_field:
        text = options.text_field
        missing = [name for name in fields.text_names(text, names) if name not in names]
        if names and missing:
            known = fields.names_of(names)
            raise BadInput(f"no column {missing[0]!r}; the columns are {known}: name one with --text-field")
    else:
        text = next((f for f in asked if f in names), "")
    if not text:
        cells = [row for row in below if len(row) == len(names)]
        text = fields.only_text(dict(zip(names, zip(*cells, strict=True), strict=True))) if cells else ""
    if names and not text:
        raise fields.no_text_field(names)
    options = replace(options, columns=tuple(names), delimiter=DELIMITERS[-place])
    return fields.with_fields(options, text, names)


def _first_rows(stream: BinaryIO, options: Options) -> list[list[str]]:
    """Return the cells of the first rows, by that delimiter; one that is bad or very long ends the look."""
    out: list[list[str]] = []
    with contextlib.suppress(*base.BROKEN):  # told where the rows are read
        for row in rows(stream, replace(options, max_bytes=min(options.max_bytes, jsonl.PEEKED_BYTES))):
            if row.problem or len(out) == jsonl.PEEKED or row.offset > jsonl.PEEKED_BYTES:
                break
            out.append(row.cells)
    return out


def chunks(stream: BinaryIO, source: int, options: Options) -> Iterator[Chunk]:
    """Pieces of about CHUNK_BYTES: the rows below the header, or what stands in its place."""
    return base.in_chunks(_below_header(stream, options), source)


def _below_header(stream: BinaryIO, options: Options) -> Iterator[Row]:
    yield from islice(rows(*_in_utf8(stream, options)), 1 if options.columns else 0, None)


def records(chunk: Chunk, options: Options) -> Read:
    """Rows -> records; the first row below the header is row 1."""
    found = [_record(number, row, options) for number, row in enumerate(chunk.rows)]
    return jsonl.mended([*found, *base.lost_rest(chunk)], len(chunk.rows))


def _record(number: int, row: Row, options: Options) -> tuple[Record, bytes]:
    problem, status = row.problem, row.status
    if not problem and len(row.cells) != len(options.columns):
        problem = f"the number of its cells is {len(row.cells)}, of columns {len(options.columns)}"
    if not problem:
        try:
            cells = dict(zip(options.columns[::-1], row.cells[::-1], strict=True))
            record, utf8 = fields.of_fields(cells, options)
            place = {"line": number, "offset": row.offset, "n_bytes": row.n_bytes, "encoding": row.encoding}
            return record._replace(**place), utf8  # type: ignore[arg-type]
        except BadLine as error:
            problem = str(error)
    return Record(number, row.offset, row.n_bytes, row.encoding, status, note=problem), b""


def reread(
    stream: BinaryIO, options: Options, places: Sequence[Place]
) -> Iterator[tuple[bytes, bytes] | None]:
    """Read the rows at some places again: their bytes and texts."""
    stream, options = _in_utf8(stream, options)
    options = options if options.columns else prepare(stream, options)
    for offset, length in places:
        row = next(rows(stream, options, offset), None)
        if row is None or row.problem or (row.offset, row.n_bytes) != (offset, length):
            yield None
            continue
        stream.seek(offset)
        yield stream.read(length), repair(_record(0, row, options)[1])[0]


def write(stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place]) -> None:
    """Write the header and the rows at some places, unchanged."""
    stream, options = _in_utf8(stream, options)
    options = options if options.columns else prepare(stream, options)
    header = next(rows(stream, options))
    base.copy_places(stream, out, [(header.offset, header.n_bytes), *places], b"\n")


def annotate(
    stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place] | None, added: Added
) -> int:
    """Copy the header and rows, with more cells at the end of each -> how many rows are left alone."""
    stream, options = _in_utf8(stream, options)
    options = options if options.columns else prepare(stream, options)
    added.check(options.columns)
    found = rows(stream, options)
    header = next(found, None)
    if header is None:
        return 0
    if places is None:
        body = [(row.offset, row.n_bytes, _is_whole(row, options) and row.encoding) for row in found]
    else:
        body = [(*place, "utf-8") for place in places]
    unmarked = at = 0
    stream.seek(0)
    for offset, n_bytes, encoding in ((header.offset, header.n_bytes, "utf-8"), *body):
        if places is None:
            out.write(stream.read(offset - at))  # blank lines
        stream.seek(offset)
        raw = stream.read(n_bytes)
        row = added.rows.get(offset) if offset > header.offset else ()
        cells = added.cells(row) if row else list(added.kinds)
        if encoding and row is not None:
            raw = _longer(raw, cells, options.delimiter, encoding, b"" if places is None else b"\n")
        else:
            unmarked += 1
        out.write(raw)
        at = offset + n_bytes
    if places is None:
        shutil.copyfileobj(stream, out)
    return unmarked


def _is_whole(row: Row, options: Options) -> bool:
    return not row.problem and len(row.cells) == len(options.columns)


def _longer(raw: bytes, cells: list[str], delimiter: str, encoding: str, end: bytes) -> bytes:
    """Return a row with more cells, in its encoding; `end` is the line end of one that has none."""
    body = raw.rstrip(b"\r\n")
    more = io.StringIO()
    csv.writer(more, delimiter=delimiter, lineterminator="").writerow(cells)
    # the name of a guessed encoding may have its confidence after it
    text = (delimiter + more.getvalue()).encode(encoding.split(" ")[0], "backslashreplace")
    return body + text + (raw[len(body) :] or end)


def values(stream: BinaryIO, options: Options, places: Sequence[Place], field: str) -> Iterator[Any]:
    """Return the cell of a column in each of the rows at some places."""
    stream, options = _in_utf8(stream, options)
    options = options if options.columns else prepare(stream, options)
    for offset, _ in places:
        row = next(rows(stream, options, offset), None)
        is_whole = row is not None and _is_whole(row, options)
        yield dict(zip(options.columns, row.cells, strict=True)).get(field) if row and is_whole else None


READER = Reader((".csv", ".tsv"), chunks, records, reread, write, annotate, values, None, prepare)
