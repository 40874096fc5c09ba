"""A labels file -> what a person or a benchmark says of the documents of a run.

Two forms: pairs (a, b, same or different) and a truth table (path, cluster).  CSV, TSV, JSON Lines or
Parquet; columns are recognized by name, whatever their case, and any others are kept to break figures
down by.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import BadInput, safe
from ...core.pairs import pair_keys
from ...readers.storage.url_files import AnyFile
from ...runs.run import Run
from ..wording import counted

LEFT = ("a", "left", "path_a", "file_a", "doc_a", "document_a", "id_a", "path1", "file1", "doc1", "id1")
RIGHT = ("b", "right", "path_b", "file_b", "doc_b", "document_b", "id_b", "path2", "file2", "doc2", "id2")
LABEL = ("label", "same", "answer", "duplicate", "is_duplicate", "match", "gold")
PATH = ("path", "file", "filename", "doc", "document", "id", "name")
CLUSTER = ("cluster_id", "cluster", "base_id", "group_id", "group", "label")
SAME = ("same", "1", "true", "yes", "y", "s", "duplicate", "dup", "match")
DIFFERENT = ("different", "0", "false", "no", "n", "d", "distinct", "unique")

Row = tuple[int, dict[str, str]]  # line or row number, and the cells by column


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs: docs int32[n, 2], left < right; same bool[n]; extra columns, n cells each."""

    docs: NDArray[np.int32]
    same: NDArray[np.bool_]
    extra: dict[str, list[str]] = field(default_factory=dict)
    unknown: int = 0  # rows left out because they name documents not in the run

    def __len__(self) -> int:
        return len(self.docs)


@dataclass(frozen=True)
class Truth:
    """A truth table: docs int32[n], each once; cluster int64[n], equal where the documents are one."""

    docs: NDArray[np.int32]
    cluster: NDArray[np.int64]
    names: list[str]  # of the clusters, by number
    extra: dict[str, list[str]] = field(default_factory=dict)
    unknown: int = 0

    def __len__(self) -> int:
        return len(self.docs)


def read_labels(path: AnyFile, run: Run, ignore_unknown: bool = False) -> Pairs | Truth:
    """A labels file -> its labels in terms of the run's documents.

    Raises BadInput for a file that cannot be read or has no such columns, a label that is neither same
    nor different, labels that contradict each other, and documents that are not in the run, unless
    `ignore_unknown`.
    """
    columns, rows = _read(path)
    lower = {c.strip().lower(): c for c in columns}
    left, right, label, name, cluster = (
        next((lower[c] for c in known if c in lower), None) for known in (LEFT, RIGHT, LABEL, PATH, CLUSTER)
    )
    if left and right and label:
        extra = [c for c in columns if c not in (left, right, label)]
        return _pairs(path, run, rows, (left, right, label), extra, ignore_unknown)
    if name and cluster:
        extra = [c for c in columns if c not in (name, cluster)]
        return _truth(path, run, rows, (name, cluster), extra, ignore_unknown)
    seen = ", ".join(safe(c[:40]) for c in columns[:12]) or "none"
    raise BadInput(f"{path}: has the columns {seen}; it needs a, b, label (pairs) or path, cluster (a table)")


# ------------------------------------------------------------------ rows


def _read(path: AnyFile) -> tuple[list[str], list[Row]]:
    """A file -> (its columns, its rows)."""
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            return _parquet(path)
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if kind in (".jsonl", ".ndjson"):
        rows = list(_json_rows(path, text))
        return list(dict.fromkeys(c for _, row in rows for c in row)), rows
    head = text.split("\n", 1)[0]
    delimiter = "\t" if kind == ".tsv" else max(",;\t", key=head.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
        rows = [(reader.line_num, {k: v for k, v in row.items() if k is not None}) for row in reader]
    except csv.Error as error:
        raise BadInput(f"{path}: is no CSV: {error}") from None
    return list(reader.fieldnames or []), rows


def _parquet(path: AnyFile) -> tuple[list[str], list[Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(path.read_bytes()))
    except pa.ArrowException as error:
        raise BadInput(f"{path}: is no Parquet file: {str(error).splitlines()[0]}") from None
    rows = [(i, {k: _cell(v) for k, v in row.items()}) for i, row in enumerate(table.to_pylist(), 1)]
    return list(table.column_names), rows


def _json_rows(path: AnyFile, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadInput(f"{path}:{number}: is no JSON: {error}") from None
        if not isinstance(row, dict):
            raise BadInput(f"{path}:{number}: is no JSON object")
        yield number, {k: _cell(v) for k, v in row.items()}


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return os.fsdecode(value)
    return "" if value is None else str(value)


# ------------------------------------------------------------------ names -> documents


class Names:
    """The documents of a run, found by name.

    Exactly as the lists name them; else by normalized path, taken from where the scan was started or as
    it is; else by a unique path suffix, of the name or of the label; else by the record's own id.
    """

    def __init__(self, run: Run) -> None:
        self.base = os.fsencode(run.summary.get("scanned", {}).get("folder", ""))
        self.exact = {name: doc for doc, name in enumerate(run.names)}
        self.plain = {os.path.normpath(name): doc for name, doc in self.exact.items()}
        self.full = {self._full(name): doc for name, doc in self.exact.items()}
        self.ids = _unique((os.fsencode(i), d) for d, i in enumerate(run.documents.id) if i)
        self.by_depth: dict[int, dict[bytes, int]] = {}

    def find(self, name: str) -> int:
        """Return the document of that name; -1 when there is none, or more than one that it could be."""
        wanted = os.fsencode(name)
        plain = os.path.normpath(wanted) if wanted else b""
        for table, key in ((self.exact, wanted), (self.plain, plain), (self.full, self._full(wanted))):
            if key in table:
                return table[key]
        parts = [p for p in plain.split(b"/") if p not in (b"", b".", b"..")]
        if not parts:
            return -1
        doc = self._ending(len(parts)).get(b"/".join(parts), -1)
        if doc < 0 and len(parts) > 1:
            tails = (b"/".join(parts[i:]) for i in range(1, len(parts)))
            doc = next((self.plain[t] for t in tails if t in self.plain), -1)
        return doc if doc >= 0 else self.ids.get(wanted, -1)

    def _full(self, name: bytes) -> bytes:
        return os.path.normpath(os.path.join(self.base, name)) if name else b""

    def _ending(self, depth: int) -> dict[bytes, int]:
        """The last `depth` parts of a name -> its document, where they are of one only."""
        if depth not in self.by_depth:
            tails = ((b"/".join(name.split(b"/")[-depth:]), doc) for name, doc in self.full.items())
            self.by_depth[depth] = _unique(tails)
        return self.by_depth[depth]


def _unique(items: Iterable[tuple[bytes, int]]) -> dict[bytes, int]:
    """Keys with their documents -> the same, without keys of more than one document."""
    out: dict[bytes, int] = {}
    for key, doc in items:
        out[key] = doc if out.get(key, doc) == doc else -1
    return {key: doc for key, doc in out.items() if doc >= 0}


def _known(
    path: AnyFile, run: Run, rows: list[Row], columns: tuple[str, ...], ignore: bool
) -> tuple[list[tuple[int, dict[str, str], list[int]]], int]:
    """Rows -> ((number, row, its documents) of those whose documents are in the run, how many are not)."""
    names = Names(run)
    found = [(number, row, [names.find(row.get(c, "")) for c in columns]) for number, row in rows]
    if not found:
        raise BadInput(f"{path}: has no rows")
    bad = [(number, row, docs) for number, row, docs in found if -1 in docs]
    if bad and not ignore:
        missing = [
            row.get(c, "") for _, row, docs in bad for c, d in zip(columns, docs, strict=True) if d < 0
        ]
        total = counted(len(set(missing)), "document")
        raise BadInput(
            f"{path}: {total} of the labels {'is' if len(set(missing)) == 1 else 'are'} not in the run, or "
            f"not to be told from others there; the first is {safe(missing[0]) or '(no name)'} "
            f"(row {bad[0][0]}); --ignore-unknown leaves them out"
        )
    good = [item for item in found if -1 not in item[2]]
    if not good:
        raise BadInput(f"{path}: none of its documents is in the run")
    return good, len(bad)


# ------------------------------------------------------------------ the two forms


def _pairs(
    path: AnyFile, run: Run, rows: list[Row], columns: tuple[str, str, str], extra: list[str], ignore: bool
) -> Pairs:
    good, unknown = _known(path, run, rows, columns[:2], ignore)
    same = []
    for number, row, docs in good:
        answer = row.get(columns[2], "").strip().lower()
        if answer not in SAME + DIFFERENT:
            raise BadInput(f"{path}: row {number}: the label {safe(answer)!r} is neither same nor different")
        if docs[0] == docs[1]:
            raise BadInput(f"{path}: row {number}: pairs {safe(run.name(docs[0]))} with itself")
        same.append(answer in SAME)
    keys = pair_keys(np.array([docs for *_, docs in good], np.int64)).tolist()
    first = _first_of_each(
        path, keys, same, [number for number, *_ in good], lambda s: ("different", "same")[s]
    )
    beside = np.sort(np.array([good[i][2] for i in first], np.int32), axis=1)
    return Pairs(
        beside, np.array(same)[first], {c: [good[i][1].get(c, "") for i in first] for c in extra}, unknown
    )


def _truth(
    path: AnyFile, run: Run, rows: list[Row], columns: tuple[str, str], extra: list[str], ignore: bool
) -> Truth:
    good, unknown = _known(path, run, rows, columns[:1], ignore)
    cluster = [row.get(columns[1], "") for _, row, _ in good]
    docs = [d[0] for *_, d in good]
    first = _first_of_each(path, docs, cluster, [number for number, *_ in good], safe)
    names, number = np.unique(np.array([cluster[i] for i in first], object).astype(str), return_inverse=True)
    if "" in names:
        bare = next(i for i in first if cluster[i] == "")
        raise BadInput(f"{path}: row {good[bare][0]}: has no cluster")
    return Truth(
        np.array([docs[i] for i in first], np.int32),
        number.astype(np.int64),
        names.tolist(),
        {c: [good[i][1].get(c, "") for i in first] for c in extra},
        unknown,
    )


def _first_of_each(
    path: AnyFile, keys: list[int], says: list[Any], numbers: list[int], word: Callable[[Any], str]
) -> list[int]:
    """Return the place of the first of each key; raises BadInput where a later one says something else."""
    first: dict[int, int] = {}
    for i, key in enumerate(keys):
        j = first.setdefault(key, i)
        if says[i] != says[j]:
            raise BadInput(
                f"{path}: row {numbers[i]} says {word(says[i])!r} of what row {numbers[j]} calls "
                f"{word(says[j])!r}"
            )
    return list(first.values())
