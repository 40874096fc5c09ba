"""Parquet, Arrow IPC and Feather: a document per row, its text in one column, read in batches.

The offset of a record is the number of its row, counted from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

import pyarrow as pa

from ...core.documents import TOO_LARGE, UNREADABLE
from ...core.errors import BadInput
from ...text.decode import in_bytes, line_text
from ...text.repair import repair
from ..base import CHUNK_BYTES, Chunk, Damaged, Options, Place, Read, Reader, Record, too_large
from .added import FLAG, INTEGER, TEXT, VALUES, Added, plain
from .arrow_ipc import BROKEN, ArrowFile, Piece, told, top_column, within
from .fields import (
    ID_FIELDS,
    LISTS,
    SAID,
    TEXT_FIELDS,
    names_of,
    no_text_field,
    of_fields,
    text_in,
    text_names,
    with_fields,
)
from .jsonl import mended

WRITTEN_BYTES = 64 << 20  # of the rows that are written at once


# ------------------------------------------------------------------ columns


def _type_of(schema: Any, name: str) -> Any:
    """Return the type of a column or of a field in it, by its dotted path; None when there is none."""
    top = top_column(schema, name)
    if schema.get_field_index(top) < 0:
        return None
    found = schema.field(top).type
    for part in name[len(top) + 1 :].split(".") if name != top else []:
        if not pa.types.is_struct(found) or found.get_field_index(part) < 0:
            return None
        found = found.field(part).type
    return found


def _is_text(kind: Any) -> bool:
    if kind is not None and pa.types.is_dictionary(kind):
        kind = kind.value_type
    views = [getattr(pa, name)() for name in ("string_view", "binary_view") if hasattr(pa, name)]
    return kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), *views)


def _leaves(fields: Any, above: str = "") -> Iterator[str]:
    """Return the dotted paths of all columns."""
    for field in fields:
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, f"{above}{field.name}.")
        else:
            yield above + field.name


def prepare(stream: BinaryIO, options: Options) -> Options:
    """Choose the text column and the id column by the schema."""
    with ArrowFile(stream) as table:
        schema = table.schema
    if options.text_field:
        for name in _text_columns(schema, options):
            _check_text(schema, name)
        return with_fields(options, options.text_field, schema.names)
    text = next((f for f in TEXT_FIELDS if _is_text(_type_of(schema, f))), "")
    text = text or next((f for f in LISTS if _is_list_of_texts(_type_of(schema, f))), "")
    if not text:
        strings = [f for f in _leaves(schema) if _is_text(_type_of(schema, f)) and f not in ID_FIELDS]
        if len(strings) != 1:
            raise no_text_field(list(_leaves(schema)))
        text = strings[0]
    return with_fields(options, text, schema.names)


def _check_text(schema: Any, name: str) -> None:
    """Raise BadInput for a column that is not there, or holds no text."""
    kind = _type_of(schema, name)
    if _is_text(kind) or _is_list_of_texts(kind):
        return
    what = f"no column {name!r}" if kind is None else f"the column {name!r} holds {kind}, not text"
    raise BadInput(f"{what}; the columns are {names_of(_leaves(schema))}: name one with --text-field")


def _is_list_of_texts(kind: Any) -> bool:
    """Tell whether a column holds lists of paragraphs, or of messages of a chat."""
    if kind is None or not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    inner = kind.value_type
    if pa.types.is_struct(inner):
        said = [inner.field(name).type for name in SAID if inner.get_field_index(name) >= 0]
        return any(_is_text(t) or _is_list_of_texts(t) for t in said)
    return _is_text(inner) or _is_list_of_texts(inner)


def _text_columns(schema: Any, options: Options) -> list[str]:
    known = [options.text_field] if _type_of(schema, options.text_field) is not None else []
    return text_names(options.text_field, known)


def _wanted(schema: Any, options: Options) -> list[str]:
    """Return the columns to read, those of the text first."""
    names = dict.fromkeys([*_text_columns(schema, options), options.id_field, *options.kept_fields])
    return [name for name in names if name and _type_of(schema, name) is not None]


def _texts(batch: Any, options: Options) -> list[bytes | None]:
    """Return the text of each row as bytes, which need not be valid UTF-8."""
    names = _text_columns(batch.schema, options)
    columns = [_column(batch, name) for name in names]
    if len(columns) == 1 and _is_text(columns[0].type):
        return _bytes_of(columns[0])
    values = zip(*(_values(column) for column in columns), strict=True)
    rows = (text_in(dict(zip(names, row, strict=True)), options.text_field) for row in values)
    return [None if text is None else in_bytes(text) for text in rows]


def _column(batch: Any, name: str) -> Any:
    import pyarrow.compute as pc

    top = top_column(batch.schema, name)
    found = batch.column(batch.schema.get_field_index(top))
    return found if name == top else pc.struct_field(found, name[len(top) + 1 :].split("."))


def _bytes_of(column: Any) -> list[bytes | None]:
    """A column of text -> its bytes, which need not be valid UTF-8."""
    try:
        return cast(list[bytes | None], column.cast(pa.large_binary()).to_pylist())
    except pa.ArrowException:  # a kind that this pyarrow cannot cast
        return [None if v is None else v.encode() if isinstance(v, str) else v for v in column.to_pylist()]


def _values(column: Any) -> list[Any]:
    """A column of any kind -> Python values; None for all when they make no sense."""
    if _is_text(column.type):
        return [None if v is None else v.decode("utf-8", "replace") for v in _bytes_of(column)]
    try:
        return cast(list[Any], column.to_pylist())
    except BROKEN:
        return [None] * len(column)


# ------------------------------------------------------------------ rows


def chunks(stream: BinaryIO, source: int, options: Options) -> Iterator[Chunk]:
    """Batches, cut into pieces of about CHUNK_BYTES."""
    with ArrowFile(stream) as table:
        for piece in table.pieces(_wanted(table.schema, options)):
            step = piece.n_rows
            if piece.batch is not None:
                step = max(1, piece.n_rows * CHUNK_BYTES // max(1, piece.batch.nbytes))
            for at in range(0, piece.n_rows, step):
                n = min(step, piece.n_rows - at)
                batch = None if piece.batch is None else piece.batch.slice(at, n)
                rows = Piece(piece.first + at, n, batch, piece.problem)
                yield Chunk(source, rows.first, rows=rows, n_bytes=0 if batch is None else batch.nbytes)


def records(chunk: Chunk, options: Options) -> Read:
    """A chunk -> its records, one for each row."""
    piece: Piece = chunk.rows
    if piece.batch is None:
        return [Record(0, piece.first, 0, "", UNREADABLE, note=piece.problem)], [b""], piece.n_rows
    names = _wanted(piece.batch.schema, options)
    names = names[len(_text_columns(piece.batch.schema, options)) :]
    others = [_values(_column(piece.batch, name)) for name in names]
    found = []
    for line, data in enumerate(_texts(piece.batch, options)):
        values = {name: column[line] for name, column in zip(names, others, strict=True)}
        record, utf8 = _record(data, values, options)
        record = record._replace(line=line, offset=piece.first + line, n_bytes=len(data or b""))
        found.append((record, utf8))
    return mended(found, piece.n_rows)


def _record(data: bytes | None, values: dict[str, Any], options: Options) -> tuple[Record, bytes]:
    if data is None or len(data) <= options.max_bytes:
        text, encoding = line_text(data, options.encoding) if data else (None, "utf-8")
        record, utf8 = of_fields({**values, options.text_field: text}, options)
        return record._replace(encoding=encoding), utf8
    return Record(0, 0, 0, "", TOO_LARGE, note=too_large(options)), b""


def reread(
    stream: BinaryIO, options: Options, places: Sequence[Place]
) -> Iterator[tuple[bytes, bytes] | None]:
    """Read the texts of the rows at some places again."""
    wanted = [row for row, _ in places]
    found: dict[int, tuple[bytes, bytes]] = {}
    with told(), ArrowFile(stream) as table:
        for piece in table.pieces(_text_columns(table.schema, options), wanted):
            mine = within(wanted, piece.first, piece.n_rows)
            if mine and piece.batch is not None:
                for row in mine:
                    (data,) = _texts(piece.batch.slice(row - piece.first, 1), options)
                    if utf8 := repair(_record(data, {}, options)[1])[0]:
                        found[row] = (data or b"", utf8)
    for row, length in places:
        got = found.get(row)
        yield got if got and len(got[0]) == length else None


def _writer(table: ArrowFile, out: BinaryIO, schema: Any) -> Any:
    """Return a writer of the same format and, of Parquet, compression."""
    import pyarrow.parquet as pq

    if table.parquet is not None:
        known = table.parquet.metadata
        group = known.row_group(0) if known.num_row_groups else None
        codec = group.column(0).compression if group is not None and group.num_columns else "SNAPPY"
        return pq.ParquetWriter(out, schema, compression=codec.replace("UNCOMPRESSED", "NONE"))
    if table.footed:
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        return pa.ipc.new_file(out, schema, options=options)
    return pa.ipc.new_stream(out, schema)


def _taken(batch: Any, rows: list[int]) -> list[Any]:
    """Return some rows of a batch, as one batch or more."""
    try:
        return [batch.take(pa.array(rows))]
    except pa.ArrowNotImplementedError:  # string_view, so far
        return [batch.slice(row, 1) for row in rows]


def write(stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place]) -> None:
    """Write the rows at some places, with all their columns, to a file of the same format and schema."""
    wanted = [row for row, _ in places]
    with told(), ArrowFile(stream) as table, _writer(table, out, table.schema) as writer:
        _write_batches(writer, (batch for _, batch in _batches(table, wanted)))


def _batches(table: ArrowFile, wanted: Sequence[int] | None) -> Iterator[tuple[list[int], Any]]:
    """Return (numbers of rows, a batch of them) for some rows, or for all."""
    for piece in table.pieces(None, wanted):
        every = range(piece.first, piece.first + piece.n_rows)
        mine = list(every if wanted is None else within(wanted, piece.first, piece.n_rows))
        if piece.problem and mine:
            raise Damaged(piece.problem)
        if wanted is None:
            yield mine, piece.batch
        elif mine:
            taken = _taken(piece.batch, [row - piece.first for row in mine])
            rows = [mine] if len(taken) == 1 else [[row] for row in mine]
            yield from zip(rows, taken, strict=True)


def _write_batches(writer: Any, batches: Iterator[Any]) -> None:
    held: list[Any] = []
    for batch in batches:
        held.append(batch)
        if sum(batch.nbytes for batch in held) >= WRITTEN_BYTES:
            writer.write_table(pa.Table.from_batches(held))
            held = []
    if held:
        writer.write_table(pa.Table.from_batches(held))


def annotate(
    stream: BinaryIO, out: BinaryIO, options: Options, places: Sequence[Place] | None, added: Added
) -> int:
    """Copy rows with more columns, to a file of the same format -> 0, as no row is left alone."""
    wanted = None if places is None else [row for row, _ in places]
    with told(), ArrowFile(stream) as table:
        added.check(table.schema.names)
        new = [pa.field(name, _new_type(table.schema, name, added)) for name in added.kinds]
        schema = pa.schema([*table.schema, *new], table.schema.metadata)

        def longer() -> Iterator[Any]:
            for numbers, batch in _batches(table, wanted):
                rows = [added.rows.get(number, (None,) * len(new)) for number in numbers]
                arrays = [_new_array(field, [row[i] for row in rows]) for i, field in enumerate(new)]
                yield pa.RecordBatch.from_arrays([*batch.columns, *arrays], schema=schema)

        with _writer(table, out, schema) as writer:
            _write_batches(writer, longer())
    return 0


def _new_type(schema: Any, name: str, added: Added) -> Any:
    kind = added.kinds[name]
    if kind != VALUES:
        return {TEXT: pa.string(), INTEGER: pa.int64(), FLAG: pa.bool_()}[kind]
    item = _type_of(schema, added.of[name])
    item = pa.string() if item is None or _is_text(item) else item
    return pa.struct([("count", pa.int64()), ("values", pa.list_(item))])


def _new_array(field: Any, column: list[Any]) -> Any:
    try:
        return pa.array(list(map(plain, column)), field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise Damaged(f"{field.name}: the values of a cluster are of different types") from None


def values(stream: BinaryIO, options: Options, places: Sequence[Place], field: str) -> Iterator[Any]:
    """Return the value of a column in each of the rows at some places."""
    wanted = [row for row, _ in places]
    with told(), ArrowFile(stream) as table:
        if _type_of(table.schema, field) is None:
            yield from (None for _ in places)
            return
        for piece in table.pieces([field], wanted):
            mine = within(wanted, piece.first, piece.n_rows)
            if mine and piece.batch is None:
                raise Damaged(piece.problem)
            if mine:
                column = _values(_column(piece.batch, field))
                yield from (column[row - piece.first] for row in mine)


SUFFIXES = (".parquet", ".arrow", ".feather", ".ipc")
STARTS = (b"PAR1", b"ARROW1")
READER = Reader(SUFFIXES, chunks, records, reread, write, annotate, values, None, prepare, starts=STARTS)
