"""Quality on the labelled sets: copies, forms, both as one folder, and three that arose by themselves.

    python benchmarks/quality.py [--variants DIR] [--forms DIR] [--score FILE] [setting=value ...]

One version of the program, the default settings unless some are given, for all sets.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import dedup
from dedup.reports.evaluate.drops import drops
from dedup.reports.evaluate.labels import read_labels
from dedup.text import normalize
from dedup.text.decode import decode

PIECE = 20
SHARED = Path(__file__).parents[2] / "shared"


def rows_of(truth: Path) -> list[dict[str, str]]:
    """A truth table -> its rows."""
    with open(truth, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def written(rows: list[dict[str, str]], to: Path) -> Path:
    """The reverse -> the file."""
    with open(to, "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return to


def scored(truth: Path, score: Path, run: Any) -> dict[str, Any]:
    """A truth table and a run -> all figures of the scorer."""
    with tempfile.TemporaryDirectory() as work:
        clusters, figures = Path(work) / "clusters.jsonl", Path(work) / "figures.json"
        rows = [{"path": run.name(d), "cluster_id": int(run.cluster_ids[d])} for d in run.clustered.tolist()]
        clusters.write_text("".join(json.dumps(row) + "\n" for row in rows) or "{}\n")
        subprocess.run(
            [sys.executable, score, truth, clusters, "--json", figures],
            check=True,
            capture_output=True,
        )
        return json.loads(figures.read_text())


def graded(folder: Path, run: Any) -> dict[tuple[str, str], list[int]]:
    """A labelled folder and its run -> by pipeline and difficulty [found, variants].

    Found means: in the cluster of the original, or without one in that which holds most of its base.
    """
    rows = [r for r in rows_of(folder / "truth.csv") if r["relation"] != "distractor"]
    cluster = {Path(run.name(d)).name: c for d, c in enumerate(run.verdict.cluster.tolist())}
    bases: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        bases.setdefault(row["base_id"], []).append({**row, "cluster": cluster[Path(row["file"]).name]})
    out: dict[tuple[str, str], list[int]] = {}
    for mates in bases.values():
        sizes = Counter(r["cluster"] for r in mates)
        original = [r["cluster"] for r in mates if r["pipeline"] == "original"]
        anchor = original[0] if original else max(sizes, key=lambda c: (sizes[c], c))
        for row in mates:
            if row["pipeline"] != "original" and len(mates) > 1:
                cell = out.setdefault((row["pipeline"], row["difficulty"]), [0, 0])
                cell[0] += row["cluster"] == anchor and (bool(original) or sizes[anchor] > 1)
                cell[1] += 1
    return out


def group_equal(tables: list[Path], to: Path) -> tuple[list[Path], Path]:
    """Two truth tables -> the files of both, and one table, without documents that stand in both.

    A document stands in both where half of the runs of PIECE letters of its shortest file here stand in one
    of its files there, or the reverse.
    """
    rows: list[dict[str, str]] = []
    pieces: list[dict[str, tuple[set[str], set[str]]]] = []
    for table in tables:
        mine = [{**row, "group": row.get("group", ""), "table": str(table.parent)} for row in rows_of(table)]
        rows += mine
        of_files: dict[str, list[set[str]]] = {}
        for row in mine:
            of_files.setdefault(row["base_id"], []).append(runs_of_letters(table.parent / row["file"]))
        pieces.append({base: (min(found, key=len), set().union(*found)) for base, found in of_files.items()})
    in_both: set[str] = set()
    for base, (least, every) in pieces[0].items():
        for other_base, (other_least, other_every) in pieces[1].items():
            held = 2 * len(least & other_every) >= len(least)
            if held or 2 * len(other_least & every) >= len(other_least):
                in_both |= {base, other_base}
    kept = [row for row in rows if row["base_id"] not in in_both]
    print(f"both as one: {len(in_both)} true clusters stand in both sets and are left out\n", file=sys.stderr)
    files = [Path(row.pop("table"), row["file"]) for row in kept]
    return files, written(kept, to)


def runs_of_letters(path: Path) -> set[str]:
    """A file -> every run of PIECE letters in it."""
    text = normalize.letters(decode(path.read_bytes()).utf8.decode("utf-8", "replace"))
    return {text[i : i + PIECE] for i in range(max(1, len(text) - PIECE + 1))}


def main() -> None:
    """Print Markdown tables: the sets, the pipelines of the made one, and what is missed by difficulty."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--variants", type=Path, default=SHARED / "data" / "variants")
    p.add_argument("--forms", type=Path, default=SHARED / "data" / "forms")
    p.add_argument("--score", type=Path, default=SHARED / "tools" / "score.py")
    p.add_argument("settings", nargs="*", help="e.g. min_jaccard=0.6")
    a = p.parse_args()
    given = dict(s.split("=", 1) for s in a.settings)
    settings = {k: ast.literal_eval(v) for k, v in given.items()}
    work = tempfile.TemporaryDirectory()  # until the end
    files, both = group_equal(
        [a.variants / "truth.csv", a.forms / "truth.csv"], Path(work.name) / "truth.csv"
    )
    folders = (a.variants, a.forms, *sorted((a.variants / "real").iterdir()))
    sets = [(folder.name, [folder / "docs"], folder / "truth.csv") for folder in folders]
    sets.insert(2, ("both as one", files, both))
    columns = (
        "set | documents | precision | recall | F1 | B-cubed F1 | alone, joined | copies | dropped | falsely"
    )
    print(f"| {columns} |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    made: dict[str, Any] = {}
    grades: dict[tuple[str, str], list[int]] = {}
    for name, docs, truth in sets:
        run = dedup.scan(docs, **settings)
        r = scored(truth, a.score, run)
        grades = grades or graded(a.variants, run)
        made = made or r
        pair, joined = r["pairwise"], r["distractors"].get("all", {}).get("wrongly_joined", 0.0)
        figures = (pair["precision"], pair["recall"], pair["f1"], r["bcubed"]["f1"])
        cells = " | ".join(f"{x:.4f}" for x in figures)
        costs = drops(run, read_labels(truth, run))
        told = " | ".join(str(costs[name]) for name in ("copies", "dropped", "false"))
        print(f"| {name} | {r['documents']} | {cells} | {joined:.3f} | {told} |")
    print("\n| pipeline | files | found |\n|---|---|---|")
    pipelines = made["variants"]["pipeline"]
    for name, row in sorted(pipelines.items(), key=lambda item: (item[1]["to_anchor"], item[0])):
        print(f"| {name} | {row['n']} | {row['to_anchor']:.3f} |")

    print("\n| pipeline | difficulty | found | of |\n|---|---|---|---|")
    for (name, difficulty), (found, of) in sorted(grades.items()):
        if found < of:
            print(f"| {name} | {difficulty} | {found} | {of} |")
    for difficulty in ("easy", "medium", "hard"):
        found, of = (sum(n[i] for (_, d), n in grades.items() if d == difficulty) for i in (0, 1))
        print(f"| all | {difficulty} | {found} | {of} |")


if __name__ == "__main__":
    main()
