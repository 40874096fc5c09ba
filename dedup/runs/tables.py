"""Run -> Arrow tables, and back.  No files here: see folder.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.documents import COUNTED, Documents, Source
from ..core.features import Spans
from ..core.pairs import DIGEST_WORDS, Evidence, Spellings, VerifiedPairs
from ..core.sorted_arrays import offsets_from_sizes
from ..core.verdicts import Verdict
from .run import Run

KINDS = {
    **{"source": np.int32, "status": np.int8, "letters_hash": np.uint64},
    **dict.fromkeys(("record", "offset", "n_bytes", *COUNTED), np.int64),
    **dict.fromkeys(("cluster", "canonical", "witness"), np.int32),
    **{"relation": np.int8, "size": np.int64, "witness_size": np.int64},
    **dict.fromkeys(("jaccard", "containment", "discounted_jaccard", "discounted_containment"), np.float64),
    **dict.fromkeys(("skeleton_jaccard", "lost", "value", "line"), np.float64),
    **{"figure": np.int8, "family": np.int32},
}  # dtype of each array of Documents and Verdict; the other fields are lists
SOURCE_KINDS = {
    **{"path": pa.binary(), "reader": pa.string(), "codec": pa.string(), "size": pa.int64()},
    **{"mtime_ns": pa.int64(), "file": pa.binary(), "member": pa.int64(), "given": pa.binary()},
    **{"problem": pa.string(), "version": pa.string()},
}


def columns_of(rows: Documents | Verdict) -> dict[str, pa.Array]:
    """Documents or a verdict -> its columns; the letters hash as 16 bytes."""
    out = {}
    for f in fields(rows):
        values = getattr(rows, f.name)
        if f.name == "letters_hash":
            out[f.name] = packed(values)
        elif f.name == "written":
            out[f.name] = pa.array(values, pa.binary())
        elif f.name in KINDS:
            out[f.name] = pa.array(values)
        else:
            out[f.name] = pa.array(values, pa.string())
    return out


def documents_of(table: pa.Table) -> Documents:
    """A table of documents -> Documents."""
    return Documents(**_columns(Documents, table))


def _columns(kind: type, table: pa.Table) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for f in fields(kind):
        column = table.column(f.name).combine_chunks()
        if f.name == "letters_hash":
            out[f.name] = letters_hashes(table)
        elif f.name in KINDS:
            out[f.name] = _array(column, KINDS[f.name])
        else:
            out[f.name] = _list(column)
    return out


def _list(column: pa.Array) -> list[Any]:
    """A column of texts -> a list; quick where there are few different ones, or only one."""
    if not len(column) or column[0] != column[-1]:
        return list(column.to_pylist())
    if column[1:].equals(column[:-1]):
        return [column[0].as_py()] * len(column)
    if column.null_count:
        return list(column.to_pylist())
    coded = column.dictionary_encode()
    found: list[Any] = np.array(coded.dictionary.to_pylist(), object)[coded.indices.to_numpy()].tolist()
    return found


def letters_hashes(table: pa.Table) -> NDArray[np.uint64]:
    """A table of documents -> their letters hashes, uint64[n, 2]."""
    return unpacked(table.column("letters_hash"), np.uint64, 2)


def _array(column: Any, dtype: Any) -> NDArray[Any]:
    return column.to_numpy(zero_copy_only=False).astype(dtype, copy=False)


def _sources(run: Run) -> pa.Table:
    columns = {
        name: pa.array([getattr(x, name) for x in run.sources], kind) for name, kind in SOURCE_KINDS.items()
    }
    for i, name in enumerate(("text_field", "id_field")):
        columns[name] = pa.array([fields[i] for fields in run.fields], pa.string())
    return pa.table(columns)


def _documents(run: Run) -> pa.Table:
    assert run.anchor_start is not None
    n_anchors = pa.array(np.diff(run.anchor_start))
    return pa.table({**columns_of(run.documents), "n_anchors": n_anchors})


def _pairs(run: Run) -> pa.Table:
    return pa.table({**_pair_columns(run.pairs), "relation": pa.array(run.pair_relations)})


def _compared(run: Run) -> pa.Table:
    e = run.evidence
    flags = {"by_anchors": pa.array(e.by_anchors), "candidate": pa.array(e.candidate)}
    return pa.table({**_pair_columns(e.pairs), **flags})


def _spellings(run: Run) -> pa.Table:
    f = run.evidence.spellings
    return pa.table(
        {
            "doc": pa.array(f.docs),
            "digests": packed(f.digests),
            "n_shingles": pa.array(f.n_shingles),
            "n_bones": pa.array(f.n_bones),
        }
    )


def _boilerplate(run: Run) -> pa.Table:
    doc = np.repeat(np.arange(len(run.documents)), np.diff(run.spans.indptr))
    return pa.table(
        {"doc": pa.array(doc), "start": pa.array(run.spans.start), "end": pa.array(run.spans.end)}
    )


TABLES: dict[str, Callable[[Run], pa.Table]] = {
    "sources": _sources,
    "documents": _documents,
    "pairs": _pairs,
    "compared": _compared,
    "spellings": _spellings,
    "boilerplate": _boilerplate,
    "verdict": lambda run: pa.table(columns_of(run.verdict)),
}  # in the order in which they are written


def packed(rows: NDArray[Any]) -> pa.Array:
    """Arrays of n rows -> n values, each the bytes of a row."""
    width = rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
    data = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(rows), [None, data])


def unpacked(column: Any, dtype: Any, *shape: int) -> NDArray[Any]:
    """The same -> the arrays of n rows."""
    column = column.combine_chunks()
    size = int(np.prod(shape))
    values = np.frombuffer(column.buffers()[1] or b"", dtype)
    return values[size * column.offset : size * (column.offset + len(column))].reshape(-1, *shape)


def _pair_columns(p: VerifiedPairs) -> dict[str, pa.Array]:
    return {
        name: packed(values) if values.ndim > 1 else pa.array(np.ascontiguousarray(values))
        for name, values in p.columns().items()
    }


def pairs_of(table: pa.Table) -> VerifiedPairs:
    """A table of pairs -> VerifiedPairs."""

    def column(name: str, row: NDArray[Any]) -> NDArray[Any]:
        if row.ndim:
            return unpacked(table.column(name), row.dtype, *row.shape)
        return _array(table.column(name).combine_chunks(), row.dtype)

    return VerifiedPairs.of_columns(column)


def evidence_of(compared: pa.Table, spellings: pa.Table) -> Evidence:
    """The tables of what was compared -> Evidence."""
    kinds = {"doc": np.int32, "n_shingles": np.int64, "n_bones": np.int64}
    docs, *rest = (_array(spellings.column(c).combine_chunks(), kind) for c, kind in kinds.items())
    known = Spellings(docs, unpacked(spellings.column("digests"), np.uint64, DIGEST_WORDS), *rest)
    flags = {c: _array(compared.column(c).combine_chunks(), np.bool_) for c in ("by_anchors", "candidate")}
    return Evidence(pairs_of(compared), spellings=known, **flags)


def run_of(tables: dict[str, pa.Table], summary: dict[str, Any]) -> Run:
    """The tables of a run -> Run.

    Raises ValueError or KeyError when they do not fit together.
    """
    s = {c: tables["sources"].column(c) for c in tables["sources"].column_names}
    sources = [Source(*row) for row in zip(*(s[c].to_pylist() for c in SOURCE_KINDS), strict=True)]
    documents = documents_of(tables["documents"])
    verdict = Verdict(**_columns(Verdict, tables["verdict"]))
    n = len(documents)
    for column in (verdict.cluster, verdict.canonical, verdict.witness):
        if len(column) != n or (n and not 0 <= column.min() <= column.max() < n):
            raise ValueError("the verdict names documents that are not there")
    if n and not 0 <= documents.source.min() <= documents.source.max() < len(sources):
        raise ValueError("the documents name sources that are not there")
    pairs = pairs_of(tables["pairs"])
    if len(pairs) and not 0 <= pairs.docs.min() <= pairs.docs.max() < n:
        raise ValueError("the pairs name documents that are not there")
    relations = _array(tables["pairs"].column("relation").combine_chunks(), np.int8)
    n_anchors = _array(tables["documents"].column("n_anchors").combine_chunks(), np.int64)
    names = list(zip(s["text_field"].to_pylist(), s["id_field"].to_pylist(), strict=True))
    starts = offsets_from_sizes(n_anchors)
    return Run(sources, names, documents, pairs, relations, verdict, summary, anchor_start=starts)


def spans_of(table: pa.Table, n_docs: int) -> Spans:
    """The table of boilerplate -> that of each document."""
    doc, start, end = (_array(table.column(c).combine_chunks(), np.int64) for c in ("doc", "start", "end"))
    if len(doc) and not 0 <= doc.min() <= doc.max() < n_docs:
        raise ValueError("the boilerplate names documents that are not there")
    return Spans(start, end, offsets_from_sizes(np.bincount(doc, minlength=n_docs)))
