"""dedup compare."""

from __future__ import annotations

import click

from .common import console, print_json
from .paths import AnyRun, RunFolderPath


@click.command()
@click.argument("run_a", type=RunFolderPath())
@click.argument("run_b", type=RunFolderPath())
@click.option("--json", "as_json", is_flag=True, help="Print all changes as one JSON object on stdout.")
def compare(run_a: AnyRun, run_b: AnyRun, as_json: bool) -> None:
    """Show what changed from run RUN_A to RUN_B: documents, verdicts, clusters, settings.

    \b
    dedup scan corpus/ --run strict --min-jaccard 0.7
    dedup compare .dedup strict
    """
    from ..reports.compare_runs import compare as compared
    from ..reports.compare_runs import comparison_view
    from ..runs.opening import open_run

    report = compared(open_run(run_a), open_run(run_b))
    if as_json:
        print_json(report)
    else:
        console().print(comparison_view(report, str(run_a), str(run_b)))
