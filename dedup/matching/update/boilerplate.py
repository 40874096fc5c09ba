"""Update boilerplate: only passages of added, changed and removed documents are counted again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...core.features import AnchorChunk, Anchors, Spans
from ...core.parallel import ParallelMap
from ...core.sorted_arrays import distinct, is_in
from .. import kernels
from ..boilerplate import IN_A_ROW, Boilerplate, KnownPassages
from .delta import Change, PreviousRun
from .lookup import Occurrences, SortedHashes, in_passages, n_groups, occurrences, of_docs, passages_of


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


def boilerplate(
    before: PreviousRun,
    anchors: Anchors,
    change: Change,
    regrouped: NDArray[np.bool_],
    group: NDArray[np.int32],
    max_holders: int,
    own_run: int,
    parallel_map: ParallelMap = map,
) -> tuple[Boilerplate, NDArray[np.bool_]]:
    """Return the boilerplate, and bool[n_docs]: documents that stay, with other boilerplate."""
    steps, n = before.steps, len(group)
    then = change.but(regrouped)
    common = _counted(before, anchors, steps.common, then, group, max_holders, parallel_map)
    owning = np.zeros(n, np.bool_)
    owning[change.unchanged] = steps.owning[change.old_doc[change.unchanged]]
    asked = distinct(np.concatenate([then.added, common.docs]))
    some, _ = of_docs(anchors, asked)
    runs = kernels.own_runs(some.start, in_passages(some, SortedHashes(common.many)), some.position)
    owning[asked] = runs >= own_run

    owners = replace(then, now=owning, then=steps.owning)
    frames = _counted(before, anchors, steps.frames, owners, group, max_holders, parallel_map, common.asked)
    turned = frames.asked.keys[frames.turned]
    none, in_row = _no_bits(anchors), IN_A_ROW
    others = occurrences(turned, anchors, change.unchanged & ~owning, none, in_row, group, n, parallel_map)
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
    anchors: Anchors,
    known: NDArray[np.uint64],
    change: Change,
    group: NDArray[np.int32],
    max_holders: int,
    parallel_map: ParallelMap,
    counted: Occurrences | None = None,
) -> _Counted:
    """The passages `known` to stand in many groups of the last run -> those of this one.

    `change` is of the documents that count.  If they are some of those of another count, what that has
    `counted` is not looked for again.
    """
    removed = distinct(passages_of(before.anchors, change.removed).hash)
    added = passages_of(anchors, change.added)
    # others that stand in many groups have gained documents, and lost none
    added = added.where(~SortedHashes(known).has(added.hash) | SortedHashes(removed).has(added.hash))
    asked = distinct(np.concatenate([removed, added.hash]))
    none, in_row = _no_bits(anchors), IN_A_ROW
    found = occurrences(
        asked, anchors, change.unchanged, none, in_row, group, max_holders, parallel_map, counted
    )
    found = found.with_rows(added)
    many = found.many | (n_groups(found.rows, range(len(asked)), group, max_holders) > max_holders)
    now = np.sort(np.concatenate([known[~is_in(known, asked)], asked[many]]))
    return _Counted(now, found, many != is_in(asked, known))


def _no_bits(anchors: Anchors) -> NDArray[np.uint8]:
    return np.zeros(len(anchors.hash) // 8 + 1, np.uint8)


def _marked(
    before: PreviousRun,
    anchors: Anchors,
    change: Change,
    changed: NDArray[np.bool_],
    known: KnownPassages,
) -> Boilerplate:
    """Return which anchors are boilerplate; those of unchanged documents are as in the previous run."""
    n, bits = len(changed), _no_bits(anchors)
    kept = np.flatnonzero(change.unchanged & ~changed).astype(np.int32)
    anew = np.flatnonzero(change.now & (changed | ~change.unchanged)).astype(np.int32)
    _copied(before, bits, kept, change.old_doc[kept], anchors.start)
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


def _copied(
    before: PreviousRun,
    bits: NDArray[np.uint8],
    docs: NDArray[np.int32],
    old: NDArray[np.int32],
    start: NDArray[np.int64],
) -> None:
    """Copy the bits of documents int32[m] from the previous run, by their numbers there."""
    first = np.flatnonzero(np.r_[True, (np.diff(docs) != 1) | (np.diff(old) != 1)]) if len(docs) else docs
    last = np.r_[first[1:] - 1, len(docs) - 1] if len(docs) else docs
    for i, j in zip(first.tolist(), last.tolist(), strict=True):
        begin, end = int(start[docs[i]]), int(start[docs[j] + 1])
        kernels.copy_bits(
            before.steps.boilerplate, int(before.anchors.start[old[i]]), bits, begin, end - begin
        )


def _spans(kept: Spans, anew: AnchorChunk, flags: NDArray[np.bool_]) -> Spans:
    """Join known spans, spans of the anchors of further documents, and an empty one."""
    start, end, indptr = kernels.spans_of(anew.start, flags, anew.position)
    at = np.concatenate([kept.indptr, indptr[1:] + kept.indptr[-1], kept.indptr[-1:] + indptr[-1]])
    return Spans(np.concatenate([kept.start, start]), np.concatenate([kept.end, end]), at)
