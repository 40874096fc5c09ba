"""What several commands share: the --run option, what is printed, and loading the kernels."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ..core import errors
from .exit import say
from .paths import RUN_FOLDER, AnyRun, RunFolderPath, default_run, run_flag

if TYPE_CHECKING:
    from rich.console import Console

PROBLEMS_SHOWN = 20


run_option = click.option(
    "--run",
    "run_folder",
    type=RunFolderPath(),
    default=default_run,
    show_default=RUN_FOLDER,
    help="Run folder; `run` in [tool.dedup] of pyproject.toml sets another default.",
)


def run_is_default() -> bool:
    """Tell whether the command that runs was given no --run."""
    given = click.get_current_context().get_parameter_source("run_folder")
    return given is click.core.ParameterSource.DEFAULT


def console() -> Console:
    """Return the console of standard output; lines are cut only at a terminal."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def print_json(report: Any) -> None:
    """Print an object as JSON."""
    import json

    click.echo(json.dumps(report, indent=1))


def tell(message: str, quiet: bool = False) -> None:
    """Say something on standard error."""
    if not quiet:
        click.echo(message, err=True)


def load_kernels(passages: bool = False) -> None:
    """Make the kernels ready, those of passages if asked; say so if that takes compiling."""
    from ..core.compiled.cache import compiling
    from ..pipeline.warm_up import warm_up

    warm_up(lambda: tell(compiling()), passages=passages)


def check_relation(name: str | None) -> None:
    """Raise BadSetting for an unknown relation."""
    from ..core.verdicts import RELATIONS

    if name is not None and name not in RELATIONS[1:]:
        raise errors.BadSetting(f"--relation {name}: there is none; they are {', '.join(RELATIONS[1:])}")


def cluster_id(cluster: str) -> int:
    """Read the id of a cluster: `3` or `#3`."""
    number = cluster.removeprefix("#")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise errors.BadSetting(f"{cluster}: is no cluster id; they are numbers, see: dedup show")
    return int(number)


def show_run(
    result: Any, run_folder: AnyRun, as_json: bool, quiet: bool, fail_on_duplicates: bool, strict: bool
) -> int:
    """Show what a scan or a decision has found -> the exit code."""
    from ..runs.summary import problems

    bad = problems(result)
    return show_summary(
        (result.summary, bad, len(bad)), run_folder, as_json, quiet, fail_on_duplicates, strict
    )


def show_summary(
    found: tuple[dict[str, Any], list[tuple[str, str]], int],
    run_folder: AnyRun,
    as_json: bool,
    quiet: bool,
    fail_on_duplicates: bool,
    strict: bool,
) -> int:
    """Show a summary and (problems, how many there are) -> the exit code."""
    summary, bad, n_bad = found
    from ..runs.summary import once_for_all

    shown = once_for_all(bad)
    n_bad -= len(bad) - len(shown)
    for where, what in shown[:PROBLEMS_SHOWN]:
        say(f"{where}: {what}", 0)
    if n_bad > PROBLEMS_SHOWN:
        more = f"and {n_bad - PROBLEMS_SHOWN:,} more; see: dedup export set-aside"
        say(f"{more}{run_flag(run_folder)}", 0)
    for warning in summary["warnings"]:
        say(f"warning: {warning}", 0)
    if as_json:
        print_json(summary)
    elif not quiet:
        from ..reports.summary import summary_view

        console().print(summary_view(summary, run_flag(run_folder)))
    if n_bad or (strict and summary["warnings"]):
        return errors.FAILED
    if fail_on_duplicates and summary["documents"]["dropped"]:
        return errors.DUPLICATES_FOUND
    return errors.DONE
