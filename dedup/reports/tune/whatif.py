"""What was compared -> the verdict that another `min_jaccard` would have given; no text is read."""

from __future__ import annotations

from dataclasses import replace

from ...clustering import verdict
from ...core.errors import BadSetting
from ...core.pairs import VerifiedPairs, pair_keys
from ...core.settings import Settings
from ...matching.verify import Compared
from ...runs.run import Run


def decided_at(run: Run, min_jaccard: float) -> verdict.Decision:
    """Return what the run would have decided at another `min_jaccard`, from all that was compared.

    All pairs that reach a higher line are among those that were compared, so upwards nothing is estimated.
    Raises BadSetting below the line of the scan, which compared nothing so unlike.
    """
    settings = Settings.of_run(run.summary)
    if min_jaccard < settings.min_jaccard:
        raise BadSetting(
            f"min_jaccard {min_jaccard:g} lies below the {settings.min_jaccard:g} of the run; "
            f"scan again with --min-jaccard {min_jaccard:g}"
        )
    settings, known = replace(settings, min_jaccard=min_jaccard), run.evidence
    same = verdict.same_values(run.documents, known.spellings)
    compared = Compared(known.pairs, lambda _: VerifiedPairs.none())
    may_match = verdict.may_match(
        settings, run.documents, lambda: run.signatures, pair_keys(known.pairs.docs)
    )
    facts = (settings, run.sources, run.documents, may_match, same)
    return verdict.decide(*facts, known, compared)
