"""Path, folder or standard input -> documents.  A new format is one file and one line in READERS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..model import Documents, Source
from . import jsonl, text
from .base import BROKEN, Options, Part, Read, Reader, Record, open_source, unchanged

READERS: dict[str, Reader] = {"text": text.READER, "jsonl": jsonl.READER}
GROUPED_BYTES, GROUPED_FILES = 1 << 20, 128

__all__ = ["READERS", "Options", "Part", "Read", "Reader", "Record", "fetch", "parts", "sniff"]


def reader_of_suffix() -> dict[bytes, str]:
    """-> the reader of each file suffix that has one of its own."""
    return {s.encode(): name for name, reader in READERS.items() for s in reader.suffixes}


def sniff(head: bytes) -> str:
    """The first bytes of standard input -> the reader that fits: JSON Lines, or text."""
    first = head.lstrip().split(b"\n", 1)[0]
    if first.startswith(b"{"):
        try:
            jsonl.parse(first)
            return "jsonl"
        except jsonl.BadLine:
            pass
    return "text"


def parts(sources: Sequence[Source]) -> Iterator[list[Part]]:
    """Sources -> pieces of work in order: some small files together, or a piece of one large file."""
    group: list[Part] = []
    size = 0
    for index, source in enumerate(sources):
        for part in [Part(index)] if source.problem else READERS[source.reader].parts(source, index):
            group.append(part)
            size += len(part.data) if part.data is not None else source.size
            if size >= GROUPED_BYTES or len(group) >= GROUPED_FILES:
                yield group
                group, size = [], 0
    if group:
        yield group


def fetch(
    sources: Sequence[Source], fields: Sequence[Options], documents: Documents, docs: NDArray[np.int32]
) -> list[tuple[bytes, bytes] | None]:
    """Documents -> (their bytes, their UTF-8 text), read again; None where the file has changed or gone.

    The bytes of a record are those of its text.  Documents of one source are read in the order of place.
    """
    out: dict[int, tuple[bytes, bytes] | None] = {}
    wanted = sorted((int(documents.source[d]), int(documents.offset[d]), int(d)) for d in docs)
    start = 0
    while start < len(wanted):
        end = start
        while end < len(wanted) and wanted[end][0] == wanted[start][0]:
            end += 1
        index = wanted[start][0]
        of_source = [(offset, int(documents.n_bytes[d]), d) for _, offset, d in wanted[start:end]]
        extract = READERS[sources[index].reader].extract
        for d, raw in _slices(sources[index], of_source):
            if raw is None:
                out[d] = None
            else:
                utf8 = extract(raw, fields[index])
                out[d] = (utf8 if documents.record[d] else raw, utf8)
        start = end
    return [out[int(d)] for d in docs]


def _slices(source: Source, wanted: list[tuple[int, int, int]]) -> Iterator[tuple[int, bytes | None]]:
    """A source and (offset, length, doc) in order of offset -> (doc, those bytes or None)."""
    if not unchanged(source):
        yield from ((d, None) for _, _, d in wanted)
        return
    last = -1
    try:
        with open_source(source) as stream:
            for offset, length, d in wanted:
                stream.seek(offset)
                raw = stream.read(length)
                yield d, raw if len(raw) == length else None
                last = d
    except BROKEN:
        after = [d for _, _, d in wanted]
        yield from ((d, None) for d in after[after.index(last) + 1 if last >= 0 else 0 :])
