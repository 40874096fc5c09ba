"""Check new documents against a run, without a scan of both.

new documents -> the pass -> equal letters, bands and anchors looked up in the index of the run
candidates -> verified pairs, by the rules and thresholds of the scan -> what each new document duplicates
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clustering import exact_duplicates, families, nearest, verdict, witnesses
from ..clustering.exact_duplicates import same_letters
from ..core import rules
from ..core.components import connected_components
from ..core.documents import OK, TOO_SHORT, Documents
from ..core.features import Spans
from ..core.pairs import CandidatePairs, VerifiedPairs, pair_keys
from ..core.parallel import Context, Progress, shared_context
from ..core.sorted_arrays import distinct, is_in
from ..core.verdicts import PUNCTUATION
from ..matching import boilerplate, candidates, containment, verify
from ..matching.noise import Searched, framed, may_be_copies
from ..matching.update.state import BY_NOISE
from ..matching.verify import turned
from ..matching.views import VIEWS
from ..pipeline import warm_up
from ..pipeline.set_aside import set_short_aside
from ..runs.run import Run
from ..text.normalize import letter_table
from . import query
from .existing import Existing
from .index import Index
from .new_documents import Fresh, fresh
from .result import Checked, Match, MatchFigures, matched

EQUALS = 64  # documents of the same letters that a new one is compared with


def check(
    paths: Iterable[str | bytes | os.PathLike[str]], run: str | os.PathLike[str], **how: Any
) -> tuple[list[Checked], Existing]:
    """Return what each new document duplicates, and the run; `how` is as for `checking`."""
    with checking(paths, run, **how) as result:
        return result.found, result.existing


@dataclass(frozen=True)
class CheckResult:
    """What a check has found, and what was compared; `new` can be read until the check ends."""

    found: list[Checked]
    existing: Existing
    new: Run


@contextmanager
def checking(
    paths: Iterable[str | bytes | os.PathLike[str]],
    run: str | os.PathLike[str],
    *,
    only_run: bool = False,
    progress: Progress | None = None,
    on_compile: Callable[[], None] = lambda: None,
    on_index: Callable[[], None] = lambda: None,
    **overrides: Any,
) -> Iterator[CheckResult]:
    """Tell what each new document duplicates.

    A new document is compared with those of the run and, unless `only_run`, with the other new ones, by the
    settings of the run.  `on_index()` is called before the index of the run is made.  `overrides` are
    settings of reading: text_field, id_field, encoding, threads.  Raises BadRun, and BadInput when nothing
    can be read.
    """
    existing = Existing(run)
    settings = replace(existing.settings, **overrides)
    given = [os.fsencode(p) for p in paths]
    with tempfile.TemporaryDirectory(prefix="dedup-") as scratch:
        here = Path(scratch)
        warm_up.warm_up(on_compile)
        with shared_context(settings, progress) as context, fresh(context, given, here) as new:
            index = existing.open_index()
            if index is None:
                on_index()
                index = existing.make_index(here)
            found = _Check(context, new, existing, index, only_run).result()
            yield CheckResult(found, existing, new.as_run(settings, given))


class _Check:
    """One check; new documents have the numbers 0..n-1, documents of the run n, n + 1, ..."""

    def __init__(
        self, context: Context, new: Fresh, existing: Existing, index: Index, only_run: bool
    ) -> None:
        self.context, self.fresh, self.existing, self.index = context, new, existing, index
        self.s, self.n, self.only_run = context.settings, len(new.documents), only_run
        self.same = np.arange(self.n, dtype=np.int32) if only_run else new.same
        self.limits = verdict.thresholds(self.s)

    def result(self) -> list[Checked]:
        """Return what each new document duplicates."""
        equal_pairs = self._equal_in_run()
        documents = self._short_set_aside(equal_pairs[:, 0])
        ok = documents.status == OK
        alone = ok & (self.same == np.arange(self.n))
        alone[equal_pairs[:, 0]] = False
        with self.context.timed("candidates"):
            anchored, noisy, spans, among = self._candidates(documents, alone)
        docs = [equal_pairs[:, 1], anchored.pairs[:, 1], noisy[:, 1]]
        old = np.unique(np.concatenate(docs)).astype(np.int32)
        self.old, self.rows = old, self.existing.rows(old)
        self.itself = self._themselves()
        others = np.setdiff1d(self.existing.witness[old], old).astype(np.int32)
        self.names = dict(zip(old.tolist(), self.rows.names, strict=True))
        self.names.update(zip(others.tolist(), self.existing.names(others), strict=True))
        self.spans = _joined(spans, self.index.spans_of(old))
        self.n_bytes = np.concatenate([documents.n_bytes, self.rows.documents.n_bytes])
        found: dict[int, list[Match]] = {d: [] for d in range(self.n)}
        with self.context.timed("verification"):
            anchored = anchored.and_noisy(noisy[self._may_be_copies(noisy)])
            known = self._add_equal(found, equal_pairs, ok)
            self._add_compared(found, anchored, among)
        out = []
        for doc, matches in found.items():
            out.append(matched(self.fresh.sources, documents, doc, matches, doc in known))
        return out

    # ------------------------------------------------------------------ equal letters

    def _equal_in_run(self) -> NDArray[np.int64]:
        """Find pairs with equal letters and signs: int64[n, 2], (new document, document of the run)."""
        docs = np.flatnonzero(self.fresh.documents.status == OK)
        which, old = self.index.equal(np.ascontiguousarray(self.fresh.documents.letters_hash[docs]))
        new, mine_at = np.unique(docs[which], return_inverse=True)
        known, theirs_at = np.unique(old, return_inverse=True)
        rows = self.existing.rows(known.astype(np.int32))
        everything = np.arange(len(rows.names), dtype=np.int32)
        theirs = exact_duplicates.values([got and got[1] for got in rows.read(everything)], letter_table())
        mine = exact_duplicates.values([self.fresh.text(d)[1] for d in new.tolist()], letter_table())
        both = zip(mine_at.tolist(), theirs_at.tolist(), strict=True)
        same = np.array([theirs[b] is None or mine[a] == theirs[b] for a, b in both], np.bool_)
        return np.stack([docs[which][same], old[same]], axis=1).astype(np.int64)

    def _short_set_aside(self, equal_pairs: NDArray[np.int64]) -> Documents:
        """Set new documents aside that are too short to judge and have no exact duplicate."""
        before = self.fresh.documents
        after = set_short_aside(before, self.s.k)
        back = np.zeros(self.n, np.bool_)
        back[equal_pairs] = True
        back &= after.status == TOO_SHORT
        note = ["" if b else text for b, text in zip(back, after.note, strict=True)]
        return replace(after, status=np.where(back, OK, after.status).astype(np.int8), note=note)

    def _add_equal(
        self, found: dict[int, list[Match]], equal_pairs: NDArray[np.int64], ok: NDArray[np.bool_]
    ) -> set[int]:
        """Add the exact duplicates -> the new documents that are in the run themselves."""
        same = self.same
        partners: dict[int, list[int]] = {}
        for doc, old in zip(equal_pairs[:, 0].tolist(), self._local(equal_pairs[:, 1]).tolist(), strict=True):
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
        verified = self._verified(pairs)
        figures, left = MatchFigures.of(verified, self.limits), verified.docs[:, 0].tolist()
        at = {key: row for row, key in enumerate(pair_keys(verified.docs).tolist())}
        for (doc, other, kind), key in zip(chosen, pair_keys(pairs).tolist(), strict=True):
            row = at.get(key)
            is_left = row is not None and left[row] == doc
            found[doc].append(Match.of(kind, figures, row, is_left, **self._about(other)))
        return known

    def _mildest(self, doc: int, others: list[int]) -> tuple[int, int]:
        """Return the document with the same letters that differs least, and its relation."""
        raw, utf8 = self.fresh.text(doc)
        text, best = utf8.decode(), (others[0], PUNCTUATION)
        for other, got in zip(others, self._read(np.array(others, np.int32)), strict=True):
            if got is not None:
                kind = same_letters(raw, text, got[0], got[1].decode())
                if kind < best[1]:
                    best = (other, kind)
        return best

    # ------------------------------------------------------------------ candidates

    def _candidates(
        self, documents: Documents, alone: NDArray[np.bool_]
    ) -> tuple[query.PairsWithRun, NDArray[np.int64], Spans, list[CandidatePairs]]:
        """Find pairs with the run, others that may be noisy copies, boilerplate, and pairs among the new."""
        s, features = self.s, self.fresh.features
        docs = np.flatnonzero(alone).astype(np.int32)
        parallel_map = self.context.parallel_map
        known = boilerplate.marked(features.anchors, alone, self.index.boilerplate_in(features.anchors))
        new = query.Newcomers(docs, documents, features.signatures, features.anchors, known)
        if self.only_run:
            none = CandidatePairs.none()
            return *self._with_run(new), known.spans, [none, none, none]
        finder = candidates.Finder(s, docs)
        banded = finder.by_bands(documents, features.signatures, parallel_map)
        alike = CandidatePairs(banded.pairs)
        close = candidates.are_close(s, documents.n_letters, features.signatures, alike.docs)
        group = connected_components(self.n, alike.docs[close])
        shared = containment.SharedAnchors.of(
            features.anchors, alone, known, group, features.scratch, parallel_map
        )
        parts = CandidatePairs.of(shared.pairs(rules.ANCHOR_SHARE, parallel_map)[:, :2])
        found = CandidatePairs.of(np.concatenate([alike.docs, parts.docs])).docs
        searched = Searched(docs, documents, features.signatures, known.spans, found)
        noisy = finder.noisy(searched, self._utf8, parallel_map)
        among = [alike, parts, CandidatePairs(noisy.having(BY_NOISE))]
        if s.noise == "on":
            among.append(shared.noisy_parts(documents.n_letters, parallel_map))
        return *self._with_run(new), known.spans, among

    def _with_run(self, new: query.Newcomers) -> tuple[query.PairsWithRun, NDArray[np.int64]]:
        """Find pairs with the run, and others, int64[n, 2], that may be noisy copies by their signatures."""
        s, old = self.s, self.existing
        pairs = query.alike(self.index, new, old.signatures, old.sizes, old.cluster, s)
        by_anchors, share = query.parts_and_wholes(self.index, new, old.cluster)
        if s.noise != "on":
            return query.PairsWithRun.of(pairs, by_anchors, share), pairs[:0]
        kept = old.witness == np.arange(len(old.witness))
        noisy = query.noisy(new, old.signatures, old.sizes("n_letters"), kept)
        noisy_parts = query.noisy_parts(self.index, new, old.sizes("n_letters"), old.cluster)
        alike = query.enough_alike(noisy, new, old.signatures, old.sizes, s)
        found = query.PairsWithRun.of(np.concatenate([pairs, noisy[alike], noisy_parts]), by_anchors, share)
        return found, noisy[~is_in(query.keys(noisy), query.keys(found.pairs))]

    def _may_be_copies(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which pairs (new document, document of the run) may be noisy copies: bool[n]."""
        local = np.stack([pairs[:, 0], self._local(pairs[:, 1])], axis=1).astype(np.int32)
        n_letters = np.concatenate([self.fresh.documents.n_letters, self.rows.documents.n_letters])
        out: NDArray[np.bool_] = np.logical_not(framed(n_letters, self.spans)[local].all(axis=1))
        out[out] = may_be_copies(local[out], self._utf8, letter_table(), self.context.parallel_map)
        return out

    def _add_compared(
        self,
        found: dict[int, list[Match]],
        with_run: query.PairsWithRun,
        among: list[CandidatePairs],
    ) -> None:
        """Add the pairs that reach a threshold."""
        pairs = with_run.pairs.copy()
        pairs[:, 1] = self._local(pairs[:, 1])
        other = np.array([tuple(p) not in self.itself for p in pairs.tolist()], np.bool_)
        pairs, share = pairs[other], with_run.share[other]
        everything = np.concatenate([pairs, *(c.docs for c in among)])
        verified = self._verified(everything)
        part_keys = distinct(np.concatenate([pair_keys(pairs[share > 0]), pair_keys(among[1].docs)]))
        good = self._good(verified, part_keys)
        figures = MatchFigures.of(good, self.limits)
        for row, (left, right) in enumerate(good.docs.tolist()):
            is_part = figures.is_part[0][row] and not figures.similar[row]
            # of two new documents the part is reported, or the later one
            doc, other = (left, right) if right >= self.n or is_part else (right, left)
            about = self._about(other)
            found[doc].append(Match.of(figures.relation[row], figures, row, doc == left, **about))
        lost = ~is_in(pair_keys(pairs), pair_keys(verified.docs))
        for (doc, old), part in zip(pairs[lost].tolist(), share[lost].tolist(), strict=True):
            found[doc] += self._estimated(doc, old, part)

    def _good(self, figures: VerifiedPairs, part_keys: NDArray[np.int64]) -> VerifiedPairs:
        """Return the related pairs, without parts of many different wholes.

        A form is told by all pairs of the documents of the run that are looked at.
        """
        limits = self.limits

        def related(pairs: VerifiedPairs, anchored: NDArray[np.bool_]) -> VerifiedPairs:
            found = limits.classify(pairs)
            return pairs.where(found.related & (found.similar | anchored | found.noisy_part))

        mine = related(figures, is_in(pair_keys(figures.docs), part_keys))
        looked_at = np.unique(mine.docs[mine.docs >= self.n])
        earlier, anchored = self.existing.compared_with(self.old[looked_at - self.n])
        earlier, n = self._renumbered(related(earlier, anchored))
        slots = families.slots(n, mine.merged(earlier))
        mine, earlier = slots.judged(mine), slots.judged(earlier)
        judged = nearest.judged(n, mine.merged(earlier), limits)
        mine, earlier = (judged.among(pair_keys(some.docs)) for some in (mine, earlier))
        found = limits.classify(mine)
        form, mine = mine.where(found.of_one_form & ~found.reached), mine.where(found.reached)
        both = mine.merged(earlier.where(limits.classify(earlier).reached))
        return witnesses.without_hubs(both, limits, n).among(pair_keys(mine.docs)).merged(form)

    def _renumbered(self, earlier: VerifiedPairs) -> tuple[VerifiedPairs, int]:
        """Renumber pairs of the run for this check; return how many numbers there are."""
        nodes = np.unique(np.concatenate([self.old, earlier.docs.ravel()]))
        known = np.isin(nodes, self.old)
        number = np.where(known, np.searchsorted(self.old, nodes), len(self.old) + np.arange(len(nodes)))
        docs = self.n + number[np.searchsorted(nodes, earlier.docs)]
        return turned(earlier, docs.astype(np.int32)), self.n + len(self.old) + len(nodes)

    # ------------------------------------------------------------------ texts and figures

    @cached_property
    def _states(self) -> list[str]:
        """Tell of each source of the rows whether it is as the scan read it; each is asked once."""
        return self.rows.states()

    def _local(self, old: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of documents of the run in this check."""
        return np.searchsorted(self.old, old) + self.n

    def _themselves(self) -> set[tuple[int, int]]:
        """Return the pairs (new document, document of the run) that are one record of one file."""
        places = {place: self.n + i for i, place in enumerate(self.rows.places)}
        mine = ((d, self.fresh.place(d)) for d in range(self.n)) if places else ()
        return {(d, places[place]) for d, place in mine if place in places}

    def _read(self, docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
        out: list[tuple[bytes, bytes] | None] = [self.fresh.text(d) for d in docs[docs < self.n].tolist()]
        old = (docs[docs >= self.n] - self.n).astype(np.int32)
        return out + self.rows.read(old) if len(old) else out

    def _utf8(self, docs: NDArray[np.int32]) -> list[bytes | None]:
        """Return the text of each document; None where it cannot be read any more."""
        return [got and got[1] for got in self._read(docs)]

    def _verified(self, pairs: NDArray[np.int64]) -> VerifiedPairs:
        """Verify pairs of documents; those whose texts can no longer be read are left out."""

        parallel_map = self.context.counted(len(pairs), self.n)
        asked = CandidatePairs.of(pairs.astype(np.int32))
        figured = (letter_table(), self.s.k, self.spans, self.limits)
        return verify.verify(asked, self.n_bytes, self._utf8, *figured, parallel_map)

    def _about(self, other: int) -> dict[str, Any]:
        """Describe the partner of a new document."""
        if other < self.n:
            source = self.fresh.sources[int(self.fresh.documents.source[other])]
            record = int(self.fresh.documents.record[other])
            name = source.path + (b":%d" % record if record else b"")
            return {"path": os.fsdecode(name), "in_run": False, "kept": None, "witness": None, "text": "ok"}
        at = other - self.n
        doc = int(self.old[at])
        witness = int(self.existing.witness[doc])
        return {
            "path": os.fsdecode(self.rows.names[at]),
            "in_run": True,
            "kept": witness == doc,
            "witness": os.fsdecode(self.names[witness]),
            "text": self._states[int(self.rows.documents.source[at])],
        }

    def _estimated(self, doc: int, old: int, share: float) -> list[Match]:
        """Describe a pair whose text in the run has gone, by signatures and anchors, if these are enough."""
        at, counts = int(self.old[old - self.n]), []
        for view in VIEWS:
            mine = view.signatures(self.fresh.features.signatures)[doc]
            matching = int((mine == view.signatures(self.existing.signatures)[at]).sum())
            sizes = view.sizes(self.fresh.documents)[doc], view.sizes(self.rows.documents)[old - self.n]
            counts.append((view.estimated_overlap(self.s, matching, *map(int, sizes)), *sizes))
        return Match.estimated_of(counts, share, self.limits, **self._about(old))


def _joined(a: Spans, b: Spans) -> Spans:
    """Join the boilerplate of two sets of documents."""
    indptr = np.r_[a.indptr, a.indptr[-1] + b.indptr[1:]]
    return Spans(np.r_[a.start, b.start], np.r_[a.end, b.end], indptr)
