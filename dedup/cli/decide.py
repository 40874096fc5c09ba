"""dedup decide."""

from __future__ import annotations

from typing import Any

import click

from ..core.errors import safe
from . import options
from . import progress as progress_options
from .common import run_option, show_run
from .paths import AnyRun
from .progress import Shown, reporting
from .wait import wait_option, when_free


@click.command()
@options.decide_options
@run_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole summary as one JSON object on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--fail-on-duplicates", is_flag=True, help="Exit with 1 when something would be dropped.")
@click.option("--strict", is_flag=True, help="Exit with 2 also when there is a warning.")
@wait_option
@progress_options.options
def decide(
    run_folder: AnyRun,
    as_json: bool,
    quiet: bool,
    fail_on_duplicates: bool,
    strict: bool,
    wait: float,
    shown: Shown,
    **given: Any,
) -> int:
    """Decide anew what the last scan has compared, with other thresholds, relations or preference.

    No text is read again.  A threshold may rise above that of the scan, and come back to it.

    \b
    dedup decide --min-jaccard 0.8
    dedup decide --prefer newest --relations identical,encoding,whitespace
    """
    from ..core import jit
    from ..pipeline import redecide

    jit.without_blas()
    changed = {k: v for k, v in given.items() if v is not None}
    with reporting(shown, "decide", f"deciding {safe(str(run_folder))} anew") as reporter:
        result = when_free(
            lambda: redecide.decide(run_folder, reporter.progress, **changed), wait, reporter.say
        )
        reporter.result(result.summary)
    return show_run(result, run_folder, as_json, quiet, fail_on_duplicates, strict)
