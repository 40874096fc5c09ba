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
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import canonical, cluster, intake, kernels, ledger, lsh, passages, verdict, verify
from .context import Context, Progress
from .errors import BadInput
from .folder import writing
from .model import (
    CHANGED,
    EMPTY,
    OK,
    TOO_SHORT,
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
from .readers import Options, Record, kind_of
from .readers.places import unchanged
from .readers.walk import find_sources
from .repair import repair
from .run import Run
from .settings import Settings
from .spool import Rows, Spool
from .store import Store

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
        with tempfile.TemporaryDirectory(prefix="dedup-") as scratch:
            return _scan(given, settings, b"", Path(scratch), Path(scratch, "spool"), progress, on_compile)
    with writing(Path(run)) as folder:
        here = os.fsencode(os.path.realpath(folder.folder))
        result = _scan(given, settings, here, folder.tables, folder.unfinished, progress, on_compile)
        return folder.commit(result)


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
    sources = [Source(name, "text", "", len(t), 0) for name, t in zip(names, utf8, strict=True)]
    read_texts = [
        (i, [Record(-1, 0, len(t), "utf-8", OK if t else EMPTY, given[i].id, "", ",".join(done))], [t], 0)
        for i, (t, done) in enumerate(repaired)
    ]
    with _context(settings, None, lambda: None) as context:
        with context.timed("pass"):
            groups = [read_texts[i : i + 1000] for i in range(0, len(given), 1000)]
            signed = [intake.sign([], settings), *context.run_all(lambda g: intake.sign(g, settings), groups)]
            held = _held(
                [rows for _, rows, _ in signed], [block.n_anchors for block, _, _ in signed], settings
            )
            documents = intake.collect([block for block, _, _ in signed], settings).documents

        def read(docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
            return [(utf8[d], utf8[d]) for d in docs.tolist()]

        fields = [("", "")] * len(sources)
        run = _decide(context, sources, fields, documents, held, read)
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
    run_folder: bytes,
    pipes: Path,
    unfinished: Path,
    progress: Progress | None,
    on_compile: Callable[[], None],
) -> Run:
    plain = [p for p in paths if not intake.is_pipe(p)]
    sources, skipped = find_sources(plain, kind_of, run_folder, settings.follow_links)
    sources += intake.piped(paths, pipes)  # last, so that a file is rather kept than its copy
    intake.complain_of_nothing(paths, sources)
    fields = [Options()] * len(sources)
    with (
        _context(settings, progress, on_compile) as context,
        closing(Spool(unfinished, settings.num_perm)) as spool,
    ):
        with context.timed("pass"):
            options = _options(settings)
            taken = intake.read_and_sign(context, sources, options, fields, spool)
        documents, start = taken.documents, taken.anchor_start
        store = Store(unfinished, len(documents), settings.num_perm, start)
        held = Held(store.signatures(settings.seed, settings.k), store.anchors, store.forget, unfinished)
        changed: NDArray[np.bool_] = np.zeros(len(documents), np.bool_)

        def texts(docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
            found = [(d, taken.texts.read(d)) for d in docs.tolist()]
            return [(documents.written[d] or text, text) for d, text in found]

        names = [(f.text_field, f.id_field) for f in fields]
        while True:
            run = _decide(context, sources, names, documents, held, texts)
            still_changing = _changed(sources, documents) & ~changed
            if not still_changing.any():
                break
            changed |= still_changing
            documents = _set_aside(documents, changed)
    summary = ledger.summary(run, settings, dict(skipped), context.seconds)
    summary["scanned"] = {"folder": os.getcwd(), "paths": [os.fsdecode(p) for p in paths]}
    return replace(run, summary=summary)


def _options(settings: Settings) -> Options:
    return Options(
        settings.text_field,
        settings.id_field,
        canonical.fields_of(canonical.parse_rule(settings.prefer)),
        settings.encoding,
        settings.max_document_bytes,
    )


def _changed(sources: list[Source], documents: Documents) -> NDArray[np.bool_]:
    """bool[n_docs]: of a file that is not any more as it was listed."""
    same: dict[bytes, bool] = {}
    for source in sources:
        if not source.problem and source.at not in same:
            same[source.at] = unchanged(source)
    lost = np.array([not same.get(source.at, True) for source in sources], np.bool_)
    return lost[documents.source] & (documents.status == OK)


def _set_aside(documents: Documents, changed: NDArray[np.bool_]) -> Documents:
    """The documents with those of files that changed since they were read set aside."""
    status, note = documents.status.copy(), list(documents.note)
    for d in np.flatnonzero(changed).tolist():
        status[d], note[d] = CHANGED, "the file changed or vanished during the scan"
    return replace(documents, status=status, note=note)


def _short_set_aside(documents: Documents, k: int) -> Documents:
    """The documents with those set aside that are shorter than a shingle and have no equal."""
    status, note = documents.status.copy(), list(documents.note)
    short = np.flatnonzero((status == OK) & (documents.n_letters < k))
    same = verdict.same_letters(documents)
    for d in short[np.bincount(same, minlength=len(documents))[same[short]] == 1].tolist():
        status[d], note[d] = TOO_SHORT, f"{documents.n_letters[d]} letters; a shingle has {k}"
    return replace(documents, status=status, note=note)


# ------------------------------------------------------------------ from signatures to the verdict

Read = Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]]


@dataclass(frozen=True)
class Held:
    """What grows with the text: signatures and anchors, in memory or in files mapped into it."""

    signatures: Signatures
    anchors: Anchors
    forget: Callable[[], None] = lambda: None  # let go of what was read into memory
    scratch: Path | None = None  # a folder for what does not fit into memory


def _held(rows: list[Rows], n_anchors: list[NDArray[np.int64]], settings: Settings) -> Held:
    """Rows of blocks -> the same, in memory."""
    signatures = np.concatenate([r.signatures for r in rows])
    skeletons = np.concatenate([r.skeletons for r in rows])
    hashes = np.concatenate([r.anchor_hashes for r in rows])
    positions = np.concatenate([r.anchor_positions for r in rows])
    start = intake.starts_of(np.concatenate(n_anchors))
    facts = (settings.num_perm, settings.seed, settings.k)
    return Held(Signatures(signatures, skeletons, *facts), Anchors(hashes, positions, start))


def _decide(
    context: Context,
    sources: list[Source],
    fields: list[tuple[str, str]],
    documents: Documents,
    held: Held,
    read: Read,
) -> Run:
    """Documents with their signatures and anchors -> pairs, verdict, run."""
    s = context.settings
    n = len(documents)
    documents = _short_set_aside(documents, s.k)

    def utf8(docs: NDArray[np.int32]) -> list[bytes | None]:
        return [None if text is None else text[1] for text in read(docs)]

    same = verdict.same_letters(documents)
    alone = np.flatnonzero((documents.status == OK) & (same == np.arange(n))).astype(np.int32)
    limits = verdict.thresholds(s)
    with context.timed("candidates"):
        run_all = context.counted("comparing", 0, n, each=1)
        candidates = _alike_candidates(s, documents, held.signatures, alone, run_all)
        held.forget()
    with context.timed("passages"):
        run_all = context.counted("passages", 0, n, each=1)
        parts, spans = _part_candidates(s, held, alone, candidates, n, run_all)
        held.forget()

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
        done = verdict.decide(
            s, sources, documents, held.signatures, same, pairs, verified, same_letter_pairs
        )
        verdict.check(done, same, documents, limits)
        held.forget()
    return Run(
        sources,
        fields,
        documents,
        done.pairs,
        done.relations,
        done.verdict,
        spans.of_docs(same),
        load_signatures=lambda: held.signatures,
        load_anchors=lambda: held.anchors,
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
    for values, some, threshold in (
        (signatures.values, docs, s.min_jaccard),
        (signatures.skeletons, boned, s.min_skeleton),
    ):
        bands = lsh.banding(threshold, MIN_RECALL, s.num_perm)
        least = lsh.least_matches(threshold, s.num_perm)
        found.append(lsh.candidate_pairs(values, some, bands, least, run_all).docs)
    return CandidatePairs.of(np.concatenate(found))


def _part_candidates(
    s: Settings,
    held: Held,
    docs: NDArray[np.int32],
    candidates: CandidatePairs,
    n: int,
    run_all: Callable[..., Iterable[Any]],
) -> tuple[CandidatePairs, Spans]:
    """Anchors -> (part, whole) candidates and the boilerplate of each document.

    Near-duplicates, by their signatures, are taken as one before anything is counted.
    """
    close = kernels.matches(held.signatures.values, candidates.docs) >= NEAR_DUPLICATE * s.num_perm
    group = cluster.clusters(n, candidates.docs[close])
    mine = np.zeros(n, np.bool_)
    mine[docs] = True
    n_anchors = np.where(mine, np.diff(held.anchors.start), 0)
    found = passages.no_boilerplate(held.anchors, n_anchors)
    if s.boilerplate == "on":
        found = passages.boilerplate(held.anchors, mine, group, MAX_HOLDERS, OWN_RUN, held.scratch, run_all)
        # a text that is little but boilerplate is part of nothing: it keeps its full number of anchors
        enough = found.n_left >= verify.MIN_OWN_SHARE * n_anchors
        n_anchors = np.where(enough, found.n_left, n_anchors)
    parts = passages.containment_candidates(
        *(held.anchors, mine, found, group, n_anchors, ANCHOR_SHARE, held.scratch, run_all)
    )
    return parts, found.spans
