"""Path, folder or standard input -> documents.  A new format is one file and one line in READERS."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..core.documents import CHANGED, UNREADABLE, Documents, Source
from ..core.errors import BadInput
from .base import BROKEN, CHUNK_BYTES, Chunk, Options, Read, Reader, Record, why
from .formats import (
    archives,
    columnar,
    delimited,
    json_array,
    jsonl,
    mail,
    office,
    pdf,
    rtf,
    warc,
    whole_file,
)
from .formats.fields import BadLine
from .storage import urls
from .storage.sources import open_archive, open_source, unchanged
from .storage.streams import unpacked

READERS: dict[str, Reader] = {
    "text": whole_file.READER,
    "html": whole_file.HTML,
    "jsonl": jsonl.READER,
    "json": json_array.READER,
    "table": delimited.READER,
    "columnar": columnar.READER,
    "warc": warc.READER,
    "eml": mail.EML,
    "mbox": mail.MBOX,
    "docx": office.DOCX,
    "odt": office.ODT,
    "epub": office.EPUB,
    "pdf": pdf.READER,
    "rtf": rtf.READER,
}
WRITTEN_AS_TEXT = ("text", "html")  # a file of theirs is its text, but for its encoding
CODEC_OF = {b".gz": "gz", b".bz2": "bz2", b".xz": "xz", b".zst": "zst", b".zstd": "zst"}
GROUPED_BYTES, GROUPED_FILES = 1 << 20, 128
KNOWN_BYTES = 256  # of work for a document that the last run has read

__all__ = ["READERS", "WRITTEN_AS_TEXT", "Chunk", "Options", "Record", "chunks", "fetch", "kind_of", "read"]


def kind_of(name: bytes) -> tuple[str, str]:
    """A file's name -> (its reader, how it is packed), by its suffixes.

    >>> kind_of(b"a/b.JSONL.gz"), kind_of(b"README"), kind_of(b"notes.txt.xz")
    (('jsonl', 'gz'), ('text', ''), ('text', 'xz'))
    """
    stem, suffix = os.path.splitext(name.lower())
    codec = CODEC_OF.get(suffix, "")
    return _kind_of_suffix(os.path.splitext(stem)[1] if codec else suffix, codec)


@lru_cache
def _kind_of_suffix(suffix: bytes, codec: str) -> tuple[str, str]:
    reader = next((name for name, r in READERS.items() if suffix.decode("latin-1") in r.suffixes), "text")
    return reader, "" if codec == "gz" and READERS[reader].unpacks else codec


def sniff(head: bytes) -> tuple[str, str]:
    """The first bytes of standard input -> the reader that fits, and how they are packed."""
    magic = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zst"}
    codec = next((name for start, name in magic.items() if head.startswith(start)), "")
    if codec:
        head = _unpacked_head(head, codec)
    for name, reader in READERS.items():
        if head.startswith(reader.starts or (b"\0none",)):
            return name, "" if codec == "gz" and reader.unpacks else codec
    first = head.lstrip().split(b"\n", 1)[0]
    if first.startswith(b"{"):
        try:
            jsonl.parse(first)
            return "jsonl", codec
        except BadLine:
            pass
    return json_array.look(io.BytesIO(head), Options()), codec


def _unpacked_head(head: bytes, codec: str) -> bytes:
    with unpacked(lambda: io.BytesIO(head), codec, len(head)) as stream:
        try:
            return stream.read(1 << 16)
        except BROKEN:
            return b""


# ------------------------------------------------------------------ reading


def chunks(
    sources: Sequence[Source], options: Options, fields: list[Options], known: dict[int, list[range]]
) -> Iterator[list[Chunk]]:
    """Sources -> pieces of work: some small files together, or a piece of one large file.

    Of the sources that the last run has read, `known` has the documents; they are pieces of their own.
    `fields[i]` becomes the options by which source i is read.
    """
    group: list[Chunk] = []
    size = 0
    for chunk in _Chunks(options, fields).of(sources, known):
        if group and (group[-1].known is None) != (chunk.known is None):
            yield group
            group, size = [], 0
        group.append(chunk)
        size += _weight(chunk, sources[chunk.source])
        if size >= GROUPED_BYTES or len(group) >= GROUPED_FILES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _weight(chunk: Chunk, source: Source) -> int:
    """Return how much work a chunk is, in bytes of text."""
    if chunk.known is not None:
        return len(chunk.known) * KNOWN_BYTES
    return len(chunk.data) if chunk.data is not None else chunk.n_bytes or source.size


def _is_ahead(source: Source) -> bool:
    """Tell whether a source is read while others before it are: small ones at URLs, for which one waits."""
    small = 0 < source.size <= CHUNK_BYTES and READERS[source.reader].whole
    return small and not source.problem and urls.is_url(source.at)


@dataclass(frozen=True)
class _Chunks:
    """How sources are cut into chunks; `fields` takes the options by which each is read."""

    options: Options
    fields: list[Options]

    def of(self, sources: Sequence[Source], known: dict[int, list[range]]) -> Iterator[Chunk]:
        """Return the chunks of all sources, in order."""

        def kind(item: tuple[int, Source]) -> object:
            index, source = item
            return index in known or (source.member >= 0 and source.at)

        for archive, some in groupby(enumerate(sources), kind):
            if archive is True:
                yield from (Chunk(index, known=docs) for index, _ in some for docs in known[index])
            elif isinstance(archive, bytes):
                yield from self._of_archive(archive, dict(some))
            else:
                for soon, run in groupby(some, lambda item: _is_ahead(item[1])):
                    if soon:
                        yield from urls.ahead(partial(self._now, *item) for item in run)
                        continue
                    for index, source in run:
                        yield from self._of_source(index, source)

    def _now(self, index: int, source: Source) -> Chunk:
        """Read the chunk of a small file that is one document."""
        self.fields[index] = self.options
        try:
            with open_source(source) as stream:
                return next(READERS[source.reader].chunks(stream, index, self.options))
        except BROKEN as error:
            return Chunk(index, problem=why(error))

    def _of_archive(self, archive: bytes, members: dict[int, Source]) -> Iterator[Chunk]:
        """Return the chunks of the members of an archive, which is read once from its start, in order."""
        opener = open_archive(next(iter(members.values())))
        found = archives.members(urls.file_name(archive), opener)
        at, stream = next(found, (None, None))
        for index, source in members.items():
            while at and at.place < source.member:
                at, stream = next(found, (None, None))
            if source.problem or not at or at.place > source.member:
                yield Chunk(index, problem=source.problem or "it is not in the archive any more")
            elif stream is None:
                yield Chunk(index, problem=at.problem)
            else:
                try:
                    with archives.lent(stream) as open_again:
                        packed = partial(unpacked, open_again, source.codec, source.size)
                        yield from self._cut(index, source, packed)
                except BROKEN as error:
                    yield Chunk(index, problem=why(error))

    def _of_source(self, index: int, source: Source) -> Iterator[Chunk]:
        """Return the chunks of a source; a file that is one document is read later, on any thread."""
        if source.problem:
            yield Chunk(index, problem=source.problem)
        elif READERS[source.reader].whole:
            self.fields[index] = self.options
            yield Chunk(index)
        else:
            yield from self._cut(index, source, partial(open_source, source))

    def _cut(self, index: int, source: Source, opened: Callable[[], BinaryIO]) -> Iterator[Chunk]:
        """Return the chunks of a source that is opened now."""
        reader = READERS[source.reader]
        try:
            with opened() as stream:
                self.fields[index] = reader.prepare(stream, self.options)
            with opened() as stream:
                yield from reader.chunks(stream, index, self.fields[index])
        except BadInput as error:
            yield Chunk(index, problem=str(error))
        except BROKEN as error:
            yield Chunk(index, problem=why(error))


def read(chunk: Chunk, source: Source, options: Options) -> Read:
    """A chunk -> its records, their texts, and the number of lines in it."""
    if chunk.data is None and chunk.rows is None and chunk.problem:
        return _nothing(UNREADABLE, chunk.problem)
    if chunk.data is not None or chunk.rows is not None or chunk.too_large:
        return READERS[source.reader].records(chunk, options)
    try:
        if not source.codec and source.size > options.max_bytes:
            chunk = Chunk(chunk.source, too_large=source.size)
        else:
            with open_source(source) as stream:
                (chunk,) = READERS[source.reader].chunks(stream, chunk.source, options)
    except BROKEN as error:
        return _nothing(UNREADABLE, why(error))
    if not urls.is_url(source.at) and not unchanged(source):  # a URL is asked again when all is read
        return _nothing(CHANGED, "the file changed while it was read")
    return READERS[source.reader].records(chunk, options)


def _nothing(status: int, note: str) -> Read:
    return [Record(-1, 0, 0, "", status, note=note)], [b""], 0


# ------------------------------------------------------------------ reading again


def fetch(
    sources: Sequence[Source],
    fields: Sequence[Options] | Mapping[int, Options],
    documents: Documents,
    docs: NDArray[np.int32],
) -> list[tuple[bytes, bytes] | None]:
    """Documents -> (their bytes, their UTF-8 text), read again; None where the file has changed or gone.

    The bytes of a record are those of its text.  Documents of one source are read in the order of place.
    """
    out: dict[int, tuple[bytes, bytes] | None] = dict.fromkeys(docs.tolist())
    order = sorted(docs.tolist(), key=lambda d: (int(documents.source[d]), int(documents.offset[d])))
    for index, group in groupby(order, key=lambda d: int(documents.source[d])):
        mine, source = list(group), sources[index]
        if not unchanged(source):
            continue
        places = [(int(documents.offset[d]), int(documents.n_bytes[d])) for d in mine]
        try:
            with open_source(source) as stream:
                found = READERS[source.reader].reread(stream, fields[index], places)
                for d, got in zip(mine, found, strict=True):
                    out[d] = (got[1], got[1]) if got and documents.record[d] else got
        except BROKEN:
            continue
    return [out[int(d)] for d in docs]
