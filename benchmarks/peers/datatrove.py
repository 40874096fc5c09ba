"""datatrove's MinHash in four steps with the local executor, after its examples/minhash_deduplication.py.

Defaults: words in fives, 14 buckets of 8; 64-bit hashes as in the example; one task and one worker a core,
the corpus split into as many files beforehand.  Its English words need spaCy.  The cluster numbers that the
third step can save are asked for.  Pairs: the documents of one cluster.  Removed: those it removes.
"""
# /// script
# dependencies = ["datatrove[io,processing]==0.10.1", "spacy", "orjson"]
# [tool.bench]
# prepare = true
# ///

import gzip
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig

CORES = len(os.sched_getaffinity(0))


def prepare(corpus: str, out: str) -> None:
    """Split the corpus, line by line in turn, into a file for each core."""
    Path(out, "in").mkdir()
    with ExitStack() as stack:
        files = [stack.enter_context(open(f"{out}/in/{i:05d}.jsonl", "wb")) for i in range(CORES)]
        for i, row in enumerate(stack.enter_context(open(corpus, "rb"))):
            files[i % CORES].write(row)


def scan(out: str) -> None:
    """The four steps, each when the one before is done."""
    config = MinhashConfig(hash_config=HashConfig(precision=64))
    steps = [
        (CORES, [reader(out), MinhashDedupSignature(f"{out}/signatures", config)]),
        (config.num_buckets, [MinhashDedupBuckets(f"{out}/signatures", f"{out}/buckets", config=config)]),
        (1, [MinhashDedupCluster(f"{out}/buckets", f"{out}/remove", config, save_cluster_id=True)]),
        (
            CORES,
            [
                reader(out),
                MinhashDedupFilter(f"{out}/remove", load_cluster_ids=True),
                JsonlWriter(f"{out}/kept"),
            ],
        ),
    ]
    for i, (tasks, pipeline) in enumerate(steps):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=CORES, logging_dir=f"{out}/log/{i}").run()


def reader(out: str) -> JsonlReader:
    """What gives the documents."""
    return JsonlReader(f"{out}/in")


def result(out: str) -> None:
    """Print id, cluster, kept of the documents that are not alone."""
    kept = set()
    for path in Path(out, "kept").rglob("*.jsonl.gz"):
        with gzip.open(path, "rb") as rows:
            kept |= {json.loads(row)["id"] for row in rows}
    for i in range(CORES):
        with open(f"{out}/in/{i:05d}.jsonl", "rb") as rows:
            names = [json.loads(row)["id"] for row in rows]
        path = Path(out, "remove", f"{i:06d}.clusters")
        data = path.read_bytes() if path.exists() else b""
        numbers = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        for doc, cluster in zip(numbers[::2], numbers[1::2], strict=True):
            print(f"{names[doc]},{cluster},{int(names[doc] in kept)}")


if __name__ == "__main__":
    mode, corpus, out = sys.argv[1:4]
    if mode == "prepare":
        prepare(corpus, out)
    elif mode == "scan":
        scan(out)
    else:
        result(out)
