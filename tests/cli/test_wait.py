"""--wait: a locked run folder is waited for, and no longer than asked."""

import threading

import pytest

import dedup
from dedup.cli.wait import when_free
from dedup.core.errors import BadRun, Locked
from dedup.pipeline.redecide import decide
from dedup.runs.folder import writing
from dedup.runs.review_log import Log

from ..conftest import POST


@pytest.fixture
def run(files, monkeypatch):
    made = files({"old/post.txt": POST, "old/copy.txt": POST})
    monkeypatch.chdir(made)
    dedup.scan("old", run="r")
    return made / "r"


def test_a_command_waits_until_the_run_folder_is_free(run):
    said, tries = [], 0
    held = writing(run)
    held.__enter__()

    def tried():
        nonlocal tries
        tries += 1
        if tries == 2:
            held.__exit__(None, None, None)
        return decide(run, min_jaccard=0.9)

    assert len(when_free(tried, 30.0, said.append).documents) == 2
    assert tries == 2
    assert len(said) == 1


def test_it_waits_no_longer_than_asked(run):
    said = []
    with writing(run), pytest.raises(Locked, match="--wait SECONDS"):
        when_free(lambda: dedup.scan("old", run=run), 0.0, said.append)
    assert said == []
    with writing(run), pytest.raises(Locked):
        when_free(lambda: dedup.scan("old", run=run), 0.01, said.append)
    assert len(said) == 1


def test_a_review_is_waited_for(run):
    first = Log(run)
    timer = threading.Timer(0.05, first.close)
    timer.start()
    when_free(lambda: Log(run), 30.0, lambda _: None).close()
    timer.join()


def test_other_errors_are_not_waited_for(tmp_path):
    (tmp_path / "note.txt").write_text("no run")
    with pytest.raises(BadRun, match="is not a run folder"):
        when_free(lambda: dedup.scan(__file__, run=tmp_path), 600.0, print)
