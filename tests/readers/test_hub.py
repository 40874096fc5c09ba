"""Data sets of the Hugging Face Hub are read and written by hf://, with its own library."""

import gzip
import json
import os
import subprocess
import sys

import pytest

from ..conftest import OTHER, POST, ROOT
from .hub import hub

of_processes = pytest.mark.slow  # HF_ENDPOINT is read when the library is imported: new processes


@pytest.fixture
def dedup(tmp_path):
    pytest.importorskip("huggingface_hub", reason="pip install 'dedup-corpus[hub]'")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "hf_test"}
    env.pop("HF_HUB_OFFLINE", None)

    def call(address, *args, code=0):
        command = [sys.executable, "-m", "dedup", *args]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**env, "HF_ENDPOINT": address},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stderr
        return done

    return call


@of_processes
def test_a_data_set_of_the_hub_is_read_and_a_clean_one_written(dedup):
    rows = [{"text": text} for text in (POST, OTHER, POST.upper())]
    shard = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    files = {"data/train-0.json.gz": shard, "README.md": b"# About this data set"}
    with hub(files) as address:
        dedup(address, "scan", "hf://datasets/a/b/data")
        kept = dedup(address, "export", "keep").stdout.splitlines()
        assert kept == [f"hf://datasets/a/b/data/train-0.json.gz:{i}" for i in (1, 2)]
        dedup(address, "export", "corpus", "--to", "hf://datasets/a/b/clean")
        dedup(address, "export", "keep", "-o", "hf://datasets/a/b/keep.txt")
        again = dedup(address, "scan", "hf://datasets/a/b/data", "--json")
    clean = gzip.decompress(files["clean/train-0.json.gz"]).splitlines()
    assert [json.loads(line) for line in clean] == rows[:2]
    assert files["keep.txt"].decode().splitlines() == kept
    assert "unchanged" in json.loads(again.stdout)["seconds"]


@of_processes
def test_a_data_set_that_is_not_there_is_one_line(dedup):
    with hub({}) as address:
        said = dedup(address, "scan", "hf://datasets/a/b/none", code=2).stderr.strip()
    assert said.startswith("dedup: hf://datasets/a/b/none: ")
    assert "\n" not in said


def test_without_the_library_the_line_that_installs_it_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    (said,) = run("scan", "hf://datasets/none/such", code=2).told
    assert said.endswith("needs huggingface_hub; install it with: pip install 'dedup-corpus[hub]'")
