"""The run folder: whole or not there, and read back as it was written."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import zlib

import numpy as np
import pytest

import dedup
from dedup.core.documents import STATUS
from dedup.core.errors import BadRun
from dedup.core.verdicts import DECIDING, RELATIONS
from dedup.runs.atomic import checksum
from dedup.runs.manifest import FORMAT

from ..conftest import OTHER, POST


@pytest.fixture
def folder(files):
    return files(
        {"in/a.txt": POST, "in/b.txt": POST.upper(), "in/c.txt": OTHER, "in/d.txt": POST[:150], "in/e": ""}
    )


def test_a_run_that_is_opened_equals_the_one_that_was_written(folder):
    written = dedup.scan(folder / "in", run=folder / "r")
    opened = dedup.open_run(str(folder / "r"))
    assert opened.clusters == written.clusters
    assert opened.keep() == written.keep()
    assert opened.drop() == written.drop()
    assert opened.summary == written.summary
    assert opened.sources == written.sources
    assert opened.to_arrow().equals(written.to_arrow())
    memory = dedup.scan(folder / "in")
    assert np.array_equal(opened.signatures.values, memory.signatures.values)
    for name in ("hash", "doc", "position"):
        assert np.array_equal(getattr(opened.anchors, name), getattr(memory.anchors, name))
    for name in ("docs", "overlap", "size_left", "size_right"):
        assert np.array_equal(getattr(opened.pairs, name), getattr(memory.pairs, name))
    assert np.array_equal(opened.documents.letters_hash, memory.documents.letters_hash)


def test_a_second_scan_replaces_the_first_and_leaves_nothing_behind(folder):
    dedup.scan(folder / "in", run=folder / "r")
    dedup.scan(folder / "in/a.txt", run=folder / "r")
    assert dedup.open_run(folder / "r").summary["documents"]["seen"] == 1
    assert sorted(os.listdir(folder / "r")) == ["lock", "run.json", "tables-000002"]


def test_a_scan_that_fails_leaves_the_last_good_run(folder, monkeypatch):
    from dedup.runs import folder as run_folder

    dedup.scan(folder / "in", run=folder / "r")
    before = dedup.open_run(folder / "r").clusters
    for where, broken in ((run_folder, "write_atomically"), (run_folder.pq, "write_table")):
        with monkeypatch.context() as m:
            m.setattr(where, broken, lambda *a, **k: (_ for _ in ()).throw(OSError(28, "disk full")))
            with pytest.raises(BadRun, match="disk full"):
                dedup.scan(folder / "in/a.txt", run=folder / "r")
        assert dedup.open_run(folder / "r").clusters == before
        assert sorted(os.listdir(folder / "r")) == ["lock", "run.json", "tables-000001"]


def test_two_scans_on_one_run_folder_do_not_mix(folder):
    dedup.scan(folder / "in", run=folder / "r")
    with open(folder / "r/lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BadRun, match="another scan"):
            dedup.scan(folder / "in", run=folder / "r")
    dedup.scan(folder / "in", run=folder / "r")


@pytest.mark.parametrize(
    "table", ["sources.parquet", "documents.parquet", "pairs.parquet", "verdict.parquet", "signatures.npy"]
)
def test_a_damaged_table_is_refused_by_name(folder, table):
    dedup.scan(folder / "in", run=folder / "r")
    path = folder / "r/tables-000001" / table
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    for bad in (data[:50], data[:-9], b""):
        path.write_bytes(bytes(bad))
        with pytest.raises(BadRun, match=r"damaged.*scan again"):
            _ = dedup.open_run(folder / "r").signatures
    path.unlink()
    with pytest.raises(BadRun, match="damaged"):
        _ = dedup.open_run(folder / "r").signatures


def test_a_table_in_the_place_of_another_of_its_shape_is_refused(folder):
    dedup.scan(folder / "in", run=folder / "r")
    one, other = (folder / "r/tables-000001" / name for name in ("signatures.npy", "skeletons.npy"))
    first, second = one.read_bytes(), other.read_bytes()
    assert len(first) == len(second)
    one.write_bytes(second)
    other.write_bytes(first)
    with pytest.raises(BadRun, match="signatures.npy: is damaged"):
        _ = dedup.open_run(folder / "r").signatures


def test_a_checksum_is_of_every_byte_of_a_large_table_and_of_its_parts_in_order(tmp_path):
    data = bytes(range(256)) * 10_000  # read a megabyte at a time
    (tmp_path / "parts").mkdir()
    for name, part in (("whole", data), ("parts/0", data[:99]), ("parts/1", data[99:])):
        (tmp_path / name).write_bytes(part)
    assert checksum(tmp_path / "whole") == checksum(tmp_path / "parts") == zlib.crc32(data)


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{",
        "[]",
        '{"format": "1"}',
        '{"format": 2, "tables": "../../etc"}',
        '{"format": 2, "tables": "tables-000001"}',
    ],
)
def test_a_hostile_manifest_is_refused(folder, manifest):
    dedup.scan(folder / "in", run=folder / "r")
    (folder / "r/run.json").write_text(manifest)
    with pytest.raises(BadRun):
        dedup.open_run(folder / "r")


def interrupted(folder, delay, sig):
    command = [sys.executable, "-m", "dedup", "scan", "in", "--run", "r", "-q"]
    child = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(delay)
    child.send_signal(sig)
    _, err = child.communicate(timeout=60)
    return child.returncode, err.decode()


@pytest.mark.slow
def test_a_scan_killed_at_any_moment_leaves_the_last_good_run(folder):
    for i in range(400):
        (folder / f"in/more{i}.txt").write_text(f"{POST} {OTHER[i % 100 :]}")
    interrupted(folder, 60, signal.SIGCONT)
    expected = dedup.open_run(folder / "r").keep()
    assert 0 < len(expected) < 400
    for i in range(20):
        interrupted(folder, 0.1 + 0.07 * i, signal.SIGKILL)
        assert dedup.open_run(folder / "r").keep() == expected
    dedup.scan(folder / "in", run=folder / "r")
    assert len(os.listdir(folder / "r")) == 3


def test_a_file_that_changes_between_the_pass_and_the_verification_is_set_aside(folder, monkeypatch):
    from dedup.pipeline import ingest

    sign_all = ingest.read_and_sign

    def then_change(*args):
        done = sign_all(*args)
        (folder / "in/a.txt").write_text("changed meanwhile, to a text of another length")
        (folder / "in/d.txt").unlink()
        return done

    monkeypatch.setattr(ingest, "read_and_sign", then_change)
    run = dedup.scan(folder / "in", run=folder / "r")
    assert run.summary["set_aside"]["reasons"] == {"changed while read": 2, "empty": 1}
    assert [os.path.basename(k) for k in run.keep()] == ["b.txt", "c.txt"]
    assert json.loads((folder / "r/run.json").read_bytes())["documents"]["set_aside"] == 3


def test_the_names_behind_stored_numbers_are_those_of_the_format():
    """Run folders hold numbers: whoever changes a name or its place must raise FORMAT, and then this test."""
    assert FORMAT == 7
    assert (
        *("kept", "identical", "encoding", "whitespace", "case", "punctuation"),
        *("near", "scanned", "contained", "rewritten", "form"),
    ) == RELATIONS
    assert (
        *("", "letters", "jaccard", "discounted_jaccard", "containment", "discounted_containment"),
        *("skeleton_jaccard", "aligned"),
    ) == DECIDING
    assert (
        *("ok", "empty", "binary", "unreadable", "bad record", "changed while read"),
        *("too short to judge", "too large"),
    ) == STATUS
