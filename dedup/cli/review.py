"""dedup review."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from ..core import errors
from .common import check_relation, cluster_id, load_kernels, print_json, run_option, tell
from .paths import AnyRun, run_flag
from .wait import wait_option, when_free


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
@wait_option
@run_option
def review(
    cluster: str | None,
    relation: str | None,
    order: str,
    again: bool,
    undo: int | None,
    as_json: bool,
    wait: float,
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
    from ..readers.storage.addresses import local_folder
    from ..runs.opening import open_run

    folder = local_folder(run_folder)
    check_relation(relation)
    if undo is not None:
        when_free(lambda: _undo(folder, undo), wait, tell)
    if as_json:
        _print_decisions(folder)
    if as_json or undo is not None:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise errors.DedupError("review needs a terminal to show clusters and to read keys; see: dedup show")
    from rich.console import Console

    from ..reports.review import Session
    from ..runs.review_log import Log

    run = open_run(folder, as_scanned=True)
    chosen = None if cluster is None else cluster_id(cluster)
    load_kernels()
    opened = when_free(lambda: Log(folder), wait, tell)
    with contextlib.closing(opened) as log, _keyboard() as keys:
        done = Session(run, log, keys, Console(highlight=False)).review(order, relation, chosen, again)
    more = f"; dedup review{run_flag(run_folder)} goes on" if done.left else ""
    said = f"{done.accepted:,} accepted, {done.changed:,} changes, {done.left:,} clusters left{more}"
    click.echo(said, err=True)
    if done.accepted or done.changed:
        flag = run_flag(run_folder)
        click.echo(f"what was decided: dedup review --json{flag}; next: dedup export drop{flag}", err=True)


@contextlib.contextmanager
def _keyboard() -> Iterator[Callable[[], str]]:
    """-> what gives the next key pressed at the terminal; an escape sequence is one key, the end is `q`.

    NOTE: click.getchar throws away what was typed before it is called, and gives keys typed fast as one.
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

    from ..runs.opening import open_run
    from ..runs.review import resolved
    from ..runs.review_log import read

    found = resolved(open_run(run_folder, as_scanned=True), read(run_folder))
    rows = [{**dataclasses.asdict(f.made), "stale": f.stale or None} for f in found]
    print_json({"decisions": rows})
