"""Damaged pages that are found in their books: volumes of several texts, and pages cut from them.

    python benchmarks/noisy_parts.py [--variants DIR] [--forms DIR] [--rates 2,5,10,15,20,25,30] [--each 1]
        [setting=value ...]

The long originals of a labelled set are put together, six to a volume; every second volume has errors in 2 %
of its letters.  For each rate and volume, --each pages of 600 to 5,000 characters are cut at random and
damaged.  The instances of forms stand beside them.  Printed are, for each rate, the pages that are in the
cluster of their volume and those dropped, and the pages that are called a part of anything else.
"""

from __future__ import annotations

import ast
import os
import random
import sys
import tempfile
from pathlib import Path

import dedup
from dedup.core.verdicts import CONTAINED

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.noise import bases, parser_of  # noqa: E402
from tests.noise import scan as scanned  # noqa: E402

TEXTS_OF_VOLUME, LONG = 6, 1500
SIZES = (600, 1200, 2500, 5000)


def volumes(variants: Path, rng: random.Random) -> list[str]:
    """The long originals of a set, put together."""
    found = sorted(bases(variants).items())
    texts = [text for _, (_, kind, text) in found if kind == "original" and len(text) > LONG]
    rng.shuffle(texts)
    whole = len(texts) // TEXTS_OF_VOLUME * TEXTS_OF_VOLUME
    return ["\n\n".join(texts[i : i + TEXTS_OF_VOLUME]) for i in range(0, whole, TEXTS_OF_VOLUME)]


def main() -> None:
    given = parser_of(__doc__, "2,5,10,15,20,25,30", 1).parse_args()
    settings = {name: ast.literal_eval(value) for name, value in (s.split("=") for s in given.settings)}
    rng = random.Random(7)
    books, rates = volumes(given.variants, rng), [int(r) for r in given.rates.split(",")]
    volume_of: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        for name, (_, _, text) in bases(given.forms).items():
            (folder / name).write_text(text)
        for i, book in enumerate(books):
            (folder / f"volume-{i}").write_text(scanned(book, 0.02, i, 0.5) if i % 2 else book)
        for rate in rates:
            for i, book in enumerate(books):
                for n in range(given.each):
                    size = min(SIZES[n % len(SIZES)], len(book) // 3)
                    start, name = rng.randrange(len(book) - size), f"page-{rate:02}-{i}-{n}"
                    (folder / name).write_text(
                        scanned(book[start : start + size], rate / 100, 1000 * rate + i, 0.5)
                    )
                    volume_of[name] = i
        run = dedup.scan(folder, **settings)
    names = [Path(os.fsdecode(run.name(d))).name for d in range(len(run.documents))]
    at = {name: doc for doc, name in enumerate(names)}
    cluster, witness = run.verdict.cluster, run.verdict.witness
    print("| errors | pages | found | dropped |\n|--:|--:|--:|--:|")
    for rate in rates:
        some = [name for name in volume_of if name.startswith(f"page-{rate:02}-")]
        found = sum(cluster[at[name]] == cluster[at[f"volume-{volume_of[name]}"]] for name in some)
        gone = sum(witness[at[name]] != at[name] for name in some)
        print(f"| {rate} % | {len(some)} | {found / len(some):.3f} | {gone / len(some):.3f} |")
    parts = run.pairs.docs[run.pair_relations == CONTAINED].tolist()
    of = {**volume_of, **{f"volume-{i}": i for i in range(len(books))}}
    known = [[of[names[doc]] for doc in pair] for pair in parts if {names[doc] for doc in pair} <= of.keys()]
    wrong = [pair for pair in known if pair[0] != pair[1]]
    print(f"\npairs of part and whole: {len(known)}, of two volumes: {len(wrong)}")


if __name__ == "__main__":
    main()
