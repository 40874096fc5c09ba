"""Sources -> documents with their signatures and anchors: reading and the compiled pass, overlapped."""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..clustering.verdict import same_letters
from ..core.documents import CHANGED, EMPTY, OK, TOO_SHORT, Documents, Source
from ..core.errors import BadInput
from ..core.features import FeatureRows
from ..core.parallel import Context
from ..core.settings import Settings
from ..core.sorted_arrays import starts_of
from ..readers.registry import Options, Part, Record, parts, read, sniff
from ..readers.storage.sources import all_unchanged
from ..runs.array_store import Stretches
from ..runs.ingest_cache import Block, Spool, key_of
from ..text import kernels, minhash
from ..text.normalize import letter_table
from .rescan import Earlier

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
    """Where the text of each document stands in the spool; at -1, it is not there."""

    spool: Spool
    at: NDArray[np.int64]  # [n_docs]
    n_bytes: NDArray[np.int64]  # [n_docs]

    def read(self, doc: int) -> bytes:
        """The text of a document that is in the spool."""
        return self.spool.read(int(self.at[doc]), int(self.n_bytes[doc]))


@dataclass(frozen=True)
class Taken:
    """All that the pass gives, but for what it wrote to the store of the spool."""

    documents: Documents
    anchor_start: NDArray[np.int64]  # [n_docs + 1]
    texts: Texts
    earlier: Earlier


def read_and_sign(
    context: Context,
    sources: list[Source],
    options: Options,
    fields: list[Options],
    spool: Spool,
    earlier: Earlier,
) -> Taken:
    """Sources -> documents and their texts; signatures and anchors go to the spool's store: the pass.

    `fields[i]` becomes the options by which source i is read.  What the last run has read is taken over.
    """
    known = earlier.ranges(sources)
    names = (
        {s.path: f for s, f in zip(earlier.run.sources, earlier.run.fields, strict=True)}
        if earlier.run
        else {}
    )
    for index in known:
        text_field, id_field = names[sources[index].path]
        fields[index] = replace(options, text_field=text_field, id_field=id_field)
    total = sum({s.at: s.size for s in sources}.values())
    sizes: list[int] = []
    done = n_docs = 0

    def one_group(
        item: tuple[str, Block | None, list[Part]],
    ) -> tuple[str, Block, FeatureRows | Stretches | None]:
        key, block, group = item
        if block is not None:
            return key, block, None
        if group[0].known is not None:
            return key, *earlier.block(
                [(part.source, part.known) for part in group if part.known is not None]
            )
        found = [read(part, sources[part.source], fields[part.source]) for part in group]
        block, rows, texts = sign(
            [(part.source, *r) for part, r in zip(group, found, strict=True)], context.settings
        )
        return key, replace(block, text_at=block.text_at + spool.put(texts)), rows

    def groups() -> Iterator[tuple[str, Block | None, list[Part]]]:
        for group in parts(sources, options, fields, known):
            sizes.append(sum(_cost(part, sources[part.source]) for part in group))
            key = _key(group, sources, options, context.settings)
            yield key, spool.earlier(key), group

    blocks = []
    context.progress("reading", 0, total, 0)
    for i, (key, block, rows) in enumerate(context.run_all(one_group, groups())):
        if rows is not None:
            spool.add(key, block, rows)
        blocks.append(block)
        done, n_docs = min(total, done + sizes[i]), n_docs + len(block.documents)
        context.progress("reading", done, total, n_docs)
    spool.finish()
    whole = collect(blocks, context.settings)
    texts = Texts(spool, whole.text_at, whole.text_bytes)
    return Taken(whole.documents, starts_of(whole.n_anchors), texts, earlier.renumbered(whole.old_doc))


def _key(group: list[Part], sources: list[Source], options: Options, settings: Settings) -> str:
    """The key of a group of parts: what was read, how, and by which program."""
    read = [
        (replace(part, data=None, rows=None), len(part.data or b""), sources[part.source]) for part in group
    ]
    return key_of(__version__, settings.k, settings.num_perm, settings.sample, settings.seed, options, read)


def _cost(part: Part, source: Source) -> int:
    """Bytes on disk of a part, about."""
    if part.known is not None:
        return source.size if not part.known or source.member < 0 else 0
    if part.data is None and not part.n_bytes:
        return 0 if source.member >= 0 else source.size
    size = part.n_bytes or len(part.data or b"")
    return size // 3 if source.codec or source.member >= 0 else size


def sign(
    read: list[tuple[int, list[Record], list[bytes], int]], settings: Settings
) -> tuple[Block, FeatureRows, NDArray[np.uint8]]:
    """What was read of some sources (source, records, texts, lines) -> a block and its rows, by the pass.

    With it the texts, uint8[n], as they stand one after the other.
    """
    a, b = minhash.permutations(settings.num_perm, settings.seed)
    buffer, starts = kernels.joined([text for _, _, texts, _ in read for text in texts])
    signed = kernels.sign_texts(buffer, starts, letter_table(), settings.k, WINDOW, a, b, settings.sample)
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
        repairs=[sys.intern(r) for r in repairs],
        fields=list(values),
        written=list(written),
    )
    n_anchors = np.bincount(signed.anchor_text, minlength=len(documents))
    done = np.array([(s, len(found), n) for s, found, _, n in read], np.int64).reshape(-1, 3)
    new = np.full(len(documents), -1, np.int32)
    block = Block(documents, done, n_anchors, starts[:-1], np.diff(starts), new)
    kept = FeatureRows(signed.signatures, signed.skeletons, signed.anchor_hash, signed.anchor_place)
    return block, kept, buffer[: starts[-1]]


def collect(blocks: list[Block], settings: Settings) -> Block:
    """Blocks in order -> one, its records counted from the start of each source."""
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
    """Records that count from the start of each part -> from the start of its source, in place.

    The parts of a source stand one after the other.
    """
    source, n_docs, n_lines = parts.T
    before = np.cumsum(n_lines) - n_lines
    first = np.flatnonzero(np.r_[True, source[1:] != source[:-1]]) if len(source) else source
    before -= np.repeat(before[first], np.diff(np.r_[first, len(source)]))
    record += np.where(record > 0, np.repeat(before, n_docs), 0)


def changed_since(sources: list[Source], documents: Documents) -> NDArray[np.bool_]:
    """bool[n_docs]: of a file that is not any more as it was listed."""
    same = all_unchanged(sources)
    lost = np.array([not same.get(source.at, True) for source in sources], np.bool_)
    return lost[documents.source] & (documents.status == OK)


def changed_set_aside(documents: Documents, changed: NDArray[np.bool_]) -> Documents:
    """The documents with those of files that changed since they were read set aside."""
    status, note = documents.status.copy(), list(documents.note)
    for d in np.flatnonzero(changed).tolist():
        status[d], note[d] = CHANGED, "the file changed or vanished during the scan"
    return replace(documents, status=status, note=note)


def short_set_aside(documents: Documents, k: int) -> Documents:
    """The documents with those set aside that are shorter than a shingle and have no equal."""
    status, note = documents.status.copy(), list(documents.note)
    short = np.flatnonzero((status == OK) & (documents.n_letters < k))
    same = same_letters(documents)
    for d in short[np.bincount(same, minlength=len(documents))[same[short]] == 1].tolist():
        status[d], note[d] = TOO_SHORT, f"{documents.n_letters[d]} letters; a shingle has {k}"
    return replace(documents, status=status, note=note)
