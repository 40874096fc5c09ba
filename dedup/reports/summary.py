"""The summary that a scan prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..core.documents import STATUS, TOO_SHORT
from ..core.errors import safe
from ..runs.summary import UNCHANGED
from .wording import RELATION_HELP, counted, decided, lost, size

BAR, SOURCES = 12, 8


def _rate(run: dict[str, Any]) -> str:
    seconds = max(0.001, sum(t for phase, t in run["seconds"].items() if phase != "kernels"))
    n, volume = run["documents"]["seen"], run["bytes"]["seen"]
    if UNCHANGED in run["seconds"]:
        return f"{seconds:.2f} s, nothing was read again"
    return f"{seconds:.1f} s, {n / seconds:,.0f} documents/s, {size(int(volume / seconds))}/s"


def _totals(summary: dict[str, Any]) -> Text:
    d = summary["documents"]
    text = Text.assemble(
        ("seen ", "dim"),
        (f"{d['seen']:,}", "bold"),
        (" = kept ", "dim"),
        (f"{d['kept']:,}", "bold green"),
        (" + dropped ", "dim"),
        (f"{d['dropped']:,}", "bold yellow"),
        (" + set aside ", "dim"),
        (f"{d['set_aside']:,}", "bold red" if d["set_aside"] else "bold"),
    )
    dropped, seen = summary["bytes"]["dropped"], summary["bytes"]["seen"]
    share = f" of {size(seen)} ({dropped / seen:.0%})" if seen else ""
    if found := summary["lost"]["documents"]:
        most = lost(summary["lost"]["most"]).removeprefix("lost ")
        text.append(f"\n{found:,} of the dropped ones lose something, at most {most} of one", "dim")
    text.append(f"\nsaves {size(dropped)}{share}; {_rate(summary)}", "dim")
    return text


def _relations(summary: dict[str, Any]) -> Table:
    """Show dropped documents and clusters by relation, with bars."""
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("relation")
    table.add_column("dropped", justify="right")
    table.add_column("clusters", justify="right")
    table.add_column("", width=BAR)
    table.add_column("what differs", style="dim", overflow="fold")
    most = max(1, *summary["relations"].values())
    by_cluster = summary["clusters"]["relations"]
    for name, n in summary["relations"].items():
        bar = "━" * max(1, round(BAR * n / most))
        table.add_row(
            name, f"{n:,}", f"{by_cluster.get(name, 0):,}", Text(bar, "yellow"), RELATION_HELP[name]
        )
    return table


def _largest(summary: dict[str, Any]) -> Iterator[RenderableType]:
    largest = summary["clusters"]["largest"]
    yield Text(f"\nlargest of {counted(summary['clusters']['count'], 'cluster')}", "bold")
    for cluster in largest:
        yield Text.assemble(
            (f"#{cluster['cluster_id']}", "dim"),
            ("  ", ""),
            (safe(cluster["canonical"]), "green"),
            (f"  {cluster['size']:,} documents", "dim"),
        )
        grid = Table.grid(padding=(0, 2))
        for member in cluster["members"][:3]:
            path = Text(safe(member["path"]), overflow="fold")
            grid.add_row("  ", Text(member["relation"], "yellow"), Text(_figure(member), "dim"), path)
        yield grid
        more = cluster["size"] - 1 - min(3, len(cluster["members"]))
        if more > 0:
            yield Text(f"     and {more:,} more", "dim")


def _figure(member: dict[str, Any]) -> str:
    """Return the figure that decided, and what is lost, where they say more than the relation does."""
    figures = decided(member["figure"], member["value"], member["line"]), lost(member["lost"])
    return "  ".join(filter(None, figures))


def _forms(summary: dict[str, Any], run_option: str) -> Iterator[RenderableType]:
    """Show the instances of forms, which are kept."""
    found = summary["forms"]
    if not found["documents"]:
        return
    words = f"\n{counted(found['documents'], 'document')} in {counted(found['count'], 'form')}, all kept"
    yield Text.assemble((words, "bold"), (f"  (dedup export forms{run_option})", "dim"))
    for form in found["largest"][:3]:
        names = ", ".join(safe(name) for name in form["documents"][:2])
        more = f" and {form['size'] - 2:,} more" if form["size"] > 2 else ""
        yield Text(f"  {names}{more}", "dim", overflow="fold")


def _aside(summary: dict[str, Any]) -> Iterator[RenderableType]:
    reasons = summary["set_aside"]["reasons"]
    if reasons:
        listed = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
        yield Text.assemble(("\nset aside: ", "bold"), listed, ("  (dedup export set-aside)", "dim"))
        if STATUS[TOO_SHORT] in reasons:
            yield Text("those too short are kept as well by: dedup export keep --with-short", "dim")
    if summary["skipped"]:
        listed = ", ".join(counted(n, reason) for reason, n in sorted(summary["skipped"].items()))
        yield Text.assemble(("" if reasons else "\n", ""), ("skipped: ", "bold"), listed)


def _sources(summary: dict[str, Any]) -> Iterator[RenderableType]:
    """Return the totals by source, the largest first, where there is more than one."""
    rows = sorted(summary["by_source"], key=lambda row: (-row["seen"], row["path"]))
    if len(rows) < 2:
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("source", overflow="fold")
    for name in ("seen", "kept", "dropped", "set aside"):
        table.add_column(name, justify="right")
    for row in rows[:SOURCES]:
        figures = (f"{row[name]:,}" for name in ("seen", "kept", "dropped", "set_aside"))
        table.add_row(Text(safe(row["path"])), *figures)
    yield Text()
    yield table
    if len(rows) > SOURCES:
        yield Text(f"and {len(rows) - SOURCES:,} more sources  (dedup export sources --format csv)", "dim")


def summary_view(summary: dict[str, Any], run_option: str) -> RenderableType:
    """Return the summary that a person reads after a scan; `run_option` completes the next command."""
    parts: list[RenderableType] = [_totals(summary)]
    if summary["relations"]:
        parts += [Text(), _relations(summary), *_largest(summary)]
    elif summary["documents"]["kept"]:
        parts.append(Text("\nno two documents are the same", "green"))
    parts += _forms(summary, run_option)
    parts += _sources(summary)
    parts += _aside(summary)
    parts.append(
        Text.assemble(("\nnext: ", "bold"), f"dedup export keep{run_option}", ("  the list to keep", "dim"))
    )
    if summary["relations"]:
        parts.append(
            Text.assemble(
                "      ", f"dedup export drop{run_option} --format csv", ("  what to drop, and why", "dim")
            )
        )
    return Group(*parts)
