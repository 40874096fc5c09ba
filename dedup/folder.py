"""The run folder: Parquet tables and run.json.

    .dedup/
      run.json              settings, versions, ledger, timings, and the name of the table folder
      tables-000001/        sources, documents, signatures, anchors, pairs, boilerplate, verdict (.parquet)
      lock                  held while a scan writes

A scan writes a new table folder and then renames run.json over the old one: that rename is the only
moment at which the run changes, so a scan that is killed leaves the last good run as it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from . import __version__
from .errors import BadRun
from .model import (
    Anchors,
    Documents,
    Signatures,
    Source,
    Spans,
    Verdict,
    VerifiedPairs,
)
from .run import Run

FORMAT = 2
FIGURES = (
    *("jaccard", "containment", "discounted_jaccard", "discounted_containment"),
    "skeleton_jaccard",
)
MANIFEST, LOCK = "run.json", "lock"

# ------------------------------------------------------------------ tables


def _tables(run: Run) -> dict[str, pa.Table]:
    """Run -> its tables by name, in the order in which they are written."""
    d, v, p, s, a = run.documents, run.verdict, run.pairs, run.signatures, run.anchors
    return {
        "sources": pa.table(
            {
                "path": pa.array([x.path for x in run.sources], pa.binary()),
                "reader": pa.array([x.reader for x in run.sources], pa.string()),
                "gzip": pa.array([x.gzip for x in run.sources], pa.bool_()),
                "size": pa.array([x.size for x in run.sources], pa.int64()),
                "mtime_ns": pa.array([x.mtime_ns for x in run.sources], pa.int64()),
                "file": pa.array([x.file for x in run.sources], pa.binary()),
                "problem": pa.array([x.problem for x in run.sources], pa.string()),
                "text_field": pa.array([f for f, _ in run.fields], pa.string()),
                "id_field": pa.array([f for _, f in run.fields], pa.string()),
            }
        ),
        "documents": pa.table(
            {
                "source": pa.array(d.source),
                "record": pa.array(d.record),
                "offset": pa.array(d.offset),
                "n_bytes": pa.array(d.n_bytes),
                "n_letters": pa.array(d.n_letters),
                "n_upper": pa.array(d.n_upper),
                "n_marks": pa.array(d.n_marks),
                "n_bones": pa.array(d.n_bones),
                "letters_hash": pa.FixedSizeBinaryArray.from_buffers(
                    pa.binary(16), len(d), [None, pa.py_buffer(np.ascontiguousarray(d.letters_hash))]
                ),
                "status": pa.array(d.status),
                "encoding": pa.array(d.encoding, pa.string()),
                "id": pa.array(d.id, pa.string()),
                "note": pa.array(d.note, pa.string()),
                "fields": pa.array(d.fields, pa.string()),
                "repairs": pa.array(d.repairs, pa.string()),
            }
        ),
        "signatures": pa.table(
            {
                "signature": pa.FixedSizeListArray.from_arrays(pa.array(s.values.reshape(-1)), s.num_perm),
                "skeleton": pa.FixedSizeListArray.from_arrays(pa.array(s.skeletons.reshape(-1)), s.num_perm),
            }
        ),
        "anchors": pa.table(
            {"hash": pa.array(a.hash), "doc": pa.array(a.doc), "position": pa.array(a.position)}
        ),
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
        "verdict": pa.table(
            {
                "cluster": pa.array(v.cluster),
                "canonical": pa.array(v.canonical),
                "witness": pa.array(v.witness),
                "relation": pa.array(v.relation),
                "jaccard": pa.array(v.jaccard),
                "containment": pa.array(v.containment),
                "discounted_jaccard": pa.array(v.discounted_jaccard),
                "discounted_containment": pa.array(v.discounted_containment),
                "skeleton_jaccard": pa.array(v.skeleton_jaccard),
                "size": pa.array(v.size),
                "witness_size": pa.array(v.witness_size),
                "reason": pa.array(v.reason, pa.string()),
            }
        ),
    }


def write_atomically(path: Path, data: bytes) -> None:
    """Write under a temporary name, flush to disk, rename."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    os.replace(part, path)


class RunFolder:
    """A run folder that is open for writing, under its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        numbers = [int(p.name[7:]) for p in folder.glob("tables-*") if p.name[7:].isdigit()]
        self.tables = folder / f"tables-{max(numbers, default=0) + 1:06d}"
        self.tables.mkdir()

    def commit(self, run: Run) -> None:
        """Write the tables, then the manifest; only then remove what the manifest no longer names."""
        sizes = {}
        for name, table in _tables(run).items():
            dense = name in ("signatures", "anchors")  # random bits do not compress
            pq.write_table(
                table,
                self.tables / f"{name}.parquet",
                compression="none" if dense else "zstd",
                use_dictionary=not dense,
                write_page_checksum=True,
            )
            sizes[name] = table.num_rows
        manifest = {
            "format": FORMAT,
            "program": f"dedup {__version__}",
            "tables": self.tables.name,
            "rows": sizes,
            **run.summary,
        }
        write_atomically(
            self.folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=True).encode() + b"\n"
        )
        self.clean(keep=self.tables)

    def clean(self, keep: Path | None) -> None:
        """Remove table folders other than `keep`."""
        for other in self.folder.glob("tables-*"):
            if other != keep:
                shutil.rmtree(other, ignore_errors=True)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[RunFolder]:
    """Open a run folder for one scan; on an error the unfinished tables are removed.

    Raises BadRun when it cannot be made, holds something else, or another scan is at work in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / LOCK).exists() and not (folder / MANIFEST).exists():
            raise BadRun(f"{folder}: is not a run folder and not empty; name another one with --run")
        lock = open(folder / LOCK, "a")  # noqa: SIM115 (held until the scan ends)
    except OSError as error:
        raise BadRun(
            f"{folder}: cannot be used as run folder: {(error.strerror or str(error)).lower()}"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadRun(
                f"{folder}: another scan is writing this run folder; wait for it, or use --run"
            ) from None
        current = _current_tables(folder)
        opened = RunFolder(folder)
        try:
            yield opened
        except OSError as error:
            opened.clean(keep=current)
            raise BadRun(
                f"{error.filename or folder}: cannot be written: {error.strerror or error}"
            ) from None
        except BaseException:
            opened.clean(keep=current)
            raise


def _current_tables(folder: Path) -> Path | None:
    """The table folder that a good manifest names."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return folder / json.loads((folder / MANIFEST).read_bytes())["tables"]
    return None


# ------------------------------------------------------------------ opening


def open_run(folder: Path) -> Run:
    """A run folder -> its run.  Raises BadRun when it is missing, of another version or damaged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BadRun(f"{folder}: no run here; make one with: dedup scan FOLDER") from None
    except NotADirectoryError:
        raise BadRun(f"{folder}: is a file, not a run folder") from None
    except (OSError, ValueError) as error:
        raise BadRun(f"{folder / MANIFEST}: cannot be read ({error}); scan again") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BadRun(f"{folder / MANIFEST}: is no run manifest; scan again")
    if manifest["format"] != FORMAT:
        raise BadRun(
            f"{folder}: was written in run format {manifest['format']} ({manifest.get('program')}), "
            f"this is dedup {__version__} with format {FORMAT}; scan again"
        )
    name = str(manifest.get("tables", ""))
    if not name.startswith("tables-") or "/" in name:
        raise BadRun(f"{folder / MANIFEST}: names the table folder {name!r}; scan again")
    try:
        return _read(folder / name, manifest)
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError, IndexError) as error:
        raise BadRun(f"{folder}: is damaged ({str(error).splitlines()[0]}); scan again") from None


def _read(tables: Path, manifest: dict[str, Any]) -> Run:
    def columns(name: str) -> dict[str, Any]:
        table = _read_table(tables, name)
        if table.num_rows != manifest["rows"][name]:
            raise ValueError(f"{name} has {table.num_rows} rows, not {manifest['rows'][name]}")
        return {c: table.column(c).combine_chunks() for c in table.column_names}

    def array(column: Any, dtype: Any) -> NDArray[Any]:
        return column.to_numpy(zero_copy_only=False).astype(dtype, copy=False)

    s, d, v, p, b = map(columns, ("sources", "documents", "verdict", "pairs", "boilerplate"))
    sources = [
        Source(*row)
        for row in zip(
            *(s[c].to_pylist() for c in ("path", "reader", "gzip", "size", "mtime_ns", "file", "problem")),
            strict=True,
        )
    ]
    hash_column = d["letters_hash"]
    letters_hash = np.frombuffer(hash_column.buffers()[1], np.uint64)[: 2 * len(hash_column)].reshape(-1, 2)
    documents = Documents(
        source=array(d["source"], np.int32),
        **{
            c: array(d[c], np.int64)
            for c in ("record", "offset", "n_bytes", "n_letters", "n_upper", "n_marks", "n_bones")
        },
        letters_hash=letters_hash,
        status=array(d["status"], np.int8),
        encoding=d["encoding"].to_pylist(),
        id=d["id"].to_pylist(),
        note=d["note"].to_pylist(),
        repairs=d["repairs"].to_pylist(),
        fields=d["fields"].to_pylist(),
    )
    n = len(documents)
    verdict = Verdict(
        **{c: array(v[c], np.int32) for c in ("cluster", "canonical", "witness")},
        relation=array(v["relation"], np.int8),
        **{c: array(v[c], np.float64) for c in FIGURES},
        **{c: array(v[c], np.int64) for c in ("size", "witness_size")},
        reason=v["reason"].to_pylist(),
    )
    for column in (verdict.cluster, verdict.canonical, verdict.witness):
        if len(column) != n or (n and not 0 <= column.min() <= column.max() < n):
            raise ValueError("the verdict names documents that are not there")
    pairs = VerifiedPairs(
        np.stack([array(p["left"], np.int32), array(p["right"], np.int32)], axis=1),
        array(p["overlap"], np.int64),
        array(p["size_left"], np.int64),
        array(p["size_right"], np.int64),
        np.stack([array(p[f"bones_{c}"], np.int64) for c in ("overlap", "left", "right")], axis=1),
        np.stack([array(p[f"own_{c}"], np.int64) for c in ("overlap", "left", "right")], axis=1),
        array(p["in_runs"], np.float64),
    )
    indptr = np.r_[0, np.cumsum(np.bincount(array(b["doc"], np.int64), minlength=n))].astype(np.int64)
    spans = Spans(array(b["start"], np.int64), array(b["end"], np.int64), indptr)
    summary = {
        key: value for key, value in manifest.items() if key not in ("format", "program", "tables", "rows")
    }
    run = Run(
        sources,
        list(zip(s["text_field"].to_pylist(), s["id_field"].to_pylist(), strict=True)),
        documents,
        pairs,
        array(p["relation"], np.int8),
        verdict,
        spans,
        summary,
    )
    return on_disk(run, tables)


def _read_table(tables: Path, name: str) -> pa.Table:
    path = tables / f"{name}.parquet"
    try:
        return pq.read_table(path, page_checksum_verification=True, memory_map=False)
    except (OSError, pa.ArrowException) as error:
        raise BadRun(f"{path}: is damaged ({str(error).splitlines()[0]}); scan again") from None


def on_disk(run: Run, tables: Path) -> Run:
    """The run with its signatures and anchors read from its folder when they are asked for."""
    settings = run.summary["settings"]

    def signatures() -> Signatures:
        table, num_perm = _read_table(tables, "signatures"), settings["num_perm"]
        values, skeletons = (
            table.column(c).combine_chunks().flatten().to_numpy().reshape(-1, num_perm)
            for c in ("signature", "skeleton")
        )
        return Signatures(values, skeletons, num_perm, settings["seed"], settings["k"])

    def anchors() -> Anchors:
        table = _read_table(tables, "anchors")
        return Anchors(*(table.column(c).to_numpy() for c in ("hash", "doc", "position")))

    return replace(run, load_signatures=signatures, load_anchors=anchors)
