"""Run -> lists for programs and people.  A new list is one function and one line in EXPORTERS.

Names of documents are bytes on disk.  txt and csv write those very bytes; JSON Lines writes bytes
that are not UTF-8 as the lone surrogates of PEP 383 (`os.fsencode` of the parsed string gives the
bytes back); Parquet, whose strings must be Unicode, has U+FFFD for them.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core import standard_streams
from ...core.documents import STATUS
from ...core.errors import BadSetting, DedupError, OutputExists, safe
from ...core.thresholds import lost, own_content
from ...core.verdicts import FORM, RELATIONS
from ...readers.registry import kind_of
from ...readers.storage.streams import packing
from ...readers.storage.url_files import AnyFile, UrlFile
from ...runs.run import Run
from ...runs.summary import by_source
from .verdicts import EVERY_DOCUMENT, documents

Row = dict[str, Any]
FIGURES = (
    *("lost", "figure", "value", "line"),
    *("jaccard", "containment", "discounted_jaccard", "discounted_containment"),
    *("skeleton_jaccard", "size", "witness_size"),
)


def keep(run: Run, with_short: bool = False) -> Iterator[Row]:
    """List the documents to keep: canonical documents and single ones."""
    for doc in np.flatnonzero(run.kept | run.too_short if with_short else run.kept).tolist():
        yield {"path": run.name(doc), "id": run.documents.typed_id(doc), "cluster_id": _cluster(run, doc)}


def drop(run: Run) -> Iterator[Row]:
    """List the dropped documents, each with its kept witness, the relation and the exact figures."""
    v = run.verdict
    for doc in np.flatnonzero(run.dropped).tolist():
        yield {
            "path": run.name(doc),
            "id": run.documents.typed_id(doc),
            "witness": run.name(int(v.witness[doc])),
            "relation": RELATIONS[v.relation[doc]],
            **_figures(run, doc),
            "cluster_id": _cluster(run, doc),
        }


def clusters(run: Run) -> Iterator[Row]:
    """List every document that has a cluster, cluster by cluster."""
    v = run.verdict
    for doc in run.clustered.tolist():
        yield {
            "path": run.name(doc),
            "id": run.documents.typed_id(doc),
            "cluster_id": _cluster(run, doc),
            "canonical": run.name(int(v.canonical[doc])),
            "kept": bool(run.kept[doc]),
            "witness": run.name(int(v.witness[doc])),
            "relation": RELATIONS[v.relation[doc]],
            **_figures(run, doc),
            "reason": v.reason[doc],
        }


PAIR_FIGURES = (
    *("jaccard", "containment", "discounted_jaccard", "discounted_containment", "skeleton_jaccard"),
    *("overlap", "size_left", "size_right"),
)
SHARES = ("lost_left", "lost_right", "own_content")


def pairs(run: Run) -> Iterator[Row]:
    """List the verified pairs, with the counts behind their figures, and what each text says alone."""
    columns = [getattr(run.pairs, name).tolist() for name in PAIR_FIGURES]
    columns += [*lost(run.pairs).T.tolist(), own_content(run.pairs).tolist()]
    docs, relations = run.pairs.docs.tolist(), run.pair_relations.tolist()
    for (left, right), relation, *figures in zip(docs, relations, *columns, strict=True):
        names = {"left": run.name(left), "right": run.name(right), "relation": RELATIONS[relation]}
        yield {**names, **dict(zip((*PAIR_FIGURES, *SHARES), figures, strict=True))}


def forms(run: Run) -> Iterator[Row]:
    """List the kept instances of forms, form by form, each with the one that it is most like."""
    of_form = run.pairs.where(run.pair_relations == FORM)
    best: dict[int, int] = {}
    jaccard, own = of_form.jaccard, own_content(of_form)
    for row in np.argsort(jaccard, kind="stable").tolist():
        best.update(dict.fromkeys(of_form.docs[row].tolist(), row))
    docs = np.flatnonzero(run.family_ids)
    for doc in docs[np.argsort(run.family_ids[docs], kind="stable")].tolist():
        row = best.get(doc)
        like: Row = {"like": None, "jaccard": None, "own_content": None}
        if row is not None:
            other = int(of_form.docs[row].sum()) - doc
            like = {"like": run.name(other), "jaccard": float(jaccard[row]), "own_content": float(own[row])}
        head = {
            "path": run.name(doc),
            "id": run.documents.typed_id(doc),
            "family_id": int(run.family_ids[doc]),
        }
        yield {**head, "cluster_id": _cluster(run, doc), **like}


def set_aside(run: Run) -> Iterator[Row]:
    """List the documents that were set aside, each with the reason."""
    for doc in np.flatnonzero(~run.ok).tolist():
        status, note = STATUS[run.documents.status[doc]], run.documents.note[doc]
        yield {"path": run.name(doc), "reason": status, "note": note}


def sources(run: Run) -> Iterator[Row]:
    """List the sources, each with its totals."""
    for row in by_source(run):
        reasons = "; ".join(f"{n} {reason}" for reason, n in row["reasons"].items())
        yield {**row, "reasons": reasons}


def _figures(run: Run, doc: int) -> Row:
    """Return the exact figures of a document to its witness; the sizes count shingles."""
    m = run.member(doc)
    return {name: getattr(m, name) for name in FIGURES}


def _cluster(run: Run, doc: int) -> int | None:
    return int(run.cluster_ids[doc]) or None


EXPORTERS: dict[str, tuple[Callable[..., Iterator[Row]], tuple[str, ...]]] = {
    "keep": (keep, ("path", "id", "cluster_id")),
    "drop": (drop, ("path", "id", "witness", "relation", *FIGURES, "cluster_id")),
    "clusters": (
        clusters,
        (
            "path",
            "id",
            "cluster_id",
            "canonical",
            "kept",
            "witness",
            "relation",
            *FIGURES,
            "reason",
        ),
    ),
    "pairs": (
        pairs,
        ("left", "right", "relation", *PAIR_FIGURES, *SHARES),
    ),
    "forms": (forms, ("path", "id", "family_id", "cluster_id", "like", "jaccard", "own_content")),
    "set-aside": (set_aside, ("path", "reason", "note")),
    "documents": (documents, EVERY_DOCUMENT),
    "sources": (sources, ("path", "seen", "kept", "dropped", "lossy", "set_aside", "reasons", "bytes")),
}

# ------------------------------------------------------------------ formats


@dataclass(frozen=True)
class Style:
    """How a list is written: what ends a name in txt; whether csv cells stay as they are."""

    end: bytes = b"\n"
    raw: bool = False


def _txt(rows: Iterator[Row], columns: tuple[str, ...], style: Style) -> Iterator[bytes]:
    """Write the names alone, or for pairs both of them with a tab between, one row a line."""
    names = [c for c in columns if c in ("path", "left", "right")]
    for row in rows:
        found = [row[c] for c in names] or [f"{row['source']}:{row['record']}".removesuffix(":0")]
        yield b"\t".join(map(os.fsencode, found)) + style.end


def _csv(rows: Iterator[Row], columns: tuple[str, ...], style: Style) -> Iterator[bytes]:
    """Write CSV (RFC 4180) with a header line; true and false in lower case.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it, unless raw.
    """
    buffer = io.StringIO()
    # NOTE: csv quotes a cell for the line ends of its own terminator only, and \r ends a line for readers
    writer = csv.writer(buffer, lineterminator="\r\n")
    for cells in itertools.chain([columns], ([_cell(row[c], style.raw) for c in columns] for row in rows)):
        writer.writerow(cells)
        yield (buffer.getvalue()[:-2] + "\n").encode("utf-8", "surrogateescape")
        buffer.seek(0)
        buffer.truncate()


def _cell(value: Any, raw: bool) -> Any:
    """Return a value as it stands in a csv file.

    >>> _cell("=1+1", False), _cell("=1+1", True), _cell(-1.5, False), _cell(True, False)
    ("'=1+1", '=1+1', -1.5, 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not raw and isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


def _jsonl(rows: Iterator[Row], columns: tuple[str, ...], style: Style) -> Iterator[bytes]:
    """Write an object a line; ASCII, so that any byte of a name survives."""
    for row in rows:
        yield json.dumps(row).encode() + b"\n"


def _parquet(rows: Iterator[Row], columns: tuple[str, ...], style: Style) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "cluster_id": pa.int64(),
        "family_id": pa.int64(),
        "kept": pa.bool_(),
        **dict.fromkeys((*PAIR_FIGURES[:5], *SHARES, "lost", "value", "line"), pa.float64()),
        **dict.fromkeys(("overlap", "size_left", "size_right", "size", "witness_size"), pa.int64()),
        **dict.fromkeys(("record", "cluster", "cluster_size"), pa.int64()),
        **dict.fromkeys(("passage", "start", "end", "first_line", "last_line", "letters"), pa.int64()),
        **dict.fromkeys(("documents", "copies", "witness_start", "witness_end"), pa.int64()),
        "stays": pa.bool_(),
    }
    if "seen" in columns:  # here `kept` is a number
        kinds |= dict.fromkeys(("seen", "kept", "dropped", "lossy", "set_aside", "bytes"), pa.int64())
    table = list(rows)
    ids = {row["id"] for row in table if row["id"] != ""} if "id" in columns else {}
    if ids and all(type(i) is int and -(1 << 63) <= i < 1 << 63 for i in ids):
        kinds["id"] = pa.int64()
    sink = io.BytesIO()
    data = {c: _column([_unicode(row[c]) for row in table], kinds.get(c, pa.string())) for c in columns}
    pq.write_table(pa.table(data), sink)
    yield sink.getvalue()


def _column(values: list[Any], kind: Any) -> Any:
    """Values -> a column; in one of text numbers become text, in one of numbers "" is no value."""
    import pyarrow as pa

    if kind == pa.string():
        return pa.array([v if v is None else str(v) for v in values], kind)
    return pa.array([None if v == "" else v for v in values], kind)


def _unicode(value: Any) -> Any:
    """Return a name with U+FFFD for bytes that are not UTF-8."""
    return os.fsencode(value).decode("utf-8", "replace") if isinstance(value, str) else value


def _grouped(rows: Iterator[Row], columns: tuple[str, ...], style: Style) -> Iterator[bytes]:
    """Write for a person: cluster, relation and name, with an empty line between two clusters."""
    width = max(map(len, RELATIONS))
    for n, (cluster, members) in enumerate(itertools.groupby(rows, lambda row: row["cluster_id"])):
        yield b"\n" if n else b""
        for row in members:
            relation = "kept" if row["kept"] else row["relation"]
            yield f"#{cluster}  {relation:<{width}}  {safe(row['path'])}\n".encode()


def _by_form(rows: Iterator[Row], columns: tuple[str, ...], style: Style) -> Iterator[bytes]:
    """Write for a person: the form and the names of its instances, with an empty line between two forms."""
    for n, (family, members) in enumerate(itertools.groupby(rows, lambda row: row["family_id"])):
        yield b"\n" if n else b""
        for row in members:
            yield f"form {family}  {safe(row['path'])}\n".encode()


FORMATS = {"txt": _txt, "csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
ON_SCREEN = {"clusters": _grouped, "forms": _by_form}  # by "screen", of lists that say little as names
SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".txt": "txt"}


def export(
    run: Run,
    what: str,
    format: str = "txt",
    output: AnyFile | None = None,
    force: bool = False,
    nul: bool = False,
    csv_raw: bool = False,
    with_short: bool = False,
) -> int:
    """Write a list to `output`, or to standard output -> the number of rows.

    `nul` ends each name with a NUL byte instead of a line end (txt only); `csv_raw` leaves csv cells
    as they are; `with_short` adds the documents that are too short to judge (keep only).  Raises
    OutputExists when the file is there and `force` is not given; it appears whole or not at all.
    """
    if nul and format != "txt":
        raise BadSetting(f"-0 goes with --format txt, not {format}")
    if format == "parquet" and output is None and sys.stdout.isatty():
        raise BadSetting("parquet is not for a terminal; name a file with -o")
    if with_short and what != "keep":
        raise BadSetting(f"--with-short goes with the lists keep and corpus, not {what}")
    make, columns = EXPORTERS[what]
    n = 0

    def counted() -> Iterator[Row]:
        nonlocal n
        for row in make(run, True) if with_short else make(run):
            n += 1
            yield row

    write = ON_SCREEN[what] if format == "screen" else FORMATS[format]
    chunks = write(counted(), columns, Style(b"\0" if nul else b"\n", csv_raw))
    if output is None:
        visible = sys.stdout.isatty()  # a terminal would obey what a name says
        for chunk in chunks:
            sys.stdout.buffer.write(_visible(chunk) if visible else chunk)
            if standard_streams.lost():
                break
        sys.stdout.buffer.flush()
    else:
        write_new(output, chunks, force)
    return n


def _visible(chunk: bytes) -> bytes:
    """Lines of a list -> the same with control characters made visible."""
    lines = chunk.decode("utf-8", "surrogateescape").split("\n")
    return "\n".join("\t".join(map(safe, line.split("\t"))) for line in lines).encode()


def refuse(path: AnyFile, force: bool) -> None:
    """Raise OutputExists where a file would be replaced without `force`."""
    if path.exists() and not force:
        raise OutputExists(f"{path}: exists already; give --force to replace it")


def write_new(path: AnyFile, chunks: Iterator[bytes], force: bool) -> None:
    """Write a file under a temporary name and rename it, packed where its name says so.

    A file at a URL is written here first.  Refuses to replace one without `force`.
    """
    refuse(path, force)
    if isinstance(path, UrlFile):
        with tempfile.TemporaryDirectory(prefix="dedup-") as scratch:
            here = Path(scratch, path.name)
            write_new(here, chunks, force)
            path.put(here)
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "xb") as f:
            with packing(f, kind_of(os.fsencode(path.name))[1]) as out:
                for chunk in chunks:
                    out.write(chunk)
            f.flush()
            os.fsync(f.fileno())
        os.replace(part, path)
    except OSError as error:
        raise DedupError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    finally:
        part.unlink(missing_ok=True)
