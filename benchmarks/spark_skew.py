"""How evenly band buckets fall on targets: measured bucket sizes, and the same at other sizes.

    python -m benchmarks.spark_skew RUN [--targets 64 4096] [--times 1 100]

RUN is a run folder.  Bucket sizes of all bands are counted from its signatures.  For `times` as many
documents, a bucket is taken as many times as large (families of near-duplicates grow with the corpus: the
worse of the two ways it may go), and buckets of one document as many times as many.  Keys fall on
targets at random, as a hash makes them; a bucket of more than `HEAVY` is cut over many.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import dedup
from dedup.clustering import verdict
from dedup.core.settings import Settings
from dedup.matching import kernels
from dedup.spark.stages.bands import HEAVY, buckets


def sizes_of(run: dedup.Run) -> np.ndarray:
    """Run -> the sizes of the buckets of all bands."""
    same = verdict.same_letters(run.documents)
    firsts = np.flatnonzero(run.ok & (same == np.arange(len(same))))
    out = []
    for _, view, columns in buckets(Settings()):
        mine = firsts[view.sizes(run.documents)[firsts] >= view.least].astype(np.int32)
        (keys,) = kernels.band_keys(view.signatures(run.signatures), mine, columns[None])
        out.append(np.unique(keys, return_counts=True)[1])
    return np.concatenate(out)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--targets", type=int, nargs="+", default=[64, 1024])
    parser.add_argument("--times", type=int, nargs="+", default=[1, 100, 10_000])
    given = parser.parse_args()
    sizes = sizes_of(dedup.open_run(given.run))
    rng = np.random.default_rng(0)
    print(f"{len(sizes):,} buckets of {sizes.sum():,} rows; the largest holds {sizes.max():,}")
    for least in (2, 9, 100, 1000):
        mine = sizes[sizes >= least]
        print(f"  of {least:,} or more: {len(mine):,} buckets, {mine.sum() / sizes.sum():.2%} of the rows")
    several = sizes[sizes > 1]
    single = int((sizes == 1).sum())
    for times in given.times:
        for targets in given.targets:
            load = np.full(targets, single * times / targets)
            grown = several * times
            heavy = grown > HEAVY
            light, cut = load.copy(), load + grown[heavy].sum() / targets
            place = rng.integers(0, targets, len(grown))
            np.add.at(light, place, grown)
            np.add.at(cut, place[~heavy], grown[~heavy])
            uneven, even = light.max() / light.mean(), cut.max() / cut.mean()
            print(
                f"times {times:,}, {targets:,} targets: the fullest has {uneven:.2f} times the mean, "
                f"{even:.2f} with {int(heavy.sum()):,} heavy buckets cut"
            )


if __name__ == "__main__":
    main()
