"""Run -> Arrow tables, and back.  No files here: see folder.py."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .model import Documents, Source, Spans, Verdict, VerifiedPairs
from .run import Run

KINDS = {
    **{"source": np.int32, "status": np.int8, "letters_hash": np.uint64},
    **dict.fromkeys(("record", "offset", "n_bytes", "n_letters", "n_upper", "n_marks", "n_bones"), np.int64),
    **dict.fromkeys(("cluster", "canonical", "witness"), np.int32),
    **{"relation": np.int8, "size": np.int64, "witness_size": np.int64},
    **dict.fromkeys(("jaccard", "containment", "discounted_jaccard", "discounted_containment"), np.float64),
    "skeleton_jaccard": np.float64,
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
            out[f.name] = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
            )
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
            n, at = len(column), 2 * column.offset
            out[f.name] = np.frombuffer(column.buffers()[1] or b"", np.uint64)[at : at + 2 * n].reshape(-1, 2)
        elif f.name in KINDS:
            out[f.name] = _array(column, KINDS[f.name])
        else:
            out[f.name] = column.to_pylist()
    return out


def _array(column: Any, dtype: Any) -> NDArray[Any]:
    return column.to_numpy(zero_copy_only=False).astype(dtype, copy=False)


def tables_of(run: Run) -> dict[str, pa.Table]:
    """Run -> its tables by name, in the order in which they are written."""
    d, p = run.documents, run.pairs
    sources = {
        name: pa.array([getattr(x, name) for x in run.sources], kind) for name, kind in SOURCE_KINDS.items()
    }
    return {
        "sources": pa.table(
            {
                **sources,
                "text_field": pa.array([f for f, _ in run.fields], pa.string()),
                "id_field": pa.array([f for _, f in run.fields], pa.string()),
            }
        ),
        "documents": pa.table({**columns_of(d), "n_anchors": pa.array(np.diff(run.anchors.start))}),
        "pairs": pa.table(
            {
                "left": pa.array(p.docs[:, 0]),
                "right": pa.array(p.docs[:, 1]),
                "overlap": pa.array(p.overlap),
                "size_left": pa.array(p.size_left),
                "size_right": pa.array(p.size_right),
                "own_overlap": pa.array(p.own[:, 0]),
                "own_left": pa.array(p.own[:, 1]),
                "own_right": pa.array(p.own[:, 2]),
                "bones_overlap": pa.array(p.bones[:, 0]),
                "bones_left": pa.array(p.bones[:, 1]),
                "bones_right": pa.array(p.bones[:, 2]),
                "in_runs": pa.array(p.in_runs),
                "relation": pa.array(run.pair_relations),
            }
        ),
        "boilerplate": pa.table(
            {
                "doc": pa.array(np.repeat(np.arange(len(d)), np.diff(run.spans.indptr))),
                "start": pa.array(run.spans.start),
                "end": pa.array(run.spans.end),
            }
        ),
        "verdict": pa.table(columns_of(run.verdict)),
    }


def run_of(tables: dict[str, pa.Table], summary: dict[str, Any]) -> tuple[Run, NDArray[np.int64]]:
    """The tables of a run -> Run, and where the anchors of each document begin, int64[n_docs + 1].

    Raises ValueError or KeyError when they do not fit together.
    """
    s, p, b = ({c: t.column(c).combine_chunks() for c in t.column_names} for t in _some(tables))
    sources = [Source(*row) for row in zip(*(s[c].to_pylist() for c in SOURCE_KINDS), strict=True)]
    documents = documents_of(tables["documents"])
    verdict = Verdict(**_columns(Verdict, tables["verdict"]))
    n = len(documents)
    for column in (verdict.cluster, verdict.canonical, verdict.witness):
        if len(column) != n or (n and not 0 <= column.min() <= column.max() < n):
            raise ValueError("the verdict names documents that are not there")
    if n and not 0 <= documents.source.min() <= documents.source.max() < len(sources):
        raise ValueError("the documents name sources that are not there")
    pairs = VerifiedPairs(
        np.stack([_array(p["left"], np.int32), _array(p["right"], np.int32)], axis=1),
        _array(p["overlap"], np.int64),
        _array(p["size_left"], np.int64),
        _array(p["size_right"], np.int64),
        np.stack([_array(p[f"bones_{c}"], np.int64) for c in ("overlap", "left", "right")], axis=1),
        np.stack([_array(p[f"own_{c}"], np.int64) for c in ("overlap", "left", "right")], axis=1),
        _array(p["in_runs"], np.float64),
    )
    if len(pairs) and not 0 <= pairs.docs.min() <= pairs.docs.max() < n:
        raise ValueError("the pairs name documents that are not there")
    indptr = np.r_[0, np.cumsum(np.bincount(_array(b["doc"], np.int64), minlength=n))].astype(np.int64)
    spans = Spans(_array(b["start"], np.int64), _array(b["end"], np.int64), indptr)
    n_anchors = _array(tables["documents"].column("n_anchors").combine_chunks(), np.int64)
    names = list(zip(s["text_field"].to_pylist(), s["id_field"].to_pylist(), strict=True))
    run = Run(sources, names, documents, pairs, _array(p["relation"], np.int8), verdict, spans, summary)
    return run, np.r_[0, np.cumsum(n_anchors)].astype(np.int64)


def _some(tables: dict[str, pa.Table]) -> list[pa.Table]:
    return [tables[name] for name in ("sources", "pairs", "boilerplate")]
