"""Update boilerplate: only passages of added, changed and removed documents are counted again."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...core.features import AnchorChunk, Anchors, Spans
from ...core.parallel import ParallelMap
from ...core.sorted_arrays import distinct, is_in
from .. import kernels
from ..boilerplate import IN_A_ROW, Boilerplate, KnownPassages
from .delta import Change, PreviousRun
from .lookup import Lookup, Occurrences, SortedHashes, in_passages, of_docs, passages_of


@dataclass(frozen=True)
class _Counted:
    """The passages uint64, sorted, that occur in many groups; those looked up, and which have changed."""

    many: NDArray[np.uint64]
    asked: Occurrences
    turned: NDArray[np.bool_]

    @property
    def docs(self) -> NDArray[np.int32]:
        """Return the documents that count and have a passage that has changed."""
        return distinct(self.asked.doc[self.turned[self.asked.key]])


def passages_in(anchors: Anchors, group: NDArray[np.int32], most: int, parallel_map: ParallelMap) -> Lookup:
    """Return what looks up passages; those in more than `most` groups int32[n_docs] are many."""
    return Lookup(anchors, _no_bits(anchors), IN_A_ROW, group, most, parallel_map)


def boilerplate(
    before: PreviousRun, passages: Lookup, change: Change, regrouped: NDArray[np.bool_], own_run: int
) -> tuple[Boilerplate, NDArray[np.bool_]]:
    """Return the boilerplate, and bool[n_docs]: documents that stay, with other boilerplate."""
    steps, anchors, n = before.steps, passages.anchors, len(passages.group)
    then = change.but(regrouped)
    common = _counted(before, passages, steps.common, then)
    owning = np.zeros(n, np.bool_)
    owning[change.unchanged] = steps.owning[change.old_doc[change.unchanged]]
    asked = distinct(np.concatenate([then.added, common.docs]))
    some, _ = of_docs(anchors, asked)
    runs = kernels.own_runs(some.start, in_passages(some, SortedHashes(common.many)), some.position)
    owning[asked] = runs >= own_run

    owners = replace(then, now=owning, then=steps.owning)
    frames = _counted(before, passages, steps.frames, owners, common.asked)
    others = replace(passages, most=n).find(frames.asked.keys[frames.turned], change.unchanged & ~owning)
    changed = np.zeros(n, np.bool_)
    changed[np.concatenate([frames.docs, others.doc])] = True
    changed &= change.unchanged
    known = KnownPassages(common.many, frames.many, owning)
    return _marked(before, anchors, change, changed, known), changed


def no_boilerplate(before: PreviousRun, anchors: Anchors, change: Change) -> Boilerplate:
    """Return no boilerplate, where there was none before."""
    n = len(change.now)
    return _marked(before, anchors, change, np.zeros(n, np.bool_), KnownPassages.none(n))


def _counted(
    before: PreviousRun,
    passages: Lookup,
    known: NDArray[np.uint64],
    change: Change,
    counted: Occurrences | None = None,
) -> _Counted:
    """The passages `known` to stand in many groups of the last run -> those of this one.

    `change` is of the documents that count.  If they are some of those of another count, what that has
    `counted` is not looked for again.
    """
    removed = distinct(passages_of(before.anchors, change.removed).hash)
    added = passages_of(passages.anchors, change.added)
    # others that stand in many groups have gained documents, and lost none
    added = added.where(~SortedHashes(known).has(added.hash) | SortedHashes(removed).has(added.hash))
    asked = distinct(np.concatenate([removed, added.hash]))
    find = passages.find if counted is None else partial(passages.find_unknown, counted)
    found = find(asked, change.unchanged).with_rows(added)
    many = found.many | passages.are_many(found.rows, range(len(asked)))
    now = np.sort(np.concatenate([known[~is_in(known, asked)], asked[many]]))
    return _Counted(now, found, many != is_in(asked, known))


def _no_bits(anchors: Anchors) -> NDArray[np.uint8]:
    return np.zeros(len(anchors.hash) // 8 + 1, np.uint8)


def _marked(
    before: PreviousRun, anchors: Anchors, change: Change, changed: NDArray[np.bool_], known: KnownPassages
) -> Boilerplate:
    """Return which anchors are boilerplate; those of unchanged documents are as in the previous run."""
    n, bits = len(changed), _no_bits(anchors)
    kept = np.flatnonzero(change.unchanged & ~changed).astype(np.int32)
    anew = np.flatnonzero(change.now & (changed | ~change.unchanged)).astype(np.int32)
    for i, j in _adjacent(kept, change.old_doc[kept]):
        begin, end = int(anchors.start[kept[i]]), int(anchors.start[kept[j] + 1])
        old = int(before.anchors.start[change.old_doc[kept[i]]])
        kernels.copy_bits(before.steps.boilerplate, old, bits, begin, end - begin)
    some, rows = of_docs(anchors, anew)
    flags = in_passages(some, SortedHashes(known.frames))
    kernels.set_bits(bits, rows[flags], 1)
    counts = np.zeros((n, 2), np.int64)
    counts[kept] = np.stack([before.steps.n_anchors, before.steps.n_left], axis=1)[change.old_doc[kept]]
    counts[anew] = kernels.different_anchors(some.hash, some.start, flags)
    spans = _spans(before.spans.of_docs(change.old_doc[kept]), some, flags)
    place = np.full(n, len(kept) + len(anew), np.int32)  # of a document of none, which is the last
    place[np.concatenate([kept, anew])] = np.arange(len(kept) + len(anew))
    return Boilerplate(bits, spans.of_docs(place), counts[:, 0], counts[:, 1], known)


def _adjacent(docs: NDArray[np.int32], old: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Return the first and the last row of each run of documents that follow one another in both scans."""
    last = np.flatnonzero((np.diff(docs) != 1) | (np.diff(old) != 1))
    cuts = [-1, *last.tolist(), len(docs) - 1]
    return [(i + 1, j) for i, j in itertools.pairwise(cuts) if i < j]


def _spans(kept: Spans, anew: AnchorChunk, flags: NDArray[np.bool_]) -> Spans:
    """Join known spans, spans of the anchors of further documents, and an empty one."""
    start, end, indptr = kernels.spans_of(anew.start, flags, anew.position)
    at = np.concatenate([kept.indptr, indptr[1:] + kept.indptr[-1], kept.indptr[-1:] + indptr[-1]])
    return Spans(np.concatenate([kept.start, start]), np.concatenate([kept.end, end]), at)
