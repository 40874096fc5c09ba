"""Sources -> documents with their signatures and anchors: reading and the compiled pass, overlapped."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import kernels, minhash, verify
from .context import Context
from .errors import BadInput
from .model import EMPTY, OK, UNREADABLE, Anchors, Documents, Signatures, Source
from .normalize import letter_table
from .readers import READERS, Options, Part, Record, parts, sniff
from .settings import Settings

WINDOW = 24  # shingles per anchor window


def spooled(folder: Path) -> Source:
    """Standard input, copied to a file of the run, since it will be read again."""
    path = folder / "stdin"
    with open(path, "wb") as f:
        shutil.copyfileobj(sys.stdin.buffer, f)
    facts = path.stat()
    with open(path, "rb") as f:
        reader = sniff(f.read(1 << 20))
    return Source(b"-", reader, False, facts.st_size, facts.st_mtime_ns, os.fsencode(path.absolute()))


def complain_of_nothing(paths: list[bytes], sources: list[Source]) -> None:
    """Raise BadInput when no source can be read."""
    if any(not s.problem for s in sources):
        return
    if sources:
        raise BadInput("; ".join(f"{os.fsdecode(s.path)}: {s.problem}" for s in sources[:5]))
    raise BadInput(f"{', '.join(map(os.fsdecode, paths))}: no files here to read")


def prepared(sources: list[Source], options: Options) -> tuple[list[Source], list[Options]]:
    """Each source with the fields it is read by, or with its problem."""
    out, fields = [], []
    for source in sources:
        found = Options()
        if not source.problem:
            try:
                found = READERS[source.reader].prepare(source, options)
            except BadInput as error:
                source = replace(source, problem=str(error))
        out.append(source)
        fields.append(found)
    return out, fields


Signed = tuple[list[tuple[Part, list[Record], int]], tuple[Any, ...]]


def read_and_sign(
    context: Context, sources: list[Source], fields: list[Options]
) -> tuple[Documents, Signatures, Anchors, set[int]]:
    """Sources -> documents, signatures, anchors, and the documents that changed while they were read."""
    total = sum(s.size for s in sources)
    done = n_docs = 0

    def one_group(group: list[Part]) -> Signed:
        records = []
        for part in group:
            source = sources[part.source]
            if source.problem:
                found = [Record(-1, 0, 0, b"", "", UNREADABLE, note=source.problem)]
                records.append((part, found, 0))
            else:
                records.append((part, *READERS[source.reader].records(part, source, fields[part.source])))
        return sign(records, context.settings)

    sizes = {}

    def groups() -> Iterator[list[Part]]:
        for i, group in enumerate(parts(sources)):
            sizes[i] = sum(
                sources[p.source].size
                if p.data is None
                else len(p.data) // (3 if sources[p.source].gzip else 1)
                for p in group
            )
            yield group

    def count(n: int) -> None:
        nonlocal done, n_docs
        done, n_docs = min(total, done + sizes.pop(min(sizes))), n_docs + n
        context.progress("reading", done, total, n_docs)

    context.progress("reading", 0, total, 0)
    return collect(context.run_all(one_group, groups()), sources, context.settings, count)


def sign(records: list[tuple[Part, list[Record], int]], settings: Settings) -> Signed:
    """Records -> the same with their signatures, counts, letters hashes and anchors."""
    a, b = minhash.permutations(settings.num_perm, settings.seed)
    buffer, starts = verify.joined([r.utf8 for _, found, _ in records for r in found])
    signed = kernels.sign_texts(buffer, starts, letter_table(), settings.k, WINDOW, a, b)
    light = [(replace(p, data=None), [replace(r, utf8=b"") for r in found], n) for p, found, n in records]
    return light, signed


def collect(
    groups: Iterator[Signed], sources: list[Source], settings: Settings, on_group: Callable[[int], None]
) -> tuple[Documents, Signatures, Anchors, set[int]]:
    """The signed records, in order -> whole tables."""
    rows: list[tuple[int, int, Record]] = []
    arrays: list[tuple[Any, ...]] = []
    anchors: list[tuple[Any, ...]] = []
    lines: dict[int, int] = {}
    for records, (values, counts, hashes, anchor_hash, anchor_text, anchor_place) in groups:
        arrays.append((values, counts, hashes))
        anchors.append((anchor_hash, anchor_text + np.int32(len(rows)), anchor_place))
        for part, found, n_lines in records:
            before = lines.get(part.source, 0)
            rows += [(part.source, before + r.line + 1 if r.line >= 0 else 0, r) for r in found]
            lines[part.source] = before + n_lines
        on_group(sum(len(found) for _, found, _ in records))
    n, p = len(rows), settings.num_perm
    values = np.concatenate([x[0] for x in arrays]) if arrays else np.zeros((0, p), np.uint32)
    counts = np.concatenate([x[1] for x in arrays]) if arrays else np.zeros((0, 3), np.int64)
    hashes = np.concatenate([x[2] for x in arrays]) if arrays else np.zeros((0, 2), np.uint64)
    status = np.fromiter((r.status for _, _, r in rows), np.int8, n)
    status[(status == OK) & (counts[:, 0] == 0)] = EMPTY
    documents = Documents(
        source=np.fromiter((s for s, _, _ in rows), np.int32, n),
        record=np.fromiter((r for _, r, _ in rows), np.int64, n),
        offset=np.fromiter((r.offset for _, _, r in rows), np.int64, n),
        n_bytes=np.fromiter((r.n_bytes for _, _, r in rows), np.int64, n),
        n_letters=counts[:, 0],
        n_upper=counts[:, 1],
        n_marks=counts[:, 2],
        letters_hash=hashes,
        status=status,
        encoding=[r.encoding for _, _, r in rows],
        id=[r.id for _, _, r in rows],
        note=[r.note for _, _, r in rows],
    )
    none = (np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int32))
    joined = Anchors(*(np.concatenate([none[i], *(x[i] for x in anchors)]) for i in range(3)))
    return documents, Signatures(values, p, settings.seed, settings.k), joined, set()
