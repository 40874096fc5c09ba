"""check(): new documents against a run, without a scan of both.

new documents -> the pass -> equal letters, bands and anchors looked up in the index of the run
candidates -> verified pairs, by the rules and thresholds of the scan -> what each new document duplicates
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ballot, candidates, cluster, intake, kernels, lookup, lsh, passages, relation, verdict, verify
from .context import Context, Progress
from .existing import Existing, state_of
from .index import Index
from .keys import distinct, is_in
from .matches import Checked, Match, matched
from .model import (
    OK,
    PUNCTUATION,
    TOO_SHORT,
    CandidatePairs,
    Documents,
    Source,
    Spans,
    VerifiedPairs,
    pair_keys,
)
from .normalize import letter_table
from .readers import Options, fetch, kind_of
from .readers.walk import find_sources
from .rescan import Earlier
from .settings import Settings
from .spool import Spool
from .store import Store

EQUALS = 64  # documents of the same letters that a new one is compared with


@dataclass(frozen=True)
class Fresh:
    """The new documents after the pass."""

    sources: list[Source]
    documents: Documents
    held: candidates.Held
    texts: intake.Texts
    same: NDArray[np.int32]  # the first new document of the same letters

    def text(self, doc: int) -> tuple[bytes, bytes]:
        """(what stands for the bytes of the document, its UTF-8 text)."""
        utf8 = self.texts.read(doc)
        return self.documents.written[doc] or utf8, utf8

    def place(self, doc: int) -> tuple[bytes, int]:
        """The absolute path of its source, its record."""
        path = self.sources[int(self.documents.source[doc])].path
        return os.path.normpath(os.path.join(os.fsencode(os.getcwd()), path)), int(self.documents.record[doc])


def check(
    paths: Iterable[str | bytes | os.PathLike[str]],
    run: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    on_compile: Callable[[], None] = lambda: None,
    on_index: Callable[[], None] = lambda: None,
    **overrides: Any,
) -> tuple[list[Checked], Existing]:
    """New files and folders, a run folder -> what each new document duplicates, and the run.

    A new document is compared with those of the run and with the other new ones, by the settings of the
    run.  `on_index()` is called before the index of the run is made.  `overrides` are settings of
    reading: text_field, id_field, encoding, threads.  Raises BadRun, and BadInput when nothing can be read.
    """
    existing = Existing(run)
    settings = replace(existing.settings, **overrides)
    given = [os.fsencode(p) for p in paths]
    with tempfile.TemporaryDirectory(prefix="dedup-") as scratch:
        here = Path(scratch)
        with _context(settings, progress, on_compile) as context, _fresh(context, given, here) as fresh:
            index = existing.open_index()
            if index is None:
                on_index()
                index = existing.make_index(here)
            return _Check(context, fresh, existing, index).result(), existing


@contextmanager
def _context(
    settings: Settings, progress: Progress | None, on_compile: Callable[[], None]
) -> Iterator[Context]:
    with ThreadPoolExecutor(settings.n_threads) as pool:
        kernels.warm_up(on_compile)
        yield Context(settings, pool, progress or (lambda *_: None), {})


@contextmanager
def _fresh(context: Context, paths: list[bytes], scratch: Path) -> Iterator[Fresh]:
    """Paths -> the new documents; their texts and signatures stay in `scratch`."""
    s = context.settings
    plain = [p for p in paths if not intake.is_pipe(p)]
    sources, _ = find_sources(plain, kind_of, b"", s.follow_links)
    sources += intake.piped(paths, scratch)
    intake.complain_of_nothing(paths, sources)
    options = Options(s.text_field, s.id_field, (), s.encoding, s.max_document_bytes)
    with closing(Spool(scratch / "spool", s.num_perm)) as spool:
        fields = [Options()] * len(sources)
        taken = intake.read_and_sign(context, sources, options, fields, spool, Earlier())
        documents = taken.documents
        changed = intake.changed_since(sources, documents)
        documents = intake.changed_set_aside(documents, changed)
        store = Store(scratch / "spool", len(documents), s.num_perm, taken.anchor_start)
        held = candidates.Held(store.signatures(s.seed, s.k), store.anchors, scratch)
        yield Fresh(sources, documents, held, taken.texts, verdict.same_letters(documents))


class _Check:
    """New documents are numbered 0..n-1, those of the run that are looked at n, n + 1, ..."""

    def __init__(self, context: Context, fresh: Fresh, existing: Existing, index: Index) -> None:
        self.context, self.fresh, self.existing, self.index = context, fresh, existing, index
        self.s, self.n = context.settings, len(fresh.documents)
        self.limits = verdict.thresholds(self.s)

    def result(self) -> list[Checked]:
        """What each new document duplicates."""
        equal = self._equal_in_run()
        documents = self._short_set_aside(equal[:, 0])
        ok = documents.status == OK
        alone = ok & (self.fresh.same == np.arange(self.n))
        alone[equal[:, 0]] = False
        anchored, spans, among = self._candidates(documents, alone)
        old = np.unique(np.concatenate([equal[:, 1], anchored.pairs[:, 1]])).astype(np.int32)
        self.old, self.rows = old, self.existing.rows(old)
        self.itself = self._themselves()
        others = np.setdiff1d(self.existing.witness[old], old).astype(np.int32)
        self.names = dict(zip(old.tolist(), self.rows.names, strict=True))
        self.names.update(zip(others.tolist(), self.existing.names(others), strict=True))
        self.spans = _joined(spans, self.index.spans_of(old))
        self.n_bytes = np.concatenate([documents.n_bytes, self.rows.documents.n_bytes])
        found: dict[int, list[Match]] = {d: [] for d in range(self.n)}
        known = self._add_equal(found, equal, ok)
        self._add_compared(found, anchored, among)
        out = []
        for doc, matches in found.items():
            out.append(matched(self.fresh.sources, documents, doc, matches, doc in known))
        return out

    # ------------------------------------------------------------------ equal letters

    def _equal_in_run(self) -> NDArray[np.int64]:
        """int64[n, 2]: (new document, document of the run) of the same letters."""
        docs = np.flatnonzero(self.fresh.documents.status == OK)
        which, old = self.index.equal(np.ascontiguousarray(self.fresh.documents.letters_hash[docs]))
        return np.stack([docs[which], old], axis=1).astype(np.int64)

    def _short_set_aside(self, equal: NDArray[np.int64]) -> Documents:
        """The new documents, those set aside that are too short to judge and have no equal."""
        before = self.fresh.documents
        after = intake.short_set_aside(before, self.s.k)
        back = np.zeros(self.n, np.bool_)
        back[equal] = True
        back &= after.status == TOO_SHORT
        note = ["" if b else text for b, text in zip(back, after.note, strict=True)]
        return replace(after, status=np.where(back, OK, after.status).astype(np.int8), note=note)

    def _add_equal(
        self, found: dict[int, list[Match]], equal: NDArray[np.int64], ok: NDArray[np.bool_]
    ) -> set[int]:
        """Add the documents of the same letters -> the new documents that are in the run themselves."""
        same = self.fresh.same
        partners: dict[int, list[int]] = {}
        for doc, old in zip(equal[:, 0].tolist(), self._local(equal[:, 1]).tolist(), strict=True):
            partners.setdefault(doc, []).append(old)
        known = {d for d, others in partners.items() if any((d, o) in self.itself for o in others)}
        chosen = []
        for doc in np.flatnonzero(ok).tolist():
            others = [o for o in partners.get(doc, []) if (doc, o) not in self.itself][:EQUALS]
            if not others and doc != same[doc] and doc not in known:
                others = [int(same[doc])]
            if others:
                chosen.append((doc, *self._mildest(doc, others)))
        pairs = np.array([(doc, other) for doc, other, _ in chosen], np.int64).reshape(-1, 2)
        figures = self._verified(pairs)
        at = {key: row for row, key in enumerate(pair_keys(figures.docs).tolist())}
        for (doc, other, kind), key in zip(chosen, pair_keys(pairs).tolist(), strict=True):
            row = at.get(key)
            found[doc].append(self._match(doc, other, kind, figures, row))
        return known

    def _mildest(self, doc: int, others: list[int]) -> tuple[int, int]:
        """A document and some of the same letters -> the one that differs least, and how."""
        raw, utf8 = self.fresh.text(doc)
        text, best = utf8.decode(), (others[0], PUNCTUATION)
        for other, got in zip(others, self._read(np.array(others, np.int32)), strict=True):
            if got is not None:
                kind = relation.same_letters(raw, text, got[0], got[1].decode())
                if kind < best[1]:
                    best = (other, kind)
        return best

    # ------------------------------------------------------------------ candidates

    def _candidates(
        self, documents: Documents, alone: NDArray[np.bool_]
    ) -> tuple[lookup.Found, Spans, tuple[CandidatePairs, CandidatePairs]]:
        """-> pairs with the run; boilerplate of the new documents; pairs among them, alike and by anchors."""
        s, held = self.s, self.fresh.held
        docs = np.flatnonzero(alone).astype(np.int32)
        run_all = self.context.run_all
        alike = candidates.alike(s, documents, held.signatures, docs, run_all)
        close = kernels.matches(held.signatures.values, alike.docs) >= candidates.NEAR_DUPLICATE * s.num_perm
        group = cluster.clusters(self.n, alike.docs[close])
        known = passages.marked(held.anchors, alone, self.index.boilerplate_in(held.anchors))
        n_anchors = np.where(alone, np.diff(held.anchors.start), 0)
        n_anchors = candidates.AnchorsLeft(n_anchors, known.n_left).looked_for
        parts = passages.containment_candidates(
            *(held.anchors, alone, known, group, n_anchors, candidates.ANCHOR_SHARE, held.scratch, run_all)
        )
        new = lookup.Newcomers(docs, documents.n_bones, held.signatures, held.anchors, known, n_anchors)
        old_group = self.existing.cluster
        pairs = lookup.alike(self.index, new, self.existing.signatures, old_group, s)
        by_anchors, share = lookup.parts_and_wholes(self.index, new, old_group)
        return lookup.Found.of(pairs, by_anchors, share), known.spans, (alike, parts)

    def _add_compared(
        self,
        found: dict[int, list[Match]],
        with_run: lookup.Found,
        among: tuple[CandidatePairs, CandidatePairs],
    ) -> None:
        """Add what reaches a threshold."""
        pairs = with_run.pairs.copy()
        pairs[:, 1] = self._local(pairs[:, 1])
        other = np.array([tuple(p) not in self.itself for p in pairs.tolist()], np.bool_)
        pairs, share = pairs[other], with_run.share[other]
        everything = np.concatenate([pairs, *(c.docs for c in among)])
        figures = self._verified(everything)
        part_keys = distinct(np.concatenate([pair_keys(pairs[share > 0]), pair_keys(among[1].docs)]))
        good = self._good(figures, part_keys)
        for row, (left, right) in enumerate(good.docs.tolist()):
            doc, partner = self._sides(good, row, left, right)
            kind = int(self.limits.relation(good.where(np.array([row])))[0])
            found[doc].append(self._match(doc, partner, kind, good, row))
        lost = ~is_in(pair_keys(pairs), pair_keys(figures.docs))
        for (doc, old), part in zip(pairs[lost].tolist(), share[lost].tolist(), strict=True):
            found[doc] += self._estimated(doc, old, part)

    def _sides(self, pairs: VerifiedPairs, row: int, left: int, right: int) -> tuple[int, int]:
        """A pair -> (new document that is told of, its partner): of two new ones the part, or the later."""
        if right >= self.n:
            return left, right
        one = pairs.where(np.array([row]))
        is_part = not self.limits.alike(one)[0] and not self.limits.rewritten(one)[0]
        return (left, right) if is_part and self.limits.left_in_right(one)[0] else (right, left)

    def _good(self, figures: VerifiedPairs, part_keys: NDArray[np.int64]) -> VerifiedPairs:
        """The pairs that reach a threshold, without the parts of many otherwise different wholes."""
        limits = self.limits

        def reached(pairs: VerifiedPairs, anchored: NDArray[np.bool_]) -> VerifiedPairs:
            sure = limits.alike(pairs) | limits.rewritten(pairs) | anchored
            return pairs.where(limits.reached(pairs) & sure)

        good = reached(figures, is_in(pair_keys(figures.docs), part_keys))
        only_part = ~limits.alike(good) & (good.docs[:, 1] >= self.n)
        involved = np.unique(good.docs[only_part, 1])
        mine = pair_keys(good.docs)
        n = self.n + len(self.old)
        if len(involved):
            earlier, anchored = self.existing.compared_with(self.old[involved - self.n])
            earlier = reached(earlier, anchored)
            nodes = np.unique(np.concatenate([self.old, earlier.docs.ravel()]))
            number = np.where(
                np.isin(nodes, self.old),
                np.searchsorted(self.old, nodes),
                len(self.old) + np.arange(len(nodes)),
            )
            docs = self.n + number[np.searchsorted(nodes, earlier.docs)]
            earlier = _turned(earlier, docs.astype(np.int32))
            good, n = good.merged(earlier), self.n + len(self.old) + len(nodes)
        return ballot.without_hubs(good, limits, n).among(mine)

    # ------------------------------------------------------------------ texts and figures

    def _local(self, old: NDArray[np.int64]) -> NDArray[np.int64]:
        """Documents of the run -> their numbers here."""
        return np.searchsorted(self.old, old) + self.n

    def _themselves(self) -> set[tuple[int, int]]:
        """(new document, document of the run) that are the same record of the same file."""
        places = {place: self.n + i for i, place in enumerate(self.rows.places)}
        mine = ((d, self.fresh.place(d)) for d in range(self.n)) if places else ()
        return {(d, places[place]) for d, place in mine if place in places}

    def _read(self, docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
        rows = self.rows
        out: list[tuple[bytes, bytes] | None] = [self.fresh.text(d) for d in docs[docs < self.n].tolist()]
        old = (docs[docs >= self.n] - self.n).astype(np.int32)
        for d, got in zip(old.tolist(), fetch(rows.sources, rows.fields, rows.documents, old), strict=True):
            out.append(got and (rows.documents.written[d] or got[1], got[1]))
        return out

    def _verified(self, pairs: NDArray[np.int64]) -> VerifiedPairs:
        """Pairs of documents -> their figures; those whose texts cannot be read any more are left out."""

        def utf8(docs: NDArray[np.int32]) -> list[bytes | None]:
            return [got and got[1] for got in self._read(docs)]

        run_all = self.context.counted("verifying", len(pairs), self.n)
        asked = CandidatePairs.of(pairs.astype(np.int32))
        return verify.verify(asked, self.n_bytes, utf8, letter_table(), self.s.k, self.spans, run_all)

    def _match(self, doc: int, other: int, kind: int, pairs: VerifiedPairs, row: int | None) -> Match:
        """A pair -> what is told of it; without a row of figures, its letters are the same."""
        left = None if row is None else int(pairs.docs[row, 0]) == doc
        return Match.of(kind, pairs, row, bool(left), self.limits, **self._about(other))

    def _about(self, other: int) -> dict[str, Any]:
        """The partner of a new document."""
        if other < self.n:
            source = self.fresh.sources[int(self.fresh.documents.source[other])]
            record = int(self.fresh.documents.record[other])
            name = source.path + (b":%d" % record if record else b"")
            return {"path": os.fsdecode(name), "in_run": False, "kept": None, "witness": None, "text": "ok"}
        at = other - self.n
        doc = int(self.old[at])
        witness = int(self.existing.witness[doc])
        source = self.rows.sources[int(self.rows.documents.source[at])]
        return {
            "path": os.fsdecode(self.rows.names[at]),
            "in_run": True,
            "kept": witness == doc,
            "witness": os.fsdecode(self.names[witness]),
            "text": state_of(source),
        }

    def _estimated(self, doc: int, old: int, share: float) -> list[Match]:
        """A pair whose text of the run has gone -> what its signatures and anchors say, if that is enough."""
        mine, theirs = self.fresh.held.signatures, self.existing.signatures
        at = int(self.old[old - self.n])
        j, s = (
            float((a[doc] == b[at]).mean())
            for a, b in ((mine.values, theirs.values), (mine.skeletons, theirs.skeletons))
        )
        n_bones = min(int(self.fresh.documents.n_bones[doc]), int(self.rows.documents.n_bones[old - self.n]))
        letters = int(self.fresh.documents.n_letters[doc]), int(self.rows.documents.n_letters[old - self.n])
        j = lsh.whole_jaccard(j, *letters, self.s.sample)
        return Match.estimated_of(
            j, s if n_bones >= self.limits.min_bones else 0.0, share, letters, self.limits, **self._about(old)
        )


def _joined(a: Spans, b: Spans) -> Spans:
    """The boilerplate of some documents and of some more."""
    indptr = np.r_[a.indptr, a.indptr[-1] + b.indptr[1:]]
    return Spans(np.r_[a.start, b.start], np.r_[a.end, b.end], indptr)


def _turned(pairs: VerifiedPairs, docs: NDArray[np.int32]) -> VerifiedPairs:
    """The pairs with other numbers int32[n, 2], the smaller one on the left, sorted."""
    turn = docs[:, 0] > docs[:, 1]
    t = turn[:, None]

    def swapped(counts: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(t, counts[:, [0, 2, 1]], counts)

    out = VerifiedPairs(
        np.where(t, docs[:, ::-1], docs).astype(np.int32),
        pairs.overlap,
        np.where(turn, pairs.size_right, pairs.size_left),
        np.where(turn, pairs.size_left, pairs.size_right),
        swapped(pairs.bones),
        swapped(pairs.own),
        pairs.in_runs,
    )
    return out.where(np.argsort(pair_keys(out.docs)))
