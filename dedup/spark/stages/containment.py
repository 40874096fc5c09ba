"""Anchors -> pairs of which one may be part of the other, as DataFrame operations around the kernels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...core import rules
from ...core.by_letters import ABOUT_AS_LONG, MIN_PLACED
from ...core.sorted_arrays import offsets_from_sizes
from ...matching import containment, kernels
from ..arrow import Batches, Columns, batch, mapped, numbers
from ..checkpoints import Frame
from ..shuffle import (
    PAIRED,
    TARGET_BYTES,
    Coded,
    Sent,
    Types,
    crowded,
    in_order,
    in_pairs,
    receive,
    send,
    target_of,
    targets_for,
)
from .boilerplate import unflagged

TERM: Types = {
    **{"hash": "uint64", "doc": "int64", "group": "int64"},
    **{"sure": "bool", "only": "bool"},  # only: no other one speaks for its document
}
LEFT, RIGHT, ONLY, RARE = 1, 2, 4, 8  # which side an anchor counts for; it is rare
COUNTED: Columns = dict.fromkeys(
    ("left", "right", "for_left", "for_right", "rare_left", "rare_right"), "int64"
)
SIZED: Columns = dict.fromkeys(("doc", "group", "n_letters", "enough", "enough_rare"), "int64")
PAIRS_AT_ONCE = 1 << 20
BYTES_OF_TERM = 26
PAIRS_OF_TERM = 2  # about so many bytes of pairs for one of terms


def terms(targets: int, batches: Batches) -> Sent:
    """Anchors (doc, group, anchor_hash, flagged) -> TERM, a row for each that is no boilerplate.

    `sure` are those by which their document is looked for; others serve only where a document with few
    anchors has them too.
    """
    for one in batches:
        hashes, row, keep, many, n_terms = _usable(one)
        hashes, row, least = hashes[keep], row[keep], rules.min_shared_anchors(n_terms)
        crowd, enough = crowded(hashes, numbers(one, "group")[row], containment.MAX_GROUPS)
        some = np.ones(len(row), np.bool_)
        some[crowd], some[enough] = False, True
        hashes, row = hashes[some], row[some]
        both = {name: numbers(one, name)[row] for name in ("doc", "group")}
        facts = {"sure": ~many[row] | containment.sample(hashes), "only": (least <= 1)[row]}
        yield target_of(targets, hashes), {"hash": hashes, **both, **facts}


def sized(n_docs: int, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Anchors (doc, group, n_letters, anchor_hash, flagged) -> by how many of them each is found at least.

    And by how many rare ones.
    """
    for one in batches:
        _, _, _, _, n_terms = _usable(one)
        given = {name: numbers(one, name) for name in ("doc", "group", "n_letters")}
        least = rules.min_shared_anchors(n_terms), rules.min_rare_anchors(n_terms, n_docs)
        yield batch(SIZED, {**given, "enough": least[0], "enough_rare": least[1]})


def _usable(one: pa.RecordBatch) -> tuple[NDArray[Any], ...]:
    """(hashes, row of each, its own, each once; by row: many anchors, by how many it is looked for)."""
    hashes, starts, keep, n_anchors, n_left = unflagged(one)
    row = np.repeat(np.arange(one.num_rows), np.diff(starts))
    n_effective = rules.effective_anchors(n_anchors, n_left)
    sampled = np.bincount(row[keep & containment.sample(hashes)], minlength=one.num_rows)
    n_terms = containment.terms_looked_for(n_effective, n_left, sampled)
    return hashes, row, keep, n_effective > containment.FEW_ANCHORS, n_terms


def shared(code: Coded, batches: Batches) -> Sent:
    """Terms as they were sent -> PAIRED, a row for each anchor that two documents of other groups share."""
    for _, rows in receive(batches, TERM):
        some, _ = in_order(rows["hash"])
        hashes, sure = rows["hash"][some], rows["sure"][some]
        docs, first, row = np.unique(rows["doc"][some], return_index=True, return_inverse=True)
        only = np.where(rows["only"][some][first], ONLY, 0)
        local = np.unique(rows["group"][some][first], return_inverse=True)[1].astype(np.int32)
        limits = containment.MAX_GROUPS, containment.DOCS_OF_GROUP
        sizes, found, few, _ = kernels.postings(hashes, row.astype(np.int32), sure, local, *limits)
        n_groups = kernels.distinct_groups(offsets_from_sizes(sizes), found, local, containment.RARE)
        rare = np.repeat(np.where(n_groups <= containment.RARE, RARE, 0), sizes)
        for left, right, sides in _paired(sizes, found, few, rare, local):
            yield code.send(docs[left], docs[right], sides | only[left] | only[right])


def _paired(
    sizes: NDArray[np.int64],
    found: NDArray[np.int32],
    few: NDArray[np.bool_],
    rare: NDArray[np.int64],
    group: NDArray[np.int32],
) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Postings, as `kernels.postings` has them, RARE or 0 -> (left, right, sides) of their pairs.

    Some at a time.

    A posting counts for the left one if the right one is among the `few` of its group, and so for the right.
    """
    if not len(sizes):
        return
    n_few = np.add.reduceat(few, np.cumsum(sizes) - sizes, dtype=np.int64)
    # each is paired with the few of its posting; one of the few with those behind it
    last = np.repeat(np.cumsum(n_few), sizes)
    first = np.where(few, np.cumsum(few), last - np.repeat(n_few, sizes))
    others, width = found[few], last - first
    portion = np.cumsum(width) // PAIRS_AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(portion)) + 1).tolist(), len(found)]
    for start, end in itertools.pairwise(cuts):
        w = width[start:end]
        row = np.repeat(np.arange(start, end), w)
        a = found[row]
        b = others[np.arange(len(row)) + np.repeat(first[start:end] - (np.cumsum(w) - w), w)]
        sides = np.where(few[row], LEFT | RIGHT, np.where(a < b, LEFT, RIGHT)) | rare[row]
        apart = group[a] != group[b]
        yield np.minimum(a, b)[apart], np.maximum(a, b)[apart], sides[apart]


def summed(code: Coded, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Pairs as they were sent -> COUNTED, of those that share enough to be looked at."""
    for target, rows in receive(batches, PAIRED):
        coded, new = in_pairs(rows)
        sizes = np.diff(np.r_[new, len(coded)])
        # one anchor is enough only where one of the two has no other; most pairs share no more
        good = (sizes > 1) | (coded[new] & np.uint64(ONLY) > 0)
        coded, sizes = coded[np.repeat(good, sizes)], sizes[good]
        if len(sizes):
            first = np.cumsum(sizes) - sizes
            counts = {
                f"{name}_{side}": np.add.reduceat(coded & bits == bits, first, dtype=np.int64)
                for name, rare in (("for", 0), ("rare", RARE))
                for side, bits in (("left", np.uint64(LEFT | rare)), ("right", np.uint64(RIGHT | rare)))
            }
            some = np.maximum(counts["for_left"], counts["for_right"])
            good = (some > 1) | (coded[first] & np.uint64(ONLY) > 0)
            left, right = code.sides(target, coded[first[good]])
            yield batch(COUNTED, {"left": left, "right": right, **{n: c[good] for n, c in counts.items()}})


def part_pairs(anchored: Frame, n_docs: int, n_anchors: int, target_bytes: int = TARGET_BYTES) -> Frame:
    """Documents (doc, group, n_letters, anchor_hash, flagged) -> candidates.

    They are (left, right, n_left, n_right, part, noisy_part): which of the two searches of
    `matching.containment` found them.  `flagged` are the places of the anchors that are boilerplate, int32.
    Documents have numbers below n_docs, and at most n_anchors together.
    """
    from pyspark.sql import functions as f

    given = anchored.select("doc", "group", "anchor_hash", "flagged")
    n_bytes = n_anchors * BYTES_OF_TERM
    rows = send(given, partial(terms, targets_for(n_bytes, target_bytes)), TERM)
    code = Coded(n_docs, targets_for(PAIRS_OF_TERM * n_bytes, target_bytes))
    counts = mapped(send(rows, partial(shared, code), PAIRED), partial(summed, code), COUNTED)
    columns = anchored.select("doc", "group", "n_letters", "anchor_hash", "flagged")
    sizes = mapped(columns, partial(sized, n_docs), SIZED)
    for side in ("left", "right"):
        names = (side, *(f"{name}_{side}" for name in ("group", "n", "enough", "enough_rare")))
        counts = counts.join(sizes.toDF(*names), side)
    parts = _best_of_groups(counts, "for", "enough").withColumn("part", f.lit(True))
    parts = parts.withColumn("noisy_part", f.lit(False))
    noisy = _best_of_groups(counts, "rare", "enough_rare").withColumn("part", f.lit(False))
    shorter, longer = (take("n_left", "n_right") for take in (f.least, f.greatest))
    placed = (shorter >= MIN_PLACED) & (shorter < ABOUT_AS_LONG * longer)
    both = parts.union(noisy.where(placed).withColumn("noisy_part", f.lit(True)))
    found = [f.max(name).alias(name) for name in ("part", "noisy_part")]
    return both.groupBy("left", "right", "n_left", "n_right").agg(*found)


def _best_of_groups(counts: Frame, count: str, enough: str) -> Frame:
    """Counted pairs -> (left, right, n_left, n_right) of those of which one finds the other, by one count."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    least = f.least(f"{enough}_left", f"{enough}_right").alias("enough")
    sides = [
        f.struct(
            *(f.col(doc).alias("doc"), f.col(other).alias("other")),
            *(f.col(f"group_{other}").alias("other_group"), f.col(f"{count}_{doc}").alias("n")),
        )
        for doc, other in (("left", "right"), ("right", "left"))
    ]
    both = counts.select("n_left", "n_right", least, f.explode(f.array(*sides)).alias("side"))
    order = Window.partitionBy("side.doc", "side.other_group").orderBy(f.desc("side.n"), "side.other")
    best = both.where("side.n >= enough").withColumn("rank", f.row_number().over(order))
    best = best.where(f.col("rank") <= containment.PAIRS_WITH_GROUP)
    left, right = f.least("side.doc", "side.other"), f.greatest("side.doc", "side.other")
    return best.select(left.alias("left"), right.alias("right"), "n_left", "n_right").distinct()
