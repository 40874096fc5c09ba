"""Tables and rows given from Python -> pieces with the text, the id and a few fields of some rows.

No library of tables is imported here: a table is known by the module of its class, and only the columns
that are asked for are read from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from ..core.errors import BadInput, BadType
from .formats.fields import TEXT_FIELDS, names_of
from .frame_rows import (
    ACCEPTED,
    ROWS,
    ChosenColumns,
    FrameRows,
    as_arrays,
    named,
    next_rows,
    of_batches,
    of_dicts,
    top_columns,
)


@dataclass(frozen=True)
class OpenedFrame:
    """A table: the names of its columns, and read(columns) -> its rows in order, once."""

    columns: list[str]
    read: Callable[[ChosenColumns], Iterator[FrameRows]]
    n_rows: int = 0  # 0 where it is not known beforehand
    nested: bool = True  # a dotted path reaches into a column


def is_table(value: Any) -> bool:
    """Tell whether a value is a table of several columns, rather than texts."""
    return _kind(value) in OPENERS or (hasattr(value, "__arrow_c_stream__") and hasattr(value, "columns"))


def open_frame(frame: Any) -> OpenedFrame:
    """Find out what a table is, and how to read it.  Raises BadType for what is no table."""
    kind = _kind(frame)
    if kind in OPENERS:
        return OPENERS[kind](frame)
    if hasattr(frame, "__arrow_c_stream__") and not isinstance(frame, type):
        return _of_stream(frame)
    if isinstance(frame, (str, bytes, Mapping)) or not isinstance(frame, Iterable):
        part = "; give one of its parts, such as frame['train']" if kind[1].endswith("DatasetDict") else ""
        raise BadType(f"scan_frame cannot read {named(frame)}{part}; it accepts {ACCEPTED}")
    return _of_rows(iter(frame))


def choose_columns(frame: OpenedFrame, text: str, id: str, fields: Iterable[str]) -> ChosenColumns:
    """Return the columns to read; without a name for the text, the first with one of the usual names.

    Raises BadInput where a column is not there.
    """
    chosen = text or next((name for name in TEXT_FIELDS if name in frame.columns), "")
    if not chosen and len(frame.columns) == 1:
        chosen = frame.columns[0]
    listed = f"the columns are {names_of(frame.columns)}"
    if frame.columns and not any(isinstance(name, str) for name in frame.columns):
        raise BadInput(f"{listed}, which are no names: name them, as in df.columns = ['text']")
    if not chosen and frame.columns:
        raise BadInput(f"no column of texts was found; {listed}: name one with text='...'")
    columns = ChosenColumns(chosen or "text", id, tuple(dict.fromkeys(fields)))
    for name in columns.names:
        top = name if name in frame.columns or not frame.nested else name.split(".", 1)[0]
        if frame.columns and top not in frame.columns:
            raise BadInput(f"there is no column {name!r}; {listed}")
        if frame.columns.count(top) > 1:
            raise BadInput(f"the column {name!r} stands {frame.columns.count(top)} times; {listed}")
    return columns


# ------------------------------------------------------------------ tables of a library


def _kind(value: Any) -> tuple[str, str]:
    """Return (library, class) of a table that OPENERS knows, or of whatever it is."""
    for kind in type(value).__mro__:
        found = kind.__module__.split(".")[0], kind.__name__
        if found in OPENERS:
            return found
    return type(value).__module__.split(".")[0], type(value).__name__


def _of_pandas(frame: Any) -> OpenedFrame:
    def read(columns: ChosenColumns) -> Iterator[FrameRows]:
        series = {name: frame[name] for name in columns.names}
        first, rows = 0, 16
        while first < len(frame):
            part = {name: values.iloc[first : first + rows] for name, values in series.items()}
            found = as_arrays(part, first, columns)
            yield replace(found, fields={name: part[name].tolist() for name in columns.fields})
            first += len(found.text)
            rows = next_rows(len(found.text), found.text.nbytes)

    return OpenedFrame(list(frame.columns), read, len(frame), nested=False)


def _of_polars(frame: Any) -> OpenedFrame:
    def read(columns: ChosenColumns) -> Iterator[FrameRows]:
        chosen = frame.select(top_columns(columns, frame.columns))
        return of_batches(pa.RecordBatchReader.from_stream(chosen), columns)

    return OpenedFrame(list(frame.columns), read, len(frame))


def _of_lazy(frame: Any) -> OpenedFrame:
    names = frame.collect_schema().names()

    def read(columns: ChosenColumns) -> Iterator[FrameRows]:
        chosen = frame.select(top_columns(columns, names))
        some = chosen.collect_batches() if hasattr(chosen, "collect_batches") else [chosen.collect()]
        batches = (pa.RecordBatchReader.from_stream(part) for part in some)
        return of_batches(itertools.chain.from_iterable(batches), columns)

    return OpenedFrame(names, read)


def _of_table(table: Any) -> OpenedFrame:
    def read(columns: ChosenColumns) -> Iterator[FrameRows]:
        return of_batches(table.select(top_columns(columns, table.schema.names)).to_batches(), columns)

    return OpenedFrame(table.schema.names, read, table.num_rows)


def _of_batch(batch: Any) -> OpenedFrame:
    return _of_table(pa.Table.from_batches([batch]))


def _of_reader(reader: Any) -> OpenedFrame:
    return OpenedFrame(reader.schema.names, lambda columns: of_batches(reader, columns))


def _of_dataset(dataset: Any) -> OpenedFrame:
    def read(columns: ChosenColumns) -> Iterator[FrameRows]:
        few = {"batch_size": ROWS, "batch_readahead": 2, "fragment_readahead": 1}  # held in memory at a time
        wanted = top_columns(columns, dataset.schema.names)
        return of_batches(dataset.to_batches(columns=wanted, **few), columns)

    return OpenedFrame(dataset.schema.names, read)


def _of_scanner(scanner: Any) -> OpenedFrame:
    return OpenedFrame(
        scanner.projected_schema.names, lambda columns: of_batches(scanner.to_batches(), columns)
    )


def _of_hugging_face(dataset: Any) -> OpenedFrame:
    def read(columns: ChosenColumns) -> Iterator[FrameRows]:
        chosen = dataset.select_columns(top_columns(columns, dataset.column_names)).with_format("arrow")
        batches = (table.to_batches() for table in chosen.iter(batch_size=ROWS))
        return of_batches(itertools.chain.from_iterable(batches), columns)

    return OpenedFrame(list(dataset.column_names), read, len(dataset))


def _of_hugging_face_rows(dataset: Any) -> OpenedFrame:
    """NOTE: as rows, since Arrow batches of a generator have a type each, which the library then refuses."""
    if dataset.column_names is None:
        return _of_rows(iter(dataset))

    def read(columns: ChosenColumns) -> Iterator[FrameRows]:
        return of_dicts(iter(dataset.select_columns(top_columns(columns, dataset.column_names))), columns)

    return OpenedFrame(list(dataset.column_names), read)


def _of_stream(frame: Any) -> OpenedFrame:
    try:
        return _of_reader(pa.RecordBatchReader.from_stream(frame))
    except pa.ArrowInvalid:
        one = "it has one column without a name; use scan_texts for texts alone"
        raise BadType(f"scan_frame cannot read {named(frame)}: {one}") from None


def _of_rows(rows: Iterator[Any]) -> OpenedFrame:
    """Rows, each a dict; their columns are those of the first."""
    head = list(itertools.islice(rows, 1))
    names = [str(name) for row in head if isinstance(row, Mapping) for name in row]
    return OpenedFrame(names, lambda columns: of_dicts(itertools.chain(head, rows), columns))


OPENERS: dict[tuple[str, str], Callable[[Any], OpenedFrame]] = {
    ("pandas", "DataFrame"): _of_pandas,
    ("polars", "DataFrame"): _of_polars,
    ("polars", "LazyFrame"): _of_lazy,
    ("pyarrow", "Table"): _of_table,
    ("pyarrow", "RecordBatch"): _of_batch,
    ("pyarrow", "RecordBatchReader"): _of_reader,
    ("pyarrow", "Dataset"): _of_dataset,
    ("pyarrow", "Scanner"): _of_scanner,
    ("datasets", "Dataset"): _of_hugging_face,
    ("datasets", "IterableDataset"): _of_hugging_face_rows,
}
