"""A scan, stage by stage: the flow of the README's "How it decides", each stage named once.

read and sign      files -> texts -> letters, shingles, signatures, anchors     (`ingest`)
exact duplicates   equal letters -> exact groups; one document represents each
bands              signatures -> candidate pairs
containment        anchors -> boilerplate, candidate pairs of part and whole
noise              rare shingles -> candidate pairs full of errors
verify             candidate pairs -> verified pairs, with exact counts
decide             verified pairs -> clusters, canonical documents, witnesses   (`decision`)
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clustering import verdict
from ..core.documents import OK, Document
from ..core.features import Spans
from ..core.pairs import CandidatePairs, Evidence, VerifiedPairs, pair_keys
from ..core.parallel import Context, Progress, shared_context
from ..core.settings import Settings
from ..core.sorted_arrays import is_in
from ..matching.noise import Searched
from ..matching.verify import Compared, verify
from ..runs.folder import writing
from ..runs.ingest_cache import IngestCache
from ..runs.opening import as_decided
from ..runs.run import Run
from ..runs.summary import summary
from ..text.normalize import letter_table
from .decision import DecisionInput, check_settings, decide_run
from .ingest import Corpus, ingest_files, ingest_texts
from .rescan import LastScan, gives, last_run, warned
from .set_aside import find_changed, set_changed_aside, set_short_aside
from .sources import check_fields, list_sources, list_texts, shown_paths
from .warm_up import warm_up

AnyPath = str | bytes | os.PathLike[str]


def scan(
    paths: Iterable[AnyPath] | AnyPath,
    settings: Settings | None = None,
    *,
    run: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    on_compile: Callable[[], None] = lambda: None,
    checksum: bool = False,
    **overrides: Any,
) -> Run:
    """Find the near-duplicates among files and folders -> a Run; with `run`, also written to that run folder.

    A file that the last run in that folder has read, and that still has its size and time, is not read
    again; the result is the same.  With `checksum` no size and time is trusted.
    `overrides` are settings by name, e.g. min_jaccard=0.7.  Problems with single documents do not
    raise: they are in `Run.summary["set_aside"]`.

    Raises BadSetting, BadRun, and BadInput when there is nothing to read at all.
    """
    settings, began = check_settings(replace(settings or Settings(), **overrides)), time.monotonic()
    given = [os.fsencode(p) for p in ([paths] if isinstance(paths, (str, bytes, os.PathLike)) else paths)]
    if run is None:
        with tempfile.TemporaryDirectory(prefix="dedup-") as scratch:
            places = (b"", Path(scratch), Path(scratch, "unfinished"))
            return _scan_files(given, settings, *places, LastScan(), progress, on_compile)
    with writing(run) as folder:
        here = os.fsencode(os.path.realpath(folder.folder))
        last = LastScan(None if checksum else last_run(folder.folder, settings))
        places = (here, folder.tables, folder.unfinished)
        result = _scan_files(given, settings, *places, last, progress, on_compile)
        if result is last.run:
            return warned(result, settings, began)
        if progress is not None:
            progress("writing", 0, 0, len(result.documents))
        return as_decided(folder.commit(result), folder.folder)


def scan_texts(
    texts: Iterable[str | Document | None], settings: Settings | None = None, **overrides: Any
) -> Run:
    """Find the near-duplicates among texts in memory -> a Run.

    The name of a document is its id, or its number, counted from 1.  None and NaN are set aside as empty.
    Raises BadType, a TypeError, for what is neither texts nor Documents.

    >>> run = scan_texts(["Ca n't you see?", "Can't you see?", "Something else."])
    >>> [c.canonical for c in run.clusters], run.keep()
    (['1'], ['1', '3'])
    """
    settings = check_settings(replace(settings or Settings(), **overrides))
    given = list_texts(texts)
    check_fields(given, settings)
    with shared_context(settings) as context:
        with context.timed("kernels"):
            warm_up(lambda: None)
        with context.timed("pass"):
            corpus, utf8 = ingest_texts(context, given)
        run = find_duplicates(context, corpus, LastScan())
        return in_memory(run, utf8, context)


def in_memory(run: Run, texts: Sequence[bytes], context: Context, **scanned: Any) -> Run:
    """Return a run of texts or rows from Python with its texts and its summary, which names no paths."""
    s = context.settings
    given = {"folder": os.sep, "paths": [], "settings": s.deciding(), **scanned}
    return replace(run, summary={**summary(run, s, {}, context.seconds), "scanned": given}, texts=texts)


def _scan_files(
    paths: list[bytes],
    settings: Settings,
    run_folder: bytes,
    copies: Path,
    unfinished: Path,
    previous: LastScan,
    progress: Progress | None,
    on_compile: Callable[[], None],
) -> Run:
    sources, skipped = list_sources(paths, settings, run_folder, copies)
    if previous.run is not None and gives(previous.run, settings, sources, skipped):
        return previous.run
    cache = IngestCache(unfinished, settings.num_perm)
    with closing(cache), shared_context(settings, progress) as context:
        with context.timed("kernels"):
            warm_up(on_compile, previous.run is not None)
        with context.timed("pass"):
            corpus, previous = ingest_files(context, sources, cache, previous, unfinished)
        changed: NDArray[np.bool_] = np.zeros(len(corpus.documents), np.bool_)
        while True:
            run = find_duplicates(context, corpus, previous)
            now_changed = find_changed(sources, corpus.documents) & ~changed
            if not now_changed.any():
                break
            changed |= now_changed
            corpus = replace(corpus, documents=set_changed_aside(corpus.documents, changed))
    scanned = {"folder": os.getcwd(), "paths": shown_paths(paths, sources), "settings": settings.deciding()}
    return replace(run, summary={**summary(run, settings, skipped, context.seconds), "scanned": scanned})


def find_duplicates(context: Context, corpus: Corpus, previous: LastScan) -> Run:
    """Find the near-duplicates of a corpus -> a Run; what the previous run compared is not compared again."""
    s, features = context.settings, corpus.features
    n = len(corpus.documents)
    documents = set_short_aside(corpus.documents, s.k)

    with context.timed("relations"):
        parallel_map = context.counted(0, n, each=1)
        spellings, exact_group = verdict.exact_groups(
            corpus.documents, previous.spellings(), corpus.read, s.k, parallel_map
        )
    representatives = np.flatnonzero((documents.status == OK) & (exact_group == np.arange(n)))
    finder = previous.finder(s, representatives.astype(np.int32))
    with context.timed("candidates"):
        banded = finder.by_bands(documents, features.signatures, context.counted(0, n, each=1))
        features.release_pages()
    with context.timed("passages"):
        parallel_map = context.counted(0, n, each=1)
        found = finder.containment(documents.n_letters, features, banded, parallel_map)
        features.release_pages()
    with context.timed("noise"):
        parallel_map = context.counted(0, n, each=1)
        searched = Searched(
            representatives.astype(np.int32), documents, features.signatures, found.spans, found.steps.pairs
        )
        found = found.with_noisy(finder.noisy(searched, corpus.utf8, parallel_map))
    compared = Compared(previous.pairs(found.spans, s), _comparer(context, corpus, found.spans))
    with context.timed("verification"):
        pairs = compared(found.all)

    by_anchors = is_in(pair_keys(pairs.docs), pair_keys(found.parts.docs))
    spans = found.spans.of_docs(exact_group)
    given = DecisionInput(
        corpus.sources,
        corpus.fields,
        documents,
        exact_group,
        evidence=Evidence(pairs, by_anchors, np.ones(len(pairs), np.bool_), spellings),
        may_match=verdict.may_match(s, documents, lambda: features.signatures),
        signatures=lambda: features.signatures,
        anchors=lambda: features.anchors,
        anchor_start=features.anchors.start,
        spans=lambda: spans,
    )
    run = decide_run(context, given, compared)
    features.release_pages()
    return replace(run, load_steps=lambda: found.steps)


def _comparer(context: Context, corpus: Corpus, spans: Spans) -> Callable[[CandidatePairs], VerifiedPairs]:
    """Return what reads the texts of candidate pairs and compares them."""
    documents, k = corpus.documents, context.settings.k
    limits = verdict.thresholds(context.settings)

    def compare(pairs: CandidatePairs) -> VerifiedPairs:
        parallel_map = context.counted(len(pairs), len(documents))
        return verify(pairs, documents.n_bytes, corpus.utf8, letter_table(), k, spans, limits, parallel_map)

    return compare
