"""rensa as its README keeps unique documents: the words of a text, 128 permutations, threshold 0.8, with LSH.

    rensa.py MODE CORPUS OUT [N]     N: shingles of N words, made in Python, instead of words

It tells which documents are kept, in order.  Pairs: after the measured run, its index is asked for the kept
documents that each removed one resembles, and these are put into one set.
"""
# /// script
# dependencies = ["rensa==0.5.0", "orjson"]
# ///

import sys
from collections.abc import Iterator
from itertools import compress
from pathlib import Path

import orjson
from rensa import RMinHash, RMinHashDeduplicator


def entries(corpus: str, n: int) -> Iterator[tuple[str, list[str]]]:
    """The id and the tokens of each document."""
    with open(corpus, "rb") as rows:
        for line in rows:
            row = orjson.loads(line)
            words = row["text"].split()
            if n > 1:
                words = [" ".join(words[j : j + n]) for j in range(max(1, len(words) - n + 1))]
            yield row["id"], words


def deduplicator() -> RMinHashDeduplicator:
    """As in the README."""
    return RMinHashDeduplicator(threshold=0.8, num_perm=128, use_lsh=True)


def scan(corpus: str, out: str, n: int) -> None:
    """Write the ids of the kept documents."""
    names: list[str] = []

    def noted() -> Iterator[tuple[str, list[str]]]:
        for name, tokens in entries(corpus, n):
            names.append(name)
            yield name, tokens

    keep = deduplicator().add_pairs(noted())
    with open(f"{out}/kept.txt", "w") as f:
        f.writelines(name + "\n" for name in compress(names, keep))


def result(corpus: str, out: str, n: int) -> None:
    """Print id, cluster, kept of the documents that are not alone."""
    kept = set(Path(out, "kept.txt").read_text().split())
    index = deduplicator()
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for name, tokens in entries(corpus, n):
        if name in kept:
            index.add_pairs([(name, tokens)])
        else:  # the deduplicator held it against those before it only, and so does this
            minhash = RMinHash(num_perm=128, seed=42)
            minhash.update(tokens)
            for other in index.get_duplicates(minhash):
                root[find(name)] = find(other)
    for name in list(root):
        print(f"{name},{find(name)},{int(name in kept)}")
    for name, _ in entries(corpus, 1):
        if name not in kept and name not in root:
            print(f"{name},,0")


if __name__ == "__main__":
    mode, corpus, out = sys.argv[1:4]
    (scan if mode == "scan" else result)(corpus, out, int(sys.argv[4]) if len(sys.argv) > 4 else 1)
