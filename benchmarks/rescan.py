"""A second scan of a folder of many small files with nothing changed, beside a plain listing of the files.

    python benchmarks/rescan.py --files 100000 [--runs 3] [--work DIR] [--out table.md]

The yardstick is `find FOLDER -type f -printf '%s %T@'`.  Rounds are interleaved; the table has medians.
Linux only.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from pathlib import Path

import measure
from run import machine, made, program

FACTOR, PLUS = 3.0, 1.0  # what the second scan may take: so many times the listing, and so many seconds


def main() -> None:
    """Print a Markdown table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--files", type=int, default=100_000)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--work", type=Path, default=Path("/tmp/dedup-bench"))
    p.add_argument("--out", type=Path, help="file for the table")
    a = p.parse_args()
    work = a.work.resolve()
    dedup = program("dedup", work)
    if dedup.failure:
        raise SystemExit(f"dedup {dedup.failure}")
    folder, run = made(work, a.files, ["--form", "txt"]) / "docs", work / "rescan"
    scan = [*dedup.command[:3], "scan", str(folder), "--run", str(run), "-q"]
    find = ["find", str(folder), "-type", "f", "-printf", r"%s %T@\n"]
    kinds = {
        "first scan": scan,
        "nothing changed": scan,
        "nothing changed, --checksum": [*scan, "--checksum"],
    }
    kinds["find -printf '%s %T@'"] = find
    shutil.rmtree(run, ignore_errors=True)
    figures: dict[str, list[measure.Usage]] = {name: [] for name in kinds}
    for n in range(a.runs):
        for name, line in kinds.items():
            if name == "first scan" and n:
                continue
            usage = measure.run(line, work / "rescan.log", dedup.env, work, 86400)
            if usage.failure:
                raise SystemExit(f"{name}: {usage.failure}")
            figures[name].append(usage)
            print(f"{name}: {usage.wall:.2f} s", file=sys.stderr)
    walls = {name: statistics.median(u.wall for u in runs) for name, runs in figures.items()}
    *_, find_name = kinds
    lines = [
        f"{a.files:,} files; the first scan once, medians of {a.runs} of the others.  {machine()}; "
        f"dedup {dedup.version}.",
        "",
        "| what | wall s | CPU s | peak MB | of the first scan | times find |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, runs in figures.items():
        cpu, peak = (statistics.median(getattr(u, field) for u in runs) for field in ("cpu", "peak"))
        cells = [name, f"{walls[name]:.2f}", f"{cpu:.2f}", f"{peak / 1e6:.0f}"]
        cells += [f"{walls[name] / walls['first scan']:.1%}", f"{walls[name] / walls[find_name]:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    limit = FACTOR * walls[find_name] + PLUS
    verdict = "is kept" if walls["nothing changed"] <= limit else "is not kept"
    lines += ["", f"The limit of {FACTOR:.0f} x find + {PLUS:.0f} s = {limit:.2f} s {verdict}."]
    measure.tell("\n".join(lines) + "\n", a.out)


if __name__ == "__main__":
    main()
