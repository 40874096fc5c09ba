"""dedup show."""

from __future__ import annotations

import click

from ..core import errors
from .common import check_relation, cluster_id, console, run_is_default, run_option
from .paths import AnyRun


@click.command()
@click.argument("cluster", required=False)
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Page.")
@click.option(
    "--per-page", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows of a page."
)
@click.option("--relation", metavar="NAME", help="Only clusters, or dropped members, of this relation.")
@click.option("--json", "as_json", is_flag=True, help="Print the page as one JSON object on stdout.")
@run_option
def show(
    cluster: str | None, page: int, per_page: int, relation: str | None, as_json: bool, run_folder: AnyRun
) -> None:
    """Show the clusters of a run, largest first; or, with an id, all documents of one CLUSTER.

    \b
    dedup show
    dedup show 3
    dedup show --relation contained --page 2
    """
    from ..reports import clusters as views
    from ..runs.opening import open_run

    check_relation(relation)
    run = open_run(run_folder)
    if cluster is None:
        shown = views.clusters_page(run, page, per_page, relation)
    else:
        shown = views.cluster_page(run, cluster_id(cluster), page, per_page, relation)
    options = _options(per_page, relation)
    views.print_shown(shown, as_json, console(), options)


def _options(per_page: int, relation: str | None) -> str:
    """The options that were given, to complete the next command."""
    import shlex

    run_folder = click.get_current_context().params["run_folder"]
    return (
        ("" if run_is_default() else f" --run {errors.safe(shlex.quote(str(run_folder)))}")
        + (f" --relation {relation}" if relation else "")
        + (f" --per-page {per_page}" if per_page != 20 else "")
    )
