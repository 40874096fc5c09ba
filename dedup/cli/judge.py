"""The commands that judge a run: eval, compare and tune."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core import errors
from .output import NewPath
from .paths import AnyRun, RunFolder

if TYPE_CHECKING:
    from rich.console import Console

    from ..runs.run import Run


def register(commands: click.Group, run_option: Callable[..., Any]) -> None:
    """Add the commands of this file to the command line."""
    commands.add_command(run_option(evaluate))
    commands.add_command(compare)
    commands.add_command(run_option(tune))


def _load_kernels() -> None:
    from ..core.compiled.cache import compiling
    from ..pipeline import warm_up

    def on_compile() -> None:
        click.echo(compiling(), err=True)

    warm_up.warm_up(on_compile)


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
def evaluate(labels: Path, ignore_unknown: bool, examples: int, as_json: bool, run_folder: AnyRun) -> None:
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
    _load_kernels()
    report = evaluated(run, answers, examples)
    if as_json:
        _print_json(report)
    else:
        _console().print(evaluation_view(report, str(labels)))


@click.command()
@click.argument("run_a", type=RunFolder())
@click.argument("run_b", type=RunFolder())
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
        _print_json(report)
    else:
        _console().print(comparison_view(report, str(run_a), str(run_b)))


@click.command()
@click.option(
    "--sample",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    metavar="N",
    help="Documents held against all others to measure the recall; 0 leaves that out.",
)
@click.option("--seed", type=int, default=1, show_default=True, metavar="N", help="Seed of that sample.")
@click.option(
    "--pairs",
    "shown",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    metavar="N",
    help="Pairs to show on each side of the line.",
)
@click.option("-i", "--interactive", is_flag=True, help="Judge pairs near the line, one at a time.")
@click.option(
    "--labels",
    type=NewPath(),
    default=Path("labels.csv"),
    show_default=True,
    help="With -i: the file that answers are added to; dedup eval reads it.",
)
@click.option("--plot", type=NewPath(), help="Picture to write: .svg or .png.")
@click.option("--force", is_flag=True, help="Replace the picture if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as one JSON object on stdout.")
def tune(
    sample: int,
    seed: int,
    shown: int,
    interactive: bool,
    labels: Path,
    plot: Path | None,
    force: bool,
    as_json: bool,
    run_folder: AnyRun,
) -> None:
    """Show where min_jaccard lies among the pairs of a run, what another line would drop, and the recall.

    With -i, pairs near the line are shown one at a time: s same, d different, k skip, u undo, q quit.
    Each answer is added to the labels file at once; at the end a line is recommended.

    \b
    dedup tune
    dedup tune --plot tune.svg
    dedup tune -i && dedup eval labels.csv
    """
    from ..runs.opening import open_run

    if interactive and (as_json or not (sys.stdin.isatty() and sys.stdout.isatty())):
        raise errors.BadSetting("--interactive asks a person: it needs a terminal, and no --json")
    if plot is not None:
        from ..reports.tune import plot as plots

        plots.format_of(plot)
        plots.require()
    run = open_run(run_folder)
    _load_kernels()
    if interactive:
        _interview(run, labels)
        return
    report = _tuned(run, sample, seed, shown)
    if plot is not None:
        _plot(report, plot, force)
    if as_json:
        _print_json(report)
        return
    from ..reports.tune.terminal import tuning_view

    console = _console()
    console.print(tuning_view(report, run, console.width, str(run_folder)))


def _tuned(run: Run, sample: int, seed: int, shown: int) -> dict[str, Any]:
    from rich.console import Console

    from ..reports.tune.tune import tune as tuned

    talk = Console(stderr=True)
    if not talk.is_terminal:
        return tuned(run, sample, seed, shown)
    with talk.status("comparing the sample with all documents ..." if sample else "reading the pairs ..."):
        return tuned(run, sample, seed, shown)


def _plot(report: dict[str, Any], plot: Path, force: bool) -> None:
    from ..reports.lists.export import write_new
    from ..reports.tune import plot as plots

    write_new(plot, iter([plots.picture(report, plots.format_of(plot))]), force)
    click.echo(f"histogram and S-curve -> {plot}", err=True)


def _interview(run: Run, labels: Path) -> None:
    from ..reports.tune.borderline import borderline, candidates_of
    from ..reports.tune.interview import LabelsFile, interview

    def ask() -> str:
        try:
            return click.getchar()
        except EOFError:
            return ""

    file = LabelsFile(labels)
    interview(run, borderline(run, candidates_of(run)), file, _console(), ask)
