"""dedup report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import run_is_default, run_option
from .output import AnyPath, form_of
from .paths import AnyRun

if TYPE_CHECKING:
    from ..readers.storage.url_files import AnyFile


@click.command()
@click.option(
    "-o",
    "--output",
    type=AnyPath(),
    default=Path("report.html"),
    show_default=True,
    help="File to write.",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option(
    "--max-clusters",
    type=click.IntRange(0),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Clusters in the page, the largest first.",
)
@click.option(
    "--max-texts",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    metavar="MB",
    help="Texts in the page; of the rest it has the figures.",
)
@run_option
def report(output: AnyFile, force: bool, max_clusters: int, max_texts: float, run_folder: AnyRun) -> None:
    """Write the run as one HTML page: the account, charts, and every cluster side by side.

    The page works from disk: it loads nothing and sends nothing.  It holds texts of the documents.

    \b
    dedup report
    dedup report -o report.html --force --max-texts 2
    """
    from ..reports.lists.export import refuse, write_new
    from ..reports.page import PageLimits, page
    from ..reports.wording import counted, size
    from ..runs.opening import open_run

    form_of(output, None, {".html": "html", ".htm": "html"}, "html")
    refuse(output, force)
    run = open_run(run_folder)
    made = page(
        run, PageLimits(clusters=max_clusters, texts=int(max_texts * 1_000_000)), _run_option(run_folder)
    )
    write_new(output, iter([made.html]), force)
    held = f"{counted(made.clusters, 'cluster')}, {counted(made.pairs, 'pair')} side by side"
    click.echo(f"{held}, {size(len(made.html))} -> {output}", err=True)


def _run_option(run_folder: AnyRun) -> str:
    """The option that completes the commands named in the page; "" for the default."""
    import shlex

    return "" if run_is_default() else f" --run {shlex.quote(str(run_folder))}"
