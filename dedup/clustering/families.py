"""Related pairs -> the slots of each family of documents: where its members keep differing from each other.

A family is a set of documents that pairs connect.  Where two members differ between the same words, and so
do others of their family, with other words each time, that place is a slot of a form, and what fills it is
content, however small: the name of a command, the number of a room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..core.components import connected_components
from ..core.pairs import VerifiedPairs

MIN_FILLERS = 3  # different ones, of the slots of two documents that differ in several
MIN_FILLERS_ALONE = 5  # of the one slot in which two documents differ
BEFORE, AFTER, LEFT, RIGHT = range(4)  # columns of VerifiedPairs.slots


@dataclass(frozen=True)
class Slots:
    """label int32[n_docs]: the family of each document; key uint64[m], rising: a family and the words before
    or after a place; fillers int64[m]: how many different ones were seen there."""

    label: NDArray[np.int32]
    key: NDArray[np.uint64]
    fillers: NDArray[np.int64]

    def judged(self, pairs: VerifiedPairs) -> VerifiedPairs:
        """The pairs, with `by_family` where all places in which they differ are slots of their family."""
        used = (pairs.slots != 0).any(axis=2)
        seen = np.zeros((len(pairs), 4), np.int64)
        for side in (BEFORE, AFTER):
            np.maximum(seen, self._fillers(pairs, side), out=seen)
        least = np.where(used, seen, np.iinfo(np.int64).max).min(axis=1, initial=np.iinfo(np.int64).max)
        n = used.sum(axis=1)
        told = (n > 1) & (least >= MIN_FILLERS) | (n == 1) & (least >= MIN_FILLERS_ALONE)
        return replace(pairs, by_family=told)

    def _fillers(self, pairs: VerifiedPairs, side: int) -> NDArray[np.int64]:
        """Return int64[n, 4]: how many different fillers each place of each pair has in its family."""
        if not len(self.key):
            return np.zeros((len(pairs), 4), np.int64)
        words = pairs.slots[:, :, side]
        key = _keys(self.label[pairs.docs[:, 0]][:, None], words, side)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where((words != 0) & (self.key[at] == key), self.fillers[at], 0)


def _keys(label: NDArray[np.int32], words: NDArray[np.uint32], side: int) -> NDArray[np.uint64]:
    """A family and the words on one side of a place -> 64 bits."""
    return label.astype(np.uint64) << np.uint64(33) | np.uint64(side << 32) | words.astype(np.uint64)


def slots(n: int, related: VerifiedPairs) -> Slots:
    """Related pairs among n documents -> the slots of their families.

    A place in which most of the documents have the same words is none: there a few were edited.
    """
    label = connected_components(n, np.ascontiguousarray(related.docs))
    rows, places = np.nonzero((related.slots != 0).any(axis=2))
    found = related.slots[rows, places]
    family = label[related.docs[rows, 0]]
    keys, fillers, docs = [], [], []
    for side in (BEFORE, AFTER):
        there = found[:, side] != 0
        for column, filler in ((0, LEFT), (1, RIGHT)):
            keys.append(_keys(family[there], found[there, side], side))
            fillers.append(found[there, filler])
            docs.append(related.docs[rows[there], column])
    return Slots(label, *_counted(np.concatenate(keys), np.concatenate(fillers), np.concatenate(docs)))


def numbered(
    forms: NDArray[np.int32], label: NDArray[np.int32], same: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Pairs int32[m, 2] of instances of a form; clusters and first documents of the same letters, [n_docs].

    Two of one cluster are no two instances.

    -> int32[n_docs]: the smallest document of the form of which each, or what it copies, is one; or -1.
    """
    n = len(label)
    forms = forms[label[forms[:, 0]] != label[forms[:, 1]]]
    if not len(forms):
        return np.full(n, -1, np.int32)
    everyone = np.arange(n, dtype=np.int32)
    pairs = np.concatenate([forms, np.stack([label, everyone], axis=1), np.stack([same, everyone], axis=1)])
    family = connected_components(n, pairs.astype(np.int32))
    of_form = np.zeros(n, np.bool_)
    of_form[family[forms[:, 0]]] = True
    return np.where(of_form[family], family, -1).astype(np.int32)


def _counted(
    key: NDArray[np.uint64], filler: NDArray[np.uint32], doc: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Places, what fills them, in which document -> the places, rising, and how many fillers each has."""
    order = np.lexsort((doc, filler, key))
    key, filler, doc = key[order], filler[order], doc[order]
    new_key = np.r_[True, key[1:] != key[:-1]][: len(key)]
    new_filler = new_key | np.r_[True, filler[1:] != filler[:-1]][: len(key)]
    new_doc = new_filler | np.r_[True, doc[1:] != doc[:-1]][: len(key)]
    keys = np.flatnonzero(new_key)
    fillers = np.add.reduceat(new_filler, keys, dtype=np.int64) if len(keys) else keys
    first = np.flatnonzero(new_filler)
    per_filler = np.add.reduceat(new_doc, first, dtype=np.int64) if len(first) else first
    most = np.maximum.reduceat(per_filler, np.searchsorted(first, keys)) if len(keys) else keys
    order = np.lexsort((doc, key))
    apart = np.r_[True, (key[order][1:] != key[order][:-1]) | (doc[order][1:] != doc[order][:-1])][: len(key)]
    n_docs = np.add.reduceat(apart, keys, dtype=np.int64) if len(keys) else keys
    return key[keys], np.where(2 * most <= n_docs, fillers, 0)
