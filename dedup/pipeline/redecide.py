"""`dedup decide`: another verdict from what a scan has compared, without reading a text."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ..clustering import verdict
from ..core.features import Signatures
from ..core.pairs import CandidatePairs, VerifiedPairs, pair_keys
from ..core.parallel import Context, Progress, shared_context
from ..core.settings import Settings
from ..matching.verify import Compared
from ..runs.folder import writing
from ..runs.manifest import manifest_of
from ..runs.opening import as_decided, open_run
from ..runs.run import Run
from ..runs.summary import summary
from .decision import DecisionInput, check_settings, decide_run
from .rescan import check_decidable
from .warm_up import warm_up_to_decide


def decide(run: str | os.PathLike[str], progress: Progress | None = None, **overrides: Any) -> Run:
    """Decide a run anew with other thresholds, relations or preference -> the run, written to its folder.

    No text is read: two documents that the scan has not compared are both kept, even where a scan with
    these settings would have compared them.  Raises BadRun, and BadSetting for a
    setting that only a scan can change, and a threshold below that of the scan.
    """
    with writing(run) as folder, ThreadPoolExecutor(1) as beside:
        manifest_of(folder.folder)  # that there is a run
        beside.submit(warm_up_to_decide)
        last = open_run(folder.folder, as_scanned=True)
        settings = check_settings(replace(Settings.of_run(last.summary), **overrides))
        check_decidable(last, settings)
        signatures = beside.submit(lambda: last.signatures)
        with shared_context(settings, progress) as context:
            result = _decide_again(context, last, signatures.result)
        told = summary(result, settings, last.summary["skipped"], context.seconds)
        result = replace(result, summary={**told, "scanned": last.summary["scanned"]})
        if progress is not None:
            progress("writing", 0, 0, len(result.documents))
        return as_decided(folder.commit(result, of=True), folder.folder)


def _decide_again(context: Context, last: Run, signatures: Callable[[], Signatures]) -> Run:
    documents, evidence = last.documents, last.evidence
    compared = Compared(evidence.pairs, lambda _: VerifiedPairs.none())
    everything = compared(CandidatePairs(evidence.pairs.docs))
    known = pair_keys(evidence.pairs.docs)
    assert last.anchor_start is not None
    given = DecisionInput(
        last.sources,
        last.fields,
        documents,
        exact_group=verdict.same_values(documents, evidence.spellings),
        evidence=replace(evidence, pairs=everything),
        may_match=verdict.may_match(context.settings, documents, signatures, known),
        signatures=signatures,
        anchors=lambda: last.anchors,
        anchor_start=last.anchor_start,
        spans=lambda: last.spans,
    )
    return decide_run(context, given, compared)
