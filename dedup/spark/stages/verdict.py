"""Verdict by component: `verdict.decide` on executors, over whole components at a time.

A component is fed with its documents (of equal letters only the first and the two best), its verified
pairs, and how its documents of equal letters differ.  Pairs that are to be compared on the way are asked
for; a component that has asked is decided again when they are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...clustering import verdict
from ...core.documents import Source
from ...core.features import Signatures
from ...core.pairs import DIGEST_WORDS, CandidatePairs, Evidence, Spellings, VerifiedPairs, pair_keys
from ...core.settings import Settings
from ...core.thresholds import Thresholds, lost
from ...core.verdicts import LETTERS
from ..arrow import Batches, Columns, batch, in_groups, numbers, texts, unpacked
from .bands import signatures
from .exact_duplicates import CHOSEN, SPELLING, documents_of
from .verify import FIGURES, TaskTexts, figures, pairs_of

DOCUMENT, PAIR, WRITTEN, TEXT, ANSWER = range(5)  # what a row of a component is
INPUT: Columns = {
    **{"component": "int64", "what": "int8"},
    **{**CHOSEN, **FIGURES, **SPELLING},
    **dict.fromkeys(("values", "skeletons", "text", "start", "end"), "binary"),
}
RULED: Columns = {
    **dict.fromkeys(("cluster", "canonical", "witness"), "int64"),
    "relation": "int8",
    **dict.fromkeys(("jaccard", "containment", "discounted_jaccard", "discounted_containment"), "double"),
    **{"skeleton_jaccard": "double", "lost": "double", "figure": "int8", "value": "double", "line": "double"},
    **{"size": "int64", "witness_size": "int64", "reason": "string", "family": "int64"},
}  # a verdict, of a document or, in the row of a group, of all its documents that are not here
VERDICT, GROUP, GOOD, ASKED, SERVED = range(5)  # what a row that comes out is
OUTPUT: Columns = {
    **{"what": "int8", "component": "int64", "doc": "int64", "kind": "int8"},
    **RULED,
    **FIGURES,
}


class _Pairs:
    """The pairs given, and answers: pairs that were asked for, or whose texts are here."""

    def __init__(self, table: pa.Table, docs: NDArray[np.int64], component: NDArray[np.int64], s: Settings):
        what = numbers(table, "what")
        self.docs, self.component, self.settings = docs, component, s
        self.given = pairs_of(table.filter(pa.array(what == PAIR)), docs)
        self.answers = pairs_of(table.filter(pa.array(what == ANSWER)), docs)
        here = table.filter(pa.array(what == TEXT))
        self.texts = TaskTexts(here) if here.num_rows else None
        self.asked = np.zeros((0, 2), np.int32)
        self.wanted = np.zeros(0, np.int64)

    @property
    def waiting(self) -> NDArray[np.bool_]:
        """Return bool[n_docs]: of a component that has asked."""
        return np.isin(self.component, self.component[self.asked[:, 0]])

    def verified(self, wanted: CandidatePairs) -> VerifiedPairs:
        """Pairs -> their figures; all zero where they are not known yet."""
        self.wanted = np.union1d(self.wanted, pair_keys(wanted.docs))
        missing = wanted.docs[~np.isin(pair_keys(wanted.docs), pair_keys(self.answers.docs))]
        if self.texts is not None and len(missing):
            there = np.isin(self.docs[missing], self.texts.docs).all(axis=1)
            self._verify(missing[there])
            missing = missing[~there]
        # NOTE: what follows in a component that waits is not what will be decided, so it asks once only
        self.asked = np.concatenate([self.asked, missing[~self.waiting[missing[:, 0]]]])
        known = self.answers.where(np.isin(pair_keys(self.answers.docs), pair_keys(wanted.docs)))
        return known.merged(_nothing(missing))

    def _verify(self, pairs: NDArray[np.int32]) -> None:
        assert self.texts is not None
        if len(pairs):
            found = self.texts.verified(self.docs[pairs], self.settings)
            back = np.searchsorted(self.docs, self.texts.docs[found.docs]).astype(np.int32)
            self.answers = self.answers.merged(replace(found, docs=back))


def _nothing(docs: NDArray[np.int32]) -> VerifiedPairs:
    return VerifiedPairs.of_counts(docs, np.zeros((len(docs), 3, 3), np.int64))


def decide_components(s: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Rows of INPUT sorted by component -> rows of OUTPUT."""
    for table in in_groups(batches, ["component"], size=64 << 20):
        yield from _decided(table, s)


@dataclass(frozen=True)
class _ComponentBatch:
    """The documents of some components, by their places among them."""

    docs: NDArray[np.int64]  # their numbers, rising
    component: NDArray[np.int64]
    same: NDArray[np.int32]
    weight: NDArray[np.int64]
    signatures: Signatures
    table: pa.Table


def _component_batch(table: pa.Table, s: Settings) -> _ComponentBatch:
    mine = table.filter(pa.array(numbers(table, "what") == DOCUMENT))
    mine = mine.take(pa.array(np.argsort(numbers(mine, "doc"), kind="stable")))
    docs = numbers(mine, "doc").astype(np.int64)
    same = np.searchsorted(docs, numbers(mine, "same")).astype(np.int32)
    first = same == np.arange(len(docs))
    both = [np.zeros((len(docs), s.num_perm), np.uint32) for _ in range(2)]
    for values, name in zip(both, ("values", "skeletons"), strict=True):
        values[first] = signatures(mine.filter(pa.array(first)), name, s)
    weight = np.where(first, numbers(mine, "weight"), 0).astype(np.int64)
    signed = Signatures(both[0], both[1], s.num_perm, s.seed, s.k)
    return _ComponentBatch(docs, numbers(mine, "component"), same, weight, signed, mine)


def _decided(table: pa.Table, s: Settings) -> Iterator[pa.RecordBatch]:
    components = _component_batch(table, s)
    documents, n = documents_of(components.table), len(components.docs)
    paths, times = texts(components.table, "path"), numbers(components.table, "mtime_ns").tolist()
    sources = [Source(p or b"", "text", "", 0, int(t)) for p, t in zip(paths, times, strict=True)]
    pairs = _Pairs(table, components.docs, components.component, s)
    spelled = _spellings(table.filter(pa.array(numbers(table, "what") == WRITTEN)), components.docs)
    joined = np.ones(len(pairs.given), np.bool_)  # only such pairs are given
    may_match = verdict.may_match(s, documents, lambda: components.signatures)
    known = Evidence(pairs.given, joined, joined, spelled)
    done = verdict.decide(
        s, sources, documents, may_match, components.same, known, pairs.verified, components.weight
    )
    limits = verdict.thresholds(s)
    verdict.check(done, components.same, documents, limits)
    waiting, asked = pairs.waiting, components.docs[pairs.asked]
    yield _rows(ASKED, components.component[pairs.asked[:, 0]], left=asked[:, 0], right=asked[:, 1])
    columns = _ruled(done, components.docs)
    ready = np.flatnonzero(~waiting)
    yield _rows(VERDICT, components.component[ready], components.docs[ready], **_some(columns, ready))
    left, right = done.pairs.docs.T
    rows = np.flatnonzero(~waiting[left] & (components.same[left] != components.same[right]))
    good = done.pairs.where(rows)
    component = components.component[good.docs[:, 0]]
    yield _rows(GOOD, component, kind=done.relations[rows], **figures(good, components.docs))
    served = pairs.answers.among(pairs.wanted)
    served = served.where(~waiting[served.docs[:, 0]])
    yield _rows(SERVED, components.component[served.docs[:, 0]], **figures(served, components.docs))
    here = np.bincount(components.same, minlength=n)
    partly = np.flatnonzero(~waiting & (components.weight > here))  # groups with documents that are not here
    yield _group_rows(done, components, columns, partly, limits)


def _rows(what: int, component: NDArray[np.int64], doc: Any = None, **columns: Any) -> pa.RecordBatch:
    n = len(component)
    return batch(OUTPUT, {"component": component, "what": np.full(n, what, np.int8), "doc": doc, **columns})


def _some(columns: dict[str, Any], rows: NDArray[np.int64]) -> dict[str, Any]:
    return {
        name: [values[i] for i in rows.tolist()] if isinstance(values, list) else values[rows]
        for name, values in columns.items()
    }


def _ruled(done: verdict.Decision, docs: NDArray[np.int64]) -> dict[str, Any]:
    """A decision -> columns of RULED."""
    columns = {name: getattr(done.verdict, name) for name in RULED}
    family = np.where(columns["family"] < 0, -1, docs[columns["family"]]) if len(docs) else columns["family"]
    named = {name: docs[columns[name]] for name in ("cluster", "canonical", "witness")}
    return {**columns, **named, "family": family}


def _spellings(table: pa.Table, docs: NDArray[np.int64]) -> Spellings:
    """Rows of SPELLING -> how documents are written, by their places in docs."""
    order = np.argsort(numbers(table, "doc"), kind="stable")
    digests = unpacked(texts(table, "digests"), np.uint64)[0].reshape(-1, DIGEST_WORDS)
    counts = (numbers(table, name)[order].astype(np.int64) for name in ("n_shingles", "n_bones"))
    at = np.searchsorted(docs, numbers(table, "doc")[order])
    return Spellings(at.astype(np.int32), digests[order], *counts)


def _group_rows(
    done: verdict.Decision,
    components: _ComponentBatch,
    columns: dict[str, Any],
    firsts: NDArray[np.int64],
    limits: Thresholds,
) -> pa.RecordBatch:
    """What holds for the documents of some groups that are not here: those that follow their speaker."""
    n = len(components.docs)
    place = numbers(components.table, "place")
    representative = np.zeros(n, np.int64)
    representative[components.same[place == 0]] = np.flatnonzero(place == 0)
    assert done.first_witness is not None
    first_witness = done.first_witness[representative[firsts]]
    apart = components.same[first_witness] != firsts
    good = done.pairs
    sides = np.stack([firsts, components.same[first_witness]], axis=1)
    row = np.minimum(np.searchsorted(pair_keys(good.docs), pair_keys(sides)), max(0, len(good) - 1))
    size = np.zeros(n, np.int64)
    size[components.same[good.docs]] = np.stack([good.size_left, good.size_right], axis=1)

    def figure(of_pair: NDArray[Any], else_: float) -> NDArray[Any]:
        return np.where(apart, of_pair[row], else_) if len(good) else np.full(len(firsts), else_)

    kinds = np.where(apart, done.relations[row], -1) if len(good) else np.full(len(firsts), -1)
    decided_by, value, line = limits.classify(good).deciding
    shares = lost(good)
    mine = (
        shares[row, (firsts > components.same[first_witness]).astype(np.int64)]
        if len(good)
        else np.zeros(len(firsts))
    )
    chosen = _some(columns, firsts)
    return _rows(
        GROUP,
        components.component[firsts],
        components.docs[firsts],
        cluster=chosen["cluster"],
        canonical=chosen["canonical"],
        witness=components.docs[first_witness],
        kind=kinds.astype(np.int8),
        jaccard=figure(good.jaccard, 1.0),
        containment=figure(good.containment, 1.0),
        discounted_jaccard=figure(good.discounted_jaccard, 1.0),
        discounted_containment=figure(good.discounted_containment, 1.0),
        lost=np.where(apart, mine, 0.0),
        figure=figure(decided_by, LETTERS).astype(np.int8),
        value=figure(value, 1.0),
        line=figure(line, 1.0),
        family=chosen["family"],
        size=size[firsts],
        witness_size=size[components.same[first_witness]],
    )
