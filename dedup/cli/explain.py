"""dedup explain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..core import errors
from ..core.settings import Settings
from .common import load_kernels, run_is_default, run_option
from .output import AnyPath, form_of
from .paths import AnyRun

if TYPE_CHECKING:
    from ..readers.storage.url_files import AnyFile
    from ..reports.explain.explain import Explanation
    from ..runs.run import Run

FORMATS = {".txt": "text", ".html": "html", ".htm": "html", ".json": "json"}
FILE_WIDTH = 100


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
    type=AnyPath(),
    help="File to write: .txt, .html or .json; .gz, .bz2, .xz, .zst pack it. [stdout]",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@run_option
def explain(
    a: str, b: str, format_: str | None, output: AnyFile | None, force: bool, run_folder: AnyRun
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
    load_kernels()
    found = explained(left, right, settings, run)
    if output is None and chosen == "text":
        _print(found)
    else:
        _write(found, chosen, output, force)


def _run_if_any(run_folder: AnyRun) -> Run | None:
    """The run, or None where there is none and none was asked for."""
    from ..runs.manifest import MANIFEST
    from ..runs.opening import open_run

    return None if run_is_default() and not Path(run_folder, MANIFEST).exists() else open_run(run_folder)


def _print(found: Explanation) -> None:
    from rich.console import Console

    from ..reports.explain.terminal import print_explanation

    print_explanation(found, Console(highlight=False))


def _write(found: Explanation, format_: str, output: AnyFile | None, force: bool) -> None:
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
