"""A scan that was killed goes on from its last finished block and ends with the same bytes."""

import os
import signal
import subprocess
import sys
import time

import pytest

import dedup
from dedup.pipeline import ingest
from dedup.readers import registry
from dedup.runs import ingest_cache

from ..conftest import OTHER, POST


def tables(run_folder):
    (found,) = run_folder.glob("tables-*")
    return {path.name: path.read_bytes() for path in found.iterdir()}


N, OF_BLOCK = 40, 16  # files, and those of one block


@pytest.fixture
def folder(files, monkeypatch):
    monkeypatch.setattr(registry, "GROUPED_FILES", OF_BLOCK)
    return files({f"in/{i:04}.txt": f"{POST[i % 200 :]} {i} {OTHER[: i % 250]}" for i in range(N)})


class Killed(BaseException):
    pass


def test_a_stopped_scan_goes_on_and_gives_the_same_bytes(folder, monkeypatch):
    dedup.scan(folder / "in", run=folder / "whole")
    add, done = ingest_cache.IngestCache.add, []

    def stop_at_the_third(self, key, block, rows):
        if len(done) == 2:
            raise Killed
        done.append(key)
        add(self, key, block, rows)

    with monkeypatch.context() as m:
        m.setattr(ingest_cache.IngestCache, "add", stop_at_the_third)
        with pytest.raises(Killed):
            dedup.scan(folder / "in", run=folder / "r", threads=1)
    left = os.listdir(folder / "r/unfinished")
    assert set(done) <= set(left)
    signed, sign = [], ingest.sign
    monkeypatch.setattr(
        ingest, "sign", lambda read, settings: signed.append(len(read)) or sign(read, settings)
    )
    dedup.scan(folder / "in", run=folder / "r")
    assert sum(signed) == N - 2 * OF_BLOCK  # what was finished is not read again
    assert not (folder / "r/unfinished").exists()
    assert tables(folder / "r") == tables(folder / "whole")


def test_what_has_changed_since_the_kill_is_read_again(folder, monkeypatch):
    with monkeypatch.context() as m:
        m.setattr("dedup.pipeline.scan.find_duplicates", lambda *a: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            dedup.scan(folder / "in", run=folder / "r")
    (folder / "in/0003.txt").write_text("another text, that was written after the kill of the first scan")
    run = dedup.scan(folder / "in", run=folder / "r")
    dedup.scan(folder / "in", run=folder / "whole")
    assert tables(folder / "r") == tables(folder / "whole")
    assert run.documents.n_bytes[3] == 63


def test_other_settings_and_another_start_of_the_machine_do_not_take_old_blocks(folder, monkeypatch):
    def stopped():
        with monkeypatch.context() as m:
            m.setattr("dedup.pipeline.scan.find_duplicates", lambda *a: (_ for _ in ()).throw(Killed()))
            with pytest.raises(Killed):
                dedup.scan(folder / "in", run=folder / "r")

    signed, sign = [], ingest.sign
    monkeypatch.setattr(
        ingest, "sign", lambda read, settings: signed.append(len(read)) or sign(read, settings)
    )
    stopped()
    dedup.scan(folder / "in", run=folder / "r", k=9)
    assert sum(signed) == 2 * N
    stopped()
    signed.clear()
    monkeypatch.setattr(ingest_cache, "_boot", lambda: b"another start")
    dedup.scan(folder / "in", run=folder / "r")
    assert sum(signed) == N


def test_blocks_that_two_interrupted_scans_left_are_told_apart(folder, monkeypatch):
    """The first block of the one stands first in the log, that of the other is still there."""
    for k in (8, 9):
        with monkeypatch.context() as m:
            m.setattr("dedup.pipeline.scan.find_duplicates", lambda *a: (_ for _ in ()).throw(Killed()))
            with pytest.raises(Killed):
                dedup.scan(folder / "in", run=folder / "r", k=k)
    dedup.scan(folder / "in", run=folder / "r", k=8)
    dedup.scan(folder / "in", run=folder / "whole", k=8)
    assert tables(folder / "r") == tables(folder / "whole")


def test_a_torn_block_is_read_again(folder, monkeypatch):
    with monkeypatch.context() as m:
        m.setattr("dedup.pipeline.scan.find_duplicates", lambda *a: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            dedup.scan(folder / "in", run=folder / "r")
    dedup.scan(folder / "in", run=folder / "whole")
    unfinished = folder / "r/unfinished"
    first, second, *_ = (p for p in sorted(unfinished.iterdir()) if len(p.name) == 32)
    first.write_bytes(first.read_bytes()[:-7])
    second.write_bytes(b"")
    dedup.scan(folder / "in", run=folder / "r")
    assert tables(folder / "r") == tables(folder / "whole")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_a_scan_with_its_code_and_one_line(folder, number, code):
    dedup.scan(folder / "in/0001.txt", run=folder / "r")
    before = (folder / "r/run.json").read_bytes()
    command = [sys.executable, "-m", "dedup", "scan", "-", "--run", "r"]
    child = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    while len(list((folder / "r").glob("tables-*"))) < 2:  # it has begun, and waits for standard input
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == code
    assert "Traceback" not in err.decode()
    assert err.decode().strip().startswith("dedup: interrupted; the last good run is still in place")
    assert (folder / "r/run.json").read_bytes() == before


def test_a_scan_killed_while_it_commits_ends_with_the_same_bytes(folder, monkeypatch):
    dedup.scan(folder / "in", run=folder / "whole")
    with monkeypatch.context() as m:
        m.setattr("dedup.runs.folder.write_atomically", lambda *a: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            dedup.scan(folder / "in", run=folder / "r")
    dedup.scan(folder / "in", run=folder / "r")
    assert tables(folder / "r") == tables(folder / "whole")
