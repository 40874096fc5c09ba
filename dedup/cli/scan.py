"""dedup scan."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ..core.errors import safe
from ..core.settings import Settings
from . import engine as engines
from . import options
from . import paths as path_options
from . import progress as progress_options
from .common import run_is_default, run_option, show_run, show_summary
from .output import LocalPath
from .paths import AnyRun
from .progress import Reporter, Shown, reporting
from .wait import wait_option, when_free


@click.command()
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
    type=LocalPath(why="settings are read from this machine"),
    help="TOML file with settings, and `run`, the run folder. [pyproject.toml]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole summary as one JSON object on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--fail-on-duplicates", is_flag=True, help="Exit with 1 when something would be dropped.")
@click.option("--checksum", is_flag=True, help="Trust no size and time of a file: read all of them again.")
@click.option("--strict", is_flag=True, help="Exit with 2 also when there is a warning.")
@wait_option
@progress_options.options
@engines.options
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
    wait: float,
    engine: engines.Engine,
    shown: Shown,
    **given: Any,
) -> int:
    """Read files and folders, find the variants of one document, choose the one to keep.

    PATHS are folders (read with all that is below them), files, archives (.zip .tar), URLs (s3://, gs://,
    hdfs://, https:// and others), patterns of these, or - for standard input.  Each line of .jsonl, record
    in a .json, row of .csv .tsv .parquet .arrow .feather, record of .warc .wet and message of .mbox is one
    document; any other file is one, whatever its suffix, as are .eml .docx .odt .epub .rtf and .pdf.  Each
    may be packed (.gz .bz2 .xz .zst).  Hidden folders, node_modules and the run folder are skipped.

    \b
    dedup scan corpus/
    dedup scan posts.jsonl.gz --text-field body --min-jaccard 0.7
    zcat dump.gz | dedup scan - --json
    find corpus/ -name '*.txt' -print0 | dedup scan --files-from - -0
    """
    from ..core.settings import read_config

    all_paths = path_options.all_paths(paths, files_from, nul)
    values = {**read_config(config), **{k: v for k, v in given.items() if v is not None}}
    configured = values.pop("run", None)
    if configured and run_is_default():
        run_folder = path_options.RunFolderPath().convert(configured, None, None)
    settings = Settings(**values)
    with reporting(shown, "scan", f"scanning into {safe(str(run_folder))}", settings) as reporter:
        if engine.name == "spark":
            found = when_free(
                lambda: engines.scan(all_paths, settings, run_folder, engine, reporter, checksum),
                *(wait, reporter.say),
            )
            reporter.result(found[0])
        else:
            folder = path_options.folder_to_write(run_folder)
            result = None if checksum else _nothing_new(all_paths, settings, folder)
            if result is not None:
                reporter.say("nothing has changed since the last scan")
            else:
                result = when_free(
                    lambda: _scan(all_paths, settings, folder, reporter, checksum), wait, reporter.say
                )
            reporter.result(result.summary)
    if engine.name == "spark":
        return show_summary(found, run_folder, as_json, quiet, fail_on_duplicates, strict)
    return show_run(result, run_folder, as_json, quiet, fail_on_duplicates, strict)


def _nothing_new(paths: list[str | bytes], settings: Settings, run_folder: Path) -> Any:
    """The run in the folder where a scan would give the very same, looked up without the kernels."""
    if not (run_folder / "run.json").exists():
        return None
    from ..pipeline import rescan

    return rescan.nothing_new([os.fsencode(p) for p in paths], settings, run_folder)


def _scan(
    paths: list[str | bytes], settings: Settings, run_folder: Path, reporter: Reporter, checksum: bool
) -> Any:
    from ..core import jit
    from ..core.compiled.cache import compiling
    from ..pipeline.scan import scan as scan_paths

    jit.without_blas()
    return scan_paths(
        paths,
        settings,
        run=run_folder,
        progress=reporter.progress,
        on_compile=lambda: reporter.say(compiling()),
        checksum=checksum,
    )
