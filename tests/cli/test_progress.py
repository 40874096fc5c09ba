"""What a command says while it runs: on stderr, and in a log."""

import json
from pathlib import Path

import pytest

from dedup.core.parallel import shared_context
from dedup.core.settings import Settings
from dedup.reports.progress import SPARK_WORDS, WORDS, Event, Stages

from ..conftest import OTHER, POST, ROOT

PAIR = {"in/a.txt": POST, "in/b.txt": OTHER}
OF_A_SCAN = ["pass", "relations", "candidates", "passages", "noise", "verification", "clusters"]
OF_A_SCAN += ["writing"]


def stages_said(stderr):
    """The stages that lines on stderr name, in order."""
    named = {words: stage for stage, words in WORDS.items()}
    said = [named.get(line.partition(":")[0]) for line in stderr.splitlines()]
    return [stage for stage in said if stage and stage != "kernels"]


def test_without_a_terminal_each_stage_is_a_line_as_it_ends(run, files):
    files(PAIR)
    outcome = run("scan", "in")
    assert stages_said(outcome.stderr) == OF_A_SCAN
    assert "reading: 2 documents, " in outcome.stderr
    assert stages_said(run("decide").stderr) == ["clusters", "writing"]
    assert stages_said(run("check", "in").stderr) == ["pass", "candidates", "verification"]


@pytest.mark.parametrize("args", [["--progress", "off"], ["-q"], ["-q", "--progress", "lines"], ["-q", "-v"]])
def test_progress_can_be_left_out(run, files, args):
    files(PAIR)
    assert run("scan", "in", *args).stderr == ""


def test_a_bar_has_a_heading_and_leaves_nothing_else(run, files):
    files(PAIR)
    assert run("scan", "in", "--progress", "bar", "--run", "r").stderr.split("\n")[0] == "scanning into r"


def test_verbose_names_versions_kernels_threads_and_the_peak_of_memory(run, files):
    files(PAIR)
    first, *lines = run("scan", "in", "-v", "--threads", "3").stderr.splitlines()
    assert first.startswith("dedup ")
    assert "kernels" in first
    assert first.endswith("3 threads")
    assert all(", peak " in line for line in lines if line.startswith(tuple(WORDS.values())))


def test_a_log_has_a_line_for_each_stage_with_time_and_counts(run, files):
    files(PAIR)
    run("scan", "in", "-q", "--log", "log.jsonl")
    rows = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert [row["event"] for row in rows if row["event"] != "stage"] == ["start", "result", "end"]
    assert [r["stage"] for r in rows if r["event"] == "stage" and r["stage"] != "kernels"] == OF_A_SCAN
    (read,) = (row for row in rows if row.get("stage") == "pass")
    size = len((POST + OTHER).encode())
    assert (read["documents"], read["done"], read["total"]) == (2, size, size)
    (result,) = (row for row in rows if row["event"] == "result")
    assert (result["seen"], result["kept"]) == (2, 2)
    assert sorted(row["time"] for row in rows) == [row["time"] for row in rows]
    run("scan", "nowhere", "--log", "log.jsonl", code=2)
    rows = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert rows[-1]["event"] == "failed"
    assert rows[-1]["error"] == "nowhere: no such file or directory"


def test_a_log_that_cannot_be_written_stops_the_command_before_it_reads(run, files):
    files(PAIR)
    outcome = run("scan", "in", "--log", "no/log.jsonl", code=2)
    assert outcome.told == ["dedup: --log no/log.jsonl: cannot be written: no such file or directory"]
    assert not Path(".dedup").exists()


# ------------------------------------------------------------------ events


def events(*reports, every=30.0):
    """Reports of progress, each after some seconds -> the events."""
    found, now = [], [0.0]
    stages = Stages([found.append], lambda: now[0], every)
    for seconds, *report in reports:
        now[0] = seconds
        stages(*report)
    stages.close()
    return found


def test_a_long_stage_is_told_of_every_half_minute():
    reports = [(t, "pass", 10 * t, 1000, t) for t in range(0, 101, 5)]
    found = events(*reports)
    assert [(e.seconds, e.done) for e in found if not e.ended] == [(30, 300), (60, 600), (90, 900)]
    assert [e.seconds_left for e in found] == [70, 40, 10, 0]


def test_a_stage_ends_where_the_next_begins_and_the_last_one_once():
    found = events((0, "pass", 0, 0, 0), (2, "pass", 9, 9, 5), (3, "clusters", 0, 0, 0))
    assert found == [Event("pass", True, 3, 9, 9, 5), Event("clusters", True, 0, 0, 0, 5)]


def test_a_report_is_of_the_stage_that_runs():
    said = []
    with shared_context(Settings(threads=1), lambda *report: said.append(report)) as context:
        with context.timed("pass"):
            context.report(3, 4, 2)
        with context.timed("clusters"):
            assert list(context.counted(2, 7, each=1)(str, [1, 2])) == ["1", "2"]
    assert said[:2] == [("pass", 0, 0, 0), ("pass", 3, 4, 2)]
    assert said[2:] == [("clusters", 0, 0, 0), *(("clusters", i, 2, 7) for i in range(3))]


def test_every_stage_of_spark_is_said_in_words():
    import re

    named = set()
    for path in (ROOT / "dedup/spark").rglob("*.py"):
        text = path.read_text()
        named |= set(re.findall(r"\.stage\(\s*f?\"([a-z-]+?)-?[\"{]", text))
        named |= set(re.findall(r"components\(store, \"(\w+)\"", text))
    assert len(named) > 20
    assert named == SPARK_WORDS.keys()


# ------------------------------------------------------------------ the run folder in the config


def test_commands_that_are_named_hold_where_pyproject_names_another_run(run, files):
    files({**PAIR, "pyproject.toml": '[tool.dedup]\nrun = "results"\n'})
    assert "dedup export keep  " in run("scan", "in").stdout
    assert "dedup export keep --run .dedup" in run("scan", "in", "--run", ".dedup").stdout


def test_the_run_folder_may_be_named_in_pyproject(run, files):
    files({**PAIR, "pyproject.toml": '[tool.dedup]\nrun = "results"\n'})
    run("scan", "in")
    assert Path("results/run.json").exists()
    assert not Path(".dedup").exists()
    assert run("export", "keep").lines == ["in/a.txt", "in/b.txt"]
    run("scan", "in", "--run", "other")
    assert Path("other/run.json").exists()
    Path("settings.toml").write_text('run = "third"\nmin_jaccard = 0.6\n')
    run("scan", "in", "--config", "settings.toml")
    assert Path("third/run.json").exists()


@pytest.mark.parametrize("value", ["3", '""'])
def test_a_run_folder_that_is_none_is_refused(run, files, value):
    files({**PAIR, "pyproject.toml": f"[tool.dedup]\nrun = {value}\n"})
    (line,) = run("export", "keep", code=2).told
    assert "run: " in line
    assert "is no run folder" in line


def test_names_in_what_is_said_are_shown_as_they_are(run, files):
    files({":smile:[bold]/a.txt": POST, "b.txt": OTHER})
    run("scan", "b.txt", "--run", ":smile:[bold]/run")
    said = run("check", "b.txt", "--against", ":smile:[bold]/run", "-v", "--progress", "bar").stderr
    assert ":smile:[bold]/run" in said
