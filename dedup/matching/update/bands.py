"""Update the pairs found by bands: only buckets that a document was added to or removed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.array_table import ArrayTable
from ...core.features import Banding
from ...core.pairs import pair_keys
from ...core.parallel import ParallelMap
from ...core.sorted_arrays import distinct, group_equal, is_in, offsets_from_sizes, pairs_of
from .. import kernels
from ..bands import FULL_BUCKET, KEPT, ROWS_AT_ONCE
from .delta import Change
from .lookup import likely_table

PAIRS_AT_ONCE = 1 << 13


@dataclass(frozen=True)
class Hits(ArrayTable):
    """Documents int32[n] with the keys uint64[n] that they have in bands int32[n]."""

    band: NDArray[np.int32]
    doc: NDArray[np.int32]
    key: NDArray[np.uint64]

    def by_band(self, n_bands: int) -> list[tuple[NDArray[np.uint64], NDArray[np.int32]]]:
        """Return the keys and documents of each band."""
        order = np.argsort(self.band, kind="stable")
        at = np.searchsorted(self.band[order], np.arange(n_bands + 1))
        key, doc = self.key[order], self.doc[order]
        return [(key[i:j], doc[i:j]) for i, j in zip(at[:-1], at[1:], strict=True)]


def candidate_pairs(
    before: NDArray[np.uint32],
    now: NDArray[np.uint32],
    change: Change,
    known: NDArray[np.int32],
    bands: Banding,
    least: Callable[[NDArray[np.int32]], NDArray[np.int64]],
    parallel_map: ParallelMap,
    release_pages: Callable[[], None] = lambda: None,
) -> NDArray[np.int32]:
    """Update the pairs of the previous run, int32[m, 2] by their numbers there -> those of this run, sorted.

    They are what `bands.candidate_pairs` finds for the signatures uint32[n_docs, num_perm] of this run and
    the documents that `change` selects.
    """
    columns, added, removed = bands.columns, change.added, change.removed
    stay = _Stay(now, np.flatnonzero(change.unchanged).astype(np.int32), columns, parallel_map, release_pages)
    came_hits, went_hits = _all(now, added, columns), _all(before, removed, columns)
    touched = [distinct(k) for k, _ in Hits.concatenated([came_hits, went_hits]).by_band(len(columns))]
    met = stay.met(touched, _values(now[added], before[removed]))

    def one_band(rows: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        (key, doc), (came_key, came_doc), (went_key, went_doc) = rows
        made = _bucket_pairs([key, came_key], [doc, came_doc])
        were = _bucket_pairs([key, went_key], [change.old_doc[doc], went_doc])
        return pair_keys(made), pair_keys(change.pairs(were)[0])

    items = zip(*(hits.by_band(len(columns)) for hits in (met, came_hits, went_hits)), strict=True)
    made, were = (distinct(np.concatenate(k)) for k in zip(*parallel_map(one_band, items), strict=True))
    kept = pair_keys(change.pairs(known)[0])
    lost = kept[is_in(kept, were) & ~is_in(kept, made)]
    lost = lost[~is_in(lost, _elsewhere(stay, touched, pairs_of(lost)))]
    kept = kept[~is_in(kept, lost)]
    new = pairs_of(made[~is_in(made, kept)])
    new = new[kernels.matches(now, new) >= least(new)]
    release_pages()
    return pairs_of(np.sort(np.concatenate([kept, pair_keys(new)])))


def _none() -> Hits:
    return Hits(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint64))


def _all(signatures: NDArray[np.uint32], docs: NDArray[np.int32], columns: NDArray[np.int32]) -> Hits:
    """Return the keys of documents int32[n] in all bands."""
    bands = np.repeat(np.arange(len(columns), dtype=np.int32), len(docs))
    keys = kernels.band_keys(signatures, docs, columns)
    return Hits(bands, np.tile(docs, len(columns)), keys.ravel())


def _values(*rows: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Signatures uint32[m, num_perm] -> uint8[num_perm, n]: a bit for what may stand in each column."""
    n_rows = sum(map(len, rows))
    out = np.zeros((rows[0].shape[1], 1 << max(5, (2 * n_rows).bit_length())), np.uint8)
    for some in rows:
        kernels.mark_values(out, some)
    return out


@dataclass(frozen=True)
class _Stay:
    """Signatures, the documents int32[n] that were there and are, and the columns of the bands."""

    signatures: NDArray[np.uint32]
    docs: NDArray[np.int32]
    columns: NDArray[np.int32]
    parallel_map: ParallelMap
    release_pages: Callable[[], None]

    def met(self, keys: list[NDArray[np.uint64]], values: NDArray[np.uint8]) -> Hits:
        """Return those that have one of the keys uint64[m], rising, of a band in that band.

        `values` are those of the signatures that the keys were made of.
        """
        indptr, flat = offsets_from_sizes([len(k) for k in keys]), np.concatenate(keys)
        likely = likely_table(flat)

        def some(start: int) -> Hits:
            docs = self.docs[start : start + ROWS_AT_ONCE]
            facts = (values, likely, indptr, flat)
            return Hits(*kernels.bands_met(self.signatures, docs, self.columns, *facts))

        found = [_none()]
        starts = range(0, len(self.docs) if len(flat) else 0, ROWS_AT_ONCE)
        for done, hits in enumerate(self.parallel_map(some, starts)):
            found.append(hits)
            if done % KEPT == KEPT - 1:
                self.release_pages()
        return Hits.concatenated(found)


def _elsewhere(stay: _Stay, touched: list[NDArray[np.uint64]], pairs: NDArray[np.int32]) -> NDArray[np.int64]:
    """Pairs int32[m, 2] -> the keys of all pairs of those of their buckets that are not touched, rising."""
    n = len(stay.columns)

    def shared_keys(start: int) -> Hits:
        some = pairs[start : start + PAIRS_AT_ONCE]
        sides = [np.ascontiguousarray(side) for side in some.T]
        left, right = (kernels.band_keys(stay.signatures, side, stay.columns) for side in sides)
        band, pair = np.nonzero(left == right)
        return Hits(band.astype(np.int32), some[pair, 0], left[band, pair])

    starts = range(0, len(pairs), PAIRS_AT_ONCE)
    shared = Hits.concatenated(list(stay.parallel_map(shared_keys, starts))) if len(pairs) else _none()
    stay.release_pages()
    asked = [distinct(keys) for keys, _ in shared.by_band(n)]
    asked = [keys[~is_in(keys, known)] for keys, known in zip(asked, touched, strict=True)]
    met = stay.met(asked, _values(stay.signatures[distinct(pairs.ravel())])).by_band(n)
    return distinct(np.concatenate([pair_keys(_bucket_pairs([key], [doc])) for key, doc in met]))


def _bucket_pairs(keys: list[NDArray[np.uint64]], docs: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Return the pairs of the buckets of keys uint64[n] and their documents int32[n]."""
    key, doc = np.concatenate(keys), np.concatenate(docs)
    order, key = group_equal(key)
    return kernels.bucket_pairs(key, doc[order], FULL_BUCKET)
