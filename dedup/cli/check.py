"""dedup check."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from ..core import errors
from . import output as outputs
from . import progress as progress_options
from .check_passages import check_passages
from .common import console, print_json, tell
from .exit import say
from .paths import RUN_FOLDER, AnyRun, RunFolderPath, default_run
from .progress import Shown, reporting
from .wait import wait_option, when_free

if TYPE_CHECKING:
    from ..check.existing import Existing
    from ..check.result import Checked
    from ..readers.storage.url_files import AnyFile


@click.command()
@click.argument("new", nargs=-1, required=True, type=click.Path(allow_dash=True, path_type=str))
@click.option(
    "--against",
    "run_folder",
    type=RunFolderPath(),
    default=default_run,
    show_default=RUN_FOLDER,
    metavar="RUN",
    help="Run folder to check against.",
)
@click.option(
    "--allow",
    type=outputs.AnyPath(reads=True),
    help="File of accepted pairs: new TAB existing a line, or the name of a new document.",
)
@click.option(
    "--to",
    type=outputs.AnyPath(folder=True),
    help="Write NEW without its duplicates to a folder or address, new or empty.",
)
@click.option("--only-run", is_flag=True, help="Look for duplicates in the run alone, not within NEW.")
@click.option(
    "--report",
    type=outputs.AnyPath(),
    metavar="FILE",
    help="Write a row for each new document; .csv, .jsonl, .parquet or .txt. The file must be new.",
)
@click.option(
    "--passages",
    is_flag=True,
    help="Tell how much of each new document stands in the run, in whatever documents: contamination.",
)
@click.option(
    "--min-passage",
    type=click.IntRange(1),
    metavar="N",
    help="With --passages: letters in a row that count. [32]",
)
@click.option(
    "--min-share",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="With --passages: share of its letters from which a document is contaminated. [0.8]",
)
@click.option(
    "--max-documents",
    type=click.IntRange(1),
    metavar="N",
    help="With --passages: what stands in more documents of the run is common text. [100]",
)
@click.option("--strict", is_flag=True, help="Exit with 2 also when there is a warning.")
@wait_option
@click.option("--add", is_flag=True, help="Then scan the new files into the run, whatever was found.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "jsonl", "github"]),
    default="text",
    show_default=True,
    help="jsonl: an object for each new document; github: annotations of a workflow.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print all that was found as one JSON object on stdout."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--text-field", help="Field that holds the text. [as in the run]", metavar="TEXT")
@click.option("--id-field", help="Field that holds the id. [as in the run]", metavar="TEXT")
@click.option("--encoding", help="Encoding of the new text. [as in the run]", metavar="TEXT")
@click.option("--threads", type=int, help="Threads to use; 0 takes all cores.", metavar="N")
@progress_options.options
def check(
    new: tuple[str, ...],
    run_folder: AnyRun,
    allow: AnyFile | None,
    to: AnyFile | None,
    only_run: bool,
    report: AnyFile | None,
    passages: bool,
    min_passage: int | None,
    min_share: float | None,
    max_documents: int | None,
    strict: bool,
    wait: float,
    add: bool,
    format_: str,
    as_json: bool,
    quiet: bool,
    shown: Shown,
    **given: Any,
) -> int:
    """Tell of each new document whether it is new, or which document of a run it duplicates.

    NEW are files and folders, or - for standard input, of any form that scan reads.  Exit code 1 when there
    is a duplicate, 0 when there is none, 2 when something cannot be read.  Nothing is added without --add.

    \b
    dedup check incoming/ --against corpus-run
    dedup check test.jsonl --against train-run --only-run --to clean-test --report leaks.csv
    dedup check test.jsonl --against train-run --passages --to clean-test
    dedup check $(git diff --name-only main) --format github
    """
    from ..check.check import checking
    from ..check.result import Allowed
    from ..core.compiled.cache import compiling
    from ..reports.lists import checked

    overrides = {k: v for k, v in given.items() if v is not None}
    limits = {"min_passage": min_passage, "min_share": min_share, "max_documents": max_documents}
    if passages:
        other = {"--allow": bool(allow), "--add": add, "--format": format_ != "text"}
        for name, is_given in other.items():
            if is_given:
                raise errors.BadSetting(f"{name} does not go with --passages")
        wanted = {"as_json": as_json, "quiet": quiet, "strict": strict}
        files = (to, report, _form_of(report))
        return check_passages(new, run_folder, limits, wanted, files, shown, **overrides)
    for name, value in limits.items():
        if value is not None:
            raise errors.BadSetting(f"--{name.replace('_', '-')} goes with --passages")
    accepted = Allowed.read(allow) if allow else None
    if add:
        _check_can_add(new, run_folder)
    form = _form_of(report)
    with ExitStack() as steps:
        with reporting(shown, "check", f"checking against {errors.safe(str(run_folder))}") as reporter:
            result = steps.enter_context(
                checking(
                    *(new, run_folder),
                    only_run=only_run,
                    progress=reporter.progress,
                    on_compile=lambda: reporter.say(compiling()),
                    on_index=lambda: reporter.say("making the index of the run, only this once ..."),
                    **overrides,
                )
            )
        found, unused = accepted.applied(result.found) if accepted else (result.found, [])
        stays = checked.chosen(found)
        if to:
            tell(checked.told(len(found), checked.write_chosen(result.new, stays, to), to), quiet)
    if report:
        checked.write_report(found, stays, report, form)
    warned = _tell(found, unused)
    if not quiet or as_json:
        _print(found, result.existing, unused, "json" if as_json else format_)
    if add:
        when_free(lambda: _add(new, result.existing, overrides, quiet), wait, tell)
    return errors.FAILED if strict and warned else _code(found)


def _form_of(report: AnyFile | None) -> str:
    """Return the form of a report; raise BadSetting for a suffix of none, OutputExists where it is there."""
    from ..reports.lists import export

    form = outputs.form_of(report, None, export.SUFFIXES, "csv")
    if report:
        export.refuse(report, False)
    return form


def _tell(found: list[Checked], unused: list[str]) -> bool:
    """Say what could not be read, and what is a warning -> whether there is one."""
    for entry in unused:
        click.echo(f"dedup: {errors.safe(entry)}", err=True)
    for doc in found:
        if doc.fault:
            click.echo(f"dedup: {errors.safe(doc.path)}: {errors.safe(doc.note)}", err=True)
    lost = {m.path for doc in found for m in doc.matches if m.text != "ok"}
    if lost:
        what = f"{len(lost):,} of the documents found have changed or gone since the scan of the run"
        say(f"warning: {what}, such as {min(lost)}; scan again", 0)
    return bool(unused or lost)


def _code(found: list[Checked]) -> int:
    from ..check.result import DUPLICATE

    if any(doc.fault for doc in found):
        return errors.FAILED
    return errors.DUPLICATES_FOUND if any(doc.status == DUPLICATE for doc in found) else errors.DONE


def _print(found: list[Checked], existing: Existing, unused: list[str], form: str) -> None:
    from ..reports import check as views

    facts = (existing.name, existing.n_docs)
    if form == "json":
        print_json(views.as_dict(found, *facts, unused))
    elif form == "jsonl":
        for line in views.jsonl(found):
            click.echo(line)
    elif form == "github":
        for line in views.github(found, unused):
            click.echo(line)
    else:
        console().print(views.view(found, *facts))


def _check_can_add(new: tuple[str, ...], run_folder: AnyRun) -> None:
    """Raise BadInput where the new files could not be scanned into the run."""
    from ..check.existing import Existing
    from ..pipeline.sources import is_pipe
    from ..readers.storage.addresses import local_folder

    run_folder = local_folder(run_folder)
    scanned = Existing(run_folder).scanned
    pipes = [p for p in (*new, *scanned["paths"]) if is_pipe(os.fsencode(p))]
    if pipes:
        raise errors.BadInput(f"{pipes[0]}: a pipe cannot be read again by later scans; --add takes files")
    if scanned["folder"] != os.getcwd() and not all(map(os.path.isabs, scanned["paths"])):
        raise errors.BadInput(
            f"--add: the run names its files as seen from {errors.safe(scanned['folder'])}; do it there"
        )


def _add(new: tuple[str, ...], existing: Existing, overrides: dict[str, Any], quiet: bool) -> None:
    """Scan the new files into the run, with its settings."""
    from ..pipeline.scan import scan

    before = existing.n_docs
    paths = list(dict.fromkeys([*existing.scanned["paths"], *new]))
    threads = {"threads": overrides["threads"]} if "threads" in overrides else {}
    run = scan(paths, existing.settings, run=existing.folder, **threads)
    tell(f"{run.summary['documents']['seen'] - before:,} documents added to {existing.folder}", quiet)
