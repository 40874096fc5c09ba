"""Signatures -> pairs that may be alike, as DataFrame operations around the compiled kernels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...core import rules
from ...core.settings import Settings
from ...matching import kernels
from ...matching.bands import FULL_BUCKET, keys_by_band
from ...matching.views import LETTERS, VIEWS, View
from ..arrow import Batches, Columns, batch, mapped, numbers, texts, unpacked
from ..checkpoints import Frame
from ..shuffle import (
    MOST,
    PAIRED,
    TARGET_BYTES,
    Coded,
    Sent,
    Types,
    in_order,
    in_pairs,
    receive,
    send,
    target_of,
    targets_for,
)

BAND: Columns = {"band": "int32", "key": "int64", "doc": "int64"}
BUCKETED: Types = {"key": "uint64", "doc": "int64"}
Bands = list[tuple[int, View, NDArray[np.int32]]]  # number, view, columns
Heavy = dict[int, NDArray[np.uint64]]  # band -> the keys of its heavy buckets
SIGNED = ("doc", *(view.name for view in VIEWS), *(view.size for view in VIEWS))
FOUND: Columns = {"left": "int64", "right": "int64", "views": "int32"}
ALIKE: Columns = {
    **{"left": "int64", "right": "int64", "close": "bool"},
    **{"frames_too": "bool"},  # perhaps alike for all their boilerplate
    **{"n_left": "int64", "n_right": "int64"},
}
PAIRS_AT_ONCE = 1 << 20
HEAVY, SAMPLED = 200_000, 64  # rows of a bucket that are not given to one task; 1 document of 64 is looked at
BYTES_OF_BAND = 16  # of a row of BUCKETED


def buckets(s: Settings) -> Bands:
    """Settings -> each band of each view."""
    every = [(view, columns) for view in VIEWS for columns in view.bands(s).columns]
    return [(number, view, columns) for number, (view, columns) in enumerate(every)]


def band_keys(
    one: pa.RecordBatch, bands: Bands, s: Settings
) -> Iterator[tuple[int, NDArray[np.uint64], NDArray[np.int64]]]:
    """Signatures (SIGNED) -> (band, key of each document, documents), by band."""
    docs = numbers(one, "doc")
    for view in VIEWS:
        enough = np.flatnonzero(numbers(one, view.size) >= view.least)
        mine = [(number, columns) for number, its, columns in bands if its == view]
        columns = np.array([columns for _, columns in mine], np.int32)
        by_band = keys_by_band(signatures(one, view.name, s), enough.astype(np.int32), columns)
        for (number, _), keys in zip(mine, by_band, strict=True):
            yield number, keys, docs[enough]


def banded(bands: Bands, s: Settings, heavy: Heavy | None, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Signatures -> a row per band; with `heavy`, of those buckets alone."""
    for one in batches:
        for number, keys, docs in band_keys(one, bands, s):
            if heavy is not None:
                mine = np.isin(keys, heavy.get(number, ()))
                keys, docs = keys[mine], docs[mine]
            if len(docs):
                found = {"key": keys.view(np.int64), "doc": docs}
                yield batch(BAND, {"band": np.full(len(docs), number, np.int32), **found})


def bucketed(bands: Bands, s: Settings, targets: int, heavy: Heavy, batches: Batches) -> Sent:
    """Signatures -> BUCKETED, but for heavy buckets; each band has targets of its own, so many."""
    for one in batches:
        for number, keys, docs in band_keys(one, bands, s):
            if number in heavy:
                light = ~np.isin(keys, heavy[number])
                keys, docs = keys[light], docs[light]
            yield target_of(targets, keys) + np.uint16(number * targets), {"key": keys, "doc": docs}


def signatures(table: pa.Table | pa.RecordBatch, name: str, s: Settings) -> NDArray[np.uint32]:
    """A column of packed signatures -> uint32[n, num_perm]."""
    return unpacked(texts(table, name), np.uint32)[0].reshape(-1, s.num_perm)


def collapsed(bands: Bands, targets: int, code: Coded, batches: Batches) -> Sent:
    """What `bucketed` has sent -> PAIRED with the flag of its view, by `kernels.bucket_pairs`."""
    for target, rows in receive(batches, BUCKETED):
        some, starts = in_order(rows["key"])
        bucket = np.repeat(np.arange(len(starts) - 1, dtype=np.uint64), np.diff(starts))
        docs = rows["doc"][some]
        docs = docs[np.lexsort((docs, bucket))]
        found = kernels.bucket_pairs(bucket, np.arange(len(docs), dtype=np.int32), FULL_BUCKET)
        flag = bands[target // targets][1].flag
        for start in range(0, len(found), PAIRS_AT_ONCE):
            left, right = docs[found[start : start + PAIRS_AT_ONCE].T]
            yield code.send(left, right, np.full(len(left), flag))


def viewed(code: Coded, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Pairs as they were sent -> FOUND, each once, with all its views."""
    for target, rows in receive(batches, PAIRED):
        coded, new = in_pairs(rows)
        views = np.bitwise_or.reduceat(coded & np.uint64(3), new).astype(np.int32)
        left, right = code.sides(target, coded[new])
        yield batch(FOUND, {"left": left, "right": right, "views": views})


def bucket_pairs(firsts: Frame, n_docs: int, s: Settings, heavy: int, target_bytes: int) -> Frame:
    """Documents (SIGNED) -> pairs that share a bucket, with the flags of the views: (left, right, views).

    A bucket of more than `heavy` documents, known from a sample, is cut by document number over many
    tasks; its star and its chain are put together from the parts, which gives the same pairs.
    """
    from pyspark.sql import functions as f

    bands = buckets(s)
    signed = firsts.select(*SIGNED)
    least = max(FULL_BUCKET + 1, heavy // SAMPLED)
    sample = signed.where(f.pmod(f.xxhash64("doc"), f.lit(SAMPLED)) == 0) if heavy >= SAMPLED else signed
    known = mapped(sample, partial(banded, bands, s, None), BAND).groupBy("band", "key").count()
    known = known.where(f.col("count") >= least).orderBy(f.desc("count")).limit(10_000)
    keys = np.array([(r["band"], r["key"]) for r in known.collect()], np.int64).reshape(-1, 2)
    cut = {int(band): keys[keys[:, 0] == band, 1].view(np.uint64) for band in np.unique(keys[:, 0])}
    n_bytes = n_docs * BYTES_OF_BAND
    targets = targets_for(n_bytes, target_bytes, least=1, most=MOST // len(bands))
    rows = send(signed, partial(bucketed, bands, s, targets, cut), BUCKETED)
    # NOTE: pages in one frame share nearly all bands, and each band makes two pairs of each document
    code = Coded(n_docs, targets_for(n_bytes * len(bands), target_bytes))
    found = mapped(send(rows, partial(collapsed, bands, targets, code), PAIRED), partial(viewed, code), FOUND)
    if not cut:
        return found
    found = found.union(_cut(mapped(signed, partial(banded, bands, s, cut), BAND), bands))
    return found.groupBy("left", "right").agg(f.bit_or("views").alias("views"))


def _cut(rows: Frame, bands: Bands) -> Frame:
    """Rows of heavy buckets, each of more than FULL_BUCKET documents -> star and chain of each."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    split = ["band", "key", "split"]
    # NOTE: splits must be ranges of documents, so that the parts of a chain stand in order
    rows = rows.withColumn("split", f.shiftright("doc", 14))
    parts = rows.groupBy(split).agg(f.min("doc").alias("low"), f.max("doc").alias("high"))
    tops = parts.groupBy("band", "key").agg(f.min("low").alias("first"))
    before = f.lag("high").over(Window.partitionBy("band", "key").orderBy("split"))
    links = parts.withColumn("before", before).where("before is not null")
    within = f.lag("doc").over(Window.partitionBy(split).orderBy("doc"))
    chain = rows.withColumn("before", within).where("before is not null").select("band", "before", "doc")
    chain = chain.union(links.select("band", "before", f.col("low").alias("doc")))
    star = rows.join(f.broadcast(tops), ["band", "key"]).where("doc != first").select("band", "first", "doc")
    views = f.array(*(f.lit(view.flag) for _, view, _ in bands))[f.col("band")]
    names = ["left", "right", "views"]
    both = [
        star.select("first", "doc", views).toDF(*names),
        chain.select("before", "doc", views).toDF(*names),
    ]
    return both[0].union(both[1])


def _matching(one: pa.RecordBatch, view: View, s: Settings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs with both signatures -> in one view the values that agree int64[n], the sizes int64[2, n]."""
    left, right = (signatures(one, f"{side}_{view.name}", s) for side in ("left", "right"))
    sizes = np.stack([numbers(one, f"{side}_{view.size}") for side in ("left", "right")])
    return (left == right).sum(axis=1), sizes


def matched(s: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Pairs with both signatures -> those that share enough values; `close` where nearly all."""
    for one in batches:
        views = numbers(one, "views")
        good = np.zeros(len(views), np.bool_)
        for view in VIEWS:
            matching, sizes = _matching(one, view, s)
            good |= (views & view.flag > 0) & (matching >= view.min_matching(s, sizes))
        matching, letters = _matching(one, LETTERS, s)
        close = rules.are_near_duplicates(matching, letters, s.num_perm, s.sample)
        frames_too = rules.may_be_one_with_frames(matching, letters, s.num_perm, s.sample)
        kept = {"left": numbers(one, "left"), "right": numbers(one, "right")}
        kept |= {"n_left": letters[0], "n_right": letters[1], "close": close, "frames_too": frames_too}
        yield batch(ALIKE, {name: values[good] for name, values in kept.items()})


def alike_pairs(
    firsts: Frame, n_docs: int, s: Settings, heavy: int = HEAVY, target_bytes: int = TARGET_BYTES
) -> Frame:
    """At most n_docs documents (SIGNED) -> candidates (ALIKE)."""
    from pyspark.sql import functions as f

    pairs = bucket_pairs(firsts, n_docs, s, heavy, target_bytes)
    for side in ("left", "right"):
        named = [f.col(name).alias(f"{side}_{name}") for name in SIGNED[1:]]
        pairs = pairs.join(firsts.select(f.col("doc").alias(side), *named), side)
    return mapped(pairs, partial(matched, s), ALIKE)
