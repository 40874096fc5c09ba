"""Which of several documents a noisy copy is a copy of: the nearest one.

Errors make a copy of one instance of a form look like a copy of another one: a date or a name is one more
word that was read wrong.  So noisy pairs join clusters one after the other, from the one with the fewest
errors on, and none may join two clusters of which some documents are known to be two.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from ..core.by_letters import error_share
from ..core.components import connected_components
from ..core.pairs import VerifiedPairs
from ..core.thresholds import Thresholds, noisy


def judged(n: int, pairs: VerifiedPairs, limits: Thresholds) -> VerifiedPairs:
    """Return the pairs among n documents, with `by_family` where a noisy copy is one of another document."""
    found = limits.classify(pairs)
    whole = found.reached & ~found.noisy_part  # a text may have parts that are two documents
    weak = whole & noisy(pairs)
    if limits.joins_forms or not weak.any():
        return pairs
    label = connected_components(n, np.ascontiguousarray(pairs.docs[whole & ~weak])).tolist()
    two: dict[int, set[int]] = defaultdict(set)  # of the clusters so far, those known to be other documents
    for left, right in pairs.docs[found.apart].tolist():
        two[label[left]].add(label[right])
        two[label[right]].add(label[left])
    rows = np.flatnonzero(weak)
    left, right = pairs.docs[rows].T
    by_family = pairs.by_family.copy()
    joined: dict[int, int] = {}  # a cluster -> the one that it has become part of

    def cluster(doc: int) -> int:
        way, at = [], label[doc]
        while at in joined:
            way.append(at)
            at = joined[at]
        joined.update(dict.fromkeys(way, at))
        return int(at)

    for row in rows[np.lexsort((right, left, error_share(pairs)[rows]))].tolist():
        one, other = (cluster(doc) for doc in pairs.docs[row].tolist())
        if one == other:
            continue
        if other in two[one]:
            by_family[row] = True
        else:
            if len(two[one]) < len(two[other]):
                one, other = other, one
            joined[other] = one
            for third in two.pop(other):
                two[third].discard(other)
                two[third].add(one)
                two[one].add(third)
    return replace(pairs, by_family=by_family)
