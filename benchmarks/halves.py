"""Do the defaults hold for text that they were not chosen on?

    python benchmarks/halves.py [--variants DIR] [--score FILE]

Splits the labelled set by base document.  For each setting in turn, takes the value that is best on one
half (F1, among those with a precision of at least 0.998) and reports it on the other half.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import dedup

SHARED = Path(__file__).parents[2] / "shared"
TRIED = {
    "min_jaccard": (0.4, 0.45, 0.5, 0.55, 0.6),
    "min_containment": (0.7, 0.75, 0.8, 0.85, 0.9),
    "min_skeleton": (0.3, 0.35, 0.4, 0.45, 0.5),
    "k": (6, 7, 8, 9, 10),
}


def scored(truth: Path, rows: str, score: Path, work: Path) -> tuple[float, float]:
    """-> (precision, F1) of clusters, given as JSON Lines, against a truth table."""
    (work / "clusters.jsonl").write_text(rows)
    command = [sys.executable, score, truth, work / "clusters.jsonl", "--json", work / "figures.json"]
    subprocess.run(command, check=True, capture_output=True)
    pair = json.loads((work / "figures.json").read_text())["pairwise"]
    return pair["precision"], pair["f1"]


def halves(truth: Path, work: Path) -> list[Path]:
    """A truth table -> two, by base document."""
    with open(truth, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    paths = [work / "half-0.csv", work / "half-1.csv"]
    for i, path in enumerate(paths):
        with open(path, "w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, rows[0].keys())
            writer.writeheader()
            writer.writerows(r for r in rows if zlib.crc32(r["base_id"].encode()) % 2 == i)
    return paths


def main() -> None:
    """Print a Markdown table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--variants", type=Path, default=SHARED / "data" / "variants")
    p.add_argument("--score", type=Path, default=SHARED / "tools" / "score.py")
    a = p.parse_args()
    print("| setting | chosen on | best value | precision, F1 there | precision, F1 on the other half |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        both = halves(a.variants / "truth.csv", work)
        for name, values in TRIED.items():
            found = {}
            for value in values:
                run = dedup.scan(a.variants / "docs", **{name: value})
                clustered = [(run.name(d), int(run.cluster_ids[d])) for d in run.clustered.tolist()]
                rows = "".join(json.dumps({"path": n, "cluster_id": c}) + "\n" for n, c in clustered)
                found[value] = [scored(half, rows, a.score, work) for half in both]
            for here, there in ((0, 1), (1, 0)):
                good = [v for v in values if found[v][here][0] >= 0.998]
                best = max(good, key=lambda v: found[v][here][1])
                cells = ["{:.4f}, {:.4f}".format(*found[best][half]) for half in (here, there)]
                print(f"| {name} | half {here + 1} | {best} | {cells[0]} | {cells[1]} |", flush=True)


if __name__ == "__main__":
    main()
