"""dedup check."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from ..core import errors
from . import progress as progress_options
from .common import console, default_run, print_json, tell
from .output import AnyPath
from .paths import RUN_FOLDER, AnyRun, RunFolderPath
from .progress import Shown, reporting

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
    type=AnyPath(reads=True),
    help="File of accepted pairs: new TAB existing a line, or the name of a new document.",
)
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
    dedup check test.jsonl --against train-run --json
    dedup check $(git diff --name-only main) --format github
    """
    from ..check.check import check as checked
    from ..check.result import Allowed
    from ..core.compiled.cache import compiling

    accepted = Allowed.read(allow) if allow else None
    overrides = {k: v for k, v in given.items() if v is not None}
    if add:
        _check_can_add(new, run_folder)
    with reporting(shown, "check", f"checking against {errors.safe(str(run_folder))}") as reporter:
        found, existing = checked(
            *(new, run_folder),
            progress=reporter.progress,
            on_compile=lambda: reporter.say(compiling()),
            on_index=lambda: reporter.say("making the index of the run, only this once ..."),
            **overrides,
        )
    found, unused = accepted.applied(found) if accepted else (found, [])
    for entry in unused:
        click.echo(f"dedup: {errors.safe(entry)}", err=True)
    for doc in found:
        if doc.fault:
            click.echo(f"dedup: {errors.safe(doc.path)}: {errors.safe(doc.note)}", err=True)
    if not quiet or as_json:
        _print(found, existing, unused, "json" if as_json else format_)
    if add:
        _add(new, existing, overrides, quiet)
    return _code(found)


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
