"""Parquet, Arrow IPC (with a footer, as Feather has, or a stream) -> record batches, whatever is damaged."""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa

from ..base import Damaged, copied

BATCH_ROWS = 1024
BROKEN = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, MemoryError, EOFError)


@dataclass(frozen=True)
class Piece:
    """Rows that follow one another, or why `n_rows` of them cannot be read."""

    first: int
    n_rows: int
    batch: Any = None  # a RecordBatch
    problem: str = ""


class ArrowFile:
    """A file of any of the formats; Damaged when it is none of them or its frame cannot be read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = _seekable(stream)
        self._copy = None if self._stream is stream else self._stream
        head = self._stream.read(6)
        self._stream.seek(0)
        self.parquet: Any = None
        self._file: Any = None  # Arrow IPC with a footer
        self._forward: Any = None  # without
        self._footless = False  # it should have one
        try:
            if head.startswith(b"PAR1"):
                self.parquet = _parquet(self._stream)
                self.schema = self.parquet.schema_arrow
            elif head.startswith(b"FEA1"):
                raise Damaged("Feather version 1 is not read; write it again as version 2")
            else:
                self.schema = self._open_ipc(None)
            _check_names(self.schema)
        except BROKEN as error:
            self.__exit__()
            if isinstance(error, Damaged):
                raise
            raise Damaged(_why(error)) from None

    def _open_ipc(self, fields: list[int] | None) -> Any:
        """Open the file or stream, with some fields only -> its schema.

        NOTE: a file that lost its footer, which stands last, still holds a stream from byte 8 on.
        """
        options = pa.ipc.IpcReadOptions(included_fields=fields or [], use_threads=False)
        self._stream.seek(0)
        if self._stream.read(6) == b"ARROW1":
            try:
                self._stream.seek(0)
                self._file = pa.ipc.open_file(self._stream, options=options)
                return self._file.schema
            except BROKEN:
                self._footless = True
                self._stream.seek(8)
        else:
            self._stream.seek(0)
        self._forward = pa.ipc.open_stream(self._stream, options=options)
        return self._forward.schema

    def __enter__(self) -> ArrowFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._copy is not None:
            self._copy.close()

    @property
    def footed(self) -> bool:
        """Tell whether a stream is Arrow IPC in the file format, which is also that of Feather."""
        return self._file is not None

    def pieces(
        self, columns: Sequence[str] | None = None, rows: Sequence[int] | None = None
    ) -> Iterator[Piece]:
        """The rows in order, with those columns (None: all); of groups that hold none of `rows`, nothing."""
        if self.parquet is not None:
            yield from self._of_parquet(columns, rows)
            return
        if columns is not None:
            tops = {self.schema.get_field_index(top_column(self.schema, name)) for name in columns}
            self._open_ipc(sorted(tops))
        first = 0
        for found in self._of_file() if self._file else self._of_stream():
            if isinstance(found, str):
                yield Piece(first, 1, problem=f"{found}: the rest is lost")
                return
            yield Piece(first, len(found), found)
            first += len(found)

    def _of_parquet(self, columns: Sequence[str] | None, rows: Sequence[int] | None) -> Iterator[Piece]:
        first = 0
        for group in range(self.parquet.num_row_groups):
            n = at = 0
            try:
                n = max(0, said := self.parquet.metadata.row_group(group).num_rows)
                if said < 0:
                    raise Damaged("a group of fewer than no rows")
                if rows is None or within(rows, first, n):
                    for batch in self.parquet.iter_batches(
                        BATCH_ROWS, [group], None if columns is None else list(columns), use_threads=False
                    ):
                        yield Piece(first + at, len(batch), batch)
                        at += len(batch)
            except BROKEN as error:
                lost = max(1, n - at)
                yield Piece(first + at, lost, problem=f"{_why(error)}: {lost:,} rows are lost")
            first += n

    def _of_file(self) -> Iterator[Any]:
        for i in range(self._file.num_record_batches):
            try:
                yield _checked(self._file.get_batch(i))
            except BROKEN as error:
                yield _why(error)
                return

    def _of_stream(self) -> Iterator[Any]:
        try:
            while True:
                yield _checked(self._forward.read_next_batch())
        except StopIteration:
            if self._footless:
                yield "the file is cut off"
        except BROKEN as error:
            yield _why(error)


def _check_names(fields: Any) -> None:
    """Look at the names of all columns and the fields in them; ValueError where one is no text."""
    for field in fields:
        if field.name is not None and pa.types.is_nested(field.type):
            _check_names(field.type.field(i) for i in range(field.type.num_fields))


def within(rows: Sequence[int], first: int, n: int) -> Sequence[int]:
    """Return those of some rows, in rising order, that are among the n from `first` on.

    >>> within([1, 4, 5, 9], 4, 5)
    [4, 5]
    """
    return rows[bisect_left(rows, first) : bisect_left(rows, first + n)]


def _parquet(stream: BinaryIO) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(stream, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True)


def _checked(batch: Any) -> Any:
    """NOTE: a damaged batch may point outside its memory; nothing is read from it before this."""
    batch.validate(full=True)
    return batch


def _why(error: BaseException) -> str:
    said = " ".join(str(error).split("\n", 1)[0].split())[:120]
    return f"the file is damaged ({said or type(error).__name__})"


@contextmanager
def told() -> Iterator[None]:
    """Turn whatever the library raises into Damaged."""
    try:
        yield
    except OSError:
        raise
    except BROKEN as error:
        raise Damaged(_why(error)) from None


def _seekable(stream: BinaryIO) -> BinaryIO:
    """Return a stream, or a copy of it that can seek from its end; what is packed cannot."""
    try:
        stream.seek(0, io.SEEK_END)
        stream.seek(0)
        return stream
    except io.UnsupportedOperation:
        stream.seek(0)
        return copied(stream)


def top_column(schema: Any, name: str) -> str:
    """Return the name of the column that a dotted path begins in."""
    return name if schema.get_field_index(name) >= 0 else name.split(".", 1)[0]
