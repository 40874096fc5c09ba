"""Sources -> documents with their signatures and anchors: reading and the compiled pass, overlapped."""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import __version__, kernels, minhash, verify
from .context import Context
from .errors import BadInput
from .model import EMPTY, OK, Anchors, Documents, Signatures, Source
from .normalize import letter_table
from .readers import Options, Part, Record, parts, read, sniff
from .settings import Settings
from .spool import Block, Spool, key_of

WINDOW = 24  # shingles per anchor window


def piped(paths: list[bytes], folder: Path) -> list[Source]:
    """Standard input and pipes among the paths, each copied to a file of the run, since it is read again."""
    out = []
    for i, path in enumerate(dict.fromkeys(p for p in paths if is_pipe(p))):
        copy = folder / ("stdin" if path == b"-" else f"pipe-{i}")
        with open(copy, "wb") as f:
            if path == b"-":
                shutil.copyfileobj(sys.stdin.buffer, f)
            else:
                with open(path, "rb") as pipe:
                    shutil.copyfileobj(pipe, f)
        facts = copy.stat()
        with open(copy, "rb") as f:
            kind = sniff(f.read(1 << 20))
        at = os.fsencode(copy.absolute())
        out.append(Source(path, *kind, facts.st_size, facts.st_mtime_ns, at, given=path))
    return out


def is_pipe(path: bytes) -> bool:
    """Whether a path given is standard input (-) or a named pipe, such as <(command) makes."""
    try:
        return path == b"-" or stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def complain_of_nothing(paths: list[bytes], sources: list[Source]) -> None:
    """Raise BadInput when no source can be read."""
    if any(not s.problem for s in sources):
        return
    if sources:
        raise BadInput("; ".join(f"{os.fsdecode(s.path)}: {s.problem}" for s in sources[:5]))
    raise BadInput(f"{', '.join(map(os.fsdecode, paths))}: no files here to read")


@dataclass(frozen=True)
class Texts:
    """Where the text of each document stands in the spool."""

    spool: Spool
    at: NDArray[np.int64]  # [n_docs]
    n_bytes: NDArray[np.int64]  # [n_docs]

    def read(self, docs: NDArray[np.int32]) -> list[bytes]:
        """The texts of some documents."""
        return [self.spool.read(int(self.at[d]), int(self.n_bytes[d])) for d in docs.tolist()]


@dataclass(frozen=True)
class Taken:
    """All that the pass gives."""

    documents: Documents
    signatures: Signatures
    anchors: Anchors
    texts: Texts


def read_and_sign(
    context: Context, sources: list[Source], options: Options, fields: list[Options], spool: Spool
) -> Taken:
    """Sources -> documents, signatures, anchors, texts: the pass.  `fields[i]` becomes those of source i."""
    total = sum({s.at: s.size for s in sources}.values())
    sizes: list[int] = []
    done = n_docs = 0

    def one_group(group: list[Part]) -> Block:
        key = _key(group, sources, options, context.settings)
        block = spool.find(key)
        if block is None:
            found = [read(part, sources[part.source], fields[part.source]) for part in group]
            named = [(part.source, *r) for part, r in zip(group, found, strict=True)]
            block = spool.put(key, *sign(named, context.settings))
        return block

    def groups() -> Iterator[list[Part]]:
        for group in parts(sources, options, fields):
            sizes.append(sum(_cost(part, sources[part.source]) for part in group))
            yield group

    blocks = []
    context.progress("reading", 0, total, 0)
    for i, block in enumerate(context.run_all(one_group, groups())):
        blocks.append(block)
        done, n_docs = min(total, done + sizes[i]), n_docs + len(block.documents)
        context.progress("reading", done, total, n_docs)
    documents, signatures, anchors, at, n_bytes = collect(blocks, context.settings)
    return Taken(documents, signatures, anchors, Texts(spool, at, n_bytes))


def _key(group: list[Part], sources: list[Source], options: Options, settings: Settings) -> str:
    """The key of a group of parts: what was read, how, and by which program."""
    read = [
        (part.offset, part.problem, part.too_large, len(part.data or b""), part.source, sources[part.source])
        for part in group
    ]
    return key_of(__version__, settings.k, settings.num_perm, settings.seed, options, read)


def _cost(part: Part, source: Source) -> int:
    """Bytes on disk of a part, about."""
    if part.data is None and not part.n_bytes:
        return 0 if source.member >= 0 else source.size
    size = part.n_bytes or len(part.data or b"")
    return size // 3 if source.codec or source.member >= 0 else size


def sign(
    read: list[tuple[int, list[Record], list[bytes], int]], settings: Settings
) -> tuple[Block, NDArray[np.uint8]]:
    """What was read of some sources (source, records, texts, lines) -> a block, by the compiled pass.

    With it the texts, uint8[n], as they stand one after the other.
    """
    a, b = minhash.permutations(settings.num_perm, settings.seed)
    buffer, starts = verify.joined([text for _, _, texts, _ in read for text in texts])
    signed = kernels.sign_texts(buffer, starts, letter_table(), settings.k, WINDOW, a, b)
    counts = signed.counts
    rows = [record for _, found, _, _ in read for record in found]
    columns = zip(*rows, strict=True) if rows else ((),) * len(Record._fields)
    line, offset, n_bytes, encoding, status, ids, notes, repairs, values, written = columns
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
        written=list(written),
    )
    anchors = Anchors(signed.anchor_hash, signed.anchor_text, signed.anchor_place)
    done = np.array([(s, len(found), n) for s, found, _, n in read], np.int64).reshape(-1, 3)
    sizes = np.diff(starts)
    block = Block(documents, signed.signatures, signed.skeletons, anchors, done, starts[:-1], sizes)
    return block, buffer[: starts[-1]]


def collect(
    blocks: list[Block], settings: Settings
) -> tuple[Documents, Signatures, Anchors, NDArray[np.int64], NDArray[np.int64]]:
    """Blocks -> whole tables, documents in the order of (source, record), records counted in each source."""
    all_blocks = [sign([], settings)[0], *blocks]

    def joined(values: list[Any]) -> Any:
        if isinstance(values[0], list):
            return list(itertools.chain(*values))
        return np.concatenate(values)

    columns: dict[str, Any] = {
        f.name: joined([getattr(b.documents, f.name) for b in all_blocks])
        for f in dataclasses.fields(Documents)
    }
    _count_records(columns["record"], np.concatenate([b.parts for b in all_blocks]))
    starts = np.cumsum([0, *(len(block.documents) for block in all_blocks)])
    doc = np.concatenate([b.anchors.doc + np.int32(at) for b, at in zip(all_blocks, starts, strict=False)])
    anchors = Anchors(
        joined([b.anchors.hash for b in all_blocks]), doc, joined([b.anchors.position for b in all_blocks])
    )
    signatures = Signatures(
        joined([b.signatures for b in all_blocks]),
        joined([b.skeletons for b in all_blocks]),
        *(settings.num_perm, settings.seed, settings.k),
    )
    at, n_bytes = joined([b.text_at for b in all_blocks]), joined([b.text_bytes for b in all_blocks])
    documents = Documents(**columns)
    if (np.diff(documents.source) < 0).any():  # members of archives are read after the files
        order = np.argsort(documents.source, kind="stable").astype(np.int32)
        return _reordered(documents, signatures, anchors, at, n_bytes, order)
    return documents, signatures, anchors, at, n_bytes


def _count_records(record: NDArray[np.int64], parts: NDArray[np.int64]) -> None:
    """Records that count from the start of each part -> from the start of its source, in place."""
    source, n_docs, n_lines = parts.T
    order = np.argsort(source, kind="stable")
    before = np.zeros(len(parts), np.int64)
    before[order] = np.cumsum(n_lines[order]) - n_lines[order]
    _, first = np.unique(source[order], return_index=True)
    before[order] -= np.repeat(before[order][first], np.diff(np.r_[first, len(order)]))
    record += np.where(record > 0, np.repeat(before, n_docs), 0)


def _reordered(
    documents: Documents,
    signatures: Signatures,
    anchors: Anchors,
    at: NDArray[np.int64],
    n_bytes: NDArray[np.int64],
    order: NDArray[np.int32],
) -> tuple[Documents, Signatures, Anchors, NDArray[np.int64], NDArray[np.int64]]:
    """The same with document order[i] as document i."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order), dtype=np.int32)
    by_doc = np.argsort(place[anchors.doc], kind="stable")
    anchors = Anchors(anchors.hash[by_doc], place[anchors.doc[by_doc]], anchors.position[by_doc])
    values, skeletons = signatures.values[order], signatures.skeletons[order]
    signatures = dataclasses.replace(signatures, values=values, skeletons=skeletons)
    columns = {f.name: getattr(documents, f.name) for f in dataclasses.fields(Documents)}
    moved: dict[str, Any] = {
        name: [column[i] for i in order.tolist()] if isinstance(column, list) else column[order]
        for name, column in columns.items()
    }
    return Documents(**moved), signatures, anchors, at[order], n_bytes[order]
