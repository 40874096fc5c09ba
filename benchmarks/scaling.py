"""Time and memory of `dedup scan` against the number of documents; and what the second scan costs.

    python benchmarks/scaling.py --docs 10000,30000,100000,300000,1000000 [--runs 1] [--work DIR]
                                 [--data docs/scaling.json] [--picture docs/pictures/scaling.svg] [--again]

For each size, in one run folder: a scan from nothing; the same with nothing changed; with a further file of
1 % new documents; `dedup decide --min-jaccard 0.7`.  The figures are added to --data size by size, and sizes
that are there are not measured again (--again does), so a run that was stopped goes on.  Prints Markdown
tables and draws the picture, which needs matplotlib.  Linux only.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import measure
from run import CHECKOUT, Program, machine, made, program

Row = dict[str, Any]
STEPS = {
    "scan": "scan from nothing",
    "same": "nothing changed",
    "new": "1 % new",
    "decide": "another threshold",
}
LINES = {"scan": "-", "same": "--", "new": "-.", "decide": ":"}


def phases(run: Path) -> dict[str, float]:
    """Seconds of each phase of the last scan of a run folder."""
    return json.loads((run / "run.json").read_text())["seconds"]


def tables(run: Path) -> dict[str, int]:
    """Bytes of each table of a run folder."""
    folder = run / json.loads((run / "run.json").read_text())["tables"]
    return {p.name: p.stat().st_size for p in sorted(folder.iterdir())}


def once(dedup: Program, corpus: Path, work: Path) -> Row:
    """The four steps on a corpus -> the figures of each, and the sizes of the tables."""
    texts, run = work / "scaling" / "texts", work / "scaling" / "run"
    shutil.rmtree(work / "scaling", ignore_errors=True)
    texts.mkdir(parents=True)
    os.link(corpus / "part-00000.jsonl", texts / "part-00000.jsonl")
    start = dedup.command[:3]
    scan = [*start, "scan", str(texts), "--run", str(run), "-q"]
    row: Row = {}
    for step in STEPS:
        line = scan
        if step == "new":
            os.link(corpus / "extra.jsonl", texts / "extra.jsonl")
        if step == "decide":
            line = [*start, "decide", "--min-jaccard", "0.7", "--run", str(run), "-q"]
        usage = measure.run(line, work / "scaling.log", dedup.env, work, 86400)
        if usage.failure:
            raise SystemExit(f"{STEPS[step]}: {usage.failure}")
        row[step] = {"wall": usage.wall, "cpu": usage.cpu, "peak": usage.peak, "phases": phases(run)}
        if step == "scan":
            row["tables"] = tables(run)
    return row


def median(runs: list[Any]) -> Any:
    """Runs of one shape -> that shape with the median of every number."""
    if isinstance(runs[0], dict):
        keys = [k for k in runs[0] if all(k in r for r in runs)]
        return {k: median([r[k] for r in runs]) for k in keys}
    return round(statistics.median(runs), 3)


def growth(rows: list[Row], *keys: str) -> float:
    """The power of the number of documents that a figure grows by, between the two largest sizes."""
    small, large = rows[-2:]
    ratio = large["docs"] / small["docs"]
    for key in keys:
        small, large = small[key], large[key]
    return math.log(large / small) / math.log(ratio) if small > 0 < large else math.nan


def markdown(rows: list[Row]) -> str:
    """The tables."""
    last = rows[-1]
    steps = " | ".join(f"{name} s | of the scan" for name in list(STEPS.values())[1:])
    versions = "; ".join(dict.fromkeys(f"{r['machine']}; {r['version']}" for r in rows))
    lines = [
        f"{versions}; medians of {last['runs']}.",
        "",
        f"| documents | MB | scan s | CPU s | peak MB | documents/s | {steps} | run folder MB |",
        "|" + "--:|" * (7 + 2 * len(STEPS) - 2),
    ]
    for r in rows:
        scan = r["scan"]
        cells = [f"{r['docs']:,}", f"{r['bytes'] / 1e6:.0f}", f"{scan['wall']:.2f}", f"{scan['cpu']:.2f}"]
        cells += [f"{scan['peak'] / 1e6:.0f}", f"{r['docs'] / scan['wall']:,.0f}"]
        for step in list(STEPS)[1:]:
            cells += [f"{r[step]['wall']:.2f}", f"{r[step]['wall'] / scan['wall']:.1%}"]
        cells.append(f"{sum(r['tables'].values()) / 1e6:.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    sizes = " | ".join(f"{r['docs']:,}" for r in rows)
    two = len(rows) > 1
    lines += ["", f"| seconds of a phase of the scan | {sizes} |" + " grows as n to the |" * two]
    lines.append("|---|" + "--:|" * (len(rows) + two))
    for phase in last["scan"]["phases"]:
        cells = [phase, *(f"{r['scan']['phases'].get(phase, 0):.2f}" for r in rows)]
        known = two and all(phase in r["scan"]["phases"] for r in rows[-2:])
        cells += [f"{growth(rows, 'scan', 'phases', phase):.2f}" if known else "-"] * two
        lines.append("| " + " | ".join(cells) + " |")
    whole = [f"{r['scan']['wall']:.2f}" for r in rows] + [
        f"{growth(rows, 'scan', 'wall'):.2f}" if two else ""
    ] * two
    lines.append("| " + " | ".join(["the whole scan", *whole]) + " |")
    lines += ["", f"| bytes a document in a table | {sizes} |", "|---|" + "--:|" * len(rows)]
    for name in last["tables"]:
        cells = [f"{r['tables'].get(name, 0) / r['docs']:.1f}" for r in rows]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    if two:
        small, large = rows[-2:]
        n = large["docs"] - small["docs"]
        peak, cpu = (large["scan"][key] - small["scan"][key] for key in ("peak", "cpu"))
        size = sum(large["tables"].values()) - sum(small["tables"].values())
        lines += [
            "",
            f"From {small['docs']:,} to {large['docs']:,} documents, each further one costs "
            f"{cpu / n * 1e6:.0f} microseconds of CPU, {peak / n:.0f} bytes of peak memory and "
            f"{size / n:.0f} bytes of tables. At these slopes a billion documents would cost "
            f"{cpu / n * 1e9 / 3600:.0f} core-hours, {peak / n:.0f} GB of memory and "
            f"{size / n / 1000:.1f} TB of tables.",
        ]
    return "\n".join(lines) + "\n"


def draw(rows: list[Row], path: Path) -> None:
    """Time and peak memory against documents; the same figures give the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    docs = [r["docs"] for r in rows]
    with matplotlib.rc_context({"svg.hashsalt": "dedup", "font.size": 9}):
        figure = Figure(figsize=(9, 4), layout="constrained")
        FigureCanvasSVG(figure)
        time, memory = figure.subplots(1, 2)
        for step, label in STEPS.items():
            style = {"marker": "o", "markersize": 3, "linestyle": LINES[step], "label": label}
            time.plot(docs, [r[step]["wall"] for r in rows], **style)
            memory.plot(docs, [r[step]["peak"] / 1e6 for r in rows], **style)
        line = [rows[-1]["scan"]["wall"] * n / docs[-1] for n in docs]
        time.plot(docs, line, color="#bbbbbb", linewidth=0.8, label="in proportion", zorder=0)
        time.set(xscale="log", yscale="log", xlabel="documents", ylabel="wall seconds")
        memory.set(xscale="log", ylim=(0, None), xlabel="documents", ylabel="peak resident memory, MB")
        for axes in (time, memory):
            axes.grid(color="#eeeeee")
            axes.set_axisbelow(True)
        time.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Measure what is not there yet, size by size."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--docs", default="10000,30000,100000,300000,1000000")
    p.add_argument("--runs", type=int, default=1)
    p.add_argument("--work", type=Path, default=Path("/tmp/dedup-bench"))
    p.add_argument("--data", type=Path, default=CHECKOUT / "docs" / "scaling.json")
    p.add_argument("--picture", type=Path, default=CHECKOUT / "docs" / "pictures" / "scaling.svg")
    p.add_argument("--out", type=Path, help="file for the tables")
    p.add_argument("--again", action="store_true", help="measure sizes anew that are in --data")
    a = p.parse_args()
    work = a.work.resolve()
    rows: list[Row] = json.loads(a.data.read_text()) if a.data.exists() else []
    asked = [int(n) for n in a.docs.split(",")]
    todo = [n for n in asked if a.again or n not in {r["docs"] for r in rows}]
    dedup = program("dedup", work) if todo else None
    if dedup and dedup.failure:
        raise SystemExit(f"dedup {dedup.failure}")
    for n in todo:
        assert dedup is not None
        corpus = made(work, n, ["--extra", str(n // 100)])
        if n == todo[0]:
            once(dedup, made(work, 500, ["--extra", "5"]), work)  # compiles the kernels
        measure.warm(corpus / "part-00000.jsonl")
        runs = [once(dedup, corpus, work) for _ in range(a.runs)]
        row = {"docs": n, "bytes": (corpus / "part-00000.jsonl").stat().st_size, "runs": a.runs}
        row |= {"version": f"dedup {dedup.version}", "machine": machine(), **median(runs)}
        rows = sorted([r for r in rows if r["docs"] != n] + [row], key=lambda r: r["docs"])
        a.data.parent.mkdir(parents=True, exist_ok=True)
        part = a.data.with_suffix(".part")
        part.write_text(json.dumps(rows, indent=1) + "\n")
        os.replace(part, a.data)
        print(f"{n:,} documents: {row['scan']['wall']:.1f} s", file=sys.stderr)
    shutil.rmtree(work / "scaling", ignore_errors=True)
    measure.tell(markdown(rows), a.out)
    try:
        draw(rows, a.picture)
    except ModuleNotFoundError:
        print("no picture: it needs matplotlib; pip install 'dedup-corpus[plot]'", file=sys.stderr)


if __name__ == "__main__":
    main()
