"""Figures of `dedup eval` -> what a person reads (rich)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...core.errors import safe
from ..wording import counted

Report = dict[str, Any]
VALUES_SHOWN = 15  # of a column; JSON has all


def evaluation_view(report: Report, source: str) -> RenderableType:
    """The figures and the name of the labels file -> what is printed."""
    truth = report["form"] == "truth"
    parts: list[RenderableType] = [_head(report, source), Text(), _figures(report)]
    parts += _clusters(report) if truth else [Text("B-cubed and Rand index need a truth table", "dim")]
    parts += _drops(report["drops"], report["joins"])
    for name, values in report["by"].items():
        parts += _by(name, values, truth)
    if report["columns_left_out"]:
        names = ", ".join(map(safe, report["columns_left_out"]))
        parts.append(Text(f"\nnot broken down by {names}: too many values", "dim"))
    parts += _examples("false joins: one document here, two in the labels", report, "false_joins")
    parts += _examples("missed: one document in the labels, two here", report, "missed")
    return Group(*parts)


def _head(report: Report, source: str) -> Text:
    text = Text.assemble((safe(source), "bold"))
    what = counted(report["pairs"], "pair") + " of " if report["form"] == "pairs" else ""
    text.append(f"  {what}{counted(report['documents'], 'document')}", "dim")
    if report["form"] == "truth":
        text.append(
            f"; {report['true_clusters']:,} true clusters, {report['predicted_clusters']:,} here, "
            "single documents included",
            "dim",
        )
    if report["documents_without_label"]:
        text.append(
            f"\n{counted(report['documents_without_label'], 'document')} of the run without label", "dim"
        )
    if report["rows_left_out"]:
        text.append(f"\n{counted(report['rows_left_out'], 'row')} left out: not in the run", "yellow")
    return text


def _plain_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(columns[0], overflow="fold")
    for name in columns[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _figures(report: Report) -> Table:
    table = _plain_table("", "precision", "recall", "F1")
    table.add_column("", overflow="fold", style="dim")
    pair = report["pairwise"]
    wrong = pair["predicted_pairs"] - pair["correct_pairs"]
    note = f"{pair['correct_pairs']:,} of {pair['true_pairs']:,} pairs found; {wrong:,} false"
    table.add_row("pairwise", *_three(pair), note)
    if report["bcubed"]:
        table.add_row("B-cubed", *_three(report["bcubed"]), "means over documents")
    return table


def _three(figures: Report) -> list[str]:
    return [f"{figures[name]:.4f}" for name in ("precision", "recall", "f1")]


def _clusters(report: Report) -> Iterator[Text]:
    yield Text.assemble("adjusted Rand index ", (f"{report['ari']:.4f}", "bold"))
    yield Text(
        f"clusters that mix true ones: {report['mixed_clusters']:,}; "
        f"true clusters that are split: {report['split_clusters']:,}",
        "dim",
    )
    alone = report["alone"]
    if alone["n"]:
        joined = round(alone["wrongly_joined"] * alone["n"])
        yield Text(f"of {counted(alone['n'], 'document')} alone in the labels, {joined:,} joined", "dim")


def _drops(drops: Report, joins: Report) -> Iterator[RenderableType]:
    """Return what is dropped, by relation: falsely, and with a loss; and the pairs that join."""
    of = f" of {drops['copies']:,} copies" if drops["copies"] is not None else ""
    yield Text(f"\n{counted(drops['dropped'], 'drop')}{of}, {drops['false']:,} false")
    table = _plain_table(
        "by kind", "dropped", "false drops", "lose something", "at most", "pairs", "false joins"
    )
    for name in [*drops["by_relation"], *(n for n in joins if n not in drops["by_relation"])]:
        row = drops["by_relation"].get(name, {"dropped": 0, "false": 0, "losing": 0, "most_lost": 0.0})
        pairs = joins.get(name)
        cells = [f"{row['dropped']:,}", f"{row['false']:,}", f"{row['losing']:,}", f"{row['most_lost']:.2%}"]
        cells += [f"{pairs['pairs']:,}", f"{pairs['false']:,}"] if pairs else ["-", "-"]
        table.add_row(name, *cells)
    yield table


def _by(name: str, values: dict[str, Report], truth: bool) -> Iterator[RenderableType]:
    yield Text()
    title = f"by {safe(name)}"
    if truth:
        table = _plain_table(title, "documents", "pairs", "recall", "to original", "to mates", "mixed")
    else:
        table = _plain_table(title, "pairs", "same", "joined", "precision", "recall")
    rows = sorted(values.items(), key=lambda item: (_low(item[1], truth), item[0]))
    for value, row in rows[:VALUES_SHOWN]:
        table.add_row(Text(safe(value)), *(_truth_cells(row) if truth else _pair_cells(row)))
    yield table
    if len(rows) > VALUES_SHOWN:
        yield Text(f"and {len(rows) - VALUES_SHOWN:,} more; --json has all", "dim")


def _low(row: Report, truth: bool) -> float:
    """Sort values: the lowest recall first; those without pairs last, the wrongly joined before others."""
    if row["true_pairs"]:
        return float(row["recall"])
    return 2.0 - (row["alone"]["wrongly_joined"] or 0.0) / 2 if truth else 2.0


def _truth_cells(row: Report) -> list[str]:
    variants, alone = row["variants"], row["alone"]
    n = variants["n"] + alone["n"]
    mixed = (variants["in_mixed_cluster"] or 0) * variants["n"] + (alone["wrongly_joined"] or 0) * alone["n"]
    shares = (row["recall"], variants["to_anchor"], variants["to_mates"], mixed / n if n else None)
    return [f"{row['documents']:,}", f"{row['true_pairs']:,}", *map(_share, shares)]


def _pair_cells(row: Report) -> list[str]:
    numbers = [f"{row[c]:,}" for c in ("labelled_pairs", "true_pairs", "predicted_pairs")]
    return [*numbers, _share(row["precision"]), _share(row["recall"])]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _examples(title: str, report: Report, what: str) -> Iterator[RenderableType]:
    total, shown = report[f"n_{what}"], report[what]
    if not total:
        yield Text(f"\nno {title.split(':')[0] if what == 'false_joins' else 'pair missed'}", "green")
        return
    yield Text.assemble((f"\n{title}", "bold"), (f"; {len(shown):,} of {total:,}", "dim"))
    for row in shown:
        yield Text(f"  {safe(row['left'])}")
        yield Text(f"  {safe(row['right'])}")
        where = f", cluster #{row['left_cluster']}" if what == "false_joins" and row["left_cluster"] else ""
        yield Text(f"    {figures_line(row['figures'])}{where}", "yellow")


def figures_line(found: Report | None) -> str:
    """Figures of a pair -> a few words."""
    if not found:
        return "a text is gone or has changed: no figures"
    words = f"J {found['jaccard']:.3f}  C {found['containment']:.3f}"
    if found["discounted_jaccard"] != found["jaccard"]:
        words += f"; without boilerplate J {found['discounted_jaccard']:.3f}"
        words += f"  C {found['discounted_containment']:.3f}"
    return words + (f"  S {found['skeleton_jaccard']:.3f}" if found["skeleton_jaccard"] else "")
