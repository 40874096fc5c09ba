"""dedup move."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

import click

from ..core import errors
from . import output as outputs
from .common import PROBLEMS_SHOWN, load_kernels, print_json, run_option, tell
from .exit import say
from .paths import AnyRun, run_flag


@click.command()
@click.argument("what", required=False, type=click.Choice(["dropped"]))
@click.option(
    "--to",
    type=outputs.LocalPath(folder=True, why="files are moved on this machine"),
    help="Quarantine folder; it may hold earlier moves.",
)
@click.option(
    "--undo",
    type=outputs.LocalPath(folder=True, why="files are moved on this machine"),
    help="Move back all that was moved to this folder.",
)
@click.option("--dry-run", is_flag=True, help="Only list what would be moved: path, new path, kept witness.")
@click.option("--json", "as_json", is_flag=True, help="Print what was moved and left as one JSON object.")
@run_option
def move(
    what: str | None, to: Path | None, undo: Path | None, dry_run: bool, as_json: bool, run_folder: AnyRun
) -> int:
    """Move the dropped whole-file documents of a run to a quarantine folder, and back.

    The tree is kept, and nothing is written over.  A file is moved only if it and its kept witness are still
    as the scan read them.  Records inside files are not moved: use `dedup export corpus` for these.

    \b
    dedup move dropped --to quarantine --dry-run
    dedup move dropped --to quarantine
    dedup move --undo quarantine
    """
    if undo is not None and what is None and to is None:
        return _undo(undo, dry_run, as_json)
    if what is None or to is None or undo is not None:
        raise click.UsageError("give either `dropped --to QUARANTINE`, or `--undo QUARANTINE`")
    from ..reports.move import move_dropped, told
    from ..runs.opening import open_run

    run = open_run(run_folder)
    load_kernels()
    result = move_dropped(run, to, dry_run)
    if as_json:
        moved = [{**asdict(entry), "witness": witness} for entry, witness in result.moved]
        _print(moved, result.left, dry_run, {"records": result.inside})
    elif dry_run:
        for entry, witness in result.moved:
            click.echo("\t".join(map(errors.safe, (entry.path, entry.to, witness))))
    for line in told(result, to, dry_run):
        tell(errors.safe(line))
    if dry_run and result.moved:
        where = errors.safe(shlex.quote(str(to)))
        tell(f"to move them: dedup move dropped --to {where}{run_flag(run_folder)}")
    return errors.FAILED if result.left or result.inside else errors.DONE


def _undo(folder: Path, dry_run: bool, as_json: bool) -> int:
    from ..runs import quarantine

    back, left = quarantine.undo(folder, dry_run)
    if as_json:
        _print([asdict(entry) for entry in back], left, dry_run, {})
    elif dry_run:
        for entry in back:
            click.echo(f"{errors.safe(entry.to)}\t{errors.safe(entry.path)}")
    for path, why in left[:PROBLEMS_SHOWN]:
        say(f"{path}: {why}; left there", 0)
    tell(f"{len(back):,} {'would be' if dry_run else 'are'} back in their places, {len(left):,} left")
    return errors.FAILED if left else errors.DONE


def _print(
    moved: list[dict[str, object]], left: list[tuple[str, str]], dry_run: bool, more: dict[str, int]
) -> None:
    print_json(
        {"dry_run": dry_run, "moved": moved, "left": [{"path": p, "why": why} for p, why in left], **more}
    )
