"""Anchors -> pairs of which one may be part of the other, as DataFrame operations around the kernels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .. import candidates, kernels, passages, verify
from .arrow import Columns, batch, mapped, numbers, texts, unpacked
from .exchange import TARGET_BYTES, Rows, Sender, Types, in_order, received, sent, target_of, targets_for
from .store import Frame

TERM: Types = {
    **{"hash": "uint64", "doc": "int64", "group": "int64"},
    **{"sure": "bool", "only": "bool"},  # only: no other one speaks for its document
}
SHARED: Types = {
    **{"left": "int64", "right": "int64"},
    **{"for_left": "uint32", "for_right": "uint32", "only": "bool"},  # what the other one counts for
}
COUNTED: Columns = {"left": "int64", "right": "int64", "for_left": "int64", "for_right": "int64"}
SIZED: Columns = {"doc": "int64", "group": "int64", "n_letters": "int64", "n_terms": "int64"}
PAIRS_AT_ONCE = 1 << 20
BYTES_OF_TERM = 26
PAIRS_OF_TERM = 4  # about so many targets of pairs for one of terms


def terms(targets: int) -> Sender:
    """Anchors (doc, group, anchor_hash, flagged) -> TERM, a row for each that is no boilerplate.

    `sure` are those by which their document is looked for; others serve only where a document with few
    anchors has them too.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[NDArray[np.uint16], Rows]]:
        for one in batches:
            hashes, row, keep, many, n_terms = _usable(one)
            hashes, row = hashes[keep], row[keep]
            both = {name: numbers(one, name)[row] for name in ("doc", "group")}
            facts = {"sure": ~many[row] | passages.sample(hashes), "only": (n_terms <= 1)[row]}
            yield target_of(targets, hashes), {"hash": hashes, **both, **facts}

    return run


def sized(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Anchors (doc, group, n_letters, anchor_hash, flagged) -> how many of them speak for each document."""
    for one in batches:
        _, _, _, _, n_terms = _usable(one)
        given = {name: numbers(one, name) for name in ("doc", "group", "n_letters")}
        yield batch(SIZED, {**given, "n_terms": n_terms})


def _usable(one: pa.RecordBatch) -> tuple[NDArray[Any], ...]:
    """(hashes, row of each, no boilerplate; by row: many anchors, how many speak for it)."""
    hashes, starts = unpacked(texts(one, "anchor_hash"), np.uint64)
    n = np.diff(starts)
    row = np.repeat(np.arange(one.num_rows), n)
    keep = np.ones(len(hashes), np.bool_)
    for i, flagged in enumerate(texts(one, "flagged")):
        if flagged:
            keep[starts[i] + np.frombuffer(flagged, np.int32)] = False
    left = np.bincount(row[keep], minlength=one.num_rows)
    # a text that is little but boilerplate is part of nothing: it keeps its full number of anchors
    n_anchors = np.where(left >= verify.MIN_OWN_SHARE * n, left, n)
    many = n_anchors > passages.FEW_ANCHORS
    sampled = np.bincount(row[keep & passages.sample(hashes)], minlength=one.num_rows)
    return hashes, row, keep, many, np.where(many & (n_anchors == left), sampled, n_anchors)


def shared(targets: int) -> Sender:
    """Terms as they were sent -> SHARED: how many anchors two documents of other groups share, here."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[NDArray[np.uint16], Rows]]:
        for _, rows in received(batches, TERM):
            some, _ = in_order(rows["hash"])
            hashes, sure = rows["hash"][some], rows["sure"][some]
            docs, first, row = np.unique(rows["doc"][some], return_index=True, return_inverse=True)
            only = rows["only"][some][first]
            local = np.unique(rows["group"][some][first], return_inverse=True)[1].astype(np.int32)
            limits = passages.MAX_GROUPS, passages.DOCS_OF_GROUP
            sizes, found, few = kernels.postings(hashes, row.astype(np.int32), sure, local, *limits)
            for x, y, for_left, for_right in _counted(sizes, found, few, local, len(docs)):
                both = {"left": docs[x], "right": docs[y], "only": only[x] | only[y]}
                to = target_of(targets, both["left"], both["right"])
                yield to, {**both, "for_left": for_left, "for_right": for_right}

    return run


def _counted(
    sizes: NDArray[np.int64],
    found: NDArray[np.int32],
    few: NDArray[np.bool_],
    group: NDArray[np.int32],
    n: int,
) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Postings, as `kernels.postings` has them, of documents 0 to n - 1 -> pairs, some at a time.

    (left, right, for_left, for_right); `for_left` counts the postings of the left one in which the right one
    is among the few of its group.
    """
    if not len(sizes):
        return
    others, n_few = found[few], np.add.reduceat(few, np.cumsum(sizes) - sizes, dtype=np.int64)
    width, first = np.repeat(n_few, sizes), np.repeat(np.cumsum(n_few) - n_few, sizes)
    portion = np.cumsum(width) // PAIRS_AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(portion)) + 1).tolist(), len(found)]
    for start, end in itertools.pairwise(cuts):
        w = width[start:end]
        a = np.repeat(found[start:end], w).astype(np.int64)
        b = others[np.arange(len(a)) + np.repeat(first[start:end] - (np.cumsum(w) - w), w)].astype(np.int64)
        apart = group[a] != group[b]
        a, b = a[apart], b[apart]
        coded = np.sort((np.minimum(a, b) * n + np.maximum(a, b)) << 1 | (a > b))
        if len(coded):
            pair = coded >> 1
            new = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
            for_right = np.add.reduceat(coded & 1, new)
            yield *np.divmod(pair[new], n), np.diff(np.r_[new, len(pair)]) - for_right, for_right


def summed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """SHARED as it was sent -> COUNTED, of pairs that share enough to be looked at."""
    for _, rows in received(batches, SHARED):
        order = np.lexsort((rows["right"], rows["left"]))
        left, right = rows["left"][order], rows["right"][order]
        new = np.flatnonzero(np.r_[True, (left[1:] != left[:-1]) | (right[1:] != right[:-1])])
        counts = [np.add.reduceat(rows[x][order], new, dtype=np.int64) for x in ("for_left", "for_right")]
        # one anchor is enough only where one of the two has no other; most pairs share no more
        good = (np.maximum(*counts) > 1) | np.logical_or.reduceat(rows["only"][order], new)
        sides = {"left": left[new][good], "right": right[new][good]}
        yield batch(COUNTED, {**sides, "for_left": counts[0][good], "for_right": counts[1][good]})


def part_pairs(anchored: Frame, n_anchors: int, target_bytes: int = TARGET_BYTES) -> Frame:
    """Documents (doc, group, n_letters, anchor_hash, flagged) -> candidates (left, right, n_left, n_right).

    `flagged` are the places of the anchors that are boilerplate, int32; n_anchors, at most all of them.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    given = anchored.select("doc", "group", "anchor_hash", "flagged")
    n_bytes = n_anchors * BYTES_OF_TERM
    rows = sent(given, terms(targets_for(n_bytes, target_bytes)), TERM)
    pairs = sent(rows, shared(targets_for(PAIRS_OF_TERM * n_bytes, target_bytes)), SHARED)
    counts = mapped(pairs, summed, COUNTED)
    sizes = mapped(anchored.select("doc", "group", "n_letters", "anchor_hash", "flagged"), sized, SIZED)
    for side in ("left", "right"):
        counts = counts.join(sizes.toDF(side, f"group_{side}", f"n_{side}", f"t_{side}"), side)
    fewer = f.least("t_left", "t_right")
    enough = f.greatest(f.least(f.lit(2), fewer).cast("double"), candidates.ANCHOR_SHARE * fewer)
    sides = [
        f.struct(
            *(f.col(doc).alias("doc"), f.col(other).alias("other")),
            *(f.col(f"group_{other}").alias("other_group"), f.col(f"for_{doc}").alias("n")),
        )
        for doc, other in (("left", "right"), ("right", "left"))
    ]
    both = counts.select(
        "n_left", "n_right", enough.alias("enough"), f.explode(f.array(*sides)).alias("side")
    )
    order = Window.partitionBy("side.doc", "side.other_group").orderBy(f.desc("side.n"), "side.other")
    best = both.where("side.n >= enough").withColumn("rank", f.row_number().over(order))
    best = best.where(f.col("rank") <= passages.PAIRS_WITH_GROUP)
    left, right = f.least("side.doc", "side.other"), f.greatest("side.doc", "side.other")
    return best.select(left.alias("left"), right.alias("right"), "n_left", "n_right").distinct()
