"""The same corpus gives the same bytes out."""

import json
import os
import random
import subprocess
import sys

import pytest

from ..conftest import ALIKE_OPTIONS
from .test_scan import corpus

WHAT = ("keep", "drop", "clusters", "pairs")


@pytest.fixture
def made(files):
    texts = corpus(160, seed=11)
    rows = [json.dumps({"id": i, "text": t}) for i, t in enumerate(texts[80:])]
    return files(
        {f"in/{i % 7}/{i}.txt": t for i, t in enumerate(texts[:80])} | {"in/rows.jsonl": "\n".join(rows)}
    )


PATHS = [f"in/{i}" for i in range(7)] + ["in/rows.jsonl"]


def shuffled(seed):
    return random.Random(seed).sample(PATHS, len(PATHS))


def exported(run, paths, threads=0):
    """The lists of a scan."""
    run("scan", *paths, "-q", "--threads", threads, *ALIKE_OPTIONS)
    return [run("export", what, "--format", "csv").bytes for what in WHAT]


def exported_by_processes(folder, paths, **environment):
    """The same by processes of their own, in another environment."""

    def dedup(*args):
        command = [sys.executable, "-m", "dedup", *args]
        environ = {**os.environ, **environment}
        return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True).stdout

    dedup("scan", *paths, "-q", *ALIKE_OPTIONS)
    return [dedup("export", what, "--format", "csv") for what in WHAT]


def test_order_of_input_and_threads_do_not_matter(run, made):
    expected = exported(run, ["in"])
    assert expected[1].count(b"\n") > 30
    for threads in (1, 2, 5):
        assert exported(run, shuffled(threads), threads) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "7"},
        {"LC_ALL": "C", "LANG": "C", "TZ": "Asia/Kathmandu"},
    ],
    ids=lambda e: " ".join(e),
)
def test_hash_seed_locale_and_time_zone_do_not_matter(run, made, environment):
    expected = exported(run, ["in"])
    assert exported_by_processes(made, shuffled(1), **environment) == expected
