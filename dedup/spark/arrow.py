"""Arrow batches inside executors: whole groups from sorted rows, columns as arrays, rows out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

KINDS = {
    "bool": (pa.bool_(), "boolean"),
    "int8": (pa.int8(), "tinyint"),
    "int32": (pa.int32(), "int"),
    "int64": (pa.int64(), "bigint"),
    "double": (pa.float64(), "double"),
    "string": (pa.string(), "string"),
    "binary": (pa.binary(), "binary"),
}
Columns = dict[str, str]  # name -> a key of KINDS
Batches = Iterable[pa.RecordBatch]
Mapper = Callable[[Batches], Iterator[pa.RecordBatch]]
ROWS, BYTES = 50_000, 8 << 20  # of whole groups worked on at once


def ddl(columns: Columns) -> str:
    """Columns -> the schema as Spark wants it.

    >>> ddl({"doc": "int64", "text": "binary"})
    '`doc` bigint, `text` binary'
    """
    return ", ".join(f"`{name}` {KINDS[kind][1]}" for name, kind in columns.items())


def mapped(rows: Any, mapper: Mapper, columns: Columns) -> Any:
    """A DataFrame, what is done to its batches on executors, the columns that come out -> a DataFrame."""

    def run(batches: Batches) -> Iterator[pa.RecordBatch]:
        # NOTE: PySpark collects garbage after each task, and looks at all that numba has loaded, 80 ms
        gc.freeze()
        return mapper(batches)

    return rows.mapInArrow(run, ddl(columns))


def batch(columns: Columns, values: Mapping[str, Any]) -> pa.RecordBatch:
    """Values by name, arrays or lists -> a batch of those columns; one that is not given is null."""
    n = len(next(iter(values.values())))
    arrays = []
    for name, kind in columns.items():
        found, wanted = values.get(name), KINDS[kind][0]
        if found is None:
            arrays.append(pa.nulls(n, wanted))
        elif isinstance(found, (pa.Array, pa.ChunkedArray)):
            one = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
            arrays.append(one.cast(wanted))
        else:
            arrays.append(pa.array(found, wanted))
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def in_groups(batches: Batches, keys: list[str], rows: int = ROWS, size: int = BYTES) -> Iterator[pa.Table]:
    """Batches sorted by the keys -> tables of whole groups, of about `rows` rows or `size` bytes.

    >>> some = [pa.record_batch({"k": [1, 1, 2]}), pa.record_batch({"k": [2, 3]})]
    >>> [t["k"].to_pylist() for t in in_groups(some, ["k"], rows=3)]
    [[1, 1], [2, 2], [3]]
    """
    held: list[pa.RecordBatch] = []
    n = n_bytes = 0
    factor = 1
    for one in batches:
        if not one.num_rows:
            continue
        held.append(one)
        n, n_bytes = n + one.num_rows, n_bytes + one.nbytes
        if n < rows * factor and n_bytes < size * factor:
            continue
        table = pa.Table.from_batches(held)
        cut = int(offsets_from_sizes(table, keys)[-1])
        if cut:
            yield table.slice(0, cut)
            held = table.slice(cut).to_batches()
            n, n_bytes = table.num_rows - cut, sum(b.nbytes for b in held)
            factor = 1
        else:  # one group fills it all
            factor *= 2
    if held:
        yield pa.Table.from_batches(held)


def each(batches: Batches, key: str) -> Iterator[pa.Table]:
    """Batches sorted by a key -> a table of the rows of each of its values."""
    for table in in_groups(batches, [key], rows=1, size=1):
        starts = [*offsets_from_sizes(table, [key]).tolist(), table.num_rows]
        for start, end in zip(starts[:-1], starts[1:], strict=True):
            yield table.slice(start, end - start)


def offsets_from_sizes(table: pa.Table, keys: list[str]) -> NDArray[np.int64]:
    """Rows sorted by the keys, one at least -> int64[n_groups], the first row of each group."""
    new = np.ones(table.num_rows, np.bool_)
    new[1:] = False
    for key in keys:
        values = numbers(table, key)
        new[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(new)


def numbers(table: pa.Table | pa.RecordBatch, name: str) -> NDArray[Any]:
    """A column of numbers, none of them null -> an array."""
    column = table.column(name)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.to_numpy(zero_copy_only=False)


def texts(table: pa.Table | pa.RecordBatch, name: str) -> list[Any]:
    """A column of bytes or strings -> a list."""
    return table.column(name).to_pylist()


def packed(values: NDArray[Any], starts: NDArray[np.int64]) -> list[bytes]:
    """Arrays one after the other, starts int64[n + 1] -> n byte strings."""
    data, item = np.ascontiguousarray(values).tobytes(), values.itemsize
    return [data[a * item : b * item] for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]


def unpacked(values: list[bytes], dtype: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Byte strings -> (their arrays one after the other, starts int64[n + 1])."""
    item = np.dtype(dtype).itemsize
    sizes = np.array([len(v) // item for v in values], np.int64)
    return np.frombuffer(b"".join(values), dtype), np.r_[0, np.cumsum(sizes)].astype(np.int64)
