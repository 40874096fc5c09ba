"""dedup export."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ..core import errors
from . import output as outputs
from . import paths
from .common import PROBLEMS_SHOWN, load_kernels, run_option
from .exit import say
from .paths import AnyRun

if TYPE_CHECKING:
    from ..readers.storage.url_files import AnyFile
    from ..reports.lists.corpus import ExportResult
    from ..reports.passages.cuts import CutOptions


def _tell_stale(run: Any) -> None:
    """Say which decisions of a review do not hold any more."""
    for name in run.summary.get("decisions", {}).get("stale", []):
        say(f"warning: a decision about {name} is stale; see: dedup review --json", 0)


@click.group(cls=paths.Commands)
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
        type=outputs.AnyPath(),
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
        output: AnyFile | None,
        nul: bool,
        force: bool,
        csv_raw: bool,
        with_short: bool,
        run_folder: AnyRun,
    ) -> None:
        from ..reports.lists import export as lists
        from ..runs.opening import open_run

        form = outputs.form_of(output, format_, lists.SUFFIXES, "txt")
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
_list_command("documents", "Every document, in the order of the run: its cluster and what became of it.")
_list_command("sources", "The ledger of each source: seen = kept + dropped + set aside, and why.")


@export.command()
@click.option(
    "--to", required=True, type=outputs.AnyPath(folder=True), help="Folder or address to fill; new or empty."
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
@click.option("--with-set-aside", is_flag=True, help="Carry along, unchanged, all that was set aside.")
@click.option(
    "--mark", is_flag=True, help="Write all records, also dropped ones, each with dedup_ columns added."
)
@click.option(
    "--keep-per-cluster",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Fill up each cluster to N documents, by preference.",
)
@click.option(
    "--collect",
    multiple=True,
    metavar="FIELD",
    help="Add to each kept record the values of FIELD in its cluster; may be given often.",
)
@click.option(
    "--cut",
    metavar="KINDS",
    help="Cut repeated passages out, but for one copy of each: frame,copy,quote,self, or some of these.",
)
@click.option(
    "--unit",
    type=click.Choice(["paragraph", "line", "sentence", "exact"]),
    help="With --cut: what goes as a whole, where 90 % of it is repeated; exact: words. [paragraph]",
)
@click.option(
    "--max-cut",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="With --cut: a document that would lose more of its letters is left whole. [0.5]",
)
@click.option(
    "--min-passage", type=click.IntRange(1), metavar="N", help="With --cut: letters of a passage. [200]"
)
@click.option(
    "--cuts",
    type=outputs.AnyPath(),
    metavar="FILE",
    help="With --cut: write a row for each cut, with its witness; .csv, .jsonl, .parquet or .txt.",
)
@run_option
def corpus(to: AnyFile, run_folder: AnyRun, cuts: AnyFile | None, **given: Any) -> int:
    """Write the kept documents to a new folder or address; the input is never touched.

    \b
    dedup export corpus --to clean/ --with-set-aside
    dedup export corpus --to s3://bucket/clean
    dedup export corpus --to marked/ --mark
    dedup export corpus --to cut/ --cut frame,quote --cuts cuts.csv
    """
    from ..reports.lists import export as lists
    from ..reports.lists.chosen import CorpusOptions
    from ..reports.lists.corpus import export_corpus
    from ..reports.wording import counted
    from ..runs.opening import open_run

    form = outputs.form_of(cuts, None, lists.SUFFIXES, "csv")
    asked = CorpusOptions(cut=_cut_options(given, cuts), **given)
    if cuts:
        lists.refuse(cuts, asked.force)
    if asked.mark and asked.keep_per_cluster > 1:
        raise errors.BadSetting("--mark writes all records; leave out --keep-per-cluster")
    run = open_run(run_folder)
    _tell_stale(run)
    if asked.cut:
        load_kernels(passages=True)
    written = export_corpus(run, to, asked)
    if cuts and written.cuts:
        from ..reports.passages.cut_table import COLUMNS, rows_of

        rows = rows_of(written.cuts)
        lists.write_new(cuts, lists.FORMATS[form](rows, COLUMNS, lists.Style()), asked.force)
    for where, what in written.problems[:PROBLEMS_SHOWN]:
        say(f"{where}: {what}", 0)
    what = f"{counted(written.documents, 'document')} in {counted(written.files, 'file')}"
    click.echo(f"{what} -> {errors.safe(str(to))}", err=True)
    for line in _missing(written, run_folder):
        click.echo(line, err=True)
    return errors.FAILED if written.problems else errors.DONE


def _cut_options(given: dict[str, Any], cuts: AnyFile | None) -> CutOptions | None:
    """Take the options of --cut out of those given.  Raises BadSetting."""
    from ..pipeline.passages import KINDS
    from ..reports.passages.cuts import CutOptions

    kinds = given.pop("cut")
    others = {name: given.pop(name) for name in ("unit", "max_cut", "min_passage")}
    others = {name: value for name, value in others.items() if value is not None}
    if kinds is None:
        for name in [*others, *(["cuts"] if cuts else [])]:
            raise errors.BadSetting(f"--{name.replace('_', '-')} goes with --cut")
        return None
    wanted = tuple(dict.fromkeys(kind.strip() for kind in kinds.split(",") if kind.strip()))
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown or not wanted:
        raise errors.BadSetting(f"--cut {kinds}: the kinds of passages are {', '.join(KINDS)}")
    return CutOptions(wanted, **others)


def _missing(written: ExportResult, run_folder: AnyRun) -> Iterator[str]:
    """Say what is not in the new corpus though it was not dropped, by count and reason."""
    if written.cuts:
        from ..reports.passages.cut_table import said

        yield from said(written.cuts)
    if written.left_out:
        listed = ", ".join(f"{n:,} {reason}" for reason, n in written.left_out.items())
        where = f"dedup export set-aside{paths.run_flag(run_folder)}"
        yield f"left out: {listed}; --with-set-aside carries them along; see: {where}"
    if written.skipped:
        yield f"never read: {', '.join(f'{n:,} {reason}' for reason, n in written.skipped.items())}"
    for path, n in written.unmarked.items():
        are = "lines or rows are no records, and stand" if n > 1 else "line or row is no record, and stands"
        yield f"{errors.safe(path)}: {n:,} {are} there without the columns"
