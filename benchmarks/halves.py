"""Do the defaults hold for text that they were not chosen on?

    python benchmarks/halves.py [--variants DIR] [--forms DIR] [--score FILE]

Splits the labelled set by base document.  For each setting in turn, takes the value that is best on one
half (F1, among those with a precision of at least 0.998) and reports it on the other half.  The forms are
split by group, so that what is chosen on some kinds of forms is reported on others: for the line from which
on two texts are instances of one form, and for the weights of a word and of a number.
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
from dedup import thresholds

SHARED = Path(__file__).parents[2] / "shared"
TRIED = {
    "min_jaccard": (0.4, 0.45, 0.5, 0.55, 0.6),
    "min_containment": (0.7, 0.75, 0.8, 0.85, 0.9),
    "min_skeleton": (0.3, 0.35, 0.4, 0.45, 0.5),
    "k": (6, 7, 8, 9, 10),
}


OF_FORMS = {  # constants of dedup.thresholds
    "MIN_OWN_CONTENT": (0.07, 0.09, 0.11, 0.13, 0.16),
    "PER_WORD": (2, 3, 4),
    "PER_NUMBER": (100, 200, 300),
}


def scored(truth: Path, rows: str, score: Path, work: Path) -> tuple[float, float, float]:
    """-> (precision, F1, recall) of clusters, given as JSON Lines, against a truth table."""
    (work / "clusters.jsonl").write_text(rows)
    command = [sys.executable, score, truth, work / "clusters.jsonl", "--json", work / "figures.json"]
    subprocess.run(command, check=True, capture_output=True)
    pair = json.loads((work / "figures.json").read_text())["pairwise"]
    return pair["precision"], pair["f1"], pair["recall"]


def halves(truth: Path, work: Path, by: str) -> list[Path]:
    """A truth table -> two, by the values of a column."""
    with open(truth, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    paths = [work / "half-0.csv", work / "half-1.csv"]
    for i, path in enumerate(paths):
        with open(path, "w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, rows[0].keys())
            writer.writeheader()
            writer.writerows(r for r in rows if zlib.crc32(r[by].encode()) % 2 == i)
    return paths


def clusters_of(folder: Path, **settings: float) -> str:
    """A labelled folder -> the clusters of a scan, as JSON Lines."""
    run = dedup.scan(folder / "docs", **settings)
    named = [(run.name(d), int(run.cluster_ids[d])) for d in run.clustered.tolist()]
    return "".join(json.dumps({"path": n, "cluster_id": c}) + "\n" for n, c in named)


def report(name: str, found: dict[float, list[tuple[float, float, float]]], least: float, shown: int) -> None:
    """The best value on each half, and its figures on the other."""
    for here, there in ((0, 1), (1, 0)):
        good = [v for v in found if found[v][here][0] >= least]
        best = max(good, key=lambda v: found[v][here][1])
        cells = [f"{found[best][half][0]:.4f}, {found[best][half][shown]:.4f}" for half in (here, there)]
        print(f"| {name} | half {here + 1} | {best} | {cells[0]} | {cells[1]} |", flush=True)


def main() -> None:
    """Print two Markdown tables."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--variants", type=Path, default=SHARED / "data" / "variants")
    p.add_argument("--forms", type=Path, default=SHARED / "data" / "forms")
    p.add_argument("--score", type=Path, default=SHARED / "tools" / "score.py")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        print("| setting | chosen on | best value | precision, F1 there | precision, F1 on the other half |")
        print("|---|---|---|---|---|")
        both = halves(a.variants / "truth.csv", work, "base_id")
        for name, values in TRIED.items():
            rows = {value: clusters_of(a.variants, **{name: value}) for value in values}
            report(
                name,
                {v: [scored(half, r, a.score, work) for half in both] for v, r in rows.items()},
                0.998,
                1,
            )
        print("\n| of forms | chosen on | best value | precision, recall there | on the other groups |")
        print("|---|---|---|---|---|")
        both = halves(a.forms / "truth.csv", work, "group")
        for name, values in OF_FORMS.items():
            default, found = getattr(thresholds, name), {}
            for value in values:
                setattr(thresholds, name, value)
                rows_of_value = clusters_of(a.forms)
                found[value] = [scored(half, rows_of_value, a.score, work) for half in both]
            setattr(thresholds, name, default)
            report(name, found, 0.98, 2)


if __name__ == "__main__":
    main()
