"""The second scan: what the last run in a run folder saves from being read or compared again."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..clustering.policies import fields_of, parse_rule
from ..core.documents import CHANGED, OK, TOO_SHORT, UNREADABLE, Documents, Source
from ..core.errors import BadRun, BadSetting, DedupError
from ..core.features import Spans
from ..core.pairs import Spellings, VerifiedPairs
from ..core.settings import DECIDED, MIN_LINES, Settings
from ..matching.candidates import Finder
from ..matching.update.delta import Change, PreviousRun
from ..matching.update.finder import IncrementalFinder
from ..matching.update.state import CandidateState
from ..readers.discover import find_sources
from ..readers.registry import kind_of
from ..runs import summary
from ..runs.array_store import RowRanges
from ..runs.folder import leftovers
from ..runs.ingest_cache import Block
from ..runs.opening import open_run
from ..runs.run import Run
from .sources import reading_options

PASS = (
    "k",
    "num_perm",
    "sample",
    "seed",
    "text_field",
    "id_field",
    "encoding",
    "max_document_size",
    "prefer",
)
COMPARED = (*MIN_LINES, "noise")  # settings on which it depends how far a pair is compared
CANDIDATES = ("min_jaccard", "min_containment", "min_skeleton", "boilerplate")  # settings they depend on
RANGE = 4096  # documents taken over at a time


@dataclass(frozen=True)
class LastScan:
    """The last run, as far as this scan may rely on it; without one, nothing is known."""

    run: Run | None = None
    new_doc: NDArray[np.int32] | None = None  # [n_docs of it]: its number in this scan; -1 where it is gone
    old_doc: NDArray[np.int32] | None = None  # [n_docs]: the number in it; -1 where it was not there

    def ranges(self, sources: Sequence[Source]) -> dict[int, list[range]]:
        """Return the documents of the last run that each unchanged source gave."""
        if self.run is None:
            return {}
        d = self.run.documents
        again = np.zeros(len(self.run.sources), np.bool_)
        again[d.source[np.isin(d.status, (UNREADABLE, CHANGED))]] = True
        starts = np.searchsorted(d.source, np.arange(len(self.run.sources) + 1))
        old = {s.path: i for i, s in enumerate(self.run.sources) if not s.problem and not again[i]}
        out = {}
        for index, source in enumerate(sources):
            i = old.get(source.path, -1)
            if i >= 0 and replace(self.run.sources[i], given=source.given) == source:
                first, last = int(starts[i]), int(starts[i + 1])
                some = [range(at, min(at + RANGE, last)) for at in range(first, last, RANGE)]
                out[index] = some or [range(first, first)]
        return out

    @cached_property
    def tables(self) -> Path:
        """Return the table folder of the last run, after a check of the tables that are copied."""
        assert self.run is not None
        assert self.run.tables is not None
        self.run.signatures.release_pages()  # NOTE: where they are asked for they are checked
        self.run.anchors.release_pages()
        return self.run.tables

    def finder(self, settings: Settings, docs: NDArray[np.int32]) -> Finder | IncrementalFinder:
        """Return what finds candidates among documents int32[n], from those of the last run where it can."""
        run, steps = self.run, self._steps(settings)
        if run is None or self.old_doc is None or self.new_doc is None or steps is None:
            return Finder(settings, docs)
        selected = np.zeros(len(self.old_doc), np.bool_)
        selected[docs] = True
        change = Change(self.old_doc, self.new_doc, selected, steps.mine)
        if not IncrementalFinder.is_faster(change):
            return Finder(settings, docs)
        previous = PreviousRun(steps, run.documents, run.signatures, run.anchors, run.spans)
        return IncrementalFinder(settings, previous, change)

    def _steps(self, settings: Settings) -> CandidateState | None:
        """Return how the last run found its candidates, if these settings would find the same."""
        if self.run is None:
            return None
        scanned = self.run.summary["scanned"]["settings"]
        if any(scanned[name] != getattr(settings, name) for name in CANDIDATES):
            return None
        try:
            return self.run.steps
        except BadRun:  # what the last run kept for this is damaged; all is found from scratch
            return None

    def block(self, known: list[tuple[int, range]]) -> tuple[Block, RowRanges]:
        """Return the block that reading sources would give, from documents of the last run."""
        assert self.run is not None
        docs = np.concatenate([np.arange(r.start, r.stop) for _, r in known]).astype(np.int32)
        sizes = [len(r) for _, r in known]
        of_docs = _joined([slice(r.start, r.stop) for _, r in known])
        columns: dict[str, Any] = {}
        for f in dataclasses.fields(Documents):
            column = getattr(self.run.documents, f.name)
            listed = isinstance(column, list)
            columns[f.name] = [v for some in of_docs for v in column[some]] if listed else column[docs]
        short = columns["status"] == TOO_SHORT  # that is decided anew
        columns["status"] = np.where(short, OK, columns["status"]).astype(np.int8)
        columns["note"] = ["" if s else note for s, note in zip(short, columns["note"], strict=True)]
        columns["source"] = np.repeat([source for source, _ in known], sizes).astype(np.int32)
        start = self.run.anchors.start
        of_anchors = [slice(int(start[s.start]), int(start[s.stop])) for s in of_docs]
        parts = np.array([(source, n, 0) for (source, _), n in zip(known, sizes, strict=True)], np.int64)
        nowhere = np.full(len(docs), -1, np.int64)
        n_anchors = start[docs + 1] - start[docs]
        block = Block(Documents(**columns), parts, n_anchors, nowhere, nowhere * 0, docs)
        return block, RowRanges(self.tables, of_docs, of_anchors)

    def renumbered(self, old_doc: NDArray[np.int32]) -> LastScan:
        """Set the numbers int32[n_docs] that documents had in the last run, -1 for new ones."""
        if self.run is None:
            return self
        new_doc = np.full(len(self.run.documents), -1, np.int32)
        known = np.flatnonzero(old_doc >= 0)
        new_doc[old_doc[known]] = known
        return replace(self, new_doc=new_doc, old_doc=old_doc)

    def pairs(self, spans: Spans, settings: Settings) -> VerifiedPairs:
        """Return the compared pairs of unchanged documents with unchanged boilerplate.

        How far a pair is compared depends on the lines that it must reach.
        """
        if self.run is None or self.new_doc is None:
            return VerifiedPairs.none()
        scanned = self.run.summary["scanned"]["settings"]
        if any(scanned[name] != getattr(settings, name) for name in COMPARED):
            return VerifiedPairs.none()
        old = self.run.evidence.pairs
        same = _same_spans(self.run.spans, spans, self.new_doc)
        kept = old.where(np.asarray(same[old.docs].all(axis=1)))
        # NOTE: documents keep their order from run to run, so the pairs stay sorted
        return replace(kept, docs=self.new_doc[kept.docs])

    def spellings(self) -> Spellings:
        """Return the spellings of the documents that are still there."""
        if self.run is None or self.new_doc is None:
            return Spellings.none()
        old = self.run.evidence.spellings
        kept = old.where(self.new_doc[old.docs] >= 0)
        return replace(kept, docs=self.new_doc[kept.docs])


def _joined(slices: list[slice]) -> list[slice]:
    """Join adjacent slices.

    >>> _joined([slice(0, 2), slice(2, 5), slice(7, 8)])
    [slice(0, 5, None), slice(7, 8, None)]
    """
    out = slices[:1]
    for some in slices[1:]:
        if out[-1].stop == some.start:
            out[-1] = slice(out[-1].start, some.stop)
        else:
            out.append(some)
    return out


def _same_spans(old: Spans, new: Spans, new_doc: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return bool[n_docs of the last run]: still there, with the same boilerplate."""
    same = new_doc >= 0
    docs = np.flatnonzero(same).astype(np.int32)
    sizes = np.diff(old.indptr)[docs]
    docs = docs[(sizes > 0) | (np.diff(new.indptr)[new_doc[docs]] > 0)]
    alike = np.diff(old.indptr)[docs] == np.diff(new.indptr)[new_doc[docs]]
    same[docs[~alike]] = False
    docs = docs[alike]
    a, b = old.of_docs(docs), new.of_docs(new_doc[docs])
    differs = np.flatnonzero((a.start != b.start) | (a.end != b.end))
    same[docs[np.searchsorted(a.indptr, differs, "right") - 1]] = False
    return same


def last_run(folder: Path, settings: Settings) -> Run | None:
    """Return the run in a folder, if its pass is what these settings would give."""
    try:
        run = open_run(folder)
    except DedupError:
        return None
    was, now = run.summary["scanned"]["settings"], settings.deciding()
    same = run.summary["version"] == __version__ and all(was.get(name) == now[name] for name in PASS)
    return run if same else None


def nothing_new(paths: list[bytes], settings: Settings, folder: Path) -> Run | None:
    """Return the run in a folder, if a scan of these paths with these settings would give the same."""
    began = time.monotonic()
    run = last_run(folder, settings)
    if run is None or b"-" in paths or leftovers(folder):
        return None
    here = os.fsencode(os.path.realpath(folder))
    sources, skipped = find_sources(paths, kind_of, here, settings.follow_links, reading_options(settings))
    return warned(run, settings, began) if gives(run, settings, sources, skipped) else None


def warned(run: Run, settings: Settings, began: float) -> Run:
    """Return an unchanged run with the warnings of these settings, and the time since `began`."""
    found = summary.warnings(run, summary.by_source(run), settings)
    seconds = {summary.UNCHANGED: round(time.monotonic() - began, 3)}
    return replace(run, summary={**run.summary, "warnings": found, "seconds": seconds})


def gives(run: Run, settings: Settings, sources: Sequence[Source], skipped: dict[str, int]) -> bool:
    """Tell whether a scan of these sources with these settings would give this run."""
    settled = not np.isin(run.documents.status, (UNREADABLE, CHANGED)).any()
    same = run.summary["settings"] == settings.deciding() and run.summary["skipped"] == dict(skipped)
    return bool(settled and same and list(run.sources) == list(sources))


def check_decidable(run: Run, settings: Settings) -> None:
    """Raise BadSetting unless the settings differ from those of the scan only in what its run can answer."""
    was, now = run.summary["scanned"]["settings"], settings.deciding()
    for name, value in now.items():
        if value != was[name] and name not in DECIDED:
            raise BadSetting(f"{name}: only a scan can change it; scan again")
        if name in MIN_LINES and value < was[name]:
            raise BadSetting(
                f"{name}: {value} is below {was[name]}, that of the scan, which compared nothing so unlike; "
                f"scan again with --{name.replace('_', '-')} {value}"
            )
    kept = {*fields_of(parse_rule(was["prefer"])), *run.summary["scanned"].get("fields", ())}
    if missing := set(fields_of(parse_rule(settings.prefer))) - kept:
        raise BadSetting(f"prefer: the scan did not keep the field {min(missing)!r}; scan again with it")
