"""Quality on the labelled set and on the three sets where duplicates arose by themselves.

    python benchmarks/quality.py [--variants DIR] [--score FILE] [setting=value ...]

One version of the program, the default settings unless some are given, for all sets.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import dedup

SHARED = Path(__file__).parents[2] / "shared"


def scored(folder: Path, score: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """A labelled folder (docs/, truth.csv) -> all figures of the scorer."""
    run = dedup.scan(folder / "docs", **settings)
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


def main() -> None:
    """Print two Markdown tables: the sets, and the pipelines of the made one."""
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
    for folder in (a.variants, *sorted((a.variants / "real").iterdir())):
        r = scored(folder, a.score, settings)
        made = made or r
        pair, joined = r["pairwise"], r["distractors"].get("all", {}).get("wrongly_joined", 0.0)
        figures = (pair["precision"], pair["recall"], pair["f1"], r["bcubed"]["f1"])
        cells = " | ".join(f"{x:.4f}" for x in figures)
        print(f"| {folder.name} | {r['documents']} | {cells} | {joined:.3f} |")
    print("\n| pipeline | files | found |\n|---|---|---|")
    pipelines = made["variants"]["pipeline"]
    for name, row in sorted(pipelines.items(), key=lambda item: (item[1]["to_anchor"], item[0])):
        print(f"| {name} | {row['n']} | {row['to_anchor']:.3f} |")


if __name__ == "__main__":
    main()
