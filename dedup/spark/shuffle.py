"""Rows of numbers sent to the task that works on them, packed: for each target the bytes of many rows.

Spark's own shuffle takes each row by itself, which costs more than all that is done with a small one.  So
rows are given a number, their target, by their key; a task gathers some megabytes of them, and sends one
row of bytes to each target.  All that is sent to a target is worked on at once, in one task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.hashing import BASE
from ..matching import kernels
from .arrow import Batches, Columns, each, mapped, numbers, texts, unpacked
from .checkpoints import Frame

Rows = dict[str, NDArray[Any]]  # equally long columns, all that go to some targets
Types = dict[str, str]  # name -> NumPy's name of what is in the column
Sent = Iterator[tuple[NDArray[np.uint16], Rows]]
Sender = Callable[[Batches], Sent]
PAIRED: Types = {"pair": "uint64"}  # as `Coded` has it
HELD_BYTES = 32 << 20  # gathered by a task before it sends them
TARGET_BYTES = 16 << 20  # worked on at once
LEAST, MOST = 64, 1 << 16  # targets
MIXER = np.uint64(BASE)
BITS = np.uint64(4)  # that tell something of a pair


def targets_for(n_bytes: int, target_bytes: int = TARGET_BYTES, least: int = LEAST, most: int = MOST) -> int:
    """Bytes of all rows -> among how many targets they are divided.

    >>> targets_for(10 << 30), targets_for(0), targets_for(10 << 50)
    (640, 64, 65536)
    """
    return max(least, min(most, -(-n_bytes // target_bytes)))


def target_of(targets: int, *keys: NDArray[Any]) -> NDArray[np.uint16]:
    """Keys of 64 bits, arrays of equal length -> the target of each row.

    >>> np.bincount(target_of(3, np.arange(9000))).tolist()
    [3001, 3000, 2999]
    """
    mixed = np.zeros(len(keys[0]), np.uint64)
    for key in keys:  # NOTE: anchors are minima, so their first bits are not even, and are mixed as well
        mixed = (mixed ^ key.view(np.uint64)) * MIXER
        mixed ^= mixed >> np.uint64(32)
    return ((mixed >> np.uint64(32)) * np.uint64(targets) >> np.uint64(32)).astype(np.uint16)


def send(frame: Frame, make: Sender, types: Types, held_bytes: int = HELD_BYTES) -> Frame:
    """A DataFrame, what makes of its batches (target of each row, rows) -> rows to be taken by `receive`."""
    columns: Columns = {"target": "int32", **dict.fromkeys(types, "binary")}
    rows = mapped(frame, partial(pack, make, types, held_bytes), columns)
    return rows.repartition("target").sortWithinPartitions("target")


def pack(make: Sender, types: Types, held_bytes: int, batches: Batches) -> Iterator[pa.RecordBatch]:
    """What `make` makes of batches -> a row for each target, of every `held_bytes` or so."""
    width = sum(np.dtype(kind).itemsize for kind in types.values())
    held: list[tuple[NDArray[np.uint16], Rows]] = []
    n = 0
    for targets, rows in make(batches):
        held.append((targets, rows))
        n += len(targets)
        if n * width >= held_bytes:
            yield _packed(held, types)
            held, n = [], 0
    if n:
        yield _packed(held, types)


def _packed(held: list[tuple[NDArray[np.uint16], Rows]], types: Types) -> pa.RecordBatch:
    targets = np.concatenate([t for t, _ in held])
    order = np.argsort(targets, kind="stable")  # NOTE: a radix sort, for 16 bits
    counts = np.bincount(targets)
    found = np.flatnonzero(counts)
    ends = np.r_[0, np.cumsum(counts[found])]
    arrays = [pa.array(found.astype(np.int32))]
    for name, kind in types.items():
        values = np.concatenate([rows[name] for _, rows in held])[order].astype(kind, copy=False)
        offsets = pa.py_buffer((ends * values.itemsize).astype(np.int32))
        arrays.append(
            pa.BinaryArray.from_buffers(pa.binary(), len(found), [None, offsets, pa.py_buffer(values)])
        )
    return pa.RecordBatch.from_arrays(arrays, names=["target", *types])


def receive(batches: Batches, types: Types) -> Iterator[tuple[int, Rows]]:
    """What was sent -> target by target, all its rows, in any order.

    >>> some = [(np.array([7, 2, 7], np.uint16), {"doc": np.array([1, 2, 3])})]
    >>> made = pack(lambda batches: iter(some), {"doc": "int64"}, HELD_BYTES, [])
    >>> {target: rows["doc"].tolist() for target, rows in receive(made, {"doc": "int64"})}
    {2: [2], 7: [1, 3]}
    """
    for table in each(batches, "target"):
        yield (
            int(numbers(table, "target")[0]),
            {name: unpacked(texts(table, name), kind)[0] for name, kind in types.items()},
        )


def in_order(keys: NDArray[Any], least: int = 2) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys int64[n] -> (the rows of those that stand `least` times, by key; where those of each key begin).

    >>> keys = np.array([8, 3, 5, 3, 8, 8])
    >>> rows, indptr = in_order(keys)
    >>> keys[rows].tolist(), indptr.tolist()
    ([3, 3, 8, 8, 8], [0, 2, 5])
    """
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(keys)])
    often = sizes >= least
    return order[np.repeat(often, sizes)], np.r_[0, np.cumsum(sizes[often])].astype(np.int64)


def crowded(
    keys: NDArray[Any], group: NDArray[np.int64], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys int64[n], the group of each row -> the rows of keys in more than `most` groups; enough to tell it.

    What is so among some rows is so among all.  Few of them, `most` + 1 of each key, each of another group,
    need go to the task that counts the others: so no key, however frequent, fills that task.

    >>> keys, group = np.array([5, 9, 9, 9, 9]), np.array([1, 1, 2, 2, 3])
    >>> [x.tolist() for x in crowded(keys, group, 1)]
    [[1, 2, 3, 4], [1, 2]]
    """
    rows, indptr = in_order(keys, most + 1)
    local = np.unique(group[rows], return_inverse=True)[1].astype(np.int32)
    each = np.arange(len(rows), dtype=np.int32)
    often = kernels.distinct_groups(indptr, each, local, most) > most
    rows = np.sort(rows[np.repeat(often, np.diff(indptr))])
    order = rows[np.lexsort((rows, group[rows], keys[rows]))]
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(keys[order]) != 0) | (np.diff(group[order]) != 0)
    few = order[new]
    sizes = in_order(keys[few], 1)[1]
    place = np.arange(len(few)) - np.repeat(sizes[:-1], np.diff(sizes))
    return rows, few[place <= most]


# ------------------------------------------------------------------ pairs of documents


@dataclass(frozen=True)
class Coded:
    """A pair of documents, and BITS that tell something of it, as a target and 64 bits.

    64 bits do for ten billion documents and the fewest targets, and more with more.

    >>> code = Coded(docs=1000, targets=64)
    >>> targets, rows = code.send(np.array([130, 7]), np.array([999, 8]), np.array([5, 1]))
    >>> targets.tolist(), [x.tolist() for x in code.sides(2, rows["pair"][:1])], int(rows["pair"][0] & 15)
    ([2, 7], [[130], [999]], 5)
    """

    docs: int  # all numbers are lower
    targets: int

    def send(
        self, left: NDArray[np.int64], right: NDArray[np.int64], bits: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint16], Rows]:
        """Documents and bits int64[n] -> (targets, PAIRED); all rows of a pair go to one target."""
        local, target = np.divmod(left, self.targets)
        pair = (local.view(np.uint64) * np.uint64(self.docs) + right.view(np.uint64)) << BITS
        return target.astype(np.uint16), {"pair": pair | bits.view(np.uint64)}

    def sides(self, target: int, pair: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Undo the packing: left, right."""
        local, right = np.divmod(pair >> BITS, np.uint64(self.docs))
        return local.view(np.int64) * self.targets + target, right.view(np.int64)


def in_pairs(rows: Rows) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """PAIRED of one target, one row at least -> (the rows by pair, where those of each pair begin)."""
    coded = np.sort(rows["pair"])
    return coded, np.flatnonzero(np.r_[True, (coded[1:] ^ coded[:-1]) >> BITS > 0])
