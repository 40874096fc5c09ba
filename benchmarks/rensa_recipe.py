"""rensa as its README uses it to deduplicate a data set: words of each text, 128 permutations, 16 bands."""

import sys

import orjson
from rensa import RMinHash, RMinHashLSH


def main() -> None:
    """Print how many documents the recipe removes."""
    minhashes = {}
    with open(sys.argv[1], "rb") as rows:
        for i, row in enumerate(rows):
            minhashes[i] = RMinHash(num_perm=128, seed=42)
            minhashes[i].update(orjson.loads(row)["text"].split())
    lsh = RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)
    for i, minhash in minhashes.items():
        lsh.insert(i, minhash)
    removed: set[int] = set()
    for i, minhash in minhashes.items():
        if i in removed:
            continue
        for other in lsh.query(minhash):
            if other != i and other not in removed and minhash.jaccard(minhashes[other]) >= 0.85:
                removed.add(max(i, other))
    print(f"removed {len(removed)} of {len(minhashes)}")


if __name__ == "__main__":
    main()
