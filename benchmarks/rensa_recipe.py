"""rensa as its README uses it to deduplicate a data set: words of each text, 128 permutations, 16 bands.

python rensa_recipe.py ROWS.jsonl [N]      N: shingles of N words, made in Python, instead of words
"""

import sys

import orjson
from rensa import RMinHash, RMinHashLSH


def main() -> None:
    """Print how many documents the recipe removes."""
    minhashes = {}
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with open(sys.argv[1], "rb") as rows:
        for i, row in enumerate(rows):
            minhashes[i] = RMinHash(num_perm=128, seed=42)
            words = orjson.loads(row)["text"].split()
            if n > 1:
                words = [" ".join(words[j : j + n]) for j in range(max(1, len(words) - n + 1))]
            minhashes[i].update(words)
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
