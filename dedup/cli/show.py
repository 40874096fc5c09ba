"""The commands that look at a run document by document: explain and show."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core import errors
from ..core.settings import Settings
from .output import NewPath, form_of
from .paths import AnyRun

if TYPE_CHECKING:
    from ..reports.explain.explain import Explanation
    from ..runs.run import Run

FORMATS = {".txt": "text", ".html": "html", ".htm": "html", ".json": "json"}
FILE_WIDTH = 100


def register(commands: click.Group, run_option: Callable[..., Any]) -> None:
    """Add the commands of this file to the command line."""
    for command in (explain, show):
        commands.add_command(run_option(command))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("a")
@click.argument("b")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "html", "json"]),
    help="[default: by suffix of the output, or text]",
)
@click.option(
    "-o",
    "--output",
    type=NewPath(),
    help="File to write: .txt, .html or .json; .gz, .bz2, .xz, .zst pack it. [stdout]",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def explain(
    a: str, b: str, format_: str | None, output: Path | None, force: bool, run_folder: AnyRun
) -> None:
    """Show how two documents are one document, or why not: relation, figures, and where they differ.

    A and B are documents of the run, named as the lists name them (path or path:line), or any two files.

    \b
    dedup explain page.html post.txt
    dedup explain posts.jsonl:17 post.txt --format html -o why.html
    """
    from ..reports.documents import find
    from ..reports.explain.explain import explain as explained

    chosen = form_of(output, format_, FORMATS, "text")
    run = _run_if_any(run_folder)
    settings = Settings.of_run(run.summary) if run else Settings()
    left, right = (find(name, run, settings.text_field) for name in (a, b))
    _load_kernels()
    found = explained(left, right, settings, run)
    if output is None and chosen == "text":
        _print(found)
    else:
        _write(found, chosen, output, force)


def _run_if_any(run_folder: AnyRun) -> Run | None:
    """The run, or None where there is none and none was asked for."""
    from ..runs.manifest import MANIFEST
    from ..runs.opening import open_run

    given = click.get_current_context().get_parameter_source("run_folder")
    default = given is click.core.ParameterSource.DEFAULT
    return None if default and not Path(run_folder, MANIFEST).exists() else open_run(run_folder)


def _load_kernels() -> None:
    from ..core.compiled.cache import compiling
    from ..pipeline import warm_up

    def on_compile() -> None:
        click.echo(compiling(), err=True)

    warm_up.warm_up(on_compile)


def _print(found: Explanation) -> None:
    from rich.console import Console

    from ..reports.explain.terminal import print_explanation

    print_explanation(found, Console(highlight=False))


def _write(found: Explanation, format_: str, output: Path | None, force: bool) -> None:
    import io

    from ..reports.lists.export import write_new

    if format_ == "html":
        from ..reports.explain.html import page

        pieces = page(found)
    elif format_ == "json":
        pieces = iter([found.as_json(), "\n"])
    else:
        from rich.console import Console

        from ..reports.explain.terminal import print_explanation

        paper = io.StringIO()
        print_explanation(found, Console(file=paper, width=FILE_WIDTH, highlight=False, color_system=None))
        pieces = iter([paper.getvalue()])
    chunks = (piece.encode("utf-8", "backslashreplace") for piece in pieces)
    if output is not None:
        write_new(output, chunks, force)
        click.echo(f"{found.relation} -> {errors.safe(str(output))}", err=True)
        return
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


@click.command()
@click.argument("cluster", required=False)
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Page.")
@click.option(
    "--per-page", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows of a page."
)
@click.option("--relation", metavar="NAME", help="Only clusters, or dropped members, of this relation.")
@click.option("--json", "as_json", is_flag=True, help="Print the page as one JSON object on stdout.")
def show(
    cluster: str | None, page: int, per_page: int, relation: str | None, as_json: bool, run_folder: AnyRun
) -> None:
    """Show the clusters of a run, largest first; or, with an id, all documents of one CLUSTER.

    \b
    dedup show
    dedup show 3
    dedup show --relation contained --page 2
    """
    from rich.console import Console

    from ..core.verdicts import RELATIONS
    from ..reports import clusters as views
    from ..runs.opening import open_run

    if relation is not None and relation not in RELATIONS[1:]:
        raise errors.BadSetting(f"--relation {relation}: there is none; they are {', '.join(RELATIONS[1:])}")
    run = open_run(run_folder)
    if cluster is None:
        shown = views.clusters_page(run, page, per_page, relation)
    else:
        shown = views.cluster_page(run, cluster_id(cluster), page, per_page, relation)
    options = _options(per_page, relation)
    views.print_shown(shown, as_json, Console(highlight=False, soft_wrap=not sys.stdout.isatty()), options)


def cluster_id(cluster: str) -> int:
    """`3` or `#3` -> 3."""
    number = cluster.removeprefix("#")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise errors.BadSetting(f"{cluster}: is no cluster id; they are numbers, see: dedup show")
    return int(number)


def _options(per_page: int, relation: str | None) -> str:
    """The options that were given, to complete the next command."""
    import shlex

    context = click.get_current_context()
    given = context.get_parameter_source("run_folder") is not click.core.ParameterSource.DEFAULT
    return (
        (f" --run {errors.safe(shlex.quote(str(context.params['run_folder'])))}" if given else "")
        + (f" --relation {relation}" if relation else "")
        + (f" --per-page {per_page}" if per_page != 20 else "")
    )
