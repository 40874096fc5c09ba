"""scan(): the flow, and the only file that names all the stages.

sources -> parts -> records -> [letters, shingles, signature, anchors] -> documents
signatures -> candidate pairs -> verified pairs -> near-duplicates
anchors    -> candidate (part, whole) pairs -> verified pairs
verified pairs -> clusters -> canonical, witness, relation -> run
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clustering import exact_duplicates, policies, verdict
from ..core.documents import EMPTY, OK, Document, Documents, Source
from ..core.errors import BadInput
from ..core.features import Anchors, Signatures, Spans
from ..core.pairs import CandidatePairs, Evidence, VerifiedPairs, pair_keys
from ..core.parallel import Context, Progress
from ..core.settings import Settings
from ..core.sorted_arrays import is_in, starts_of
from ..matching import candidates, verify
from ..matching.compared import Compared
from ..readers.discover import find_sources
from ..readers.registry import Options, Record, fetch, kind_of
from ..readers.storage.urls import clean
from ..runs import summary as ledger
from ..runs.array_store import Store
from ..runs.folder import as_decided, manifest_of, open_run, writing
from ..runs.ingest_cache import Spool
from ..runs.run import Run
from ..text.normalize import letter_table
from ..text.repair import repair
from . import ingest, warm_up
from .rescan import Earlier, check_decidable, gives, last_run, warned

AnyPath = str | bytes | os.PathLike[str]


# ------------------------------------------------------------------ entry points


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
    """Files and folders -> a Run; with `run`, also written to that run folder.

    A file that the last run in that folder has read, and that has its size and time still, is not read
    again; the result is the same.  With `checksum` no size and time is trusted.
    `overrides` are settings by name, e.g. min_jaccard=0.7.  Problems with single documents do not
    raise: they are in `Run.summary["set_aside"]`.

    Raises BadSetting, BadRun, and BadInput when there is nothing to read at all.
    """
    settings, began = _checked(settings, overrides), time.monotonic()
    given = [os.fsencode(p) for p in ([paths] if isinstance(paths, (str, bytes, os.PathLike)) else paths)]
    if run is None:
        with tempfile.TemporaryDirectory(prefix="dedup-") as scratch:
            spool = Path(scratch, "spool")
            return _scan(given, settings, b"", Path(scratch), spool, Earlier(), progress, on_compile)
    with writing(run) as folder:
        here = os.fsencode(os.path.realpath(folder.folder))
        last = Earlier(None if checksum else last_run(folder.folder, settings))
        places = (here, folder.tables, folder.unfinished)
        result = _scan(given, settings, *places, last, progress, on_compile)
        if result is last.run:
            return warned(result, settings, began)
        return as_decided(folder.commit(result), folder.folder)


def decide(run: str | os.PathLike[str], progress: Progress | None = None, **overrides: Any) -> Run:
    """The run in a folder, decided anew with other thresholds, relations or preference -> Run, written there.

    No text is read: two documents that the scan has not compared are both kept, even where a scan with
    these settings would have compared them.  Raises BadRun, and BadSetting for a
    setting that only a scan can change, and a threshold below that of the scan.
    """
    with writing(run) as folder, ThreadPoolExecutor(1) as beside:
        manifest_of(folder.folder)  # that there is a run
        beside.submit(warm_up.warm_up_to_decide)
        last = open_run(folder.folder, as_scanned=True)
        settings = _checked(Settings(**last.summary["settings"]), overrides)
        check_decidable(last, settings)
        signatures = beside.submit(lambda: last.signatures)
        with _context(settings, progress) as context:
            result = _decide_again(context, last, signatures.result)
        summary = ledger.summary(result, settings, last.summary["skipped"], context.seconds)
        summary["scanned"] = last.summary["scanned"]
        result = replace(result, summary=summary)
        return as_decided(folder.commit(result, of=True), folder.folder)


def _decide_again(context: Context, last: Run, signatures: Callable[[], Signatures]) -> Run:
    documents, evidence = last.documents, last.evidence
    compared = Compared(evidence.pairs, lambda _: VerifiedPairs.none())
    everything = compared(CandidatePairs(evidence.pairs.docs))
    assert last.anchor_start is not None
    load = (signatures, lambda: last.anchors, last.anchor_start, lambda: last.spans)
    material = Material(last.sources, last.fields, documents, *load)
    hopeful = verdict.hopeful(context.settings, documents, signatures, pair_keys(evidence.pairs.docs))
    same = verdict.same_values(documents, evidence.spellings)
    return _judged(context, material, same, replace(evidence, pairs=everything), hopeful, compared)


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
            signed = [ingest.sign([], settings), *context.run_all(lambda g: ingest.sign(g, settings), groups)]
            whole = ingest.collect([block for block, _, _ in signed], settings)
            start = starts_of(whole.n_anchors)
            held = candidates.held_in_memory([rows for _, rows, _ in signed], start, settings)

        def read(docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
            return [(utf8[d], utf8[d]) for d in docs.tolist()]

        fields = [("", "")] * len(sources)
        run = _decide(context, sources, fields, whole.documents, held, read, Earlier())
        return replace(run, summary=ledger.summary(run, settings, {}, context.seconds), texts=utf8)


def _checked(settings: Settings | None, overrides: dict[str, Any]) -> Settings:
    settings = replace(settings or Settings(), **overrides)
    policies.parse_rule(settings.prefer)
    verdict.parse_relations(settings.relations)
    return settings


@contextmanager
def _context(
    settings: Settings,
    progress: Progress | None,
    on_compile: Callable[[], None] | None = None,
    again: bool = False,
) -> Iterator[Context]:
    """What the stages share; with `on_compile` all kernels are loaded first, else each when it is needed."""
    with ThreadPoolExecutor(settings.n_threads) as pool:
        context = Context(settings, pool, progress or (lambda *_: None), {})
        if on_compile is not None:
            with context.timed("kernels"):
                warm_up.warm_up(on_compile, again)
        yield context


def _scan(
    paths: list[bytes],
    settings: Settings,
    run_folder: bytes,
    pipes: Path,
    unfinished: Path,
    earlier: Earlier,
    progress: Progress | None,
    on_compile: Callable[[], None],
) -> Run:
    plain = [p for p in paths if not ingest.is_pipe(p)]
    sources, skipped = find_sources(plain, kind_of, run_folder, settings.follow_links)
    sources += ingest.piped(paths, pipes)  # last, so that a file is rather kept than its copy
    shown = [clean(p) for p in paths]
    ingest.complain_of_nothing(shown, sources)
    if earlier.run is not None and gives(earlier.run, settings, sources, skipped):
        return earlier.run
    fields = [Options()] * len(sources)
    with (
        _context(settings, progress, on_compile, earlier.run is not None) as context,
        closing(Spool(unfinished, settings.num_perm)) as spool,
    ):
        with context.timed("pass"):
            options = _options(settings)
            taken = ingest.read_and_sign(context, sources, options, fields, spool, earlier)
        documents, start = taken.documents, taken.anchor_start
        store = Store(unfinished, len(documents), settings.num_perm, start)
        held = candidates.Held(store.signatures(settings.seed, settings.k), store.anchors, unfinished)
        changed: NDArray[np.bool_] = np.zeros(len(documents), np.bool_)

        def texts(docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
            elsewhere = docs[taken.texts.at[docs] < 0]  # read by the last run, and not spooled now
            again = dict(zip(elsewhere.tolist(), fetch(sources, fields, documents, elsewhere), strict=True))
            out: list[tuple[bytes, bytes] | None] = []
            for d in docs.tolist():
                found = again[d] if d in again else (b"", taken.texts.read(d))
                out.append(found and (documents.written[d] or found[1], found[1]))
            return out

        names = [(f.text_field, f.id_field) for f in fields]
        while True:
            run = _decide(context, sources, names, documents, held, texts, taken.earlier)
            still_changing = ingest.changed_since(sources, documents) & ~changed
            if not still_changing.any():
                break
            changed |= still_changing
            documents = ingest.changed_set_aside(documents, changed)
    summary = ledger.summary(run, settings, dict(skipped), context.seconds)
    summary["scanned"] = {
        "folder": os.getcwd(),
        "paths": _named(shown, sources),
        "settings": settings.deciding(),
    }
    return replace(run, summary=summary)


def _named(paths: list[bytes], sources: list[Source]) -> list[str]:
    """The paths given, as the account has them: of very many only those that are no files themselves."""
    files = {s.path for s in sources} if len(paths) > ledger.LISTED else set()
    return [os.fsdecode(p) for p in paths if p not in files]


def _options(settings: Settings) -> Options:
    return Options(
        settings.text_field,
        settings.id_field,
        policies.fields_of(policies.parse_rule(settings.prefer)),
        settings.encoding,
        settings.max_document_bytes,
    )


# ------------------------------------------------------------------ from signatures to the verdict

Read = Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]]


def _decide(
    context: Context,
    sources: list[Source],
    fields: list[tuple[str, str]],
    documents: Documents,
    held: candidates.Held,
    read: Read,
    earlier: Earlier,
) -> Run:
    """Documents with their signatures and anchors -> pairs, verdict, run."""
    s = context.settings
    n = len(documents)
    documents = ingest.short_set_aside(documents, s.k)

    letters = verdict.same_letters(documents)
    with context.timed("relations"):
        run_all = context.counted("relations", 0, n, each=1)
        facts = (letters, earlier.spellings(), read, letter_table(), s.k, run_all)
        spellings = exact_duplicates.spellings_of_several(*facts)
    same = exact_duplicates.same_values(letters, spellings)
    alone = np.flatnonzero((documents.status == OK) & (same == np.arange(n))).astype(np.int32)
    finder = earlier.finder(s, alone)
    with context.timed("candidates"):
        run_all = context.counted("comparing", 0, n, each=1)
        banded = finder.by_bands(documents, held.signatures, run_all)
        held.forget()
    with context.timed("passages"):
        run_all = context.counted("passages", 0, n, each=1)
        found = finder.containment(documents.n_letters, held, banded, run_all)
        held.forget()

    compared = Compared(earlier.pairs(found.spans), _comparer(context, documents, read, found.spans))
    with context.timed("verification"):
        pairs = compared(CandidatePairs.of(np.concatenate([found.alike.docs, found.parts.docs])))
    parts = is_in(pair_keys(pairs.docs), pair_keys(found.parts.docs))
    evidence = Evidence(pairs, parts, np.ones(len(pairs), np.bool_), spellings)
    load, own = (lambda: held.signatures, lambda: held.anchors), found.spans.of_docs(same)
    material = Material(sources, fields, documents, *load, held.anchors.start, lambda: own)
    hopeful = verdict.hopeful(s, documents, load[0])
    done = _judged(context, material, same, evidence, hopeful, compared)
    held.forget()
    return replace(done, load_steps=lambda: found.steps)


def _comparer(
    context: Context, documents: Documents, read: Read, spans: Spans
) -> Callable[[CandidatePairs], VerifiedPairs]:
    """-> what reads the texts of pairs and compares them."""

    def utf8(docs: NDArray[np.int32]) -> list[bytes | None]:
        return [None if text is None else text[1] for text in read(docs)]

    def compare(pairs: CandidatePairs) -> VerifiedPairs:
        run_all = context.counted("verifying", len(pairs), len(documents))
        k = context.settings.k
        closely = verdict.thresholds(context.settings).worth_reading
        return verify.verify(pairs, documents.n_bytes, utf8, letter_table(), k, spans, closely, run_all)

    return compare


@dataclass(frozen=True)
class Material:
    """What is judged."""

    sources: list[Source]
    fields: list[tuple[str, str]]
    documents: Documents
    signatures: Callable[[], Signatures]
    anchors: Callable[[], Anchors]
    anchor_start: NDArray[np.int64]
    spans: Callable[[], Spans]


def _judged(
    context: Context,
    m: Material,
    same: NDArray[np.int32],
    known: Evidence,
    hopeful: Callable[[CandidatePairs], NDArray[np.bool_]],
    compared: Compared,
) -> Run:
    """What was compared, and equal letters -> verdict, run; on the way more is compared."""
    s, limits = context.settings, verdict.thresholds(context.settings)
    with context.timed("clusters"):
        done = verdict.decide(s, m.sources, m.documents, hopeful, same, known, compared)
        verdict.check(done, same, m.documents, limits)
    evidence = known.with_pairs(compared.all())
    return Run(
        m.sources,
        m.fields,
        m.documents,
        done.pairs,
        done.relations,
        done.verdict,
        load_signatures=m.signatures,
        load_anchors=m.anchors,
        load_evidence=lambda: evidence,
        load_spans=m.spans,
        anchor_start=m.anchor_start,
    )
