"""The pass on executors: units of sources -> one row per document, by the same readers and kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .. import intake
from ..model import EMPTY, OK, Documents, Source
from ..readers import Options, Record, parts, read
from ..repair import repair
from ..settings import Settings
from ..tables import KINDS, columns_of
from .arrow import Columns, batch, numbers, packed, starts_of, texts

_KIND: dict[Any, str] = {np.int32: "int32", np.int64: "int64", np.int8: "int8"}
DOCUMENT: Columns = {
    f.name: "binary" if f.name in ("letters_hash", "written") else _KIND.get(KINDS.get(f.name, str), "string")
    for f in fields(Documents)
}
PASSED: Columns = {
    "ordinal": "int64",  # place in the source; -1 in the row of the source itself
    **DOCUMENT,
    **dict.fromkeys(("text", "values", "skeletons", "anchor_hash", "anchor_place"), "binary"),
}
UNIT_BYTES, EACH = 64 << 20, 4096  # of work in a unit, and for a source however small


def units_of(sources: Sequence[Source], unit_bytes: int) -> list[list[int]]:
    """Sources -> units of work: small ones together, the members of an archive together.

    >>> units_of([Source(b"a", "text", "", 5, 0), Source(b"b", "text", "", 9, 0)], 10)
    [[0], [1]]
    """
    units: list[list[int]] = []
    of_archive: bytes | None = None
    size = 0
    for i, source in enumerate(sources):
        archive = source.at if source.member >= 0 else None  # its members stand one after the other
        full = archive is None and size + source.size > unit_bytes
        if not units or archive != of_archive or full:
            units.append([])
            size = 0
        units[-1].append(i)
        of_archive, size = archive, size + source.size + EACH
    return units


def write_units(path: Path, sources: Sequence[Source], units: list[list[int]]) -> None:
    """Sources by unit -> a file that executors read: a row per source, a batch per unit."""
    names = [f.name for f in fields(Source)]
    schema = pa.schema([("index", pa.int64()), *((n, _source_kind(n)) for n in names)])
    with pa.OSFile(str(path), "wb") as out, pa.ipc.new_file(out, schema) as writer:
        for unit in units:
            columns = [pa.array(unit, pa.int64())]
            columns += [pa.array([getattr(sources[i], n) for i in unit], _source_kind(n)) for n in names]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _source_kind(name: str) -> pa.DataType:
    if name in ("size", "mtime_ns", "member"):
        return pa.int64()
    return pa.binary() if name in ("path", "file", "given") else pa.string()


def reader(
    path: str, options: Options, settings: Settings
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """-> numbers of units -> the documents in them."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for one in batches:
            for number in one.column(0).to_pylist():
                with pa.OSFile(path, "rb") as f:
                    rows = pa.ipc.open_file(f).get_batch(number).to_pylist()
                index = [row.pop("index") for row in rows]
                yield from _read_unit([Source(**row) for row in rows], index, options, settings)

    return run


def _read_unit(
    sources: list[Source], index: list[int], options: Options, settings: Settings
) -> Iterator[pa.RecordBatch]:
    found = [Options()] * len(sources)
    ordinals, lines = [0] * len(sources), [0] * len(sources)
    for group in parts(sources, options, found, {}):
        got = [(p.source, *read(p, sources[p.source], found[p.source])) for p in group]
        yield _signed(got, ordinals, lines, index, settings)
    yield batch(
        PASSED,
        {
            "ordinal": [-1] * len(sources),
            "source": index,
            "encoding": [f.text_field for f in found],
            "id": [f.id_field for f in found],
        },
    )


def _signed(
    got: list[tuple[int, list[Record], list[bytes], int]],
    ordinals: list[int],
    lines: list[int],
    index: list[int],
    settings: Settings,
) -> pa.RecordBatch:
    """What was read of some sources -> their rows; counts documents and lines of each source on."""
    block, rows, buffer = intake.sign(got, settings)
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
    starts = intake.starts_of(block.n_anchors)
    each = np.arange(len(d) + 1, dtype=np.int64) * settings.num_perm
    columns: dict[str, Any] = {
        **columns_of(d),
        "source": np.array(index, np.int64)[d.source],
        "record": record,
        "ordinal": place,
        "text": packed(buffer, np.r_[block.text_at, len(buffer)].astype(np.int64)),
        "values": packed(rows.signatures, each),
        "skeletons": packed(rows.skeletons, each),
        "anchor_hash": packed(rows.anchor_hashes, starts),
        "anchor_place": packed(rows.anchor_positions, starts),
    }
    return batch(PASSED, columns)


def taker(settings: Settings) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """-> rows (source, key, text) sorted by source and place in it -> documents, as of texts given."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        counted: dict[int, list[int]] = {}
        for one in batches:
            if one.num_rows:
                table = pa.Table.from_batches([one])
                starts = [*starts_of(table, ["source"]).tolist(), one.num_rows]
                for start, end in zip(starts[:-1], starts[1:], strict=True):
                    yield from _taken(table.slice(start, end - start), counted, settings)
        yield batch(PASSED, {"ordinal": [-1] * len(counted), "source": list(counted)})

    return run


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
        yield _signed([(0, records, [t for t, _ in repaired], 0)], ordinals, [0], [source], settings)


def numbers_of(bases: NDArray[np.int64]) -> pa.Table:
    """Number of the first document of each source -> a table to join."""
    return pa.table({"source": pa.array(np.arange(len(bases)), pa.int32()), "base": pa.array(bases)})
