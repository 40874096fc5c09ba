"""The same corpus gives the same bytes out."""

import json
import os
import random
import subprocess
import sys

import pytest

from .test_scan import corpus

WHAT = ("keep", "drop", "clusters", "pairs")


@pytest.fixture
def made(files):
    texts = corpus(160, seed=11)
    rows = [json.dumps({"id": i, "text": t}) for i, t in enumerate(texts[80:])]
    return files(
        {f"in/{i % 7}/{i}.txt": t for i, t in enumerate(texts[:80])} | {"in/rows.jsonl": "\n".join(rows)}
    )


def exported(folder, paths, **environment):
    environment = {**os.environ, **environment}
    threads = environment.pop("DEDUP_TEST_THREADS", "0")
    scan = [sys.executable, "-m", "dedup", "scan", *paths, "-q", "--threads", threads]
    subprocess.run(scan, cwd=folder, env=environment, check=True)
    lists = []
    for what in WHAT:
        command = [sys.executable, "-m", "dedup", "export", what, "--format", "csv"]
        lists.append(
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True).stdout
        )
    return lists


def test_order_of_input_threads_and_hash_seed_do_not_matter(made):
    paths = [f"in/{i}" for i in range(7)] + ["in/rows.jsonl"]
    expected = exported(made, ["in"])
    assert expected[1].count(b"\n") > 30
    for seed, threads in (("0", "1"), ("1", "2"), ("7", "5")):
        random.Random(seed).shuffle(paths)
        assert exported(made, paths, PYTHONHASHSEED=seed, DEDUP_TEST_THREADS=threads) == expected


def test_locale_and_time_zone_do_not_matter(made):
    expected = exported(made, ["in"])
    assert exported(made, ["in"], LC_ALL="C", LANG="C", TZ="Asia/Kathmandu") == expected
