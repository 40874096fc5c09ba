"""How the decisions of a review change the verdict of a run.

The tables of the run stay as the scan wrote them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..clustering import exact_duplicates, policies, verdict, witnesses
from ..core.documents import OK
from ..core.pairs import pair_keys
from ..core.settings import Settings
from ..core.thresholds import lost
from ..core.verdicts import KEPT, LETTERS, NO_FIGURE, RELATIONS, REWRITTEN, Verdict
from . import summary as run_summary
from .review_log import ACCEPT, CANONICAL, Override, Ref
from .run import Run

REASON = "review"  # why a document is canonical, or kept, in the lists


# ------------------------------------------------------------------ documents


def ref(run: Run, doc: int) -> Ref:
    """Return the reference to a document that decisions use."""
    d = run.documents
    path = os.fsdecode(run.sources[int(d.source[doc])].path)
    return Ref(path, int(d.record[doc]), _letters(run, doc))


def _letters(run: Run, doc: int) -> str:
    return np.ascontiguousarray(run.documents.letters_hash[doc], "<u8").tobytes().hex()


def members_digest(run: Run, docs: Iterable[int]) -> str:
    """Return a digest of the names and letters of documents, in any order."""
    lines = sorted(f"{run.name(d)}\0{_letters(run, d)}" for d in docs)
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


@dataclass(frozen=True)
class LocatedOverride:
    """A decision and the document it is about; `stale` says why it cannot be applied, "" when it can."""

    made: Override
    doc: int
    stale: str


def resolved(run: Run, standing: Sequence[Override]) -> list[LocatedOverride]:
    """Find the documents of the run that decisions are about."""
    wanted = {os.fsencode(m.doc.path) for m in standing if m.doc}
    sources = {i: s.path for i, s in enumerate(run.sources) if s.path in wanted}
    rows = np.flatnonzero(np.isin(run.documents.source, list(sources)))
    place = {
        (os.fsdecode(sources[s]), r): d
        for d, s, r in zip(
            rows.tolist(),
            run.documents.source[rows].tolist(),
            run.documents.record[rows].tolist(),
            strict=True,
        )
    }
    size = np.bincount(run.verdict.cluster, minlength=len(run.documents))

    def one(made: Override) -> LocatedOverride:
        assert made.doc is not None
        doc = place.get((made.doc.path, made.doc.record), -1)
        if doc < 0:
            return LocatedOverride(made, doc, "it is not in the run any more")
        if _letters(run, doc) != made.doc.letters:
            return LocatedOverride(made, doc, "its text has changed")
        if run.documents.status[doc] != OK:
            return LocatedOverride(made, doc, "it is set aside now")
        alone = size[run.verdict.cluster[doc]] == 1
        return LocatedOverride(made, doc, "it is in no cluster now" if alone else "")

    return [one(made) for made in standing]


# ------------------------------------------------------------------ the verdict


def apply(run: Run, standing: Sequence[Override]) -> Run:
    """Apply decisions to a run as it was scanned; its summary names those that are stale.

    A document that is made canonical drops the members of its cluster that were verified against it; the
    others stay with their witness where it is still kept, go to another kept document that they were
    verified against, or are kept.  Raises Broken when the result fails the check that a scan's must pass.
    """
    found = resolved(run, standing)
    layer = Layer(run)
    changed = replace(run, verdict=layer.verdict(found))
    pairs = verdict.Decision(changed.verdict, run.pairs, run.pair_relations)
    verdict.check(pairs, layer.same, run.documents, layer.limits)
    old = run.summary
    summary = {**old, **run_summary.summary(changed, layer.settings, old["skipped"], {})}
    stale = [f for f in found if f.stale and f.made.kind != ACCEPT]
    told = [f"a decision is stale: {f.made.kind} {_name(f)}: {f.stale}" for f in stale]
    summary["warnings"] = [*old["warnings"], *told]
    summary["seconds"] = old["seconds"]
    applied = sum(not f.stale for f in found if f.made.kind != ACCEPT)
    summary["decisions"] = {"applied": applied, "stale": [_name(f) for f in stale]}
    return replace(changed, summary=summary)


def _name(found: LocatedOverride) -> str:
    return found.made.doc.name if found.made.doc else ""


class Layer:
    """A run as it was scanned, to which decisions can be applied again and again."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.settings = Settings.of_run(run.summary)
        self.limits = verdict.thresholds(self.settings)
        self.same = verdict.same_values(run.documents, run.evidence.spellings)
        relations = verdict.parse_relations(self.settings.relations)
        self._drops = np.isin(np.arange(len(RELATIONS)), [RELATIONS.index(r) for r in relations])
        left, right = run.pairs.docs.T
        self._rows = np.flatnonzero(self.same[left] != self.same[right])
        self._keys = pair_keys(run.pairs.docs[self._rows])  # rising, as the pairs are
        good = run.pairs.where(self._rows)
        rule = dict(policies.parse_rule(self.settings.prefer))
        edges = witnesses.edges(good, self.limits, self._drops, whole_for_part="cleanest" in rule)
        self._allowed = np.unique(edges.dropped.astype(np.int64) << 32 | edges.witness)

    def verdict(self, found: Sequence[LocatedOverride]) -> Verdict:
        """Return the verdict of the scan, changed by the decisions that can be applied; later ones win."""
        old = self.run.verdict
        new = replace(old, **{name: getattr(old, name).copy() for name in _COLUMNS}, reason=list(old.reason))
        chosen: dict[int, int] = {}
        split: dict[int, set[int]] = {}
        for f in found:
            if f.stale or f.made.kind == ACCEPT:
                continue
            label = int(old.cluster[f.doc])
            if f.made.kind == CANONICAL:
                chosen[label] = f.doc
                split.get(label, set()).discard(f.doc)
            else:
                split.setdefault(label, set()).add(f.doc)
                if chosen.get(label) == f.doc:
                    del chosen[label]
        labels = np.array(sorted({*chosen, *split}), np.int32)
        docs = np.flatnonzero(np.isin(old.cluster, labels))
        docs = docs[np.argsort(old.cluster[docs], kind="stable")]
        for part in np.split(docs, np.searchsorted(old.cluster[docs], labels[1:])) if len(labels) else []:
            label = int(old.cluster[part[0]])
            self._decide(new, part.tolist(), chosen.get(label, -1), split.get(label, set()))
        return new

    def _decide(self, new: Verdict, members: list[int], chosen: int, split: set[int]) -> None:
        """Decide a cluster by its canonical document (-1: as it was) and the documents split off."""
        old = self.run.verdict
        for doc in split:
            self._keep(new, doc, doc, doc, REASON)
        rest = [m for m in members if m not in split]
        if not rest:
            return
        kept = [m for m in rest if old.witness[m] == m]
        top = chosen if chosen >= 0 else int(old.canonical[members[0]])
        if top not in rest:
            letters = self.run.documents.n_letters
            top = min(kept or rest, key=lambda m: (-int(letters[m]), m))
        standing = [top]
        label = min(rest)
        for m in rest:
            if m != top and old.witness[m] == m and not (chosen >= 0 and self._edge(m, top)):
                standing.append(m)
        reason = REASON if chosen >= 0 else old.reason[top] or REASON
        for m in standing:
            self._keep(new, m, label, top, reason if m == top and len(rest) > 1 else "")
        for m in rest:
            if m in standing:
                continue
            new.cluster[m], new.canonical[m], new.reason[m] = label, top, ""
            if chosen >= 0 and self._edge(m, top):
                self._drop(new, m, top)
            elif int(old.witness[m]) not in standing:
                witness = next((q for q in standing if self._edge(m, q)), -1)
                if witness >= 0:
                    self._drop(new, m, witness)
                else:
                    standing.append(m)
                    self._keep(new, m, label, top, "")

    def _edge(self, doc: int, witness: int) -> bool:
        """Tell whether the verified figures allow a document to be dropped for another."""
        same = self.same
        if doc == witness:
            return False
        if same[doc] == same[witness]:
            kind = self._equal_kind(doc, witness)
            return kind >= 0 and bool(self._drops[kind])
        key = int(same[doc]) << 32 | int(same[witness])
        at = int(np.searchsorted(self._allowed, key))
        if at == len(self._allowed) or self._allowed[at] != key:
            return False
        row = self._row(doc, witness)
        # equal letters need not be cut into words alike, so a skeleton speaks for its own document only
        borrowed = same[doc] != doc or same[witness] != witness
        return not (borrowed and self.run.pair_relations[row] == REWRITTEN)

    def _row(self, doc: int, witness: int) -> int:
        """Return the row of the pair of two documents with different letters."""
        beside = np.array([[self.same[doc], self.same[witness]]])
        return int(self._rows[np.searchsorted(self._keys, pair_keys(beside)[0])])

    def _equal_kind(self, doc: int, witness: int) -> int:
        """Return the relation of two documents with equal letters; -1 if it is unknown."""
        return exact_duplicates.kind_of(self.run.evidence.spellings, doc, witness)

    def _keep(self, new: Verdict, doc: int, label: int, top: int, reason: str) -> None:
        new.cluster[doc], new.canonical[doc], new.witness[doc] = label, top, doc
        new.relation[doc], new.reason[doc] = KEPT, reason
        for name in ("jaccard", "containment", "discounted_jaccard", "discounted_containment"):
            getattr(new, name)[doc] = 1.0
        new.skeleton_jaccard[doc] = np.nan
        new.figure[doc], new.value[doc], new.line[doc], new.lost[doc] = NO_FIGURE, 1.0, 1.0, 0.0
        new.size[doc] = new.witness_size[doc] = 0

    def _drop(self, new: Verdict, doc: int, witness: int) -> None:
        new.witness[doc] = witness
        if self.same[doc] == self.same[witness]:
            spellings = self.run.evidence.spellings
            size = spellings.n_shingles[np.searchsorted(spellings.docs, doc)]
            new.relation[doc] = self._equal_kind(doc, witness)
            figures, sizes = (1.0, 1.0, 1.0, 1.0), (size, size)
            new.skeleton_jaccard[doc] = np.nan
            new.figure[doc], new.value[doc], new.line[doc], new.lost[doc] = LETTERS, 1.0, 1.0, 0.0
        else:
            row, p = self._row(doc, witness), self.run.pairs
            pair = p.where(np.array([row]))
            kind = int(self.run.pair_relations[row])
            new.relation[doc] = kind
            figures = (
                *(float(pair.jaccard[0]), float(pair.containment[0])),
                *(float(pair.discounted_jaccard[0]), float(pair.discounted_containment[0])),
            )
            new.skeleton_jaccard[doc] = pair.skeleton_jaccard[0] if kind == REWRITTEN else np.nan
            is_left = p.docs[row, 0] == self.same[doc]
            both = (pair.size_left[0], pair.size_right[0])
            sizes = both if is_left else both[::-1]
            decided = self.limits.classify(pair).deciding
            new.figure[doc], new.value[doc], new.line[doc] = (column[0] for column in decided)
            new.lost[doc] = lost(pair)[0, 0 if is_left else 1]
        new.jaccard[doc], new.containment[doc] = figures[:2]
        new.discounted_jaccard[doc], new.discounted_containment[doc] = figures[2:]
        new.size[doc], new.witness_size[doc] = sizes


_COLUMNS = [name for name in Verdict.__dataclass_fields__ if name != "reason"]


def clusters_of(run: Run) -> list[NDArray[np.int32]]:
    """Return the documents of each cluster, int32[m] each, in the order of cluster ids."""
    docs = run.clustered
    ids = run.cluster_ids[docs]
    return np.split(docs, np.flatnonzero(ids[1:] != ids[:-1]) + 1) if len(docs) else []
