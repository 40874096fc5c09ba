"""Boilerplate, learned over the whole corpus: which anchors of each document stand in too many groups."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...core import rules
from ...core.settings import Settings
from ...matching import candidates, kernels
from ...matching.boilerplate import IN_A_ROW, half
from ..arrow import Batches, Columns, batch, ddl, mapped, numbers, packed, texts, unpacked
from ..checkpoints import Checkpoints, Frame
from ..shuffle import TARGET_BYTES, Sent, Types, crowded, receive, send, target_of, targets_for

# known: in many groups already; at: the anchor of the document, or -1 in a row that is there to be counted
SENT: Types = {"passage": "uint64", "doc": "int64", "group": "int64", "at": "int32", "known": "bool"}
BYTES_OF_PASSAGE = 29
PASSAGE: Columns = {"passage": "int64", "doc": "int64", "group": "int64", "at": "int32"}
DIFFERS: Columns = {"doc": "int64", "differs": "bool"}
PAIR: Columns = {"left": "int64", "right": "int64"}
OWN: Columns = {"doc": "int64", "own": "binary", "mostly": "bool"}
FLAGGED: Columns = {"doc": "int64", "flagged": "binary", "start": "binary", "end": "binary"}


def _passages(targets: int, batches: Batches) -> Sent:
    """Anchors (doc, group, anchor_hash) -> a row per passage: three anchors in a row."""
    for one in batches:
        hashes, starts = unpacked(texts(one, "anchor_hash"), np.uint64)
        row = np.repeat(np.arange(one.num_rows, dtype=np.int32), np.diff(starts))
        found, first = kernels.in_a_row(hashes, row, IN_A_ROW)
        mine = row[first]
        doc, group = (numbers(one, name)[mine] for name in ("doc", "group"))
        common, few = crowded(found, group, candidates.MAX_HOLDERS)
        known = np.zeros(len(found), np.bool_)
        known[common] = True
        rows = {"passage": found, "doc": doc, "group": group, "at": first - starts[mine], "known": known}
        # NOTE: those that are known go anywhere, so not all of one passage to one task
        yield np.where(known, target_of(targets, doc), target_of(targets, found)), rows
        counted = {**{name: rows[name][few] for name in rows}, "at": np.full(len(few), -1)}
        yield target_of(targets, found[few]), {**counted, "known": np.zeros(len(few), np.bool_)}


def _common(batches: Batches) -> Iterator[pa.RecordBatch]:
    """Passages as they were sent -> PASSAGE, of those that stand in many groups."""
    for _, rows in receive(batches, SENT):
        rest = np.flatnonzero(~rows["known"])
        found, _ = crowded(rows["passage"][rest], rows["group"][rest], candidates.MAX_HOLDERS)
        some = np.r_[np.flatnonzero(rows["known"]), rest[found]]
        some = some[rows["at"][some] >= 0]
        passage = rows["passage"][some].view(np.int64)
        yield batch(
            PASSAGE, {"passage": passage, **{name: rows[name][some] for name in ("doc", "group", "at")}}
        )


def _flags(one: pa.RecordBatch) -> tuple[pa.Array, ...]:
    """(doc, anchor_place, places of common passages) -> (starts, which anchors are common, positions)."""
    position, starts = unpacked(texts(one, "anchor_place"), np.int32)
    common = np.zeros(len(position), np.bool_)
    for row, at in enumerate(one.column("at").to_pylist()):
        for i in range(IN_A_ROW):
            common[starts[row] + np.array(at, np.int64) + i] = True
    return starts, common, position


def _differing(own_run: int, batches: Batches) -> Iterator[pa.RecordBatch]:
    for one in batches:
        differs = kernels.own_runs(*_flags(one)) >= own_run
        yield batch(DIFFERS, {"doc": numbers(one, "doc"), "differs": differs})


def _spanned(batches: Batches) -> Iterator[pa.RecordBatch]:
    for one in batches:
        starts, common, position = _flags(one)
        start, end, indptr = kernels.spans_of(starts, common, position)
        rows = range(one.num_rows)
        flagged = [np.flatnonzero(common[starts[i] : starts[i + 1]]).astype(np.int32) for i in rows]
        yield batch(
            FLAGGED,
            {
                "doc": numbers(one, "doc"),
                "flagged": [x.tobytes() for x in flagged],
                "start": [start[indptr[i] : indptr[i + 1]].tobytes() for i in rows],
                "end": [end[indptr[i] : indptr[i + 1]].tobytes() for i in rows],
            },
        )


def boilerplate(
    store: Checkpoints, anchored: Frame, n_anchors: int, target_bytes: int = TARGET_BYTES
) -> Frame:
    """Documents (doc, group, anchor_hash, anchor_place) -> (doc, flagged, start, end) of those that have any.

    They have at most n_anchors together.
    `flagged` are the places of the anchors that are boilerplate (int32), start and end the stretches of
    shingles between such (int64).  The same as `matching.boilerplate` finds.
    """
    from pyspark.sql import functions as f

    def often(rows: Frame) -> Frame:
        features = rows.select("passage", "group").distinct().groupBy("passage").count()
        return features.where(f.col("count") > candidates.MAX_HOLDERS).select("passage")

    def places(rows: Frame) -> Frame:
        at = rows.groupBy("doc").agg(f.collect_list("at").alias("at"))
        return at.join(anchored.select("doc", "anchor_place"), "doc")

    targets = targets_for(n_anchors * BYTES_OF_PASSAGE, target_bytes)
    rows = send(anchored.select("doc", "group", "anchor_hash"), partial(_passages, targets), SENT)
    common = store.stage("common", lambda: mapped(rows, _common, PASSAGE))
    if common.isEmpty():
        return store.stage("boilerplate", lambda: store.spark.createDataFrame([], ddl(FLAGGED)))
    differing = mapped(places(common), partial(_differing, candidates.OWN_RUN), DIFFERS).where("differs")
    differing = store.stage("differing", lambda: differing)
    ours = common.join(differing.select("doc"), "doc", "left_semi")
    found = common.join(often(ours), "passage", "left_semi")
    return store.stage("boilerplate", lambda: mapped(places(found), _spanned, FLAGGED))


# ------------------------------------------------------------------ what candidates share besides


def apart(alike: Frame, flagged: Frame, s: Settings) -> Frame:
    """Candidates (ALIKE), documents with boilerplate (doc, anchor_hash, flagged) -> (left, right).

    Those that are alike by their boilerplate alone; as `candidates.Finder.containment` has it.
    """
    own = mapped(flagged, _own_anchors, OWN)
    pairs = alike.select("left", "right", "frames_too")
    for side in ("left", "right"):
        pairs = pairs.join(own.toDF(side, f"own_{side}", f"mostly_{side}"), side)
    return mapped(pairs, partial(_apart, s), PAIR)


def unflagged(one: pa.RecordBatch) -> tuple[NDArray[Any], ...]:
    """(anchor_hash, flagged or null) -> (hashes, where each document's begin, which are no boilerplate, each
    once; by document: different anchors, those that are no boilerplate)."""
    hashes, starts = unpacked(texts(one, "anchor_hash"), np.uint64)
    flags = np.zeros(len(hashes), np.bool_)
    for i, flagged in enumerate(texts(one, "flagged")):
        if flagged:
            flags[starts[i] + np.frombuffer(flagged, np.int32)] = True
    own = kernels.own_anchors(hashes, starts, np.ones(one.num_rows, np.bool_), flags)
    return hashes, starts, own, *kernels.different_anchors(hashes, starts, flags).T


def _own_anchors(batches: Batches) -> Iterator[pa.RecordBatch]:
    """(doc, anchor_hash, flagged) -> OWN of the documents where that tells enough."""
    for one in batches:
        hashes, starts, own, n, left = unflagged(one)
        before = np.r_[0, np.cumsum(own)]
        good = rules.told_by_own(n, left)
        kept = np.array(packed(half(hashes[own]), before[starts]), object)[good]
        mostly = rules.mostly_frame(n, left)[good]
        yield batch(OWN, {"doc": numbers(one, "doc")[good], "own": kept.tolist(), "mostly": mostly})


def _apart(s: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    for one in batches:
        hashes, starts = unpacked([*texts(one, "own_left"), *texts(one, "own_right")], np.uint32)
        m = one.num_rows
        n_left, n_right = np.diff(starts)[:m], np.diff(starts)[m:]
        pairs = np.arange(2 * m, dtype=np.int32).reshape(2, m).T.copy()
        least = rules.min_own_anchors(s.min_jaccard, s.min_skeleton, n_left, n_right)
        few = kernels.shared_own(hashes, starts, pairs) < least
        mostly = numbers(one, "mostly_left") & numbers(one, "mostly_right")
        gone = few & ~(numbers(one, "frames_too") & mostly)
        yield batch(PAIR, {name: numbers(one, name)[gone] for name in PAIR})
