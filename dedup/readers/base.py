"""What a reader is: a stream -> chunks (in order, on one thread) -> records (on any thread)."""

from __future__ import annotations

import io
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, cast

from ..core.documents import OK, UNREADABLE

CHUNK_BYTES = 4 << 20
SLICE = 1 << 18  # what is lost at most before the place where a packed file breaks off
MAX_DOCUMENT = 128_000_000
HELD_BYTES = 16 << 20  # of a copy that is kept in memory; a larger one goes to a temporary file

# what a source may raise while it is opened or read; readers turn what their libraries raise into Damaged
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)


class Damaged(OSError):
    """A source that cannot be read on; str(error) says why, in a few words."""


@dataclass(frozen=True)
class Options:
    """What the user said about reading; "" means guess."""

    text_field: str = ""
    id_field: str = ""
    kept_fields: tuple[str, ...] = ()  # others whose values are kept with the document
    encoding: str = ""
    max_bytes: int = MAX_DOCUMENT  # of one document; a longer one is set aside
    columns: tuple[str, ...] = ()  # the names of the columns, found by `prepare` where a format has them
    delimiter: str = ""  # of the cells in a row, found by `prepare`


@dataclass(frozen=True)
class Chunk:
    """A piece of a source: its bytes, or None for a whole file, still to be read."""

    source: int
    offset: int = 0
    data: bytes | None = None
    problem: str = ""  # the source broke off here
    rows: Any = None  # instead of bytes, where a library reads the format
    n_bytes: int = 0  # about how long `rows` are
    too_large: int = 0  # instead of bytes: the length of one record that is longer than max_bytes
    known: range | None = None  # instead of bytes: documents of the last run, which has read it already


class Record(NamedTuple):
    """A document as it was read, without its text; `line` counts from 0 in its chunk, -1 for a whole file."""

    line: int
    offset: int
    n_bytes: int
    encoding: str = "utf-8"
    status: int = OK
    id: str = ""
    note: str = ""
    repairs: str = ""
    fields: str = ""
    written: bytes = b""  # digest of the bytes of a whole file, where they are not those of its text
    id_type: str = ""  # NUMBER where its id is one


Read = tuple[list[Record], list[bytes], int]
Place = tuple[int, int]  # offset and n_bytes of a record
Changes = Mapping[int, Callable[[str], str]]  # offset of a record -> what makes its new text of the old one


@dataclass(frozen=True)
class Reader:
    """One input format.

    chunks(stream, source, options) -> its chunks, in order.
    records(chunk, options) -> its documents, in order, their UTF-8 texts, and the number of its lines.
    reread(stream, options, places) -> (bytes, UTF-8 text) of the documents at some places, in rising order,
    or None for one that is not there any more.
    write(stream, out, options, places) writes the records at some places to a new file of the same format,
    with all their fields; a format whose files are documents has none.
    prepare(stream, options) -> the options with the fields to use, found by a look at the source; raises
    BadInput when they cannot be found.
    annotate(stream, out, options, places, added) writes a copy with more columns of the records at some
    places, or of the whole source where places is None; it returns how many documents are left as they are,
    being no records.
    replace(stream, out, options, places, changes) writes as `write` does, but with changed texts: for the
    records at some offsets a function, text -> new text.
    values(stream, options, places, field) -> the value of a field in each of the records, None where there is
    none.  Only tables and JSON have these two.
    """

    suffixes: tuple[str, ...]
    chunks: Callable[[BinaryIO, int, Options], Iterator[Chunk]]
    records: Callable[[Chunk, Options], Read]
    reread: Callable[[BinaryIO, Options, Sequence[Place]], Iterator[tuple[bytes, bytes] | None]]
    write: Callable[[BinaryIO, BinaryIO, Options, Sequence[Place]], None] | None = None
    annotate: Callable[[BinaryIO, BinaryIO, Options, Sequence[Place] | None, Any], int] | None = None
    values: Callable[[BinaryIO, Options, Sequence[Place], str], Iterator[Any]] | None = None
    replace: Callable[[BinaryIO, BinaryIO, Options, Sequence[Place], Changes], None] | None = None
    prepare: Callable[[BinaryIO, Options], Options] = lambda stream, options: options
    whole: bool = False  # a file is one document
    unpacks: bool = False  # reads a gzipped file (.warc.gz) by itself
    starts: tuple[bytes, ...] = ()  # first bytes that only this format has, for standard input


def slices(stream: BinaryIO, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The bytes of a stream, `size` at a time; what stands before a break is given before the error."""
    held: list[bytes] = []
    n = 0
    # NOTE: `read` of a stream that breaks off raises and forgets what it had; `read1` gives it first
    read = getattr(stream, "read1", stream.read)
    while True:
        try:
            data = read(SLICE)
        except BROKEN:
            if held:
                yield b"".join(held)
            raise
        held.append(data)
        n += len(data)
        if n >= size or not data:
            if n:
                yield b"".join(held)
            held, n = [], 0
        if not data:
            return


def in_chunks(rows: Iterable[Any], source: int) -> Iterator[Chunk]:
    """Rows, each with `offset`, `n_bytes` and `held`, the bytes that it takes in memory -> chunks of them.

    Each chunk holds about CHUNK_BYTES.  The last one has a problem where the source breaks off.
    """
    held: list[Any] = []
    size = end = 0
    problem = ""
    try:
        for row in rows:
            held.append(row)
            size, end = size + row.held, row.offset + row.n_bytes
            if size >= CHUNK_BYTES:
                yield Chunk(source, held[0].offset, rows=held, n_bytes=size)
                held, size = [], 0
    except BROKEN as error:
        problem = f"{why(error)}: the rest is lost"
    if held or problem:
        yield Chunk(source, held[0].offset if held else end, rows=held, n_bytes=size, problem=problem)


def lost_rest(chunk: Chunk) -> list[tuple[Record, bytes]]:
    """Return the record that stands for what is lost after a chunk of `in_chunks`; none if nothing is."""
    if not chunk.problem:
        return []
    end = chunk.rows[-1].offset + chunk.rows[-1].n_bytes if chunk.rows else chunk.offset
    return [(Record(len(chunk.rows), end, 0, "", UNREADABLE, note=chunk.problem), b"")]


def unzipped(found: Sequence[tuple[Record, bytes]], n_lines: int) -> Read:
    """Records with their texts, and how many lines they were read from -> what `records` gives."""
    return [record for record, _ in found], [utf8 for _, utf8 in found], n_lines


def copied(stream: BinaryIO) -> BinaryIO:
    """Return a copy of a stream, in memory or in a temporary file."""
    copy: Any = tempfile.SpooledTemporaryFile(max_size=HELD_BYTES)  # noqa: SIM115
    try:
        shutil.copyfileobj(stream, copy)
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return cast(BinaryIO, copy)


def by_place(
    text: Callable[[bytes, Options], bytes],
) -> Callable[[BinaryIO, Options, Sequence[Place]], Iterator[tuple[bytes, bytes] | None]]:
    """Make `reread` for a format whose records are bytes in a row; text(raw, options) -> their UTF-8 text."""

    def reread(
        stream: BinaryIO, options: Options, places: Sequence[Place]
    ) -> Iterator[tuple[bytes, bytes] | None]:
        for offset, length in places:
            stream.seek(offset)
            raw = stream.read(length)
            yield (raw, text(raw, options)) if len(raw) == length else None

    return reread


def copy_places(stream: BinaryIO, out: BinaryIO, places: Iterable[Place], end: bytes = b"") -> None:
    """Make `write` for a format whose records are bytes in a row; a record that lacks `end` gets it."""
    for offset, length in places:
        stream.seek(offset)
        raw = stream.read(length)
        if len(raw) < length:
            raise Damaged("it ends before a record that was there")
        out.write(raw if raw.endswith(end) else raw.removesuffix(b"\r") + end)


def raw_places(stream: BinaryIO, places: Iterable[Place], end: bytes = b"") -> Iterator[bytes]:
    """Return the bytes of records, one by one, each as `copy_places` writes it."""
    for place in places:
        held = io.BytesIO()
        copy_places(stream, held, [place], end)
        yield held.getvalue()


def too_large(options: Options) -> str:
    """Return why a document of more than max_bytes is set aside.

    >>> too_large(Options(max_bytes=128_000_000))
    'longer than --max-document-size (128,000,000 bytes)'
    """
    return f"longer than --max-document-size ({options.max_bytes:,} bytes)"


def why(error: Exception) -> str:
    """An error of BROKEN -> a few words.

    >>> why(FileNotFoundError(2, "No such file or directory", "a.txt"))
    'no such file or directory'
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    if isinstance(error, Damaged):
        return str(error)
    if isinstance(error, EOFError):
        return "the compressed file is cut off"
    return f"the compressed file is damaged ({' '.join(str(error).split())})"
