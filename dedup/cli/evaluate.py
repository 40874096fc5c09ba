"""dedup eval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .common import console, load_kernels, print_json, run_option
from .output import AnyPath
from .paths import AnyRun

if TYPE_CHECKING:
    from ..readers.storage.url_files import AnyFile


@click.command("eval")
@click.argument("labels", type=AnyPath(reads=True))
@click.option("--ignore-unknown", is_flag=True, help="Leave out labels of documents that are not in the run.")
@click.option(
    "--examples",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="N",
    help="Errors of each kind to name.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as one JSON object on stdout.")
@run_option
def evaluate(labels: AnyFile, ignore_unknown: bool, examples: int, as_json: bool, run_folder: AnyRun) -> None:
    """Score the clusters of a run against LABELS: precision, recall, F1, B-cubed, adjusted Rand index.

    LABELS is CSV, TSV, JSON Lines or Parquet, with the columns a, b, label (same or different), or path,
    cluster.  Figures are also given by every other column of a truth table.

    \b
    dedup eval labels.csv
    dedup eval truth.csv --json
    """
    from ..reports.evaluate.evaluate import evaluate as evaluated
    from ..reports.evaluate.labels import read_labels
    from ..reports.evaluate.terminal import evaluation_view
    from ..runs.opening import open_run

    run = open_run(run_folder)
    answers = read_labels(labels, run, ignore_unknown)
    load_kernels()
    report = evaluated(run, answers, examples)
    if as_json:
        print_json(report)
    else:
        console().print(evaluation_view(report, str(labels)))
