"""datasketch alone, as its documentation uses MinHash and MinHashLSH: 128 permutations, threshold 0.7.

A document is the set of its lower-cased words in fives, as with text-dedup.  Every document is inserted, then
each is asked for.  Pairs: documents that a query names together are put into one set.  Removed: all but the
first of a set.
"""
# /// script
# dependencies = ["datasketch==2.0.0", "orjson"]
# ///

import sys
from pathlib import Path

import orjson
from datasketch import MinHash, MinHashLSH


def main(corpus: str, out: str) -> None:
    """Write id, cluster, kept."""
    lsh = MinHashLSH(threshold=0.7, num_perm=128)
    names, minhashes = [], []
    with open(corpus, "rb") as rows:
        for i, line in enumerate(rows):
            row = orjson.loads(line)
            words = row["text"].lower().split()
            minhash = MinHash(num_perm=128)
            shingles = {" ".join(words[j : j + 5]).encode() for j in range(max(1, len(words) - 4))}
            minhash.update_batch(list(shingles))
            lsh.insert(i, minhash)
            names.append(row["id"])
            minhashes.append(minhash)
    root = list(range(len(names)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, minhash in enumerate(minhashes):
        for other in lsh.query(minhash):
            a, b = find(i), find(other)
            root[max(a, b)] = min(a, b)
    with open(f"{out}/result.csv", "w") as f:
        f.writelines(f"{name},{find(i)},{int(find(i) == i)}\n" for i, name in enumerate(names))


if __name__ == "__main__":
    mode, corpus, out = sys.argv[1:4]
    if mode == "scan":
        main(corpus, out)
    else:
        print(Path(out, "result.csv").read_text(), end="")
