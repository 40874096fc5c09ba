"""How much of each new document stands in the documents of a run, word for word: contamination."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.documents import FAULTS, OK
from ..core.parallel import Context, Progress, shared_context
from ..core.settings import Settings
from ..core.sorted_arrays import covered_length, offsets_from_sizes
from ..matching import kernels
from ..matching.passages import Indexed, shared_places
from ..pipeline import warm_up
from ..pipeline.ingest import WINDOW
from ..pipeline.passages import check_min_passage, letters_of
from ..runs.opening import open_run
from ..runs.run import Run
from .new_documents import Fresh, fresh

MIN_PASSAGE = 32  # letters
MIN_SHARE = 0.8
MAX_DOCUMENTS = 100


@dataclass(frozen=True)
class PassageLimits:
    """What makes a new document contaminated.

    `min_share` of its letters must lie in stretches of `min_passage` letters or more that stand in the run.
    Letters that stand in more than `max_documents` documents of the run are common text, and do not count.
    """

    min_passage: int = MIN_PASSAGE
    min_share: float = MIN_SHARE
    max_documents: int = MAX_DOCUMENTS


@dataclass(frozen=True)
class Stretch:
    """Letters start..end - 1 of a new document stand in `path` of the run from letter `at` on.

    `documents` of the run have the letters by which it was found.
    """

    start: int
    end: int
    doc: int
    path: str
    at: int
    documents: int


@dataclass(frozen=True)
class Overlap:
    """How much of a new document stands in the run; `longest` is None where nothing does."""

    path: str
    id: str | int | float
    letters: int
    covered: int  # letters
    contaminated: bool
    longest: Stretch | None
    stretches: list[Stretch]
    note: str = ""  # why it could not be read, or judged
    fault: bool = False

    @property
    def share(self) -> float:
        return self.covered / self.letters if self.letters else 0.0


@dataclass(frozen=True)
class PassageCheck:
    """What was found of each new document; `unread` are documents of the run that have changed or gone."""

    found: list[Overlap]
    run: Run
    new: Run
    unread: list[str]


@contextmanager
def checking_passages(
    paths: Iterable[str | bytes | os.PathLike[str]],
    run: str | os.PathLike[str],
    limits: PassageLimits,
    *,
    progress: Progress | None = None,
    on_compile: Callable[[], None] = lambda: None,
    **overrides: Any,
) -> Iterator[PassageCheck]:
    """Tell how much of each new document stands in a run, in documents that were kept or dropped.

    `overrides` are settings of reading.  Raises BadRun, BadSetting, and BadInput when nothing can be read.
    """
    known = open_run(run)
    settings = replace(Settings.of_run(known.summary), **overrides)
    check_min_passage(settings, limits.min_passage)
    given = [os.fsencode(p) for p in paths]
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dedup-")))
        warm_up.warm_up(on_compile, passages=True)
        context = stack.enter_context(shared_context(settings, progress))
        new = stack.enter_context(fresh(context, given, scratch))
        fresh_run = new.as_run(settings, given)
        rows, unread = _stretches(context, new, fresh_run, known, limits, scratch)
        first = np.searchsorted(rows[:, 0], np.arange(1, len(new.documents)))
        found = [
            _overlap(fresh_run, known, doc, mine, limits)
            for doc, mine in zip(range(len(new.documents)), np.split(rows, first), strict=False)
        ]
        yield PassageCheck(found, known, fresh_run, unread)


def _stretches(
    context: Context, new: Fresh, fresh_run: Run, known: Run, limits: PassageLimits, scratch: Path
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the stretches of new documents in the run, as `kernels.stretches_in_others` has them."""
    s, n_new = context.settings, len(new.documents)
    ok = new.documents.status == OK
    mine = Indexed(new.features.anchors, np.where(ok, new.documents.n_letters, 0))
    theirs = Indexed(known.anchors, np.where(known.ok, known.documents.n_letters, 0))
    with context.timed("candidates"):
        places = shared_places(mine, theirs, WINDOW, s.k, limits.min_passage, context.parallel_map)
        known.anchors.release_pages()
    docs = np.unique(places.text[places.text >= n_new]).astype(np.int32) - np.int32(n_new)
    asked = np.flatnonzero(ok).astype(np.int32)
    with context.timed("passages"):
        texts = [new.text(d)[1] if ok[d] else b"" for d in range(n_new)]
        with (
            letters_of(context, replace(fresh_run, texts=texts), asked, scratch) as (own, _),
            letters_of(context, known, docs, scratch) as (other, good),
        ):
            text = np.full(n_new + len(known.documents), -1, np.int32)
            text[asked] = np.arange(len(asked), dtype=np.int32)
            text[n_new + docs[good]] = len(asked) + np.arange(int(good.sum()), dtype=np.int32)
            most = limits.min_passage, limits.max_documents
            rows = kernels.stretches_in_others(own, other, _of_texts(places, text), len(asked), *most)
    rows[:, 0], rows[:, 3] = asked[rows[:, 0]], docs[good][rows[:, 3]]
    return np.unique(rows, axis=0), [known.name(doc) for doc in docs[~good].tolist()]


def _of_texts(places: kernels.Places, text: NDArray[np.int32]) -> kernels.Places:
    """Renumber the documents of places; those that are -1 are left out."""
    group = np.repeat(np.arange(len(places.indptr) - 1), np.diff(places.indptr))
    there = text[places.text] >= 0
    indptr = offsets_from_sizes(np.bincount(group[there], minlength=len(places.indptr) - 1))
    return kernels.Places(indptr, text[places.text[there]], *(column[there] for column in places[2:]))


def _overlap(new: Run, known: Run, doc: int, rows: NDArray[np.int64], limits: PassageLimits) -> Overlap:
    d = new.documents
    n_letters, status = int(d.n_letters[doc]), int(d.status[doc])
    note = d.note[doc]
    if status == OK and n_letters < limits.min_passage:
        note = f"of {n_letters} letters, fewer than --min-passage {limits.min_passage}"
    found = _longest_first(known, rows)
    covered = covered_length(rows[:, 1], rows[:, 2])
    share = covered / n_letters if n_letters else 0.0
    return Overlap(
        *(new.name(doc), d.typed_id(doc), n_letters, covered, bool(found) and share >= limits.min_share),
        *(found[0] if found else None, found, note, status in FAULTS),
    )


def _longest_first(known: Run, rows: NDArray[np.int64]) -> list[Stretch]:
    """Return stretches that do not lie in one another, the longest first."""
    order = np.lexsort((rows[:, 4], rows[:, 3], rows[:, 1], rows[:, 1] - rows[:, 2]))
    kept: list[Stretch] = []
    for _, start, end, other, at, documents in rows[order].tolist():
        if not any(s.start <= start and end <= s.end for s in kept):
            kept.append(Stretch(start, end, other, known.name(other), at, documents))
    return kept
