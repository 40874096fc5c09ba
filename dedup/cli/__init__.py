"""The command line: flags -> Settings, call the pipeline or a view, pick the exit code.

Only click is loaded here; what a command needs is imported inside it, so that `--help` is quick.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from click.shell_completion import shell_complete

from .. import __version__
from ..core import errors
from ..core.settings import Settings
from . import check, exit, judge, options, pull, show, warm
from . import engine as cli_engine
from . import output as cli_output
from . import paths as cli_paths
from . import report as cli_page
from .exit import say
from .paths import RUN_FOLDER, AnyRun

if TYPE_CHECKING:
    from rich.console import Console

PROBLEMS_SHOWN = 20
COMPLETE = "_DEDUP_COMPLETE"  # the environment asks for the completion of a command by it


def main() -> None:
    """Run the command line."""
    gc.set_threshold(100_000, 50, 100)  # many small objects live long here, and no cycles hold them
    sys.exit(exit.code_of(_run))


def _run() -> int | None:
    """subtle: `commands.main` takes every broken pipe for that of standard output, so it is not called."""
    asked = os.environ.get(COMPLETE)
    if asked:
        return shell_complete(commands, {}, "dedup", COMPLETE, asked)
    with commands.make_context("dedup", sys.argv[1:]) as context:
        return cast("int | None", commands.invoke(context))


@click.group(cls=cli_paths.Commands, context_settings=cli_paths.CONTEXT)
@click.version_option(__version__, "--version", prog_name="dedup")
def commands() -> None:
    """Find the documents of a corpus that are one document in different dress, and name one to keep.

    \b
    dedup scan FOLDER          read, compare, cluster; the result goes to ./.dedup
    dedup export keep          the list of documents to keep
    dedup export drop          what to drop, and for which kept document
    dedup decide               the same again, with other thresholds
    dedup show                 the clusters, page by page
    dedup explain A B          how two documents differ, and where
    dedup eval LABELS          precision, recall and errors, against labels
    dedup compare RUN RUN      what changed between two runs
    dedup tune                 what other thresholds would drop, and the recall
    dedup report               one HTML page: figures, charts, clusters side by side
    dedup check NEW            which new documents are in a run already; exit code 1 if any
    dedup review               accept, change or split each cluster in the terminal
    dedup pull ADDRESS FOLDER  a run at s3://, hdfs:// and others, brought here
    dedup warm                 make the compiled kernels ready

    \b
    Exit codes: 0 done; 1 duplicates found, by check or with --fail-on-duplicates;
    2 a usage or data error; 130 interrupted.

    Shell completion: eval "$(_DEDUP_COMPLETE=bash_source dedup)"; likewise zsh_source, fish_source.
    """


run_option = click.option(
    "--run",
    "run_folder",
    type=cli_paths.RunFolder(),
    default=Path(RUN_FOLDER),
    show_default=True,
    help="Run folder.",
)


@commands.command()
@click.argument("paths", nargs=-1, type=click.Path(allow_dash=True, path_type=str))
@click.option(
    "--files-from",
    metavar="FILE",
    type=click.Path(allow_dash=True, dir_okay=False),
    help="Read also the paths in FILE (- for standard input), one a line.",
)
@click.option("-0", "nul", is_flag=True, help="The paths in --files-from end with a NUL byte: find -print0.")
@options.setting_options
@run_option
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with settings. [pyproject.toml]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole summary as one JSON object on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--fail-on-duplicates", is_flag=True, help="Exit with 1 when something would be dropped.")
@click.option("--checksum", is_flag=True, help="Trust no size and time of a file: read all of them again.")
@click.option("--strict", is_flag=True, help="Exit with 2 also when there is a warning.")
@cli_engine.options
def scan(
    paths: tuple[str, ...],
    files_from: str | None,
    nul: bool,
    run_folder: AnyRun,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    fail_on_duplicates: bool,
    strict: bool,
    checksum: bool,
    engine: cli_engine.Engine,
    **given: Any,
) -> int:
    """Read files and folders, find the variants of one document, choose the one to keep.

    PATHS are folders (read with all that is below them), files, archives (.zip .tar), URLs (s3://, gs://,
    hdfs://, https:// and others), patterns of these, or - for standard input.  Each line of .jsonl, row of
    .csv .tsv .parquet .arrow .feather, record of .warc .wet and message of .mbox is one document; any other
    file is one, whatever its suffix, as are .eml .docx .odt .epub and .pdf.  Each may be packed (.gz .bz2
    .xz .zst).  Hidden folders, node_modules and the run folder are skipped.

    \b
    dedup scan corpus/
    dedup scan posts.jsonl.gz --text-field body --min-jaccard 0.7
    zcat dump.gz | dedup scan - --json
    find corpus/ -name '*.txt' -print0 | dedup scan --files-from - -0
    """
    from ..core.settings import read_config

    all_paths = cli_paths.all_paths(paths, files_from, nul)
    values = {**read_config(config), **{k: v for k, v in given.items() if v is not None}}
    settings = Settings(**values)
    from rich.console import Console

    talk = Console(stderr=True, quiet=quiet, highlight=False)
    if engine.name == "spark":
        found = cli_engine.scan(all_paths, settings, run_folder, engine, talk, checksum)
        return _finished(found, run_folder, as_json, quiet, fail_on_duplicates, strict)
    folder = cli_paths.folder_to_write(run_folder)
    result = None if checksum else _nothing_new(all_paths, settings, folder)
    if result is not None:
        talk.print("nothing has changed since the last scan", style="dim")
    else:
        result = _scan(all_paths, settings, folder, talk, show_bars=not quiet, checksum=checksum)
    return _account(result, run_folder, as_json, quiet, fail_on_duplicates, strict)


def _nothing_new(paths: list[str | bytes], settings: Settings, run_folder: Path) -> Any:
    """The run in the folder where a scan would give the very same, looked up without the kernels."""
    if not (run_folder / "run.json").exists():
        return None
    from ..pipeline import rescan

    return rescan.nothing_new([os.fsencode(p) for p in paths], settings, run_folder)


def _account(
    result: Any, run_folder: AnyRun, as_json: bool, quiet: bool, fail_on_duplicates: bool, strict: bool
) -> int:
    """Show what a scan or a decision has found -> the exit code."""
    from ..runs import summary as ledger

    bad = ledger.problems(result)
    return _finished((result.summary, bad, len(bad)), run_folder, as_json, quiet, fail_on_duplicates, strict)


def _finished(
    found: cli_engine.Found,
    run_folder: AnyRun,
    as_json: bool,
    quiet: bool,
    fail_on_duplicates: bool,
    strict: bool,
) -> int:
    """Show what was found -> the exit code."""
    summary, bad, n_bad = found
    from ..runs import summary as ledger

    shown = ledger.once_for_all(bad)
    n_bad -= len(bad) - len(shown)
    for where, what in shown[:PROBLEMS_SHOWN]:
        say(f"{where}: {what}", 0)
    if n_bad > PROBLEMS_SHOWN:
        more = f"and {n_bad - PROBLEMS_SHOWN:,} more; see: dedup export set-aside"
        say(f"{more}{cli_paths.run_flag(run_folder)}", 0)
    for warning in summary["warnings"]:
        say(f"warning: {warning}", 0)
    _show(summary, run_folder, as_json, quiet)
    if n_bad or (strict and summary["warnings"]):
        return errors.FAILED
    if fail_on_duplicates and summary["documents"]["dropped"]:
        return errors.DUPLICATES_FOUND
    return errors.DONE


def _scan(
    paths: list[str | bytes],
    settings: Settings,
    run_folder: Path,
    talk: Console,
    show_bars: bool,
    checksum: bool,
) -> Any:
    from ..core import jit
    from ..core.compiled.cache import compiling
    from ..pipeline import scan as pipeline
    from ..reports import summary as report

    jit.without_blas()

    def on_compile() -> None:
        talk.print(compiling(), style="dim")

    how: dict[str, Any] = {"run": run_folder, "on_compile": on_compile, "checksum": checksum}
    if show_bars and talk.is_terminal:
        with report.progress_bars(talk) as progress:
            return pipeline.scan(paths, settings, progress=progress, **how)
    return pipeline.scan(paths, settings, **how)


@commands.command()
@options.decide_options
@run_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole summary as one JSON object on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--fail-on-duplicates", is_flag=True, help="Exit with 1 when something would be dropped.")
@click.option("--strict", is_flag=True, help="Exit with 2 also when there is a warning.")
def decide(
    run_folder: AnyRun, as_json: bool, quiet: bool, fail_on_duplicates: bool, strict: bool, **given: Any
) -> int:
    """Decide anew what the last scan has compared, with other thresholds, relations or preference.

    No text is read again.  A threshold may rise above that of the scan, and come back to it.

    \b
    dedup decide --min-jaccard 0.8
    dedup decide --prefer newest --relations identical,encoding,whitespace
    """
    from ..core import jit
    from ..pipeline import redecide

    jit.without_blas()
    result = redecide.decide(run_folder, **{k: v for k, v in given.items() if v is not None})
    return _account(result, run_folder, as_json, quiet, fail_on_duplicates, strict)


def _show(summary: dict[str, Any], run_folder: AnyRun, as_json: bool, quiet: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps(summary, indent=1))
    elif not quiet:
        from rich.console import Console

        from ..reports import summary as report

        out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        out.print(report.summary_view(summary, cli_paths.run_flag(run_folder)))


def _tell_stale(run: Any) -> None:
    """Say which decisions of a review do not hold any more."""
    for name in run.summary.get("decisions", {}).get("stale", []):
        say(f"warning: a decision about {name} is stale; see: dedup review --json", 0)


@commands.group(cls=cli_paths.Commands)
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
        type=cli_output.NewPath(),
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

        form = cli_output.form_of(output, format_, lists.SUFFIXES, "txt")
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
@click.option(
    "--to", required=True, type=cli_output.NewPath(folder=True), help="Folder to write; new or empty."
)
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


show.register(commands, run_option)
judge.register(commands, run_option)
cli_page.register(commands, run_option)
check.register(commands, run_option)
pull.register(commands)
warm.register(commands)
