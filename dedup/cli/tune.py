"""dedup tune."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core import errors
from .common import console, load_kernels, print_json, run_option
from .output import AnyPath, LocalPath
from .paths import AnyRun

if TYPE_CHECKING:
    from ..readers.storage.url_files import AnyFile
    from ..runs.run import Run


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
    type=LocalPath(why="answers are added to a file of this machine"),
    default=Path("labels.csv"),
    show_default=True,
    help="With -i: the file that answers are added to; dedup eval reads it.",
)
@click.option("--plot", type=AnyPath(), help="Picture to write: .svg or .png.")
@click.option("--force", is_flag=True, help="Replace the picture if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as one JSON object on stdout.")
@run_option
def tune(
    sample: int,
    seed: int,
    shown: int,
    interactive: bool,
    labels: Path,
    plot: AnyFile | None,
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
    load_kernels()
    if interactive:
        _interview(run, labels)
        return
    report = _tuned(run, sample, seed, shown)
    if plot is not None:
        _plot(report, plot, force)
    if as_json:
        print_json(report)
        return
    from ..reports.tune.terminal import tuning_view

    out = console()
    out.print(tuning_view(report, run, out.width, str(run_folder)))


def _tuned(run: Run, sample: int, seed: int, shown: int) -> dict[str, Any]:
    from rich.console import Console

    from ..reports.tune.tune import tune as tuned

    talk = Console(stderr=True)
    if not talk.is_terminal:
        return tuned(run, sample, seed, shown)
    with talk.status("comparing the sample with all documents ..." if sample else "reading the pairs ..."):
        return tuned(run, sample, seed, shown)


def _plot(report: dict[str, Any], plot: AnyFile, force: bool) -> None:
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
    interview(run, borderline(run, candidates_of(run)), file, console(), ask)
