"""Quality on the labelled set and on the three sets where duplicates arose by themselves.

    python benchmarks/quality.py [--variants DIR] [--score FILE] [setting=value ...]

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

SHARED = Path(__file__).parents[2] / "shared"


def scored(folder: Path, score: Path, run: Any) -> dict[str, Any]:
    """A labelled folder (docs/, truth.csv) and its run -> all figures of the scorer."""
    with tempfile.TemporaryDirectory() as work:
        clusters, figures = Path(work) / "clusters.jsonl", Path(work) / "figures.json"
        rows = [{"path": run.name(d), "cluster_id": int(run.cluster_ids[d])} for d in run.clustered.tolist()]
        clusters.write_text("".join(json.dumps(row) + "\n" for row in rows) or "{}\n")
        subprocess.run(
            [sys.executable, score, folder / "truth.csv", clusters, "--json", figures],
            check=True,
            capture_output=True,
        )
        return json.loads(figures.read_text())


def graded(folder: Path, run: Any) -> dict[tuple[str, str], list[int]]:
    """A labelled folder and its run -> by pipeline and difficulty [found, variants].

    Found means: in the cluster of the original, or without one in that which holds most of its base.
    """
    with open(folder / "truth.csv", newline="", encoding="utf-8") as f:
        rows = [r for r in csv.DictReader(f) if r["relation"] != "distractor"]
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


def main() -> None:
    """Print Markdown tables: the sets, the pipelines of the made one, and what is missed by difficulty."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--variants", type=Path, default=SHARED / "data" / "variants")
    p.add_argument("--score", type=Path, default=SHARED / "tools" / "score.py")
    p.add_argument("settings", nargs="*", help="e.g. min_jaccard=0.6")
    a = p.parse_args()
    given = dict(s.split("=", 1) for s in a.settings)
    settings = {k: ast.literal_eval(v) for k, v in given.items()}
    print("| set | documents | precision | recall | F1 | B-cubed F1 | distractors joined |")
    print("|---|---|---|---|---|---|---|")
    made: dict[str, Any] = {}
    grades: dict[tuple[str, str], list[int]] = {}
    for folder in (a.variants, *sorted((a.variants / "real").iterdir())):
        run = dedup.scan(folder / "docs", **settings)
        r = scored(folder, a.score, run)
        grades = grades or graded(folder, run)
        made = made or r
        pair, joined = r["pairwise"], r["distractors"].get("all", {}).get("wrongly_joined", 0.0)
        figures = (pair["precision"], pair["recall"], pair["f1"], r["bcubed"]["f1"])
        cells = " | ".join(f"{x:.4f}" for x in figures)
        print(f"| {folder.name} | {r['documents']} | {cells} | {joined:.3f} |")
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
