"""Signatures and anchors -> candidate pairs, as DataFrame operations around the compiled kernels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .. import candidates, kernels, lsh, passages, verdict, verify
from ..settings import Settings
from .arrow import Columns, Mapper, batch, in_groups, mapped, numbers, starts_of, texts, unpacked
from .store import Frame

BAND: Columns = {"band": "int32", "key": "int64", "doc": "int64"}
FOUND: Columns = {"left": "int64", "right": "int64", "views": "int32"}
ALIKE: Columns = {
    **{"left": "int64", "right": "int64", "close": "bool"},
    **{"frames_too": "bool"},  # perhaps alike for all their boilerplate
    **{"n_left": "int64", "n_right": "int64"},
}
TERM: Columns = {
    **{"hash": "int64", "doc": "int64", "group": "int64"},
    **{"sure": "bool", "only": "bool"},  # only: no other one speaks for its document
}
SIZED: Columns = {"doc": "int64", "group": "int64", "n_letters": "int64", "n_terms": "int64"}
SHARED: Columns = {
    **{"left": "int64", "right": "int64"},
    **{"for_left": "int64", "for_right": "int64", "only": "bool"},  # what the other one counts for
}
PAIRS_AT_ONCE = 1 << 20
HEAVY, SAMPLED = 200_000, 64  # rows of a bucket that are not given to one task; 1 document of 64 is looked at
SPLITS = 64  # of a heavy bucket


def buckets(s: Settings) -> list[tuple[int, Any, NDArray[np.int32]]]:
    """Settings -> (number, which signature, columns) of each band of both views."""
    near = candidates.shingle_bands(s.min_jaccard, s.min_containment, s.num_perm)
    rewritten = lsh.banding(s.min_skeleton, candidates.MIN_RECALL, s.num_perm)
    both = [("values", columns) for columns in near.columns]
    both += [("skeletons", columns) for columns in rewritten.columns]
    return [(number, view, columns) for number, (view, columns) in enumerate(both)]


def banded(bands: list[tuple[int, Any, NDArray[np.int32]]], s: Settings) -> Mapper:
    """-> signatures (doc, values, skeletons, n_bones) -> a row per band."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for one in batches:
            docs = numbers(one, "doc")
            boned = np.flatnonzero(numbers(one, "n_bones") >= verdict.MIN_BONES).astype(np.int32)
            everyone = np.arange(len(docs), dtype=np.int32)
            values = {view: signatures(one, view, s) for view in ("values", "skeletons")}
            for number, view, columns in bands:
                mine = everyone if view == "values" else boned
                keys = kernels.band_keys(values[view], mine, columns[None])[0]
                yield batch(
                    BAND,
                    {
                        "band": np.full(len(mine), number, np.int32),
                        "key": keys.view(np.int64),
                        "doc": docs[mine],
                    },
                )

    return run


def signatures(table: pa.Table | pa.RecordBatch, name: str, s: Settings) -> NDArray[np.uint32]:
    """A column of packed signatures -> uint32[n, num_perm]."""
    return unpacked(texts(table, name), np.uint32)[0].reshape(-1, s.num_perm)


def collapsed(first_skeleton_band: int) -> Mapper:
    """-> rows of bands sorted by band, key, doc -> pairs, by `kernels.bucket_pairs`."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in in_groups(batches, ["band", "key"], rows=1 << 20, size=1 << 30):
            starts = starts_of(table, ["band", "key"])
            sizes = np.diff(np.r_[starts, table.num_rows])
            rows = np.flatnonzero(np.repeat(sizes > 1, sizes))
            bucket = np.repeat(np.arange(len(sizes), dtype=np.uint64), sizes)[rows]
            found = kernels.bucket_pairs(bucket, np.arange(len(rows), dtype=np.int32), lsh.FULL_BUCKET)
            docs = numbers(table, "doc")[rows]
            views = np.where(numbers(table, "band")[rows] < first_skeleton_band, 1, 2)
            for start in range(0, len(found), PAIRS_AT_ONCE):
                some = found[start : start + PAIRS_AT_ONCE]
                yield batch(
                    FOUND,
                    {
                        "left": docs[some[:, 0]],
                        "right": docs[some[:, 1]],
                        "views": views[some[:, 0]].astype(np.int32),
                    },
                )

    return run


def bucket_pairs(firsts: Frame, s: Settings, heavy: int = HEAVY) -> Frame:
    """Documents (doc, values, skeletons, n_bones) -> pairs that share a bucket: (left, right, views).

    A bucket of more than `heavy` documents, known from a sample, is cut by document number over many
    tasks; its star and its chain are put together from the parts, which gives the same pairs.
    """
    from pyspark.sql import functions as f

    bands = buckets(s)
    first_skeleton = sum(view == "values" for _, view, _ in bands)
    make, signed = banded(bands, s), ("doc", "values", "skeletons", "n_bones")
    rows = mapped(firsts.select(*signed), make, BAND)
    least = max(lsh.FULL_BUCKET + 1, heavy // SAMPLED)
    sample = firsts.where(f.pmod(f.xxhash64("doc"), f.lit(SAMPLED)) == 0) if heavy >= SAMPLED else firsts
    sampled = mapped(sample.select(*signed), make, BAND)
    known = sampled.groupBy("band", "key").count().where(f.col("count") >= least)
    keys = known.orderBy(f.desc("count")).limit(10_000).select("band", "key").collect()
    collapse = collapsed(first_skeleton)
    if not keys:
        found = _hashed(rows, collapse)
    else:
        these = f.broadcast(firsts.sparkSession.createDataFrame(keys, "band int, key bigint"))
        light = rows.join(these, ["band", "key"], "left_anti")
        found = _hashed(light, collapse).union(_cut(rows.join(these, ["band", "key"]), first_skeleton))
    return found.groupBy("left", "right").agg(f.bit_or("views").alias("views"))


def _hashed(rows: Frame, collapse: Mapper) -> Frame:
    sorted_rows = rows.repartition("band", "key").sortWithinPartitions("band", "key", "doc")
    return mapped(sorted_rows, collapse, FOUND)


def _cut(rows: Frame, first_skeleton: int) -> Frame:
    """Rows of heavy buckets, each of more than FULL_BUCKET documents -> star and chain of each."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    split = ["band", "key", "split"]
    # subtle: splits must be ranges of documents, so that the parts of a chain stand in order
    rows = rows.withColumn("split", f.shiftright("doc", 14))
    parts = rows.groupBy(split).agg(f.min("doc").alias("low"), f.max("doc").alias("high"))
    tops = parts.groupBy("band", "key").agg(f.min("low").alias("first"))
    before = f.lag("high").over(Window.partitionBy("band", "key").orderBy("split"))
    links = parts.withColumn("before", before).where("before is not null")
    within = f.lag("doc").over(Window.partitionBy(split).orderBy("doc"))
    chain = rows.withColumn("before", within).where("before is not null").select("band", "before", "doc")
    chain = chain.union(links.select("band", "before", f.col("low").alias("doc")))
    star = rows.join(f.broadcast(tops), ["band", "key"]).where("doc != first").select("band", "first", "doc")
    views = f.when(f.col("band") < first_skeleton, 1).otherwise(2)
    names = ["left", "right", "views"]
    both = [
        star.select("first", "doc", views).toDF(*names),
        chain.select("before", "doc", views).toDF(*names),
    ]
    return both[0].union(both[1])


def matched(s: Settings) -> Mapper:
    """-> pairs with both signatures -> those that share enough values; `close` where nearly all."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for one in batches:
            views = numbers(one, "views")
            letters, bones = ([numbers(one, f"{n}_{side}") for side in ("left", "right")] for n in "nb")
            near, rewritten = (
                (signatures(one, f"left_{view}", s) == signatures(one, f"right_{view}", s)).sum(axis=1)
                for view in ("values", "skeletons")
            )
            least = _least(s, s.min_jaccard, letters, s.sample)
            good = (views & 1 > 0) & (near >= least)
            good |= (views & 2 > 0) & (rewritten >= _least(s, s.min_skeleton, bones, lsh.EVERY))
            close = (
                near
                >= lsh.sampled_jaccard(candidates.NEAR_DUPLICATE, letters[0], letters[1], s.sample)
                * s.num_perm
            )
            frames_too = near >= candidates.least_of_frames(s, *letters)
            kept = {name: numbers(one, name)[good] for name in ("left", "right", "n_left", "n_right")}
            yield batch(ALIKE, {**kept, "close": close[good], "frames_too": frames_too[good]})

    return run


def _least(s: Settings, jaccard: float, sizes: list[NDArray[np.int64]], sample: int) -> Any:
    """Pairs of the given sizes -> the values that they must share to be as alike as `jaccard`, perhaps."""
    return lsh.least_matches(lsh.sampled_jaccard(jaccard, sizes[0], sizes[1], sample), s.num_perm, sample)


def alike_pairs(firsts: Frame, s: Settings, heavy: int = HEAVY) -> Frame:
    """Documents (doc, n_letters, values, skeletons, n_bones) -> candidates (ALIKE)."""
    from pyspark.sql import functions as f

    pairs = bucket_pairs(firsts, s, heavy)
    for side in ("left", "right"):
        mine = firsts.select(
            f.col("doc").alias(side),
            f.col("n_letters").alias(f"n_{side}"),
            f.col("n_bones").alias(f"b_{side}"),
            f.col("values").alias(f"{side}_values"),
            f.col("skeletons").alias(f"{side}_skeletons"),
        )
        pairs = pairs.join(mine, side)
    return mapped(pairs, matched(s), ALIKE)


# ------------------------------------------------------------------ parts and wholes


def terms(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Anchors (doc, group, anchor_hash, flagged) -> TERM, a row for each that is no boilerplate.

    `sure` are those by which their document is looked for; others serve only where a document with few
    anchors has them too.
    """
    for one in batches:
        hashes, row, keep, many, n_terms = _usable(one)
        hashes, row = hashes[keep], row[keep]
        order = np.lexsort((hashes, row))
        hashes, row = hashes[order], row[order]
        new = np.ones(len(row), np.bool_)
        new[1:] = (hashes[1:] != hashes[:-1]) | (row[1:] != row[:-1])
        hashes, row = hashes[new], row[new]
        sure = ~many[row] | passages.sample(hashes)
        both = {name: numbers(one, name)[row] for name in ("doc", "group")}
        only = (n_terms <= 1)[row]
        yield batch(TERM, {"hash": hashes.view(np.int64), **both, "sure": sure, "only": only})


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


def shared(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Terms sorted by hash -> how many anchors two documents of other groups share, here."""
    for table in in_groups(batches, ["hash"], rows=1 << 18, size=1 << 30):
        docs, first, row = np.unique(numbers(table, "doc"), return_index=True, return_inverse=True)
        group = numbers(table, "group")[first]
        only = numbers(table, "only")[first]
        local = np.unique(group, return_inverse=True)[1].astype(np.int32)
        hashes = numbers(table, "hash").view(np.uint64)
        limits = passages.MAX_GROUPS, passages.DOCS_OF_GROUP
        sure = numbers(table, "sure")
        sizes, found, few = kernels.postings(hashes, row.astype(np.int32), sure, local, *limits)
        indptr = np.r_[0, np.cumsum(sizes)].astype(np.int64)
        for some in _portions(indptr, few):
            yield from _counted(some, indptr, few, found, docs, local, only)


def _portions(indptr: NDArray[np.int64], few: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """Postings -> some at a time, so that their pairs fit in memory."""
    before = np.r_[0, np.cumsum(few)]
    cost = np.diff(indptr) * np.diff(before[indptr])
    portion = np.cumsum(cost) // (4 * PAIRS_AT_ONCE)
    for start, end in zip(*_runs(portion), strict=True):
        yield np.arange(start, end)


def _runs(values: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if len(values) else values
    return starts.tolist(), [*starts[1:].tolist(), len(values)][: len(starts)]


def _counted(
    some: NDArray[np.int64],
    indptr: NDArray[np.int64],
    few: NDArray[np.bool_],
    found: NDArray[np.int32],
    docs: NDArray[np.int64],
    local: NDArray[np.int32],
    only: NDArray[np.bool_],
) -> Iterator[pa.RecordBatch]:
    """Some postings, documents found[indptr[t]:indptr[t + 1]] each -> rows of SHARED."""
    left, right = [], []
    for t in some.tolist():
        mine = found[indptr[t] : indptr[t + 1]]
        others = mine[few[indptr[t] : indptr[t + 1]]]
        left.append(np.repeat(mine, len(others)))
        right.append(np.tile(others, len(mine)))
    a, b = np.concatenate(left).astype(np.int64), np.concatenate(right).astype(np.int64)
    apart = local[a] != local[b]
    a, b = a[apart], b[apart]
    keys, row = np.unique(np.minimum(a, b) * len(docs) + np.maximum(a, b), return_inverse=True)
    counts = [np.bincount(row[side], minlength=len(keys)) for side in (a < b, a > b)]
    for start in range(0, len(keys), PAIRS_AT_ONCE):
        x, y = np.divmod(keys[start : start + PAIRS_AT_ONCE], len(docs))
        for_left, for_right = (n[start : start + PAIRS_AT_ONCE] for n in counts)
        columns = {"left": docs[x], "right": docs[y], "only": only[x] | only[y]}
        yield batch(SHARED, {**columns, "for_left": for_left, "for_right": for_right})


def part_pairs(anchored: Frame) -> Frame:
    """Documents (doc, group, n_letters, anchor_hash, flagged) -> candidates (left, right, n_left, n_right).

    `flagged` are the places of the anchors that are boilerplate, int32.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    given = anchored.select("doc", "group", "anchor_hash", "flagged")
    rows = mapped(given, terms, TERM).repartition("hash").sortWithinPartitions("hash")
    counts = mapped(rows, shared, SHARED).groupBy("left", "right")
    sums = [f.sum(name).alias(name) for name in ("for_left", "for_right")]
    counts = counts.agg(*sums, f.max("only").alias("only"))
    # one anchor is enough only where one of the two has no other; most pairs share no more
    counts = counts.where((f.greatest("for_left", "for_right") > 1) | f.col("only"))
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
