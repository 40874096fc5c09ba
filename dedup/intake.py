"""Sources -> documents with their signatures and anchors: reading and the compiled pass, overlapped."""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels, minhash, verify
from .context import Context
from .errors import BadInput
from .model import EMPTY, OK, UNREADABLE, Anchors, Documents, Signatures, Source
from .normalize import letter_table
from .readers import READERS, Options, Part, Read, Record, parts, sniff
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


@dataclass(frozen=True)
class Block:
    """A few parts after the pass: their documents in order, records counted from the start of each part."""

    documents: Documents
    signatures: NDArray[np.uint32]  # [n_docs, num_perm]
    skeletons: NDArray[np.uint32]  # [n_docs, num_perm]
    anchors: Anchors  # doc counts from the block's first document
    parts: list[tuple[int, int, int]]  # source, documents, lines


def read_and_sign(
    context: Context, sources: list[Source], fields: list[Options]
) -> tuple[Documents, Signatures, Anchors]:
    """Sources -> documents, signatures, anchors: the pass."""
    total = sum(s.size for s in sources)
    sizes: list[int] = []
    done = n_docs = 0

    def one_group(group: list[Part]) -> Block:
        read = [_records(part, sources[part.source], fields[part.source]) for part in group]
        return sign([(part.source, *r) for part, r in zip(group, read, strict=True)], context.settings)

    def groups() -> Iterator[list[Part]]:
        for group in parts(sources):
            sizes.append(sum(_cost(part, sources[part.source]) for part in group))
            yield group

    blocks = []
    context.progress("reading", 0, total, 0)
    for i, block in enumerate(context.run_all(one_group, groups())):
        blocks.append(block)
        done, n_docs = min(total, done + sizes[i]), n_docs + len(block.documents)
        context.progress("reading", done, total, n_docs)
    return collect(blocks, context.settings)


def _records(part: Part, source: Source, fields: Options) -> Read:
    if source.problem:
        return [Record(-1, 0, 0, "", UNREADABLE, note=source.problem)], [b""], 0
    return READERS[source.reader].records(part, source, fields)


def _cost(part: Part, source: Source) -> int:
    """Bytes on disk of a part, about."""
    if part.data is None:
        return source.size
    return len(part.data) // 3 if source.gzip else len(part.data)


def sign(read: list[tuple[int, list[Record], list[bytes], int]], settings: Settings) -> Block:
    """What was read of some sources (source, records, texts, lines) -> a block, by the compiled pass."""
    a, b = minhash.permutations(settings.num_perm, settings.seed)
    buffer, starts = verify.joined([text for _, _, texts, _ in read for text in texts])
    signed = kernels.sign_texts(buffer, starts, letter_table(), settings.k, WINDOW, a, b, settings.sample)
    counts = signed.counts
    rows = [record for _, found, _, _ in read for record in found]
    columns = zip(*rows, strict=True) if rows else ((),) * 9
    line, offset, n_bytes, encoding, status, ids, notes, repairs, values = columns
    state = np.array(status, np.int8)
    state[(state == OK) & (counts[:, 0] == 0)] = EMPTY
    documents = Documents(
        source=np.repeat([s for s, _, _, _ in read], [len(found) for _, found, _, _ in read]).astype(
            np.int32
        ),
        record=np.array(line, np.int64) + 1,
        offset=np.array(offset, np.int64),
        n_bytes=np.array(n_bytes, np.int64),
        n_letters=counts[:, 0],
        n_upper=counts[:, 1],
        n_marks=counts[:, 2],
        n_bones=counts[:, 3],
        letters_hash=signed.letters_hash,
        status=state,
        encoding=list(encoding),
        id=list(ids),
        note=list(notes),
        repairs=list(repairs),
        fields=list(values),
    )
    anchors = Anchors(signed.anchor_hash, signed.anchor_text, signed.anchor_place)
    done = [(s, len(found), n) for s, found, _, n in read]
    return Block(documents, signed.signatures, signed.skeletons, anchors, done)


def collect(blocks: list[Block], settings: Settings) -> tuple[Documents, Signatures, Anchors]:
    """Blocks in order -> whole tables, records counted from the start of each source."""
    empty = sign([], settings)
    all_blocks = [empty, *blocks]
    lines: dict[int, int] = {}
    before = []
    for source, n_docs, n_lines in itertools.chain(*(block.parts for block in blocks)):
        before.append((n_docs, lines.get(source, 0)))
        lines[source] = lines.get(source, 0) + n_lines
    columns: dict[str, Any] = {}
    for column in dataclasses.fields(Documents):
        values = [getattr(block.documents, column.name) for block in all_blocks]
        columns[column.name] = (
            list(itertools.chain(*values)) if isinstance(values[0], list) else np.concatenate(values)
        )
    documents = Documents(**columns)
    if before:
        sizes, lines_before = np.array(before, np.int64).T
        documents.record[:] += np.where(documents.record > 0, np.repeat(lines_before, sizes), 0)
    starts = np.cumsum([0, *(len(block.documents) for block in all_blocks)])
    anchors = Anchors(
        np.concatenate([block.anchors.hash for block in all_blocks]),
        np.concatenate([b.anchors.doc + np.int32(at) for b, at in zip(all_blocks, starts, strict=False)]),
        np.concatenate([block.anchors.position for block in all_blocks]),
    )
    signatures = np.concatenate([block.signatures for block in all_blocks])
    skeletons = np.concatenate([block.skeletons for block in all_blocks])
    return documents, Signatures(signatures, skeletons, settings.num_perm, settings.seed, settings.k), anchors
