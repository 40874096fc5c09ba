"""Noisy copies that are found: the bases of the labelled sets, each with a copy that a poor scanner made.

    python benchmarks/noise.py [--variants DIR] [--forms DIR] [--rates 2,5,10,15,20,30] [--each 120]
        [--bursts 0.5] [setting=value ...]

All bases of both sets and all documents that look like them are one folder with, for each rate, copies of
some of them, drawn by a seed.  Printed are, for each rate, the copies in the cluster of their base, and how
many documents were joined by `scanned` to one of another base.
"""

from __future__ import annotations

import argparse
import ast
import csv
import random
import sys
import tempfile
from pathlib import Path

import dedup
from dedup.core.verdicts import RELATIONS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.noise import scan as scanned  # noqa: E402

SHARED = Path(__file__).parents[2] / "shared"
SHORTEST = 64  # letters of a base that counts: shorter texts are not aligned by letters


def bases(folder: Path) -> dict[str, tuple[str, str, str]]:
    """A labelled set -> its originals and what looks like them: name -> (base, kind, text)."""
    with open(folder / "truth.csv", newline="", encoding="utf-8") as f:
        rows = [r for r in csv.DictReader(f) if r["pipeline"].startswith(("original", "distractor"))]
    return {
        f"{folder.name}-{Path(r['file']).name}": (
            r["base_id"],
            r["pipeline"],
            (folder / r["file"]).read_text("utf-8", errors="replace"),
        )
        for r in rows
    }


def parser_of(about: str | None, rates: str, each: int) -> argparse.ArgumentParser:
    """What may be given on the command line, with the rates of errors and the copies for each by default."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", metavar="setting=value")
    parser.add_argument("--variants", type=Path, default=SHARED / "data/variants")
    parser.add_argument("--forms", type=Path, default=SHARED / "data/forms")
    parser.add_argument("--rates", default=rates)
    parser.add_argument("--each", type=int, default=each)
    return parser


def main() -> None:
    parser = parser_of(__doc__, "2,5,10,15,20,30", 120)
    parser.add_argument("--bursts", type=float, default=0.5)
    given = parser.parse_args()
    settings = {name: ast.literal_eval(value) for name, value in (s.split("=") for s in given.settings)}
    found = bases(given.variants) | bases(given.forms)
    rng = random.Random(5)
    whole = [name for name in sorted(found) if name.startswith("forms") or found[name][1] == "original"]
    of_rate = {int(r): rng.sample(whole, given.each) for r in given.rates.split(",")}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        for name, (_, _, text) in found.items():
            (folder / name).write_text(text)
        for rate, names in of_rate.items():
            for name in names:
                noisy = scanned(found[name][2], rate / 100, rate, given.bursts)
                (folder / f"noisy{rate:02}-{name}").write_text(noisy)
        run = dedup.scan(folder, **settings)
    names = [
        Path(run.name(d).decode() if isinstance(run.name(d), bytes) else run.name(d)).name
        for d in range(len(run.documents))
    ]
    at = {name: doc for doc, name in enumerate(names)}
    cluster, n_letters, kept = run.verdict.cluster, run.documents.n_letters, run.verdict.witness
    print("| errors | copies | found | of variants | dropped | base dropped |\n|--:|--:|--:|--:|--:|--:|")
    for rate, some in of_rate.items():
        pairs = [(at[f"noisy{rate:02}-{name}"], at[name]) for name in some]
        pairs = [(copy, base) for copy, base in pairs if n_letters[copy] >= SHORTEST]
        right = [cluster[copy] == cluster[base] for copy, base in pairs]
        prose = [r for r, (_, base) in zip(right, pairs, strict=True) if names[base].startswith("variants")]
        gone = [[kept[pair[side]] != pair[side] for pair in pairs] for side in (0, 1)]
        shares = (sum(x) / len(x) for x in (right, prose, *gone))
        print(f"| {rate} % | {len(pairs)} | " + " | ".join(f"{x:.3f}" for x in shares) + " |")
    base = [found[name.partition("-")[2] if name.startswith("noisy") else name][0] for name in names]
    wrong = {
        doc
        for pair, kind in zip(run.pairs.docs.tolist(), run.pair_relations.tolist(), strict=True)
        if kind == RELATIONS.index("scanned") and base[pair[0]] != base[pair[1]]
        if names[pair[0]].split("-")[-2] == names[pair[1]].split("-")[-2]  # the sets share some documents
        for doc in pair
    }
    print(f"\njoined by `scanned` to another base: {len(wrong)} of {len(names)} documents")


if __name__ == "__main__":
    main()
