"""A table given from Python -> a run: its rows are read in pieces, and go to the stages of a scan."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..clustering import policies
from ..core.documents import EMPTY, NUMBER, OK, TOO_LARGE, Source
from ..core.errors import BadInput, BadType
from ..core.features import FeatureRows
from ..core.parallel import Context, Progress, shared_context
from ..core.settings import Settings
from ..core.sorted_arrays import offsets_from_sizes
from ..matching.candidates import Features
from ..readers import frame_rows, frames
from ..readers.base import too_large
from ..readers.formats.fields import kept
from ..readers.frame_rows import ChosenColumns, FrameRows
from ..readers.registry import Options
from ..runs.array_store import ArrayStore, Writer
from ..runs.ingest_cache import Block
from ..runs.run import ROW_NUMBERS, Run
from ..runs.texts import SpooledTexts
from ..text import kernels
from ..text.decode import in_bytes, line_text
from ..text.repair import repair_joined
from .decision import check_settings
from .ingest import NO_FILE, Corpus, collect, sign_joined
from .rescan import LastScan
from .scan import find_duplicates, in_memory
from .sources import reading_options
from .warm_up import warm_up

NAME = b"frame"  # the source of its rows: they are frame:1, frame:2 ... in the lists
MARK = np.frombuffer("\ufeff".encode(), np.uint8)


def scan_frame(
    frame: Any,
    settings: Settings | None = None,
    *,
    text: str = "",
    id: str = "",
    fields: Iterable[str] = (),
    progress: Progress | None = None,
    **overrides: Any,
) -> Run:
    """Find the near-duplicates among the rows of a table -> a Run, whose documents are the rows, in order.

    `frame` is a DataFrame of pandas or Polars, a LazyFrame, a pyarrow Table, RecordBatchReader, Dataset or
    Scanner, a Hugging Face Dataset, an object with `__arrow_c_stream__`, or an iterable of dicts.  `text` and
    `id` name columns; without an id a row is known by its position, from 0.  `fields` are kept with each row,
    as are those that `prefer="field:NAME"` asks for.  Other columns are not read.

    Raises BadType, a TypeError, for a table, text or id of another type, and BadInput for a column that is
    not there and an id that stands twice.

    >>> rows = [{"text": "Ca n't you see?"}, {"text": "Can't you see?"}, {"text": None}]
    >>> run = scan_frame(rows)
    >>> run.keep(), run.to_arrow()["status"].to_pylist()
    ([0], ['kept', 'dropped', 'empty'])
    """
    for name, value in (("text", text), ("id", id)):
        if not isinstance(value, str):
            raise BadType(f"{name}={value!r}: is {frame_rows.named(value)}, not the name of a column")
    if isinstance(fields, str) or not isinstance(fields, Iterable):
        raise BadType(f"fields={fields!r}: is {frame_rows.named(fields)}, not a list of names of columns")
    fields = list(fields)
    if others := [name for name in fields if not isinstance(name, str)]:
        raise BadType(f"fields: {others[0]!r} is {frame_rows.named(others[0])}, not the name of a column")
    s = replace(settings or Settings(), **overrides)
    s = check_settings(replace(s, text_field=text or s.text_field, id_field=id or s.id_field))
    asked = (*policies.fields_of(policies.parse_rule(s.prefer)), *fields)
    table = frames.open_frame(frame)
    columns = frames.choose_columns(table, s.text_field, s.id_field, asked)
    with tempfile.TemporaryDirectory(prefix="dedup-") as folder, shared_context(s, progress) as context:
        with context.timed("kernels"):
            warm_up(lambda: None)
        with context.timed("pass"):
            corpus, texts, ids = _ingest(context, table, columns, Path(folder))
        run = find_duplicates(context, corpus, LastScan())
    return in_memory(run, texts, context, ids=ids, fields=list(asked))


# ------------------------------------------------------------------ the pass over the rows


def _ingest(
    context: Context, table: frames.OpenedFrame, columns: ChosenColumns, scratch: Path
) -> tuple[Corpus, SpooledTexts, str]:
    """Read and sign the rows of a table -> the corpus, its texts, and the type of its ids."""
    s = context.settings
    options = replace(reading_options(s), text_field=columns.text, id_field=columns.id)
    texts, blocks, ids = SpooledTexts(), [], []
    n_docs = 0
    context.report(0, table.n_rows, 0)
    with closing(Writer(scratch, s.num_perm)) as store:
        store.cut(0, 0)
        sign = partial(_sign, columns=columns, options=options, settings=s)
        for signed in context.parallel_map(sign, table.read(columns)):
            store.add(**vars(signed.features))
            texts.add(signed.utf8, signed.block.text_bytes)
            blocks.append(signed.block)
            ids.append(signed.ids)
            n_docs += len(signed.block.documents)
            context.report(n_docs, table.n_rows, n_docs)
        store.finish()
    texts.finish()
    pa.default_memory_pool().release_unused()
    whole = collect(blocks, s)
    kind = _kind_of_ids(ids, columns.id) if columns.id else ROW_NUMBERS
    start = offsets_from_sizes(whole.n_anchors)
    files = ArrayStore(scratch, n_docs, s.num_perm, start)
    features = Features(files.signatures(s.seed, s.k), files.anchors, scratch)
    source, fields = Source(NAME, "columnar", "", 0, NO_FILE), (columns.text, columns.id)

    def read(docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
        return [(text, text) for text in (texts[d] for d in docs.tolist())]

    return Corpus([source], [fields], whole.documents, features, read), texts, kind


@dataclass(frozen=True)
class SignedRows:
    """Some rows after the pass."""

    block: Block
    features: FeatureRows
    utf8: NDArray[np.uint8]  # their texts, one after the other
    ids: pa.Array | None


def _sign(rows: FrameRows, columns: ChosenColumns, options: Options, settings: Settings) -> SignedRows:
    """Sign some rows, in the way in which a reader of files makes documents of them."""
    frame_rows.check_text(rows, columns.text)
    ids = frame_rows.check_ids(rows, columns.id) if columns.id else None
    n = len(rows.text)
    found = _decode(rows.text, options.encoding)
    n_bytes = np.diff(found.starts)
    large = n_bytes > options.max_bytes
    changed = found.without_mark() | dict.fromkeys(np.flatnonzero(large).tolist(), b"")
    buffer, starts = replaced(found.buffer, found.starts, changed)
    repairs = [""] * n
    mended = repair_joined(buffer, starts)
    for i, (_, done) in mended.items():
        repairs[i] = sys.intern(",".join(done))
    buffer, starts = replaced(buffer, starts, {i: utf8 for i, (utf8, _) in mended.items()})
    status = np.where(large, TOO_LARGE, np.where(np.diff(starts) > 0, OK, EMPTY)).astype(np.int8)
    known = {
        "source": np.zeros(n, np.int32),
        "record": np.arange(1, n + 1),
        "offset": np.arange(rows.first, rows.first + n),
        "n_bytes": found.n_bytes,
        "status": status,
        "encoding": ["" if x else name for x, name in zip(large.tolist(), found.encoding, strict=True)],
        "id": [""] * n if ids is None else ids.cast(pa.string()).to_pylist(),
        "note": [too_large(options) if x else "" for x in large.tolist()],
        "repairs": repairs,
        "fields": _fields(rows, columns.fields),
        "written": [b""] * n,
        "id_type": [NUMBER if ids is not None and pa.types.is_integer(ids.type) else ""] * n,
    }
    block, features, utf8 = sign_joined(buffer, starts, known, np.array([(0, n, n)], np.int64), settings)
    return SignedRows(block, features, utf8, ids)


def _fields(rows: FrameRows, names: tuple[str, ...]) -> list[str]:
    """Return the values of some fields of each row, as a JSON object."""
    if not names:
        return [""] * len(rows.text)
    values = zip(*(rows.fields[name] for name in names), strict=True)
    return [kept(dict(zip(names, row, strict=True)), names) for row in values]


def _kind_of_ids(ids: list[Any], column: str) -> str:
    """Return the Arrow type of all ids.

    Raises BadType where it changes, and BadInput where an id stands twice.
    """
    kinds, first = [str(some.type) for some in ids], 0
    for some, kind in zip(ids, kinds, strict=True):
        if (kind == "large_string") != (kinds[0] == "large_string"):
            raise BadType(f"row {first}: the column {column!r} holds {kind} after {kinds[0]}")
        first += len(some)
    if not ids:
        return "string"
    kind = "string" if kinds[0] == "large_string" else kinds[0] if len(set(kinds)) == 1 else "int64"
    coded = pa.chunked_array([some.cast(pa.type_for_alias(kind)) for some in ids]).dictionary_encode()
    code = coded.combine_chunks().indices.to_numpy()
    again = np.ones(len(code), np.bool_)
    again[np.unique(code, return_index=True)[1]] = False
    if again.any():
        row = int(np.flatnonzero(again)[0])
        before = int(np.flatnonzero(code == code[row])[0])
        raise BadInput(f"the id {coded[row].as_py()!r} stands twice: in row {before} and in row {row}")
    return kind


# ------------------------------------------------------------------ texts


@dataclass(frozen=True)
class JoinedTexts:
    """n texts in UTF-8, text i being buffer[starts[i]:starts[i + 1]]."""

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    n_bytes: NDArray[np.int64]  # [n], before they were decoded
    encoding: list[str]

    def without_mark(self) -> dict[int, bytes]:
        """Return the texts that begin with a byte order mark, without it, by number."""
        first = self.starts[:-1][np.diff(self.starts) >= len(MARK)]
        rows = np.flatnonzero(np.diff(self.starts) >= len(MARK))
        for at, byte in enumerate(MARK):
            marked = self.buffer[first + at] == byte
            first, rows = first[marked], rows[marked]
        return {
            i: self.buffer[self.starts[i] + len(MARK) : self.starts[i + 1]].tobytes() for i in rows.tolist()
        }


def _decode(column: Any, encoding: str) -> JoinedTexts:
    """A column of texts -> its texts, in the buffer of the column where that is UTF-8 and holds no null."""
    try:
        if encoding and "binary" in str(column.type):
            raise pa.ArrowInvalid("its bytes are in another encoding")
        texts = column.cast(pa.large_string())
        texts.validate(full=True)
    except pa.ArrowException:
        return _decode_bytes(column, encoding)
    if texts.null_count:
        texts = texts.fill_null("")
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    buffer = np.frombuffer(data if data is not None and data.size else b"\0", np.uint8)
    begin, end = (int(starts[0]), int(starts[-1])) if len(texts) else (0, 0)
    starts = starts - begin
    return JoinedTexts(buffer[begin : max(end, begin + 1)], starts, np.diff(starts), ["utf-8"] * len(texts))


def _decode_bytes(column: Any, encoding: str) -> JoinedTexts:
    """A column of bytes, which need not be valid UTF-8 -> its texts."""
    raw = [value or b"" for value in column.cast(pa.large_binary()).to_pylist()]
    found = [line_text(value, encoding) if value else ("", "utf-8") for value in raw]
    n_bytes = np.array([len(value) for value in raw], np.int64)
    buffer, starts = kernels.joined([in_bytes(text) for text, _ in found])
    return JoinedTexts(buffer, starts, n_bytes, [name for _, name in found])


def replaced(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], texts: dict[int, bytes]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Put other texts in the place of some -> buffer and starts, which are the same where there are none.

    >>> buffer, starts = replaced(*kernels.joined([b"ab", b"c", b"de"]), {1: b"xyz"})
    >>> bytes(buffer), starts.tolist()
    (b'abxyzde', [0, 2, 5, 7])
    """
    if not texts:
        return buffer, starts
    sizes, parts, at = np.diff(starts), [], 0
    for i, text in sorted(texts.items()):
        parts += [buffer[at : starts[i]], np.frombuffer(text, np.uint8)]
        at, sizes[i] = starts[i + 1], len(text)
    joined = np.concatenate([*parts, buffer[at : starts[-1]]])
    return joined if len(joined) else np.zeros(1, np.uint8), offsets_from_sizes(sizes)
