"""The commands that judge before or after a scan: check and review."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core import errors
from .paths import AnyRun, RunFolder

if TYPE_CHECKING:
    from ..check.existing import Existing
    from ..check.result import Checked

RUN_FOLDER = ".dedup"


def register(commands: click.Group, run_option: Callable[..., Any]) -> None:
    """Add the commands of this file to the command line."""
    commands.add_command(check)
    commands.add_command(run_option(review))


@click.command()
@click.argument("new", nargs=-1, required=True, type=click.Path(allow_dash=True, path_type=str))
@click.option(
    "--against",
    "run_folder",
    type=RunFolder(),
    default=Path(RUN_FOLDER),
    show_default=True,
    metavar="RUN",
    help="Run folder to check against.",
)
@click.option(
    "--allow",
    type=click.Path(path_type=Path, dir_okay=False),
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
def check(
    new: tuple[str, ...],
    run_folder: AnyRun,
    allow: Path | None,
    add: bool,
    format_: str,
    as_json: bool,
    quiet: bool,
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
    found, existing = checked(
        *(new, run_folder),
        on_compile=lambda: _tell(compiling(), quiet),
        on_index=lambda: _tell("making the index of the run, only this once ...", quiet),
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


def _tell(message: str, quiet: bool) -> None:
    if not quiet:
        click.echo(message, err=True)


def _code(found: list[Checked]) -> int:
    from ..check.result import DUPLICATE

    if any(doc.fault for doc in found):
        return errors.FAILED
    return errors.DUPLICATES_FOUND if any(doc.status == DUPLICATE for doc in found) else errors.DONE


def _print(found: list[Checked], existing: Existing, unused: list[str], form: str) -> None:
    import json

    from ..reports import check as views

    facts = (existing.name, existing.n_docs)
    if form == "json":
        click.echo(json.dumps(views.as_dict(found, *facts, unused), indent=1))
    elif form == "jsonl":
        for line in views.jsonl(found):
            click.echo(line)
    elif form == "github":
        for line in views.github(found, unused):
            click.echo(line)
    else:
        from rich.console import Console

        Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(views.view(found, *facts))


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
    _tell(f"{run.summary['documents']['seen'] - before:,} documents added to {existing.folder}", quiet)


@click.command()
@click.option("--cluster", metavar="ID", help="Only this cluster, as `dedup show` numbers it.")
@click.option("--relation", metavar="NAME", help="Only clusters with a document of this relation.")
@click.option(
    "--order",
    type=click.Choice(["largest", "nearest"]),
    default="largest",
    show_default=True,
    help="Largest clusters first, or those nearest to a threshold.",
)
@click.option("--again", is_flag=True, help="Also clusters that were decided before.")
@click.option("--undo", type=int, metavar="N", help="Take back decision N, as --json numbers it.")
@click.option("--json", "as_json", is_flag=True, help="Print the decisions made so far as one JSON object.")
def review(
    cluster: str | None,
    relation: str | None,
    order: str,
    again: bool,
    undo: int | None,
    as_json: bool,
    run_folder: AnyRun,
) -> None:
    """Go through the clusters in the terminal: accept each, change its canonical document, split one off.

    Each decision is saved as it is made, in the run folder, and holds for the lists, and for later scans
    as long as the letters of the document stay the same.

    \b
    dedup review
    dedup review --order nearest --relation near
    dedup review --cluster 3
    """
    from ..core.compiled.cache import compiling
    from ..core.verdicts import RELATIONS
    from ..readers.storage.addresses import local_folder
    from ..runs.opening import open_run

    folder = local_folder(run_folder)
    if relation is not None and relation not in RELATIONS[1:]:
        raise errors.BadSetting(f"--relation {relation}: there is none; they are {', '.join(RELATIONS[1:])}")
    if undo is not None:
        _undo(folder, undo)
    if as_json:
        _print_decisions(folder)
    if as_json or undo is not None:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise errors.DedupError("review needs a terminal to show clusters and to read keys; see: dedup show")
    from rich.console import Console

    from ..pipeline import warm_up
    from ..reports.review import Session
    from ..runs.review_log import Log
    from .show import cluster_id

    run = open_run(folder, as_scanned=True)
    chosen = None if cluster is None else cluster_id(cluster)
    warm_up.warm_up(lambda: _tell(compiling(), False))
    with contextlib.closing(Log(folder)) as log, _keyboard() as keys:
        done = Session(run, log, keys, Console(highlight=False)).review(order, relation, chosen, again)
    click.echo(f"{done.accepted:,} accepted, {done.changed:,} changes, {done.left:,} clusters left", err=True)


@contextlib.contextmanager
def _keyboard() -> Iterator[Callable[[], str]]:
    """-> what gives the next key pressed at the terminal; an escape sequence is one key, the end is `q`.

    subtle: click.getchar throws away what was typed before it is called, and gives keys typed fast as one.
    """
    import termios
    import tty
    from collections import deque

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    waiting: deque[str] = deque()

    def key() -> str:
        if not waiting:
            typed = os.read(terminal, 64).decode("utf-8", "replace")
            waiting.extend([typed] if typed.startswith("\x1b") else typed or "q")
        return waiting.popleft()

    tty.setcbreak(terminal, termios.TCSADRAIN)
    try:
        yield key
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _undo(run_folder: Path, number: int) -> None:
    from ..runs.opening import open_run
    from ..runs.review_log import Log

    open_run(run_folder, as_scanned=True)
    with contextlib.closing(Log(run_folder)) as log:
        made = next((d for d in log.standing if d.number == number), None)
        if made is None:
            raise errors.BadInput(f"--undo {number}: no such decision stands; see: dedup review --json")
        log.undo(made)


def _print_decisions(run_folder: Path) -> None:
    """All decisions that stand, and whether each can be applied to the run."""
    import dataclasses
    import json

    from ..runs.opening import open_run
    from ..runs.review import resolved
    from ..runs.review_log import read

    found = resolved(open_run(run_folder, as_scanned=True), read(run_folder))
    rows = [{**dataclasses.asdict(f.made), "stale": f.stale or None} for f in found]
    click.echo(json.dumps({"decisions": rows}, indent=1))
