"""The commands that judge a run: eval, compare and tune."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console


def register(commands: click.Group, run_option: Callable[..., Any]) -> None:
    """Add the commands of this file to the command line."""
    commands.add_command(run_option(evaluate))
    commands.add_command(compare)


def _load_kernels() -> None:
    from . import kernels

    def on_compile() -> None:
        click.echo("compiling the kernels, only this once (about half a minute) ...", err=True)

    kernels.warm_up(on_compile)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def _print_json(report: Any) -> None:
    import json

    click.echo(json.dumps(report, indent=1))


@click.command("eval")
@click.argument("labels", type=click.Path(path_type=Path, dir_okay=False))
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
def evaluate(labels: Path, ignore_unknown: bool, examples: int, as_json: bool, run_folder: Path) -> None:
    """Score the clusters of a run against LABELS: precision, recall, F1, B-cubed, adjusted Rand index.

    LABELS is CSV, TSV, JSON Lines or Parquet, with the columns a, b, label (same or different), or path,
    cluster.  Figures are also given by every other column of a truth table.

    \b
    dedup eval labels.csv
    dedup eval truth.csv --json
    """
    from .folder import open_run
    from .views.evaluate import evaluate as evaluated
    from .views.evaluate_text import evaluation_view
    from .views.labels import read_labels

    run = open_run(run_folder)
    answers = read_labels(labels, run, ignore_unknown)
    _load_kernels()
    report = evaluated(run, answers, examples)
    if as_json:
        _print_json(report)
    else:
        _console().print(evaluation_view(report, str(labels)))


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path, file_okay=False))
@click.argument("run_b", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print all changes as one JSON object on stdout.")
def compare(run_a: Path, run_b: Path, as_json: bool) -> None:
    """Show what changed from run RUN_A to RUN_B: documents, verdicts, clusters, settings.

    \b
    dedup scan corpus/ --run strict --min-jaccard 0.7
    dedup compare .dedup strict
    """
    from .folder import open_run
    from .views.compare import compare as compared
    from .views.compare import comparison_view

    report = compared(open_run(run_a), open_run(run_b))
    if as_json:
        _print_json(report)
    else:
        _console().print(comparison_view(report, str(run_a), str(run_b)))
