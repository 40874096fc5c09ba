"""dedup passages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..core import errors
from . import output as outputs
from . import paths
from . import progress as progress_options
from .common import PROBLEMS_SHOWN, console, load_kernels, print_json, run_option
from .exit import say
from .paths import AnyRun
from .progress import Shown, reporting

if TYPE_CHECKING:
    from ..readers.storage.url_files import AnyFile


@click.command()
@click.option(
    "-o",
    "--output",
    type=outputs.AnyPath(),
    help="Write a row for each copy of a passage; .csv, .jsonl, .parquet or .txt.",
)
@click.option(
    "--min-passage",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="N",
    help="Fewest letters of a passage; 32 at least, or more with another --k of the scan.",
)
@click.option(
    "--max-gap",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Join passages of the same documents over differences of N letters or fewer.",
)
@click.option("--every", is_flag=True, help="Look also in dropped documents, not in the kept ones alone.")
@click.option("--force", is_flag=True, help="Replace the output file if it is there.")
@click.option("--threads", type=click.IntRange(0), default=0, metavar="N", help="Threads; 0 takes all cores.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@run_option
@progress_options.options
def passages(
    output: AnyFile | None,
    min_passage: int,
    max_gap: int,
    every: bool,
    force: bool,
    threads: int,
    as_json: bool,
    quiet: bool,
    run_folder: AnyRun,
    shown: Shown,
) -> int:
    """Find text that stands in two or more places of documents that otherwise differ.

    A passage is the longest stretch on which all its copies agree, by letters: casing, spacing and
    punctuation do not count.  Every stretch of --min-passage letters that stands twice is found.  The
    documents are read again; what has changed since the scan is named and left out.

    \b
    dedup passages
    dedup passages -o passages.csv
    dedup passages --min-passage 80 --max-gap 20 --json
    """
    from ..pipeline.passages import find_passages
    from ..reports.lists import export as lists
    from ..reports.passages.places import places_of
    from ..reports.passages.summary import EXCERPT, most_repeated, summary, summary_view
    from ..reports.passages.table import COLUMNS, rows_of
    from ..runs.opening import open_run

    form = outputs.form_of(output, None, lists.SUFFIXES, "csv")
    if output:
        lists.refuse(output, force)
    run = open_run(run_folder)
    with reporting(shown, "passages", f"passages of {errors.safe(str(run_folder))}") as reporter:
        load_kernels(passages=True)
        found = find_passages(run, min_passage, max_gap, every, threads, reporter.progress)
        asked = found.stays[most_repeated(found)]
        places = places_of(found, asked, 2 * EXCERPT, only_shown=output is None)
        if output:
            rows = rows_of(found, places)
            lists.write_new(output, lists.FORMATS[form](rows, COLUMNS, lists.Style()), force)
    report = summary(found, places)
    for name in report["unread"][:PROBLEMS_SHOWN]:
        say(f"{errors.safe(name)}: has changed or gone since the scan; scan again", 0)
    if len(report["unread"]) > PROBLEMS_SHOWN:
        say(f"and {len(report['unread']) - PROBLEMS_SHOWN:,} more", 0)
    if as_json:
        print_json(report)
    elif not quiet:
        name = errors.safe(str(output)) if output else ""
        console().print(summary_view(report, paths.run_flag(run_folder), name))
    return errors.FAILED if report["unread"] else errors.DONE
