"""Figures of `dedup tune` -> what a person reads (rich)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...core.errors import BadInput, safe
from ...core.settings import Settings
from ...runs.run import Run
from ..documents import find
from ..evaluate.terminal import figures_line
from ..explain.explain import explain
from ..explain.terminal import texts_view
from ..wording import counted

Report = dict[str, Any]
GLYPHS = {
    "near": ("█", "yellow"),
    "scanned": ("░", "red"),
    "contained": ("▓", "cyan"),
    "rewritten": ("▒", "magenta"),
}
CURVE = 10  # columns of the S-curve
NARROW, WIDE = 24, 60  # columns of the bars
PLACES, CHARACTERS = 1, 300  # where a pair differs: how many places, and how much of each


def tuning_view(report: Report, run: Run, width: int, run_option: str) -> RenderableType:
    """The figures, the run for its texts, the width of the screen -> what is printed."""
    return Group(
        *_histogram(report, width),
        *_lines(report, run_option),
        *_recall(report["recall"]),
        *_sides(report, run, width),
    )


# ------------------------------------------------------------------ histogram and S-curve


def _histogram(report: Report, width: int) -> Iterator[RenderableType]:
    line, rows = report["settings"]["min_jaccard"], report["histogram"]
    yield Text.assemble(
        (f"{counted(report['pairs'], 'verified pair')}", "bold"),
        (f" of other letters, and {report['same_letters']:,} of the same letters", "dim"),
    )
    legend = Text("bars: ")
    for name, (glyph, style) in GLYPHS.items():
        legend.append(glyph, style).append(f" {name}  ", "dim")
    yield legend
    found = {p["jaccard"]: p["found"] for p in report["s_curve"]["points"]}
    columns = WIDE if width >= 120 else NARROW
    most = max(sum(row[name] for name in GLYPHS) for row in rows)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for name, justify in (("Jaccard", "left"), ("pairs", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("", width=columns, no_wrap=True)
    table.add_column("not joined*", justify="right", no_wrap=True, style="dim")
    table.add_column("chance**", justify="right", no_wrap=True)
    table.add_column("", width=CURVE, no_wrap=True)
    for row in reversed(rows):
        total = sum(row[name] for name in GLYPHS)
        chance = found[row["from"]]
        curve = Text("━" * round(CURVE * chance), "green")
        cells = (f"{row['from']:.2f}-{row['to']:.2f}", f"{total:,}" if total else "")
        rest = f"{row['not_joined']:,}" if row["not_joined"] else ""
        table.add_row(*cells, _bar(row, most, columns), rest, f"{chance:.3f}", curve)
        if row["from"] == line:
            table.add_row("", "", Text(f"▲ min_jaccard {line:g} ▲", "bold"), "", "", "")
    yield table
    s = report["s_curve"]
    yield Text("*  candidates that reach no threshold, by their estimated Jaccard", "dim")
    yield Text(
        f"** that the {s['bands']} bands of {s['rows']} rows make such a pair a candidate; "
        "what is found in the\n   end is measured below, as recall",
        "dim",
    )


def _bar(row: Report, most: int, columns: int) -> Text:
    """Counts by relation -> a bar, at least one cell for any that is not 0."""
    text = Text()
    for name, (glyph, style) in GLYPHS.items():
        n = row[name]
        text.append(glyph * (max(1, round((columns - len(GLYPHS)) * n / most)) if n else 0), style)
    return text


# ------------------------------------------------------------------ other lines


def _lines(report: Report, run_option: str) -> Iterator[RenderableType]:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("min_jaccard", "dropped", "kept", "fewer dropped", "clusters", "largest"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", style="dim")
    here = report["lines"][0]
    for row in report["lines"]:
        fewer = here["dropped"] - row["dropped"]
        numbers = [
            f"{n:,}" for n in (row["dropped"], row["kept"], fewer, row["clusters"], row["largest_cluster"])
        ]
        table.add_row(f"{row['min_jaccard']:g}", *numbers, "this run" if row is here else "")
    yield Text("\nat another line you would drop", "bold")
    yield table
    line = here["min_jaccard"]
    lower = max(0.05, round(line - 0.1, 2))
    yield Text(
        f"exact, from the verified pairs. Below {line:g} no pairs are stored; to know, scan again:\n"
        f"  dedup scan ... --min-jaccard {lower:g} --run other && dedup compare {run_option} other",
        "dim",
    )


# ------------------------------------------------------------------ recall


def _recall(recall: Report | None) -> Iterator[RenderableType]:
    if recall is None:
        return
    yield Text("\nrecall, measured", "bold")
    part = "" if recall["compared_with"] == recall["of"] else f" (of {recall['of']:,})"
    yield Text(
        f"{counted(recall['sample'], 'random document')} held against {recall['compared_with']:,}{part} "
        f"by brute force, seed {recall['seed']}",
        "dim",
    )
    if recall["unread"]:
        yield Text(f"{counted(recall['unread'], 'text')} gone or changed since the scan: left out", "yellow")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("")
    for name in ("pairs", "found", "recall", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in recall["relations"].items():
        share = "-" if row["recall"] is None else f"{row['recall']:.3f}"
        interval = f"{row['low']:.3f}-{row['high']:.3f}" if row["pairs"] else "-"
        table.add_row(name, f"{row['pairs']:,}", f"{row['found']:,}", share, interval)
    yield table
    contained = recall["relations"]["contained"]
    if contained["found"] < contained["pairs"]:
        yield Text("a part of many wholes that otherwise differ is left apart on purpose", "dim")
    for row in recall["missed"]:
        yield Text(f"missed  {safe(row['left'])}\n        {safe(row['right'])}")
        yield Text(f"        {figures_line(row['figures'])}", "yellow")


# ------------------------------------------------------------------ pairs near the line


def _sides(report: Report, run: Run, width: int) -> Iterator[RenderableType]:
    for side, title in (
        ("above", "just above the line: joined"),
        ("below", "just below the line: not joined"),
    ):
        total = report["near_line"][side]
        if total and not report[side]:
            continue
        yield Text.assemble((f"\n{title}", "bold"), (f"; {len(report[side]):,} of {total:,}", "dim"))
        if not total:
            yield Text(
                "no pair that only its Jaccard joins" if side == "above" else "no such candidate", "dim"
            )
        for row in report[side]:
            yield from pair_view(row, run, width, PLACES, CHARACTERS)
            if row["line"] != report["settings"]["min_jaccard"]:
                yield Text(f"mostly boilerplate, joined from Jaccard {row['line']:g} on", "yellow")


def pair_view(row: Report, run: Run, width: int, places: int, characters: int) -> Iterator[RenderableType]:
    """A pair near the line -> its names, figures, and the first places where the texts differ, cut short."""
    yield Text.assemble(("\nA ", "bold red"), (safe(row["left"]), "bold"))
    yield Text.assemble(("B ", "bold green"), (safe(row["right"]), "bold"))
    yield Text(figures_line(row["figures"]), "yellow")
    try:
        left, right = find(row["left"], run), find(row["right"], run)
    except BadInput as error:
        yield Text(f"({safe(str(error))})", "red")
        return
    for name, text in (("A", left), ("B", right)):
        for note in text.notes:
            yield Text(f"note: {name}: {note}", "yellow")
    found = explain(left, right, Settings.of_run(run.summary), run)
    yield from texts_view(found, width, places, "dedup explain A B shows all", characters)
