"""Sources or texts -> documents, signatures and anchors: reading, overlapped with the compiled pass."""

from __future__ import annotations

import dataclasses
import itertools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..core.documents import COUNTED, EMPTY, OK, Document, Documents, Source
from ..core.errors import BadInput
from ..core.features import FeatureRows
from ..core.parallel import Context
from ..core.settings import Settings
from ..core.sorted_arrays import offsets_from_sizes
from ..matching.candidates import Features, features_in_memory
from ..readers.formats.fields import kept
from ..readers.registry import Chunk, Options, Record, chunks, fetch, read
from ..runs.array_store import ArrayStore, RowRanges
from ..runs.ingest_cache import Block, IngestCache, key_of
from ..text import kernels, minhash
from ..text.normalize import letter_table
from ..text.repair import repair
from .rescan import LastScan
from .sources import reading_options

WINDOW = 24  # shingles per anchor window
NO_FILE = -1  # the time of a source that is no file, so that no file is ever taken for it

# documents int32[n] -> the bytes and the UTF-8 text of each, or None where it can no longer be read
Read = Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]]


@dataclass(frozen=True)
class CachedTexts:
    """Where the text of each document begins in the cache; -1 if it is not there."""

    cache: IngestCache
    at: NDArray[np.int64]  # [n_docs]
    n_bytes: NDArray[np.int64]  # [n_docs]

    def read(self, doc: int) -> bytes:
        """Read the text of a document from the cache."""
        return self.cache.read(int(self.at[doc]), int(self.n_bytes[doc]))


@dataclass(frozen=True)
class Corpus:
    """All documents, what the pass has computed from their texts, and a way to read the texts again."""

    sources: list[Source]
    fields: list[tuple[str, str]]  # of each source: the field of the text, and that of the id
    documents: Documents
    features: Features
    read: Read
    texts: CachedTexts | None = None

    def utf8(self, docs: NDArray[np.int32]) -> list[bytes | None]:
        """Read the text of documents int32[n], or None where it cannot be read any more."""
        return [None if text is None else text[1] for text in self.read(docs)]


def ingest_files(
    context: Context, sources: list[Source], cache: IngestCache, previous: LastScan, unfinished: Path
) -> tuple[Corpus, LastScan]:
    """Read and sign sources -> the corpus, and the previous run with the numbers of its documents now."""
    s = context.settings
    fields = [Options()] * len(sources)
    whole, previous = read_and_sign(context, sources, reading_options(s), fields, cache, previous)
    documents, texts = whole.documents, CachedTexts(cache, whole.text_at, whole.text_bytes)
    store = ArrayStore(unfinished, len(documents), s.num_perm, offsets_from_sizes(whole.n_anchors))
    features = Features(store.signatures(s.seed, s.k), store.anchors, unfinished)

    def read_again(docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
        elsewhere = docs[texts.at[docs] < 0]  # read by the previous run, and not in the cache now
        fetched = fetch(sources, fields, documents, elsewhere)
        again = dict(zip(elsewhere.tolist(), fetched, strict=True))
        out: list[tuple[bytes, bytes] | None] = []
        for d in docs.tolist():
            found = again[d] if d in again else (b"", texts.read(d))
            out.append(found and (documents.written[d] or found[1], found[1]))
        return out

    names = [(f.text_field, f.id_field) for f in fields]
    return Corpus(sources, names, documents, features, read_again, texts), previous


def ingest_texts(context: Context, texts: Sequence[Document]) -> tuple[Corpus, list[bytes]]:
    """Sign texts from Python -> the corpus, and the repaired texts in UTF-8.

    Raises BadInput where two documents have one id.
    """
    s = context.settings
    repaired = [repair(d.text.encode("utf-8", "replace")) if d.text else (b"", ()) for d in texts]
    utf8 = [text for text, _ in repaired]
    names = [os.fsencode(d.id or str(i)) for i, d in enumerate(texts, 1)]
    if len(set(names)) != len(names):
        counts = Counter(names)
        twice = next(name for name in names if counts[name] > 1)
        raise BadInput(f"the id {os.fsdecode(twice)!r} is given to two documents")
    sources = [Source(name, "text", "", len(t), NO_FILE) for name, t in zip(names, utf8, strict=True)]
    asked = reading_options(s).kept_fields

    def record(document: Document, utf8: bytes, done: tuple[str, ...]) -> Record:
        status, fields = OK if utf8 else EMPTY, kept(document.fields, asked)
        return Record(-1, 0, len(utf8), "utf-8", status, document.id, "", ",".join(done), fields)

    records = [
        (i, [record(d, *found)], [found[0]], 0)
        for i, (d, found) in enumerate(zip(texts, repaired, strict=True))
    ]
    groups = [records[i : i + 1000] for i in range(0, len(texts), 1000)]
    signed = [sign([], s), *context.parallel_map(lambda g: sign(g, s), groups)]
    whole = collect([block for block, _, _ in signed], s)
    features = features_in_memory([rows for _, rows, _ in signed], offsets_from_sizes(whole.n_anchors), s)
    fields = [("", "")] * len(sources)
    return Corpus(
        sources, fields, whole.documents, features, lambda docs: [(utf8[d],) * 2 for d in docs]
    ), utf8


def read_and_sign(
    context: Context,
    sources: list[Source],
    options: Options,
    fields: list[Options],
    cache: IngestCache,
    previous: LastScan,
) -> tuple[Block, LastScan]:
    """Read sources and sign their documents: the pass -> all of them as one block; features go to the cache.

    `fields[i]` becomes the options by which source i is read.  What the previous run has read is taken over.
    """
    known = previous.ranges(sources)
    if previous.run is not None:
        names = {s.path: f for s, f in zip(previous.run.sources, previous.run.fields, strict=True)}
        for index in known:
            text_field, id_field = names[sources[index].path]
            fields[index] = replace(options, text_field=text_field, id_field=id_field)
    total = sum({s.at: s.size for s in sources}.values())
    sizes: list[int] = []
    done = n_docs = 0

    def groups() -> Iterator[tuple[str, Block | None, list[Chunk]]]:
        for group in chunks(sources, options, fields, known):
            sizes.append(sum(_cost(chunk, sources[chunk.source]) for chunk in group))
            key = _key(group, sources, options, context.settings)
            yield key, cache.earlier(key), group

    def read_group(
        item: tuple[str, Block | None, list[Chunk]],
    ) -> tuple[str, Block, FeatureRows | RowRanges | None]:
        key, block, group = item
        if block is not None:
            return key, block, None
        if group[0].known is not None:
            return key, *previous.block([(p.source, p.known) for p in group if p.known is not None])
        found = [(p.source, *read(p, sources[p.source], fields[p.source])) for p in group]
        block, rows, texts = sign(found, context.settings)
        return key, replace(block, text_at=block.text_at + cache.put(texts)), rows

    blocks = []
    context.report(0, total, 0)
    for i, (key, block, rows) in enumerate(context.parallel_map(read_group, groups())):
        if rows is not None:
            cache.add(key, block, rows)
        blocks.append(block)
        done, n_docs = min(total, done + sizes[i]), n_docs + len(block.documents)
        context.report(done, total, n_docs)
    cache.finish()
    whole = collect(blocks, context.settings)
    return whole, previous.renumbered(whole.old_doc)


def _key(group: list[Chunk], sources: list[Source], options: Options, settings: Settings) -> str:
    """Return the key of a group of parts: what was read, how, and by which program."""
    read = [
        (replace(chunk, data=None, rows=None), len(chunk.data or b""), sources[chunk.source])
        for chunk in group
    ]
    return key_of(__version__, settings.k, settings.num_perm, settings.sample, settings.seed, options, read)


def _cost(chunk: Chunk, source: Source) -> int:
    """Return about how many bytes on disk a chunk has."""
    if chunk.known is not None:
        return source.size if not chunk.known or source.member < 0 else 0
    if chunk.data is None and not chunk.n_bytes:
        return 0 if source.member >= 0 else source.size
    size = chunk.n_bytes or len(chunk.data or b"")
    return size // 3 if source.codec or source.member >= 0 else size


def sign(
    read: list[tuple[int, list[Record], list[bytes], int]], settings: Settings
) -> tuple[Block, FeatureRows, NDArray[np.uint8]]:
    """Sign what was read of some sources (source, records, texts, lines) -> a block and its rows.

    With it the texts, uint8[n], as they stand one after the other.
    """
    texts = kernels.joined([text for _, _, texts, _ in read for text in texts])
    rows = [record for _, found, _, _ in read for record in found]
    columns = zip(*rows, strict=True) if rows else ((),) * len(Record._fields)
    line, offset, n_bytes, encoding, status, ids, notes, repairs, values, written, id_types = columns
    source = np.repeat([s for s, _, _, _ in read], [len(found) for _, found, _, _ in read])
    known = {
        "source": source.astype(np.int32),
        "record": np.array(line, np.int64) + 1,
        "offset": np.array(offset, np.int64),
        "n_bytes": np.array(n_bytes, np.int64),
        "status": np.array(status, np.int8),
        "encoding": list(encoding),
        "id": list(ids),
        "note": list(notes),
        "repairs": [sys.intern(r) for r in repairs],
        "fields": list(values),
        "written": list(written),
        "id_type": [sys.intern(t) for t in id_types],
    }
    done = np.array([(s, len(found), n) for s, found, _, n in read], np.int64).reshape(-1, 3)
    return sign_joined(*texts, known, done, settings)


def sign_joined(
    buffer: NDArray[np.uint8],
    starts: NDArray[np.int64],
    known: dict[str, Any],
    parts: NDArray[np.int64],
    settings: Settings,
) -> tuple[Block, FeatureRows, NDArray[np.uint8]]:
    """Sign n texts, text i being buffer[starts[i]:starts[i + 1]] -> a block, its rows and the texts.

    `known` has the columns of `Documents` that no text is needed for, `parts` those of `Block`.
    """
    a, b = minhash.permutations(settings.num_perm, settings.seed)
    signed = kernels.sign_texts(buffer, starts, letter_table(), settings.k, WINDOW, a, b, settings.sample)
    counts, status = signed.counts, known["status"]
    status[(status == OK) & (counts[:, 0] == 0)] = EMPTY
    counted = dict(zip(COUNTED, counts.T, strict=True))
    documents = Documents(**known, **counted, letters_hash=signed.letters_hash)
    n_anchors = np.bincount(signed.anchor_text, minlength=len(documents))
    new = np.full(len(documents), -1, np.int32)
    block = Block(documents, parts, n_anchors, starts[:-1], np.diff(starts), new)
    kept = FeatureRows(signed.signatures, signed.skeletons, signed.anchor_hash, signed.anchor_place)
    return block, kept, buffer[: starts[-1]]


def collect(blocks: list[Block], settings: Settings) -> Block:
    """Join blocks in order; records are then counted from the start of each source."""
    all_blocks = [sign([], settings)[0], *blocks]
    columns: dict[str, Any] = {
        f.name: _joined([getattr(b.documents, f.name) for b in all_blocks])
        for f in dataclasses.fields(Documents)
    }
    rest = {
        name: _joined([getattr(b, name) for b in all_blocks])
        for name in ("parts", "n_anchors", "text_at", "text_bytes", "old_doc")
    }
    _count_records(columns["record"], rest["parts"])
    return Block(Documents(**columns), **rest)


def _joined(values: list[Any]) -> Any:
    return list(itertools.chain(*values)) if isinstance(values[0], list) else np.concatenate(values)


def _count_records(record: NDArray[np.int64], parts: NDArray[np.int64]) -> None:
    """Count records from the start of their source, in place, where they count from the start of a chunk.

    The parts of a source stand one after the other.
    """
    source, n_docs, n_lines = parts.T
    before = np.cumsum(n_lines) - n_lines
    first = np.flatnonzero(np.r_[True, source[1:] != source[:-1]]) if len(source) else source
    before -= np.repeat(before[first], np.diff(np.r_[first, len(source)]))
    record += np.where(record > 0, np.repeat(before, n_docs), 0)
