"""The command line: a file for each command, which turns options into settings and picks the exit code.

Only click is loaded here; what a command needs is imported inside it, so that `--help` is quick.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import cast

import click
from click.shell_completion import shell_complete

from .. import __version__
from . import (
    check,
    compare,
    decide,
    evaluate,
    exit,
    explain,
    export,
    move,
    passages,
    paths,
    pull,
    report,
    review,
    scan,
    show,
    tune,
    warm,
)

COMPLETE = "_DEDUP_COMPLETE"  # the environment asks for the completion of a command by it


def main() -> None:
    """Run the command line."""
    gc.set_threshold(100_000, 50, 100)  # many small objects live long here, and no cycles hold them
    sys.exit(exit.code_of(_run))


def _run() -> int | None:
    """NOTE: `commands.main` takes every broken pipe for that of standard output, so it is not called."""
    asked = os.environ.get(COMPLETE)
    if asked:
        return shell_complete(commands, {}, "dedup", COMPLETE, asked)
    with commands.make_context("dedup", sys.argv[1:]) as context:
        return cast("int | None", commands.invoke(context))


@click.group(cls=paths.Commands, context_settings=paths.CONTEXT)
@click.version_option(__version__, "--version", prog_name="dedup")
def commands() -> None:
    """Find near-duplicate documents in a text corpus, and select one to keep from each cluster.

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
    dedup passages             text that is repeated inside documents that otherwise differ
    dedup report               one HTML page: figures, charts, clusters side by side
    dedup check NEW            which new documents are in a run already; exit code 1 if any
    dedup move dropped         move the dropped files to a quarantine folder, and back
    dedup review               accept, change or split each cluster in the terminal
    dedup pull ADDRESS FOLDER  a run at s3://, hdfs:// and others, brought here
    dedup warm                 make the compiled kernels ready

    \b
    Exit codes: 0 done; 1 duplicates found, by check or with --fail-on-duplicates;
    2 a usage or data error; 130 interrupted.

    Shell completion: eval "$(_DEDUP_COMPLETE=bash_source dedup)"; likewise zsh_source, fish_source.
    """


for _command in (
    *(
        scan.scan,
        export.export,
        decide.decide,
        show.show,
        explain.explain,
        evaluate.evaluate,
        compare.compare,
    ),
    *(tune.tune, passages.passages, report.report, check.check, move.move, review.review, pull.pull),
    warm.warm,
):
    commands.add_command(_command)
