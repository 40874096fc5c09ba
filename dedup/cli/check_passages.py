"""`dedup check --passages`: how much of each new document stands in the run."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..core import errors
from .common import PROBLEMS_SHOWN, console, print_json, tell
from .exit import say
from .paths import AnyRun
from .progress import Shown, reporting

if TYPE_CHECKING:
    from ..check.passages import PassageCheck
    from ..readers.storage.url_files import AnyFile


def check_passages(
    new: tuple[str, ...],
    run_folder: AnyRun,
    limits: dict[str, Any],
    wanted: dict[str, Any],
    outputs: tuple[AnyFile | None, AnyFile | None, str],
    shown: Shown,
    **overrides: Any,
) -> int:
    """Check for passages -> the exit code; `outputs` are the folder, the report and its form."""
    from ..check.passages import PassageLimits, checking_passages
    from ..core.compiled.cache import compiling
    from ..reports import contamination
    from ..reports.lists import checked as lists
    from ..reports.lists.export import FORMATS, Style, write_new

    to, report, form = outputs
    asked = PassageLimits(**{name: v for name, v in limits.items() if v is not None})
    name = str(run_folder)
    with ExitStack() as steps:
        with reporting(shown, "check", f"looking for passages of {errors.safe(name)}") as reporter:
            result = steps.enter_context(
                checking_passages(
                    *(new, run_folder, asked),
                    progress=reporter.progress,
                    on_compile=lambda: reporter.say(compiling()),
                    **overrides,
                )
            )
        if to:
            stays = _stays(result)
            tell(lists.told(len(stays), lists.write_chosen(result.new, stays, to), to), wanted["quiet"])
        shows = wanted["as_json"] or not wanted["quiet"]
        rows = list(contamination.rows(result)) if report or shows else []
        if report:
            write_new(report, FORMATS[form](iter(rows), contamination.COLUMNS, Style()), False)
        if wanted["as_json"]:
            print_json(contamination.as_dict(result, rows, name, asked))
        elif shows:
            console().print(contamination.view(result, rows, name, asked))
    return _code(result, wanted["strict"])


def _stays(result: PassageCheck) -> Any:
    """Choose the new documents that are written: all but those contaminated and those that cannot be read."""
    import numpy as np

    return np.array([not (doc.contaminated or doc.fault) for doc in result.found], np.bool_)


def _code(result: PassageCheck, strict: bool) -> int:
    for doc in result.found:
        if doc.fault:
            say(f"{errors.safe(doc.path)}: {errors.safe(doc.note)}", 0)
    for name in result.unread[:PROBLEMS_SHOWN]:
        say(f"warning: {errors.safe(name)}: has changed or gone since the scan of the run; scan again", 0)
    if any(doc.fault for doc in result.found) or (strict and result.unread):
        return errors.FAILED
    return errors.DUPLICATES_FOUND if any(doc.contaminated for doc in result.found) else errors.DONE
