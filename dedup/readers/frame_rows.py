"""Record batches, or rows that are dicts -> pieces with the text, the id and a few fields of some rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
import pyarrow as pa

from ..core.errors import BadInput, BadType
from ..text.decode import in_bytes
from .base import CHUNK_BYTES
from .formats.arrow_ipc import top_column
from .formats.fields import lookup, names_of

ROWS = 4096  # at a time, or fewer where they are long
TEXTS = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "null")
TEXT, ID = "a text (str or bytes) or None", "a text (str) or a whole number"
ACCEPTED = (
    "a pandas or Polars DataFrame, a Polars LazyFrame, a pyarrow Table, RecordBatchReader, Dataset or "
    "Scanner, a Hugging Face Dataset or IterableDataset, any object with __arrow_c_stream__, and an "
    "iterable of dicts"
)


@dataclass(frozen=True)
class ChosenColumns:
    """The names of the columns to read; no id where rows are known by their place."""

    text: str
    id: str = ""
    fields: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(filter(None, (self.text, self.id, *self.fields))))


@dataclass(frozen=True)
class FrameRows:
    """Rows that follow one another: their texts, ids and the values of some fields."""

    first: int  # counted from 0
    text: pa.Array
    id: pa.Array | None = None
    fields: dict[str, list[Any]] = field(default_factory=dict)


def top_columns(columns: ChosenColumns, names: list[str]) -> list[str]:
    """Return the columns that hold those chosen, which may be fields of a struct."""
    return list(dict.fromkeys(n if n in names else n.split(".", 1)[0] for n in columns.names))


def of_batches(batches: Iterable[Any], columns: ChosenColumns) -> Iterator[FrameRows]:
    """Read record batches -> their rows, at most ROWS at a time and fewer where they are long."""
    first = 0
    for batch in batches:
        at = 0
        while at < len(batch):
            rows = next_rows(len(batch), batch.nbytes)
            part = batch.slice(at, rows)
            text = without_codes(_column(part, columns.text))
            id = without_codes(_column(part, columns.id)) if columns.id else None
            fields = {name: _column(part, name).to_pylist() for name in columns.fields}
            yield FrameRows(first + at, text, id, fields)
            at += len(part)
        first += len(batch)


def _column(batch: Any, name: str) -> Any:
    """Return a column of a batch, or a field of a nested one.  Raises BadInput where it is not there."""
    top = top_column(batch.schema, name)
    column = batch.column(batch.schema.get_field_index(top))
    if name == top:
        return column
    import pyarrow.compute as pc  # NOTE: here, as it takes 40 ms, which other scans need not wait for

    for part in name[len(top) + 1 :].split("."):
        if not pa.types.is_struct(column.type) or column.type.get_field_index(part) < 0:
            raise BadInput(f"there is no column {name!r}: {top!r} holds {column.type}")
        column = pc.struct_field(column, part)
    return column


def of_dicts(rows: Iterator[Any], columns: ChosenColumns) -> Iterator[FrameRows]:
    """Read rows one by one -> the same; each is let go when its values are taken."""
    held: dict[str, list[Any]] = {name: [] for name in columns.names}
    first = size = 0
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            more = "; for texts alone use scan_texts" if isinstance(row, str) else ""
            raise BadType(f"row {number} is {named(row)}, not a dict{more}; scan_frame accepts {ACCEPTED}")
        for name, values in held.items():
            values.append(_value(row, name, number, columns))
        text = held[columns.text][-1]
        size += len(text) if isinstance(text, (str, bytes)) else 0
        if number + 1 - first == ROWS or size >= CHUNK_BYTES:
            yield as_arrays(held, first, columns)
            held = {name: [] for name in columns.names}
            first, size = number + 1, 0
    if held[columns.text]:
        yield as_arrays(held, first, columns)


def _value(row: Mapping[str, Any], name: str, number: int, columns: ChosenColumns) -> Any:
    """Return a value of a row; what is missing of a field that only a preference asks for is None."""
    try:
        return lookup(row, name)
    except KeyError:
        if name in (columns.text, columns.id):
            raise BadInput(f"row {number} has no {name!r}; it has {names_of(row)}") from None
        return None


def as_arrays(held: Mapping[str, Any], first: int, columns: ChosenColumns) -> FrameRows:
    """Convert columns of Python values, from row `first` on, to rows.  Raises BadType."""
    text = to_array(held[columns.text], columns.text, first)
    id = to_array(held[columns.id], columns.id, first, is_id=True) if columns.id else None
    return FrameRows(first, text, id, {name: held[name] for name in columns.fields})


def next_rows(rows: int, n_bytes: int) -> int:
    """Return how many rows to read next, if so many were so long.

    >>> next_rows(1000, 1 << 20), next_rows(1000, 1 << 30)
    (4000, 3)
    """
    return max(1, min(ROWS, rows * CHUNK_BYTES // max(1, n_bytes)))


# ------------------------------------------------------------------ values of Python


def is_missing(value: Any) -> bool:
    """Tell whether a value stands for none: None, NaN, or NA of pandas.

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    if value is None or (isinstance(value, float) and value != value):
        return True
    return type(value).__name__ in ("NAType", "NaTType")


def named(value: Any) -> str:
    """Name the type of a value as a person does.

    >>> named({}), named(3), named(None)
    ('a dict', 'an int', 'None')
    """
    if value is None:
        return "None"
    name = f"{type(value).__module__.split('.')[0]}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def to_array(values: Any, column: str, first: int, is_id: bool = False) -> Any:
    """Convert Python values or a pandas Series to an array.  Raises BadType where no array holds them."""
    try:
        found = pa.array(values, from_pandas=True)
    except UnicodeError:
        found = pa.array([in_bytes(v) if isinstance(v, str) else v for v in values], from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError):
        raise BadType(_unlike(values, column, first, is_id)) from None
    if found.null_count == len(found):  # which pandas takes for numbers
        return pa.nulls(len(found))
    return without_codes(found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found)


def without_codes(column: Any) -> Any:
    """Return the values of a column of categories; any other column as it is."""
    if not pa.types.is_dictionary(column.type):
        return column
    values = column.dictionary
    if str(values.type) == "string_view":  # NOTE: which Arrow cannot take by their numbers
        values = values.cast(pa.large_string())
    return values.take(column.indices)


def _unlike(values: Iterable[Any], column: str, first: int, is_id: bool) -> str:
    """Say which value is no text or id, or of another type than those before it."""
    accepted, wanted = ((str, Integral), ID) if is_id else ((str, bytes), TEXT)
    kind: type | None = None
    for row, value in enumerate(values, first):
        if not is_missing(value):
            if isinstance(value, Integral) and not -(1 << 63) <= int(value) < 1 << 64:
                return f"row {row}: the column {column!r} holds {value}, of more than 64 bits"
            if kind not in (None, type(value)) or not isinstance(value, accepted):
                before = f" after {named(kind())}" if kind in (str, bytes, int) else ""
                return f"row {row}: the column {column!r} holds {named(value)}{before}; {wanted} is accepted"
            kind = type(value)
    return f"row {first}: the column {column!r} holds something else; {wanted} is accepted"


def check_text(rows: FrameRows, column: str) -> None:
    """Raise BadType unless the texts of some rows are texts, or missing."""
    if str(rows.text.type) not in TEXTS:
        raise BadType(_wrong(rows.text, column, rows.first, TEXT))


def check_ids(rows: FrameRows, column: str) -> Any:
    """Return the ids of some rows, as texts or whole numbers.

    Raises BadType for others, and BadInput where a row has none.
    """
    ids: Any = rows.id
    if ids.null_count:
        row = rows.first + int(np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False))[0])
        raise BadInput(f"row {row} has no {column!r}: each row needs an id of its own, or leave out id=")
    if pa.types.is_integer(ids.type):
        return ids
    if str(ids.type) not in ("string", "large_string", "string_view"):
        raise BadType(_wrong(ids, column, rows.first, ID))
    return ids.cast(pa.large_string())


def _wrong(array: Any, column: str, first: int, wanted: str) -> str:
    found = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
    row = first + int(found[0]) if len(found) else first
    return f"row {row}: the column {column!r} holds {array.type}; {wanted} is accepted"
