"""Review: decisions are saved as they are made, and honoured by the lists and by later scans."""

import io
import json
import os
import pty
import random
import select
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import dedup
from dedup.clustering import verdict
from dedup.core.errors import BadInput, BadRun
from dedup.pipeline import warm_up
from dedup.reports.review import Session, order_of
from dedup.runs import review, review_log, summary
from dedup.runs.opening import open_run

from ..conftest import ALIKE_ALONE, ALIKE_OPTIONS, OTHER, POST

NEAR = POST.replace("warm coat", "thick jumper")
FAR = POST[: len(POST) * 3 // 4] + " And then we went home, which took us the better part of a long day."


@pytest.fixture
def place(files, monkeypatch):
    """Two clusters, of four (post, its capitals, two edits) and of two; the run folder is `r`."""
    made = files(
        {
            "in/post.txt": POST,
            "in/caps.txt": POST.upper(),
            "in/near.txt": NEAR,
            "in/far.txt": FAR,
            "in/other.txt": OTHER,
            "in/other2.txt": OTHER.replace(".", " ."),
            "in/single.txt": "Nothing like the others at all, I should say, and longer than a shingle.",
        }
    )
    monkeypatch.chdir(made)
    dedup.scan("in", run="r", **ALIKE_ALONE)
    return made


def play(keys: str, folder: str = "r", **how):
    """A review whose keys are pressed one after the other, then `q` -> (its result, what was shown)."""
    rest = iter(keys)
    paper = io.StringIO()
    log = review_log.Log(Path(folder))
    run = open_run(Path(folder), as_scanned=True)
    try:
        console = Console(file=paper, width=100, highlight=False)
        done = Session(run, log, lambda: next(rest, "q"), console).review(**how)
    finally:
        log.close()
    return done, paper.getvalue()


def witnesses(folder: str = "r") -> dict[str, str]:
    run = open_run(Path(folder))
    return {m.path[3:-4]: m.witness[3:-4] for m in run.drop()}


def doc_of(run, name: str) -> int:
    return run.names.index(f"in/{name}.txt".encode())


def must_hold(run) -> None:
    """What holds of every run: a kept witness of one cluster, measured at a threshold; the ledger adds up."""
    layer = review.Layer(run)
    done = verdict.Decision(run.verdict, run.pairs, run.pair_relations)
    verdict.check(done, layer.same, run.documents, layer.limits)
    counts = run.summary["documents"]
    assert counts["seen"] == counts["kept"] + counts["dropped"] + counts["set_aside"] == len(run.documents)
    assert counts["kept"] == int(run.kept.sum())
    for row in summary.by_source(run):
        assert row["seen"] == row["kept"] + row["dropped"] + row["set_aside"]
    for member in run.drop():
        assert member.size > 0
        assert member.witness_size > 0
        assert member.relation != "kept"
    for cluster in run.clusters:
        assert cluster.canonical in {m.path for m in cluster.members if m.kept}


def numbered(shown: str) -> dict[str, int]:
    """The last screen -> the number of each document."""
    last = shown.split("cluster #")[-1]
    rows = [line.split() for line in last.splitlines() if line[:4].strip().isdigit()]
    return {next(w for w in row if w.startswith("in/"))[3:-4]: int(row[0]) for row in rows}


def test_before_a_decision_the_run_is_as_it_was_scanned(place):
    before = open_run(Path("r"))
    _, shown = play("kk")
    assert witnesses() == {"caps": "post", "far": "post", "near": "post", "other2": "other"}
    assert open_run(Path("r")).summary["documents"] == before.summary["documents"]
    assert numbered(shown.split("cluster #")[0] + "cluster #" + shown.split("cluster #")[1]) == {
        **{"post": 1, "caps": 2, "far": 3, "near": 4}
    }


def test_a_new_canonical_document_is_kept_and_those_verified_against_it_follow(place):
    done, shown = play("c4\r")
    assert (done.accepted, done.changed, done.left) == (0, 1, 1)
    assert "canonical: in/near.txt" in shown
    assert witnesses() == {"caps": "near", "far": "near", "post": "near", "other2": "other"}
    run = open_run(Path("r"))
    must_hold(run)
    assert run.member(doc_of(run, "near")).reason == "review"
    assert run.member(doc_of(run, "caps")).relation == "near"
    assert {c.canonical for c in run.clusters} == {"in/near.txt", "in/other.txt"}


def test_a_split_document_is_kept_and_has_no_witness(place):
    play("s3\r")
    run = open_run(Path("r"))
    must_hold(run)
    assert witnesses() == {"caps": "post", "near": "post", "other2": "other"}
    assert "in/far.txt" in run.keep()
    assert run.cluster_ids[doc_of(run, "far")] == 0


def test_when_the_canonical_document_is_split_off_the_others_find_a_witness(place):
    play("s1\r")
    run = open_run(Path("r"))
    must_hold(run)
    assert "post" not in witnesses()
    left = {"caps", "far", "near"}
    kept = {m[3:-4] for m in run.keep()} & left
    assert len(kept) == 1
    assert {doc for doc, witness in witnesses().items() if witness in kept} == left - kept


def test_any_decisions_at_all_leave_the_invariants_as_they_are(files, monkeypatch):
    """A corpus of edits, parts and equal letters; random decisions, checked after each."""
    rng = random.Random(3)
    words = (POST + " " + OTHER).split()
    texts = {}
    for group in range(6):
        base = [rng.choice(words) + str(group) for _ in range(160)]
        for i in range(8):
            mine = list(base)
            for _ in range(3 * i):
                mine[rng.randrange(len(mine))] = rng.choice(words) + "x"
            text = " ".join(mine[: 160 - 12 * (i % 4)])
            texts[f"in/{group}{i}.txt"] = text.upper() if i % 3 == 2 else text
            texts[f"in/{group}{i}c.txt"] = text.replace(" ", "  ") if i % 2 else text
    monkeypatch.chdir(files(texts))
    base_run = dedup.scan("in", run="r", **ALIKE_ALONE)
    assert base_run.summary["documents"]["dropped"] > 30
    must_hold(base_run)
    standing = []
    docs = base_run.clustered.tolist()
    for number in range(1, 60):
        kind = rng.choice(["canonical", "canonical", "split"])
        ref = review.ref(base_run, rng.choice(docs))
        standing.append(review_log.Override(number, kind, ref))
        run = review.apply(base_run, standing)
        must_hold(run)
        doc = base_run.names.index(ref.name.encode())
        assert run.kept[doc]
        assert (run.verdict.canonical[doc] == doc) if kind == "canonical" else run.cluster_ids[doc] == 0
    assert review.apply(base_run, []).summary["documents"] == base_run.summary["documents"]


def test_changes_are_honoured_by_every_list(run, place):
    play("c4\rs3\r")
    assert "in/near.txt" in run("export", "keep", "--run", "r").lines
    rows = {row["path"]: row for row in run("export", "clusters", "--run", "r", "--format", "jsonl").jsonl}
    dropped = run("export", "drop", "--run", "r").lines
    assert {name for name in rows if not rows[name]["kept"]} == set(dropped)
    shown = run("show", "--run", "r", "--json").json
    assert sum(row["kept"] for row in shown["rows"]) == sum(row["kept"] for row in rows.values())
    scanned = run("scan", "in", "--run", "r", *ALIKE_OPTIONS, "--json").json
    assert scanned["documents"]["dropped"] == len(dropped)
    assert scanned["decisions"] == {"applied": 2, "stale": []}


def test_decisions_hold_in_a_later_scan_and_in_decide(run, place):
    play("c4\r")
    play("s3\r", cluster=1)
    before = witnesses()
    (place / "in/a-new.txt").write_text(
        "A new text that is like no other text, so nothing changes for the rest."
    )
    run("scan", "in", "--run", "r", *ALIKE_OPTIONS)
    assert witnesses() == before
    run("decide", "--run", "r", "--min-jaccard", "0.55")
    assert witnesses() == before
    must_hold(open_run(Path("r")))


def test_a_decision_about_a_text_that_has_changed_is_told_and_not_applied(run, place):
    play("c4\r")
    (place / "in/near.txt").write_text(NEAR + " A postscript.")
    out = run("scan", "in", "--run", "r", *ALIKE_OPTIONS)
    assert "warning: a decision is stale: canonical in/near.txt: its text has changed" in out.stderr
    assert witnesses()["caps"] == "post"
    assert "in/near.txt is stale" in run("export", "drop", "--run", "r").stderr
    (place / "in/near.txt").write_text(NEAR.upper())
    assert "stale" not in run("scan", "in", "--run", "r", *ALIKE_OPTIONS).stderr
    assert witnesses()["caps"] == "near"
    (place / "in/near.txt").unlink()
    assert "it is not in the run any more" in run("scan", "in", "--run", "r", *ALIKE_OPTIONS).stderr
    (row,) = run("review", "--run", "r", "--json").json["decisions"]
    assert (row["kind"], row["doc"]["path"], row["stale"]) == (
        *("canonical", "in/near.txt", "it is not in the run any more"),
    )


def test_undo_takes_back_the_last_decision_and_returns_to_its_cluster(place):
    before = witnesses()
    done, shown = play("c4\ru")
    assert witnesses() == before
    assert "undone: canonical in/near.txt" in shown
    done, shown = play("auuaq")
    assert "nothing to undo" in shown
    assert (done.accepted, done.left) == (1, 1)
    assert [d.kind for d in review_log.read(Path("r"))] == ["accept"]


def test_an_accepted_cluster_is_not_shown_again_until_it_changes(place):
    assert play("aa")[0].left == 0
    done, shown = play("")
    assert "cluster #" not in shown
    assert "cluster #1" in play("", again=True)[1]
    (place / "in/near2.txt").write_text(NEAR + " A postscript.")
    dedup.scan("in", run="r", **ALIKE_ALONE)
    assert play("")[1].count("cluster #") == 1


def test_a_number_can_be_mended_or_given_up(place):
    play("c19\x7f\x7f4\r")
    assert witnesses()["post"] == "near"
    _, shown = play("s\x1bs99\rsq", again=True)
    assert len(review_log.read(Path("r"))) == 1
    assert "split off: in/" not in shown


def test_a_member_is_compared_with_its_witness(place):
    warm_up.warm_up(lambda: None)
    _, shown = play("e4\r ")
    assert "[-thick jumper" in shown
    (place / "in/near.txt").unlink()
    assert "has gone since the scan" in play("e4\r ")[1]


def test_clusters_come_largest_or_nearest_to_the_threshold_first(place):
    run = open_run(Path("r"))
    assert order_of(run, "largest") == sorted([1, 2], key=lambda i: -len(review.clusters_of(run)[i - 1]))
    far = doc_of(run, "far")
    assert order_of(run, "nearest")[0] == run.cluster_ids[far]
    assert order_of(run, "largest", relation="punctuation") == [run.cluster_ids[doc_of(run, "other2")]]
    with pytest.raises(BadInput, match="cluster 9: there is none; the nearest of 2 are 1, 2"):
        order_of(run, "largest", cluster=9)


def test_a_torn_last_line_is_no_decision_and_is_removed(place):
    play("c4\r")
    path = place / "r/decisions.jsonl"
    with open(path, "ab") as f:
        f.write(b'{"number": 2, "kind": "spl')
    assert [d.number for d in review_log.read(Path("r"))] == [1]
    play("s3\r", again=True)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1, 2]


def test_a_damaged_line_is_named(place):
    (place / "r/decisions.jsonl").write_text('{"number": 1}\n')
    with pytest.raises(BadRun, match="line 1 is no decision"):
        open_run(Path("r"))


def test_each_decision_is_on_disk_before_the_next_key_is_read(place, monkeypatch):
    synced = []
    monkeypatch.setattr(review_log.os, "fsync", lambda handle: synced.append(handle))
    log = review_log.Log(Path("r"))
    run = open_run(Path("r"), as_scanned=True)
    log.add("split", review.ref(run, doc_of(run, "far")))
    assert len(synced) == 2  # the folder that the file is new in, and the line
    assert "far" not in witnesses()
    with pytest.raises(BadRun, match="another review is at work"):
        review_log.Log(Path("r"))
    log.close()


def test_an_old_decision_is_taken_back_by_its_number(run, place):
    play("c4\r")
    run("review", "--run", "r", "--undo", 1)
    assert witnesses()["caps"] == "post"
    assert "no such decision" in run("review", "--run", "r", "--undo", 1, code=2).stderr
    assert run("review", "--run", "r", "--json").json == {"decisions": []}


def test_without_a_terminal_it_is_one_clear_line(run, place):
    assert run("review", "--run", "r", code=2).stderr == (
        "dedup: review needs a terminal to show clusters and to read keys; see: dedup show\n"
    )
    assert "there is none" in run("review", "--relation", "alike", code=2).stderr


def test_hostile_names_and_texts_reach_no_terminal(files, monkeypatch):
    hostile = "\x1b[31mred " + POST
    monkeypatch.chdir(files({"in/\x1b[31m.txt": hostile, "in/b.txt": hostile.upper()}))
    dedup.scan("in", run="r", **ALIKE_ALONE)
    assert "\x1b[31m" not in play("c2\r")[1]


def test_check_tells_the_witness_that_was_decided(run, place):
    play("c4\r")
    (place / "new.txt").write_text(POST)
    doc = run("check", "new.txt", "--against", "r", "--json", code=1).json["checked"][0]
    assert (doc["matches"][0]["kept"], doc["matches"][0]["witness"]) == (False, "in/near.txt")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_keys_are_read_from_a_real_terminal(place):
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(PYTHONPATH=str(Path(dedup.__file__).parents[1]), TERM="xterm", COLUMNS="80")
        os.execv(sys.executable, [sys.executable, "-m", "dedup", "review", "--run", "r"])
    seen = b""

    def until(text: bytes) -> None:
        nonlocal seen
        end = time.monotonic() + 120
        while text not in seen:
            assert time.monotonic() < end, seen
            if select.select([terminal], [], [], 1)[0]:
                try:
                    seen += os.read(terminal, 1 << 16)
                except OSError:
                    break
        assert text in seen

    for key, answer in ((b"", b"q quit"), (b"c", b"number, then enter"), (b"4\r", b"canonical: in/near.txt")):
        os.write(terminal, key)
        until(answer)
    os.write(terminal, b"q")
    until(b"1 changes")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert witnesses()["post"] == "near"
    assert np.array_equal(
        open_run(Path("r"), as_scanned=True).verdict.witness, dedup.scan("in", **ALIKE_ALONE).verdict.witness
    )
