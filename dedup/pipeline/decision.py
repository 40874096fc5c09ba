"""Compared documents -> verdict and run: the last stage of a scan, and the only one of `dedup decide`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clustering import policies, verdict
from ..core.documents import Documents, Source
from ..core.features import Anchors, Signatures, Spans
from ..core.pairs import CandidatePairs, Evidence
from ..core.parallel import Context
from ..core.settings import Settings
from ..matching.verify import Compared
from ..runs.run import Run


@dataclass(frozen=True)
class DecisionInput:
    """All that a decision is made from; signatures, anchors and spans are loaded when they are asked for."""

    sources: list[Source]
    fields: list[tuple[str, str]]
    documents: Documents
    exact_group: NDArray[np.int32]  # [n_docs]: the first document with the same letters and signs
    evidence: Evidence
    may_match: Callable[[CandidatePairs], NDArray[np.bool_]]  # pairs never compared that are worth it
    signatures: Callable[[], Signatures]
    anchors: Callable[[], Anchors]
    anchor_start: NDArray[np.int64]
    spans: Callable[[], Spans]


def decide_run(context: Context, given: DecisionInput, compared: Compared) -> Run:
    """Decide about each document -> a run; `compared` compares the pairs that witnesses need on the way."""
    s = context.settings
    with context.timed("clusters"):
        facts = (given.sources, given.documents, given.may_match, given.exact_group, given.evidence)
        done = verdict.decide(s, *facts, compared)
        verdict.check(done, given.exact_group, given.documents, verdict.thresholds(s))
    evidence = given.evidence.with_pairs(compared.all())
    return Run(
        given.sources,
        given.fields,
        given.documents,
        done.pairs,
        done.relations,
        done.verdict,
        load_signatures=given.signatures,
        load_anchors=given.anchors,
        load_evidence=lambda: evidence,
        load_spans=given.spans,
        anchor_start=given.anchor_start,
    )


def check_settings(settings: Settings) -> Settings:
    """Raise BadSetting if the preference or the relations cannot be understood -> the settings."""
    policies.parse_rule(settings.prefer)
    verdict.parse_relations(settings.relations)
    return settings
