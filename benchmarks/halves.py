"""Do the defaults hold for text that they were not chosen on?

    python benchmarks/halves.py [--variants DIR] [--forms DIR] [--score FILE]

Splits the labelled set by base document.  For each setting in turn, takes the value that is best on one
half (F1, among those with a precision of at least 0.998) and reports it on the other half.  The forms are
split by group, so that what is chosen on some kinds of forms is reported on others: for the line from which
on two texts are instances of one form, and for the weights of a word and of a number.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from pathlib import Path

from quality import SHARED, rows_of, scored, written

import dedup
from dedup.core import thresholds

TRIED = {
    "min_jaccard": (0.4, 0.45, 0.5, 0.55, 0.6),
    "min_containment": (0.7, 0.75, 0.8, 0.85, 0.9),
    "min_skeleton": (0.3, 0.35, 0.4, 0.45, 0.5),
    "k": (6, 7, 8, 9, 10),
}


OF_FORMS = {  # constants of dedup.core.thresholds
    "MIN_OWN_CONTENT": (0.07, 0.09, 0.11, 0.13, 0.16),
    "PER_WORD": (2, 3, 4),
    "PER_NUMBER": (100, 200, 300),
}


Figures = list[dict[str, float]]  # pairwise, on either half


def halves(truth: Path, work: Path, by: str) -> list[Path]:
    """A truth table -> two, by the values of a column."""
    halved: list[list[dict[str, str]]] = [[], []]
    for row in rows_of(truth):
        halved[zlib.crc32(row[by].encode()) % 2].append(row)
    return [written(rows, work / f"half-{i}.csv") for i, rows in enumerate(halved)]


def figures(folder: Path, both: list[Path], score: Path, **settings: float) -> Figures:
    """A labelled folder, scanned -> the pairwise figures on either half of it."""
    run = dedup.scan(folder / "docs", **settings)
    return [scored(half, score, run)["pairwise"] for half in both]


def report(name: str, found: dict[float, Figures], least: float, shown: str) -> None:
    """The best value on each half, and its figures on the other."""
    for here, there in ((0, 1), (1, 0)):
        good = [v for v in found if found[v][here]["precision"] >= least]
        best = max(good, key=lambda v: found[v][here]["f1"])
        halved = (found[best][here], found[best][there])
        cells = [f"{half['precision']:.4f}, {half[shown]:.4f}" for half in halved]
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
            found = {v: figures(a.variants, both, a.score, **{name: v}) for v in values}
            report(name, found, 0.998, "f1")
        print("\n| of forms | chosen on | best value | precision, recall there | on the other groups |")
        print("|---|---|---|---|---|")
        both = halves(a.forms / "truth.csv", work, "group")
        for name, values in OF_FORMS.items():
            default, found = getattr(thresholds, name), {}
            for value in values:
                setattr(thresholds, name, value)
                found[value] = figures(a.forms, both, a.score)
            setattr(thresholds, name, default)
            report(name, found, 0.98, "recall")


if __name__ == "__main__":
    main()
