"""The index that `check` looks up: sorted tables beside those of the run, mapped into memory.

Each is a .npy file; a lookup is a binary search that touches a few pages of it.  They are made from the
tables of the run when they are first asked for, and go when the run is written anew.

    index-values          uint64[n_bands, n]   key of the band << 32 | document, each row rising
    index-skeletons       the same of the skeletons
    index-anchors         uint64[n]            key of the anchor << 32 | document, rising; none that is
                                               boilerplate or stands in very many clusters
    index-letters         uint64[3, n]         letters hash and document, rising
    index-boilerplate     uint64[n]            passages that are boilerplate: hashes of three anchors in a row
    index-spans           int64[n, 2]          boilerplate of each document, as in `Spans`, which begin at
    index-span-starts     int64[n_docs + 1]
    index-counts          int32[n_docs]        anchors by which a document is matched

Keys have 32 bits: of a million documents some 2 in 10,000 lookups of a band meet a wrong one, which the
signatures tell apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..core import rules
from ..core.documents import OK, TOO_SHORT
from ..core.features import AnchorChunk, Anchors, Banding, Signatures, Spans
from ..core.settings import Settings
from ..core.sorted_arrays import distinct, expand_ranges, is_in, offsets_from_sizes, unique_counts
from ..matching import containment, kernels
from ..matching.bands import AT_ONCE, keys_by_band
from ..matching.boilerplate import IN_A_ROW
from ..matching.partition import N_BUCKETS, Buckets
from ..matching.views import VIEWS, View
from ..runs.array_store import HEADER, header

MARK = "index.json"  # written last: the index is whole
LOW = np.uint64(0xFFFFFFFF)
ROWS_AT_ONCE = 1 << 15  # documents whose keys are taken at a time
LONGEST = 4096  # documents with one key that are looked at
SHIFT = np.uint64(32)


@dataclass(frozen=True)
class Index:
    """The tables; see the head of this file."""

    values: NDArray[np.uint64]
    skeletons: NDArray[np.uint64]
    anchors: NDArray[np.uint64]
    letters: NDArray[np.uint64]
    boilerplate: NDArray[np.uint64]
    spans: NDArray[np.int64]
    span_starts: NDArray[np.int64]
    counts: NDArray[np.int32]

    def spans_of(self, docs: NDArray[np.int32]) -> Spans:
        """Return the boilerplate of documents int32[m], which become 0..m - 1."""
        sizes = self.span_starts[docs + 1] - self.span_starts[docs]
        rows, places = _expanded(self.span_starts[docs], sizes)
        found = self.spans[places]
        return Spans(found[:, 0].copy(), found[:, 1].copy(), offsets_from_sizes(sizes))

    def equal(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Look up letters hashes uint64[m, 2] -> (index of the hash, document of the run)."""
        low = np.searchsorted(self.letters[0], hashes[:, 0], "left")
        high = np.searchsorted(self.letters[0], hashes[:, 0], "right")
        rows, places = _expanded(low, np.minimum(high - low, LONGEST))
        same = self.letters[1][places] == hashes[rows, 1]
        return rows[same], self.letters[2][places[same]].astype(np.int32)

    def in_band(self, view: View, values: NDArray[np.uint32], s: Settings) -> NDArray[np.int64]:
        """Look up signatures uint32[m, num_perm] of one view -> int64[n, 2]: index, document; each once."""
        found = [np.zeros(0, np.int64)]
        columns = view.index_bands(s).columns
        by_band = keys_by_band(values, np.arange(len(values), dtype=np.int32), columns)
        for row, wanted in zip(getattr(self, view.name), by_band, strict=True):
            which, docs = _looked_up(row, wanted & ~LOW)
            found.append(which << 32 | docs)
        keys, _ = unique_counts(np.concatenate(found))
        return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1)

    def with_anchor(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Look up anchors uint64[m] -> (index of the anchor, document of the run)."""
        return _looked_up(self.anchors, _anchor_keys(hashes) << SHIFT)

    def boilerplate_in(self, anchors: Anchors) -> NDArray[np.uint8]:
        """Return a bit for each anchor of new documents: whether it is boilerplate in the run."""
        bits = np.zeros(len(anchors.hash) // 8 + 1, np.uint8)
        for chunk in anchors.chunks():
            found, first = kernels.in_a_row(chunk.hash, chunk.doc, IN_A_ROW)
            kernels.set_bits(bits, first[is_in(found, self.boilerplate)] + chunk.begin, IN_A_ROW)
        return bits


def _looked_up(
    table: NDArray[np.uint64], keys: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Look up keys << 32, uint64[m], in sorted key << 32 | document -> (index, document)."""
    order = np.argsort(keys)
    low = np.searchsorted(table, keys[order], "left")
    high = np.searchsorted(table, keys[order] | LOW, "right")
    rows, places = _expanded(low, np.minimum(high - low, LONGEST))
    return order[rows], (table[places] & LOW).astype(np.int64)


def _expanded(
    low: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List (range, index) for all indices in ranges low..low + size - 1.

    >>> [x.tolist() for x in _expanded(np.array([5, 9, 2]), np.array([2, 0, 1]))]
    [[0, 0, 2], [5, 6, 2]]
    """
    return np.repeat(np.arange(len(low)), sizes), expand_ranges(low, sizes)


def _anchor_keys(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the 32 low bits of hashes, turned so that the lowest, which choose the bucket, come first."""
    low = hashes & LOW
    return (low >> np.uint64(6) | low << np.uint64(26)) & LOW


# ------------------------------------------------------------------ on disk


def opened(folder: Path) -> Index | None:
    """Open the index in a folder; None if there is none, or it is incomplete."""
    try:
        mark = json.loads((folder / MARK).read_bytes())
        paths = {f.name: _path(folder, f.name) for f in fields(Index)}
        if mark != {"program": __version__, "bytes": {name: p.stat().st_size for name, p in paths.items()}}:
            return None
        return Index(**{name: _mapped(path) for name, path in paths.items()})
    except (OSError, ValueError):
        return None


def _path(folder: Path, name: str) -> Path:
    return folder / f"index-{name.replace('_', '-')}.npy"


def _mapped(path: Path) -> NDArray[Any]:
    """Map a .npy file as a plain array."""
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        shape, _, _ = np.lib.format.read_array_header_1_0(file)
    # NOTE: an empty file cannot be mapped; a private writable map is what compiled code takes
    return np.asarray(np.load(path, mmap_mode="c" if np.prod(shape) else None, allow_pickle=False))


@dataclass(frozen=True)
class Columns:
    """The columns that an index is made from: a row for each document of the run."""

    status: NDArray[np.int8]
    letters_hash: NDArray[np.uint64]  # [n_docs, 2]
    n_letters: NDArray[np.int64]
    n_bones: NDArray[np.int64]
    signatures: Signatures
    anchors: Anchors
    spans: Spans
    cluster: NDArray[np.int32]


def write(folder: Path, columns: Columns, s: Settings, scratch: Path | None = None) -> None:
    """Make the index of a run in a folder; the file that marks it complete is written last."""
    writer = _Writer(folder)
    order = np.lexsort(columns.letters_hash.T[::-1])
    keyed = order[np.isin(columns.status[order], (OK, TOO_SHORT))]
    writer.add("letters", np.stack([*columns.letters_hash[keyed].T, keyed.astype(np.uint64)]))
    h = columns.letters_hash[keyed]
    first = keyed[np.r_[True, (h[1:] != h[:-1]).any(axis=1)]] if len(keyed) else keyed
    alone = np.sort(first[columns.status[first] == OK])
    for view in VIEWS:
        docs = alone[getattr(columns, view.size)[alone] >= view.least]
        rows = _band_rows(view.signatures(columns.signatures), docs, view.index_bands(s))
        writer.fill(view.name, *rows)
    mine = np.zeros(len(columns.status), np.bool_)
    mine[alone] = True
    _write_anchors(writer, columns, mine, scratch)
    spans = columns.spans
    writer.add("spans", np.stack([spans.start, spans.end], axis=1))
    writer.add("span_starts", spans.indptr)
    writer.finish()


def _band_rows(
    values: NDArray[np.uint32], docs: NDArray[np.int64], bands: Banding
) -> tuple[tuple[int, int], Iterator[NDArray[np.uint64]]]:
    """Return the shape of the table, and its rows, some at a time."""

    def rows() -> Iterator[NDArray[np.uint64]]:
        for i in range(0, len(bands.columns), AT_ONCE):
            some = bands.columns[i : i + AT_ONCE]
            out = np.empty((len(some), len(docs)), np.uint64)
            for at in range(0, len(docs), ROWS_AT_ONCE):
                part = docs[at : at + ROWS_AT_ONCE]
                keys = kernels.band_keys(values, part.astype(np.int32), some)
                out[:, at : at + len(part)] = keys & ~LOW | part.astype(np.uint64)
            out.sort(axis=1)
            yield out

    return (len(bands.columns), len(docs)), rows()


def _write_anchors(writer: _Writer, columns: Columns, mine: NDArray[np.bool_], scratch: Path | None) -> None:
    anchors, n_docs = columns.anchors, len(columns.status)
    n_anchors = np.zeros((n_docs, 2), np.int64)
    frames: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    with Buckets((np.uint64,), scratch) as buckets:
        for chunk in anchors.chunks():
            flags = _in_spans(chunk, columns.spans)
            here = slice(chunk.first_doc, chunk.first_doc + len(chunk.start) - 1)
            usable = kernels.own_anchors(chunk.hash, chunk.start, mine[here], flags)
            docs = chunk.doc[usable].astype(np.uint64)
            # NOTE: the lowest bits choose the bucket, so the document stands above until it is sorted
            buckets.add(docs << SHIFT | chunk.hash[usable] & LOW)
            n_anchors[here] = kernels.different_anchors(chunk.hash, chunk.start, flags)
            found, first = kernels.in_a_row(chunk.hash, chunk.doc, IN_A_ROW)
            whole = np.logical_and.reduce([flags[first + i] for i in range(IN_A_ROW)])
            frames.append(distinct(found[whole]))

        def rows() -> Iterator[NDArray[np.uint64]]:
            for number in range(N_BUCKETS):
                (held,) = buckets.bucket(number)
                out = _anchor_keys(held) << SHIFT | held >> SHIFT
                out.sort()
                yield _speaking(out, columns.cluster)

        writer.fill("anchors", None, rows())
    writer.add("boilerplate", distinct(np.concatenate(frames)))
    writer.add("counts", rules.effective_anchors(*n_anchors.T).astype(np.int32))


def _speaking(table: NDArray[np.uint64], cluster: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Select sorted keys << 32 | document whose key occurs in few clusters; others make no candidates."""
    if not len(table):
        return table
    keys, docs = table >> SHIFT, (table & LOW).astype(np.int32)
    indptr = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1], True])
    few = kernels.distinct_groups(indptr, docs, cluster, containment.MAX_GROUPS) <= containment.MAX_GROUPS
    return table[np.repeat(few, np.diff(indptr))]


def _in_spans(chunk: AnchorChunk, spans: Spans) -> NDArray[np.bool_]:
    """Return bool[n]: the anchors that are in the boilerplate of their document."""
    last = chunk.first_doc + len(chunk.start) - 1
    begin, end = int(spans.indptr[chunk.first_doc]), int(spans.indptr[last])
    if begin == end:
        return np.zeros(len(chunk.hash), np.bool_)
    doc = np.repeat(np.arange(chunk.first_doc, last), np.diff(spans.indptr[chunk.first_doc : last + 1])) << 32
    starts = doc | spans.start[begin:end]
    ends = doc | np.minimum(spans.end[begin:end], int(LOW))
    places = chunk.doc.astype(np.int64) << 32 | chunk.position
    at = np.searchsorted(starts, places, "right") - 1
    return (at >= 0) & (places < ends[np.maximum(at, 0)])


class _Writer:
    """The files of an index, each under a temporary name until it is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bytes: dict[str, int] = {}

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Write one array."""
        self.fill(name, values.shape, [values], values.dtype)

    def fill(
        self,
        name: str,
        shape: tuple[int, ...] | None,
        rows: Iterable[NDArray[Any]],
        dtype: Any = np.uint64,
    ) -> None:
        """A file of an array that is made some rows at a time; without a shape, of as many as there are."""
        path = _path(self._folder, name)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with open(part, "wb") as file:
                file.write(b"\0" * HEADER)
                for values in rows:
                    file.write(np.ascontiguousarray(values, dtype).data)
                self._bytes[name] = file.tell()
                n = (self._bytes[name] - HEADER) // np.dtype(dtype).itemsize
                file.seek(0)
                file.write(header(dtype, shape or (n,)))
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def finish(self) -> None:
        """Rename the files, when all are complete."""
        part = self._folder / f"{MARK}.{os.getpid()}.part"
        mark = {"program": __version__, "bytes": self._bytes}
        part.write_text(json.dumps(mark))
        os.replace(part, self._folder / MARK)
