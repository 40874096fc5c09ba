"""SIGKILL at any moment: the run that was good stays good, and the next scan ends with the same bytes.

DEDUP_KILLS is the number of random kills of each kind; 50 make 100 kills of scans and 100 of exports.
"""

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from ..conftest import OTHER, POST

KILLS = int(os.environ.get("DEDUP_KILLS", "25"))


@pytest.fixture
def folder(tmp_path):
    """in/base, and in/more that was added later; some of them variants of one another."""
    for part, n in (("base", 300), ("more", 200)):
        (tmp_path / "in" / part).mkdir(parents=True)
        for i in range(n):
            text = f"{POST[i % 97 :]} {part if i % 3 else ''} {i % 50} {OTHER[: i % 89]}"
            (tmp_path / "in" / part / f"{i:03}.txt").write_text(text)
    rows = "".join(f'{{"id": {i}, "text": "{POST[: 60 + i % 200]}"}}\n' for i in range(400))
    (tmp_path / "in" / "more" / "rows.jsonl").write_text(rows)
    return tmp_path


UNFINISHED = (".part", ".dedup-part")  # the names of files that were being written


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def finished(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(folder).items() if not name.endswith(UNFINISHED)}


class Runs:
    """The runs that no kill has touched: `before` of in/base alone, `after` of all files."""

    def __init__(self, warm, folder):
        self.warm, self.folder = warm, folder
        assert warm("scan", "in/base", "-q", "--run", "before", cwd=folder).code == 0
        done = warm("scan", "in", "-q", "--run", "after", cwd=folder)
        assert done.code == 0
        self.seconds, self.changes = done.seconds, done.changes
        self.before, self.after = self.digest("before"), self.digest("after")
        assert self.before != self.after

    def digest(self, run="r"):
        return self.warm("verify", run, cwd=self.folder).json

    def start_over(self, with_run):
        shutil.rmtree(self.folder / "r", ignore_errors=True)
        if with_run:
            shutil.copytree(self.folder / "before", self.folder / "r")

    def good(self, with_run):
        """What a kill may leave."""
        if with_run:
            return self.digest() in (self.before, self.after)
        found = self.digest()
        return found == self.after or found["refused"] == "r: no run here; make one with: dedup scan FOLDER"


@pytest.mark.slow
@pytest.mark.parametrize("with_run", [False, True], ids=["first scan", "files added"])
def test_a_scan_killed_at_random_moments_damages_no_run_and_ends_with_the_same_bytes(warm, folder, with_run):
    runs = Runs(warm, folder)
    chance = random.Random(KILLS + with_run)
    killed = damaged = lost = 0
    for i in range(KILLS):
        if i % 5 == 0:  # else it goes on from what the last kill has left
            runs.start_over(with_run)
        while True:
            done = warm(
                "scan", "in", "-q", "--run", "r", cwd=folder, kill_after=chance.random() * runs.seconds
            )
            damaged += not runs.good(with_run)
            if done.killed:
                break
            runs.start_over(with_run)
        killed += 1
        if i % 5 == 4:
            assert warm("scan", "in", "-q", "--run", "r", cwd=folder).code == 0
            lost += runs.after["documents"] - runs.digest()["documents"]
            assert runs.digest() == runs.after
            assert len(os.listdir(folder / "r")) == 3  # run.json, its tables, the lock
    print(f"\n{killed} kills of a scan ({runs.seconds:.2f} s): {damaged} damaged runs, {lost} lost documents")
    assert (killed, damaged, lost) == (KILLS, 0, 0)


def every_step(n: int, at_most: int) -> list[int]:
    """1, 2, ... n, or some of them, the first and the last always."""
    steps = range(1, n + 1)
    return [s for s in steps if n <= at_most or s <= 5 or s > n - 10 or s % (n // (at_most - 15) + 1) == 0]


@pytest.mark.slow
@pytest.mark.parametrize("with_run", [False, True], ids=["first scan", "files added"])
def test_a_scan_killed_at_each_change_of_the_file_system_damages_no_run(warm, folder, with_run):
    runs = Runs(warm, folder)
    runs.start_over(with_run)
    n = warm("scan", "in", "-q", "--run", "r", cwd=folder).changes
    assert n > 20
    for step in every_step(n, 24):
        runs.start_over(with_run)
        assert warm("scan", "in", "-q", "--run", "r", cwd=folder, kill_at=step).killed
        assert runs.good(with_run), step
        assert warm("scan", "in", "-q", "--run", "r", cwd=folder).code == 0
        assert runs.digest() == runs.after, step
        assert len(os.listdir(folder / "r")) == 3


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_moment_ends_a_scan_with_one_line_and_leaves_the_run(warm, folder, number):
    runs = Runs(warm, folder)
    runs.start_over(with_run=True)
    for share in (0.2, 0.5, 0.8):
        after = share * runs.seconds
        done = warm("scan", "in", "-q", "--run", "r", cwd=folder, kill_after=after, signal=int(number))
        assert done.code in (0, 128 + number), done.err
        if done.code:
            (line,) = done.err.strip().splitlines()
            assert line.startswith("dedup: interrupted; the last good run is still in place")
        assert done.seconds - after < 10
        assert runs.good(with_run=True)
    assert warm("scan", "in", "-q", "--run", "r", cwd=folder).code == 0
    assert runs.digest() == runs.after


@pytest.mark.slow
@pytest.mark.parametrize("what", ["list", "corpus"])
def test_an_export_killed_at_random_moments_leaves_whole_files_and_the_run_as_it_was(warm, folder, what):
    runs = Runs(warm, folder)
    inputs, run_folder = tree(folder / "in"), tree(folder / "after")
    if what == "list":
        command = ("export", "clusters", "-o", "out/list.csv", "--force", "--run", "after")
        (folder / "out").mkdir()
    else:
        command = ("export", "corpus", "--to", "out", "--force", "--run", "after")
    done = warm(*command, cwd=folder)
    assert done.code == 0, done.err
    whole = tree(folder / "out")
    assert whole
    chance = random.Random(KILLS)
    killed = damaged = 0
    while killed < KILLS:
        if killed % 5 == 0:
            shutil.rmtree(folder / "out")
            (folder / "out").mkdir()
        answer = warm(*command, cwd=folder, kill_after=chance.random() * done.seconds)
        killed += answer.killed
        damaged += any(whole.get(name) != data for name, data in finished(folder / "out").items())
        if killed % 5 == 4 and answer.killed:
            assert warm(*command, cwd=folder).code == 0
            assert finished(folder / "out") == whole
    print(f"\n{killed} kills of an export of a {what} ({done.seconds:.2f} s): {damaged} files not whole")
    assert damaged == 0
    assert tree(folder / "in") == inputs
    assert tree(folder / "after") == run_folder
    assert runs.digest("after") == runs.after
