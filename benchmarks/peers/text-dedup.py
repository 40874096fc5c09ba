"""text-dedup's MinHash with its defaults: words in fives, 250 permutations, threshold 0.7, all cores.

Pairs: the documents of one set of its union-find, which --debug writes.  Removed: all but the first of a set.
"""
# /// script
# dependencies = ["text-dedup==0.4.0"]
# [tool.bench]
# command = ["{python}", "-m", "text_dedup.minhash", "--path", "json", "--data_files", "{corpus}",
#   "--split", "train", "--cache_dir", "{cache}", "--output", "{out}", "--column", "text", "--debug"]
# ///

import json
import pickle
import sys


def result(corpus: str, out: str) -> None:
    """Print id, cluster, kept."""
    with open(f"{out}/uf.pkl", "rb") as f:
        sets = pickle.load(f)  # our own file, written by the measured run
    with open(corpus, "rb") as rows:
        for i, row in enumerate(rows):
            root = sets.find(i)
            print(f"{json.loads(row)['id']},{root},{int(root == i)}")


if __name__ == "__main__":
    result(sys.argv[2], sys.argv[3])
