"""scan(): the flow, and the only file that names all the stages.

sources -> parts -> records -> [letters, shingles, signature, anchors] -> documents
signatures -> candidate pairs -> verified pairs -> near-duplicates
anchors    -> candidate (part, whole) pairs -> verified pairs
verified pairs -> clusters -> canonical, witness, relation -> run
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import canonical, cluster, intake, kernels, ledger, lsh, passages, verdict, verify
from .context import Context, Progress
from .errors import BadInput
from .folder import RunFolder, on_disk, writing
from .model import (
    CHANGED,
    EMPTY,
    OK,
    Anchors,
    CandidatePairs,
    Document,
    Documents,
    Signatures,
    Source,
    Spans,
    VerifiedPairs,
)
from .normalize import letter_table
from .readers import Options, Record, fetch, reader_of_suffix
from .readers.walk import find_sources
from .repair import repair
from .run import Run
from .settings import Settings

NEAR_DUPLICATE = 0.9  # estimated Jaccard of texts that count as one where boilerplate is learned
MAX_HOLDERS = 12  # an anchor in more groups of near-duplicates that otherwise differ is boilerplate
OWN_RUN = 100  # letters in a row that make a text differ otherwise
ANCHOR_SHARE = 0.25  # of the part's anchors that the whole must share to be a candidate
MIN_RECALL = 0.99  # of a pair at min_jaccard

AnyPath = str | bytes | os.PathLike[str]


# ------------------------------------------------------------------ entry points


def scan(
    paths: Iterable[AnyPath] | AnyPath,
    settings: Settings | None = None,
    *,
    run: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    on_compile: Callable[[], None] = lambda: None,
    **overrides: Any,
) -> Run:
    """Files and folders -> a Run; with `run`, also written to that run folder.

    `overrides` are settings by name, e.g. min_jaccard=0.7.  Problems with single documents do not
    raise: they are in `Run.summary["set_aside"]`.

    Raises BadSetting, BadRun, and BadInput when there is nothing to read at all.
    """
    settings = _checked(settings, overrides)
    given = [os.fsencode(p) for p in ([paths] if isinstance(paths, (str, bytes, os.PathLike)) else paths)]
    if run is None:
        with tempfile.TemporaryDirectory(prefix="dedup-") as spool:
            return _scan(given, settings, None, Path(spool), progress, on_compile)
    with writing(Path(run)) as folder:
        result = _scan(given, settings, folder, folder.tables, progress, on_compile)
        folder.commit(result)
        return on_disk(result, folder.tables)


def scan_texts(texts: Iterable[str | Document], settings: Settings | None = None, **overrides: Any) -> Run:
    """Texts -> a Run, all in memory.  A document's name is its id, or its place counted from 1.

    >>> run = scan_texts(["Ca n't you see?", "Can't you see?", "Something else."])
    >>> [c.canonical for c in run.clusters], run.keep()
    (['1'], ['1', '3'])
    """
    settings = _checked(settings, overrides)
    given = [t if isinstance(t, Document) else Document(t) for t in texts]
    repaired = [repair(d.text.encode("utf-8", "replace")) for d in given]
    utf8 = [text for text, _ in repaired]
    names = [os.fsencode(d.id or str(i)) for i, d in enumerate(given, 1)]
    if len(set(names)) != len(names):
        twice = next(n for i, n in enumerate(names) if n in names[:i])
        raise BadInput(f"the id {os.fsdecode(twice)!r} is given to two documents")
    sources = [Source(name, "text", False, len(t), 0) for name, t in zip(names, utf8, strict=True)]
    read_texts = [
        (i, [Record(-1, 0, len(t), "utf-8", OK if t else EMPTY, given[i].id, "", ",".join(done))], [t], 0)
        for i, (t, done) in enumerate(repaired)
    ]
    with _context(settings, None, lambda: None) as context:
        with context.timed("pass"):
            groups = [read_texts[i : i + 1000] for i in range(0, len(given), 1000)]
            blocks = list(context.run_all(lambda group: intake.sign(group, settings), groups))
            documents, signatures, anchors = intake.collect(blocks, settings)

        def read(docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
            return [(utf8[d], utf8[d]) for d in docs.tolist()]

        fields = [("", "")] * len(sources)
        run = _decide(context, sources, fields, documents, signatures, anchors, read)
        return replace(run, summary=ledger.summary(run, settings, {}, context.seconds), texts=utf8)


def _checked(settings: Settings | None, overrides: dict[str, Any]) -> Settings:
    settings = replace(settings or Settings(), **overrides)
    canonical.parse_rule(settings.prefer)
    verdict.parse_relations(settings.relations)
    return settings


@contextmanager
def _context(
    settings: Settings, progress: Progress | None, on_compile: Callable[[], None]
) -> Iterator[Context]:
    with ThreadPoolExecutor(settings.n_threads) as pool:
        context = Context(settings, pool, progress or (lambda *_: None), {})
        with context.timed("kernels"):
            kernels.warm_up(on_compile)
        yield context


def _scan(
    paths: list[bytes],
    settings: Settings,
    folder: RunFolder | None,
    spool: Path,
    progress: Progress | None,
    on_compile: Callable[[], None],
) -> Run:
    run_path = os.fsencode(os.path.realpath(folder.folder)) if folder else b""
    plain = [p for p in paths if p != b"-"]
    sources, skipped = find_sources(plain, reader_of_suffix(), run_path, settings.follow_links)
    if len(plain) < len(paths):
        sources.append(intake.spooled(spool))  # last, so that a file is rather kept than its copy
    intake.complain_of_nothing(paths, sources)
    with _context(settings, progress, on_compile) as context:
        kept_fields = canonical.fields_of(canonical.parse_rule(settings.prefer))
        options = Options(settings.text_field, settings.id_field, kept_fields)
        sources, fields = intake.prepared(sources, options)
        with context.timed("pass"):
            documents, signatures, anchors = intake.read_and_sign(context, sources, fields)
        changed: set[int] = set()

        def read(docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
            got = fetch(sources, fields, documents, docs)
            changed.update(int(d) for d, text in zip(docs, got, strict=True) if text is None)
            return got

        names = [(f.text_field, f.id_field) for f in fields]
        while True:
            before = len(changed)
            run = _decide(context, sources, names, _set_aside(documents, changed), signatures, anchors, read)
            if len(changed) == before:
                break
    summary = ledger.summary(run, settings, dict(skipped), context.seconds)
    summary["scanned"] = {"folder": os.getcwd(), "paths": [os.fsdecode(p) for p in paths]}
    return replace(run, summary=summary)


def _set_aside(documents: Documents, changed: set[int]) -> Documents:
    """The documents with those that changed while they were read set aside."""
    status, note = documents.status.copy(), list(documents.note)
    for d in changed:
        status[d], note[d] = CHANGED, "the file changed or vanished during the scan"
    return replace(documents, status=status, note=note)


# ------------------------------------------------------------------ from signatures to the verdict

Read = Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]]


def _decide(
    context: Context,
    sources: list[Source],
    fields: list[tuple[str, str]],
    documents: Documents,
    signatures: Signatures,
    anchors: Anchors,
    read: Read,
) -> Run:
    """Documents with their signatures and anchors -> pairs, verdict, run."""
    s = context.settings
    n = len(documents)

    def utf8(docs: NDArray[np.int32]) -> list[bytes | None]:
        return [None if text is None else text[1] for text in read(docs)]

    same = verdict.same_letters(documents)
    alone = np.flatnonzero((documents.status == OK) & (same == np.arange(n))).astype(np.int32)
    limits = verdict.thresholds(s)
    with context.timed("candidates"):
        run_all = context.counted("comparing", 0, n, each=1)
        candidates = _alike_candidates(s, documents, signatures, alone, run_all)
    with context.timed("passages"):
        run_all = context.counted("passages", 0, n, each=1)
        mine = anchors.of_docs(alone, n)
        parts, spans = _part_candidates(s, documents.n_letters, signatures, mine, candidates, n, run_all)

    def verified(candidates: CandidatePairs) -> VerifiedPairs:
        run_all = context.counted("verifying", len(candidates), n)
        return verify.verify(candidates, documents.n_bytes, utf8, letter_table(), s.k, spans, run_all)

    with context.timed("verification"):
        pairs = verified(CandidatePairs.of(np.concatenate([candidates.docs, parts.docs])))
        # a part is joined to its whole only over anchors that are no boilerplate, however it was found
        sure = limits.alike(pairs) | limits.rewritten(pairs) | pairs.among(parts)
        pairs = pairs.where(sure)

    def same_letter_pairs(speaker: NDArray[np.int32]) -> tuple[VerifiedPairs, NDArray[np.int8]]:
        with context.timed("relations"):
            run_all = context.counted("relations", int((speaker != np.arange(n)).sum()), n)
            return verdict.same_letter_pairs(speaker, read, letter_table(), s.k, run_all)

    with context.timed("clusters"):
        done = verdict.decide(s, sources, documents, signatures, same, pairs, verified, same_letter_pairs)
        verdict.check(done, same, documents, limits)
    return Run(
        sources,
        fields,
        documents,
        done.pairs,
        done.relations,
        done.verdict,
        spans.of_docs(same),
        load_signatures=lambda: signatures,
        load_anchors=lambda: anchors,
    )


def _alike_candidates(
    s: Settings,
    documents: Documents,
    signatures: Signatures,
    docs: NDArray[np.int32],
    run_all: Callable[..., Iterable[Any]],
) -> CandidatePairs:
    """Pairs that share a band of their shingles, or of their skeletons where both have enough of one."""
    found = []
    boned = docs[documents.n_bones[docs] >= verdict.MIN_BONES]
    lowest = lsh.least_sampled_jaccard(s.min_jaccard, s.min_containment)
    for values, some, sizes, sample, threshold, at in (
        (signatures.values, docs, documents.n_letters, s.sample, s.min_jaccard, lowest),
        (signatures.skeletons, boned, documents.n_bones, lsh.EVERY, s.min_skeleton, s.min_skeleton),
    ):
        bands = lsh.banding(at, MIN_RECALL, s.num_perm)
        least = _least_matches(s, threshold, sizes, sample)
        found.append(lsh.candidate_pairs(values, some, bands, least, run_all).docs)
    return CandidatePairs.of(np.concatenate(found))


def _least_matches(
    s: Settings, jaccard: float, sizes: NDArray[np.int64], sample: int
) -> Callable[[NDArray[np.int32]], NDArray[np.int64]]:
    """-> pairs of documents -> the values that they must share to be as alike as `jaccard`, perhaps."""

    def least(pairs: NDArray[np.int32]) -> Any:
        left, right = sizes[pairs].T
        return lsh.least_matches(lsh.sampled_jaccard(jaccard, left, right, sample), s.num_perm, sample)

    return least


def _part_candidates(
    s: Settings,
    n_letters: NDArray[np.int64],
    signatures: Signatures,
    anchors: Anchors,
    candidates: CandidatePairs,
    n: int,
    run_all: Callable[..., Iterable[Any]],
) -> tuple[CandidatePairs, Spans]:
    """Anchors -> (part, whole) candidates and the boilerplate of each document.

    Near-duplicates, by their signatures, are taken as one before anything is counted.
    """
    left, right = n_letters[candidates.docs].T
    near = lsh.sampled_jaccard(NEAR_DUPLICATE, left, right, s.sample)
    close = kernels.matches(signatures.values, candidates.docs) >= near * s.num_perm
    group = cluster.clusters(n, candidates.docs[close])
    n_anchors = np.bincount(anchors.doc, minlength=n)
    spans = Spans.none(n)
    if s.boilerplate == "on":
        flags = passages.boilerplate(anchors, group, MAX_HOLDERS, OWN_RUN, run_all)
        spans = passages.spans(anchors, flags, n)
        anchors = anchors.where(~flags)
        left = np.bincount(anchors.doc, minlength=n)
        # a text that is little but boilerplate is part of nothing: it keeps its full number of anchors
        n_anchors = np.where(left >= verify.MIN_OWN_SHARE * n_anchors, left, n_anchors)
    return passages.containment_candidates(anchors, group, n_anchors, ANCHOR_SHARE, run_all), spans
