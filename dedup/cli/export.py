"""dedup export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ..core import errors
from . import output as outputs
from . import paths
from .common import PROBLEMS_SHOWN, run_option
from .exit import say
from .paths import AnyRun


def _tell_stale(run: Any) -> None:
    """Say which decisions of a review do not hold any more."""
    for name in run.summary.get("decisions", {}).get("stale", []):
        say(f"warning: a decision about {name} is stale; see: dedup review --json", 0)


@click.group(cls=paths.Commands)
def export() -> None:
    """Write the lists of a run, or a new corpus of the documents to keep.

    \b
    dedup export keep -0 | xargs -0 cp -t clean/
    dedup export drop --format csv -o dropped.csv
    dedup export corpus --to clean/
    """


with_short_option = click.option(
    "--with-short", is_flag=True, help="Keep also what is too short to judge (keep, corpus)."
)


def _list_command(what: str, help: str) -> None:
    @export.command(what, help=help)
    @click.option(
        "--format",
        "format_",
        type=click.Choice(["txt", "csv", "jsonl", "parquet"]),
        help="[default: by suffix, or txt]",
    )
    @click.option(
        "-o",
        "--output",
        type=outputs.NewPath(),
        help="File to write: .txt, .csv, .jsonl or .parquet; .gz, .bz2, .xz, .zst pack it. [stdout]",
    )
    @click.option("-0", "nul", is_flag=True, help="End each name with a NUL byte, for xargs -0.")
    @click.option("--force", is_flag=True, help="Replace the file if it is there.")
    @click.option(
        "--csv-raw", is_flag=True, help="Leave csv cells that begin with = + - @ without an apostrophe."
    )
    @with_short_option
    @run_option
    def command(
        format_: str | None,
        output: Path | None,
        nul: bool,
        force: bool,
        csv_raw: bool,
        with_short: bool,
        run_folder: AnyRun,
    ) -> None:
        from ..reports.lists import export as lists
        from ..runs.opening import open_run

        form = outputs.form_of(output, format_, lists.SUFFIXES, "txt")
        if what in lists.ON_SCREEN and not (format_ or output or nul) and sys.stdout.isatty():
            form = "screen"
        run = open_run(run_folder)
        _tell_stale(run)
        n = lists.export(run, what, form, output, force, nul, csv_raw, with_short)
        if output is not None:
            click.echo(f"{n:,} rows -> {errors.safe(str(output))}", err=True)


_list_command(
    "keep",
    "The documents to keep, a path a line: all but those dropped.  A cluster may keep several.",
)
_list_command("drop", "The dropped documents, each with its kept witness, what it loses, and the figures.")
_list_command("clusters", "A row per clustered document: path, cluster_id, canonical, relation and figures.")
_list_command("pairs", "The verified pairs with their exact figures and the counts behind them.")
_list_command("forms", "The kept instances of forms, form by form, each with the one that it is most like.")
_list_command("set-aside", "The documents that could not be judged, each with the reason.")
_list_command("sources", "The ledger of each source: seen = kept + dropped + set aside, and why.")


@export.command()
@click.option("--to", required=True, type=outputs.NewPath(folder=True), help="Folder to write; new or empty.")
@click.option(
    "--mode",
    type=click.Choice(["copy", "hardlink", "symlink"]),
    default="copy",
    show_default=True,
    help="How whole files get there; records are always copied.",
)
@click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
@with_short_option
@run_option
def corpus(to: Path, mode: str, force: bool, with_short: bool, run_folder: AnyRun) -> int:
    """Write the kept documents to a new folder; the input is never touched."""
    from ..reports.lists.corpus import export_corpus
    from ..runs.opening import open_run

    run = open_run(run_folder)
    _tell_stale(run)
    written = export_corpus(run, to, mode, force, with_short)
    for where, what in written.problems[:PROBLEMS_SHOWN]:
        say(f"{where}: {what}", 0)
    what = f"{written.documents:,} documents in {written.files:,} files"
    click.echo(f"{what} -> {errors.safe(str(to))}", err=True)
    return errors.FAILED if written.problems else errors.DONE
