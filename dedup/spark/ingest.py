"""The pass on executors: units of sources -> one row per document, by the same readers and kernels."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa

from ..core import sorted_arrays
from ..core.documents import EMPTY, OK, Documents, Source
from ..core.errors import BadInput
from ..core.settings import Settings
from ..pipeline import ingest
from ..readers.base import BROKEN, why
from ..readers.registry import READERS, Chunk, Options, Record, chunks, read
from ..readers.storage.addresses import StorageFolder
from ..readers.storage.sources import open_source
from ..readers.storage.streams import in_utf8
from ..readers.storage.urls import Secrets, can_seek, remember
from ..runs.tables import KINDS, columns_of
from ..text.repair import repair
from .arrow import Batches, Columns, batch, numbers, offsets_from_sizes, packed, texts

_KIND: dict[Any, str] = {np.int32: "int32", np.int64: "int64", np.int8: "int8"}
DOCUMENT: Columns = {
    f.name: "binary" if f.name in ("letters_hash", "written") else _KIND.get(KINDS.get(f.name, str), "string")
    for f in fields(Documents)
}
PASSED: Columns = {
    "window": "int64",  # of the source: a stretch of a long file of lines, else 0
    "ordinal": "int64",  # place in the window; -1 in a row of the window itself, n_letters being its lines
    **DOCUMENT,
    **dict.fromkeys(("text", "values", "skeletons", "anchor_hash", "anchor_place"), "binary"),
}
UNITS = "units.arrow"
UNIT_BYTES, EACH = 64 << 20, 4096  # of work in a unit, and for a source however small
WHOLE = (0, 0, -1)  # the window of a source that is read in one piece: its number, start and end
Item = tuple[int, tuple[int, int, int]]  # a source and a window of it


def units_of(sources: Sequence[Source], unit_bytes: int) -> list[list[Item]]:
    """Sources -> units of work: small ones together, the members of an archive together, long ones cut.

    >>> units_of([Source(b"a", "text", "", 5, 0), Source(b"b", "text", "", 9000, 0)], 9001)
    [[(0, (0, 0, -1))], [(1, (0, 0, -1))]]
    """
    units: list[list[Item]] = []
    of_archive: bytes | None = None
    size = 0
    for i, source in enumerate(sources):
        archive = source.at if source.member >= 0 else None  # its members stand one after the other
        for window in windows_of(source, unit_bytes):
            cost = source.size if window == WHOLE else window[2] - window[1]
            full = archive is None and size + cost > unit_bytes
            if not units or archive != of_archive or full:
                units.append([])
                size = 0
            units[-1].append((i, window))
            of_archive, size = archive, size + cost + EACH
    return units


def windows_of(source: Source, size: int) -> list[tuple[int, int, int]]:
    """A source -> its windows; only a long plain file of JSON lines has more than one.

    >>> windows_of(Source(b"a.jsonl", "jsonl", "", 25, 0), 10)
    [(0, 0, 10), (1, 10, 20), (2, 20, 25)]
    """
    plain = source.reader == "jsonl" and not source.codec and source.member < 0 and not source.problem
    if not plain or source.size <= size or not can_seek(source.at):
        return [WHOLE]
    starts = range(0, source.size, size)
    return [(i, start, min(start + size, source.size)) for i, start in enumerate(starts)]


class Window(io.RawIOBase):
    """The lines of a file that begin in start..end - 1, as a stream.

    NOTE: but for the first, a window begins with the line end before its first line, which is a blank
    line more; so no bytes of a line are taken for the mark of an encoding.
    """

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        super().__init__()
        self._file, self._end = file, _line_start(file, end)
        first = _line_start(file, start)
        self.start = min(max(0, first - 1), self._end) if first < self._end else self._end
        self.empty = first >= self._end
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self.start

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the start")
        return self._file.seek(self.start + offset) - self.start

    def readinto(self, into: Any) -> int:
        left = max(0, self._end - self._file.tell())
        data = self._file.read(min(len(into), left))
        into[: len(data)] = data
        return len(data)


def _line_start(file: BinaryIO, at: int) -> int:
    """Return where the first line begins that begins at `at` or later."""
    if at:
        file.seek(at - 1)
        while piece := file.readline(1 << 20):
            if piece.endswith(b"\n"):
                break
        at = file.tell()
    return at


def write_units(folder: str, sources: Sequence[Source], units: list[list[Item]]) -> None:
    """Sources by unit -> a file that executors read: a row per source, a batch per unit."""
    names = [f.name for f in fields(Source)]
    ours = ("index", "window", "start", "end")
    schema = pa.schema([*((n, pa.int64()) for n in ours), *((n, _source_kind(n)) for n in names)])
    out = pa.BufferOutputStream()
    with pa.ipc.new_file(out, schema) as writer:
        for unit in units:
            numbers = zip(*((i, *window) for i, window in unit), strict=True)
            columns = [pa.array(column, pa.int64()) for column in numbers]
            columns += [pa.array([getattr(sources[i], n) for i, _ in unit], _source_kind(n)) for n in names]
            writer.write_batch(pa.record_batch(columns, schema=schema))
    StorageFolder(folder).write(UNITS, out.getvalue())


def _source_kind(name: str) -> pa.DataType:
    if name in ("size", "mtime_ns", "member"):
        return pa.int64()
    return pa.binary() if name in ("path", "file", "given") else pa.string()


def read_units(
    folder: str, options: Options, settings: Settings, known: Secrets, batches: Batches
) -> Iterator[pa.RecordBatch]:
    """Numbers of units -> the documents in them; `known` are credentials of URLs."""
    remember(known)
    for one in batches:
        for number in one.column(0).to_pylist():
            with StorageFolder(folder).open(UNITS) as f:
                rows = pa.ipc.open_file(f).get_batch(number).to_pylist()
            items = [(row.pop("index"), tuple(row.pop(n) for n in NUMBERS)) for row in rows]
            yield from _read_unit([Source(**row) for row in rows], items, options, settings)


NUMBERS = ("window", "start", "end")


def _read_unit(
    sources: list[Source], items: list[Item], options: Options, settings: Settings
) -> Iterator[pa.RecordBatch]:
    found = [Options()] * len(sources)
    ordinals, lines = [0] * len(sources), [0] * len(sources)
    for group in _parts(sources, items, options, found, lines):
        got = [(p.source, *read(p, sources[p.source], found[p.source])) for p in group]
        yield _signed(got, ordinals, lines, items, settings)
    yield batch(
        PASSED,
        {
            "ordinal": [-1] * len(sources),
            "source": [index for index, _ in items],
            "window": [window[0] for _, window in items],
            "n_letters": lines,
            "encoding": [f.text_field for f in found],
            "id": [f.id_field for f in found],
        },
    )


def _parts(
    sources: list[Source], items: list[Item], options: Options, found: list[Options], lines: list[int]
) -> Iterator[list[Chunk]]:
    """Return the parts of the sources of a unit; of one that is cut, those of its window."""
    if all(window == WHOLE for _, window in items):
        yield from chunks(sources, options, found, {})
        return
    for i, (source, (_, window)) in enumerate(zip(sources, items, strict=True)):
        if window == WHOLE or (window[0] == 0 and _is_wide(source, options)):
            mine = [options]
            for group in chunks([source], options, mine, {}):
                found[i] = mine[0]
                yield [replace(chunk, source=i) for chunk in group]
        else:
            yield from _of_window(source, i, window, options, found, lines)


def _is_wide(source: Source, options: Options) -> bool:
    """Tell whether a file is in UTF-16 or the like: its first window has all of it."""
    try:
        with open_source(source) as stream:
            return in_utf8(stream, options) is not stream
    except BROKEN:
        return False


def _of_window(
    source: Source,
    i: int,
    window: tuple[int, int, int],
    options: Options,
    found: list[Options],
    lines: list[int],
) -> Iterator[list[Chunk]]:
    """Return the parts of a window; what is wrong with the file as a whole is told by its first."""
    if window[0] and _is_wide(source, options):
        return
    reader = READERS[source.reader]
    try:
        with open_source(source) as stream:
            found[i] = reader.prepare(stream, options)
        with open_source(source) as file:
            stretch = Window(file, window[1], window[2])
            lines[i] = -1 if window[0] and not stretch.empty else 0
            for chunk in reader.chunks(cast(BinaryIO, stretch), i, found[i]):
                yield [replace(chunk, offset=chunk.offset + stretch.start)]
    except (BadInput, *BROKEN) as error:
        if window[0] == 0:
            yield [Chunk(i, problem=str(error) if isinstance(error, BadInput) else why(error))]


def _signed(
    got: list[tuple[int, list[Record], list[bytes], int]],
    ordinals: list[int],
    lines: list[int],
    items: list[Item],
    settings: Settings,
) -> pa.RecordBatch:
    """What was read of some sources -> their rows; counts documents and lines of each source on."""
    block, rows, buffer = ingest.sign(got, settings)
    d = block.documents
    place: list[int] = []
    record = d.record.copy()
    at = 0
    for source, records, _, n_lines in got:
        mine = slice(at, at + len(records))
        place += range(ordinals[source], ordinals[source] + len(records))
        record[mine] += np.where(record[mine] > 0, lines[source], 0)
        ordinals[source] += len(records)
        lines[source] += n_lines
        at += len(records)
    starts = sorted_arrays.offsets_from_sizes(block.n_anchors)
    each = np.arange(len(d) + 1, dtype=np.int64) * settings.num_perm
    columns: dict[str, Any] = {
        **columns_of(d),
        "source": np.array([index for index, _ in items], np.int64)[d.source],
        "window": np.array([window[0] for _, window in items], np.int64)[d.source],
        "record": record,
        "ordinal": place,
        "text": packed(buffer, np.r_[block.text_at, len(buffer)].astype(np.int64)),
        "values": packed(rows.signatures, each),
        "skeletons": packed(rows.skeletons, each),
        "anchor_hash": packed(rows.anchor_hashes, starts),
        "anchor_place": packed(rows.anchor_positions, starts),
    }
    return batch(PASSED, columns)


def take_texts(settings: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Rows (source, key, text) sorted by source and place in it -> documents, as of texts given."""
    counted: dict[int, list[int]] = {}
    for one in batches:
        if one.num_rows:
            table = pa.Table.from_batches([one])
            starts = [*offsets_from_sizes(table, ["source"]).tolist(), one.num_rows]
            for start, end in zip(starts[:-1], starts[1:], strict=True):
                yield from _taken(table.slice(start, end - start), counted, settings)
    none = [0] * len(counted)
    yield batch(
        PASSED,
        {"ordinal": [-1] * len(counted), "source": list(counted), "window": none, "n_letters": none},
    )


def _taken(table: pa.Table, counted: dict[int, list[int]], settings: Settings) -> Iterator[pa.RecordBatch]:
    source = int(numbers(table, "source")[0])
    ordinals = counted.setdefault(source, [0])
    for start in range(0, table.num_rows, 1000):
        some = table.slice(start, 1000)
        repaired = [repair((t or "").encode("utf-8", "replace")) for t in texts(some, "text")]
        records = [
            Record(-1, 0, len(t), "utf-8", OK if t else EMPTY, key, "", ",".join(done))
            for (t, done), key in zip(repaired, texts(some, "key"), strict=True)
        ]
        mine = [(0, records, [t for t, _ in repaired], 0)]
        yield _signed(mine, ordinals, [0], [(source, WHOLE)], settings)
