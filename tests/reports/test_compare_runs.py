"""Compare: what changed between two runs."""

import dataclasses

import pytest

import dedup
from dedup import Document
from dedup.reports.compare_runs import TITLES, compare

from ..cli.test_cli import one_line
from ..conftest import ALIKE_ALONE, OTHER, POST

NEAR = POST.replace("warm coat", "thick jumper")
FAR = (
    POST.replace("twice a day until the end of September", "whenever the skipper feels like it, and then not")
    + OTHER[:90]
)


def made(texts, **settings):
    return dedup.scan_texts([Document(t, i) for i, t in texts.items()], **{**ALIKE_ALONE, **settings})


def paths(rows):
    return [row["path"] for row in rows]


@pytest.fixture(scope="module")
def before():
    return made({"a": POST, "b": POST.upper(), "c": NEAR, "d": OTHER, "e": OTHER.lower(), "f": "Alone here."})


def test_a_run_differs_in_nothing_from_itself(before):
    report = compare(before, before)
    assert all(report[kind] == [] for kind in TITLES)
    assert (report["settings"], report["ari"], report["common"]) == ({}, 1.0, 6)
    assert report["clusters"] == {"a": 2, "b": 2, "same": 2, "split": 0, "merged": 0}


def test_a_higher_line_keeps_documents_and_splits_clusters():
    texts = {"a": POST, "b": POST.upper(), "c": FAR}
    low, high = made(texts, min_jaccard=0.3), made(texts, min_jaccard=0.9, min_containment=0.95)
    report = compare(low, high)
    assert report["settings"]["min_jaccard"] == {"a": 0.3, "b": 0.9}
    (row,) = report["newly_kept"]
    assert row["path"] == "c"
    assert row["a"]["relation"] == "form"
    assert row["b"] == {"verdict": "kept", "cluster_id": None}
    assert paths(report["cluster_changed"]) == ["a", "b", "c"]
    assert (report["clusters"]["split"], report["clusters"]["merged"]) == (1, 0)
    back = compare(high, low)
    assert paths(back["newly_dropped"]) == [row["path"]]
    assert (back["clusters"]["split"], back["clusters"]["merged"]) == (0, 1)
    assert back["merged"][0]["parts"] == 2
    assert back["ari"] == report["ari"] < 1


def test_documents_that_came_went_changed_or_were_set_aside_are_told(before):
    after = made({"a": POST, "b": POST.upper(), "c": "", "d": OTHER, "e": "Quite another text.", "g": NEAR})
    report = compare(before, after)
    assert paths(report["new"]) == ["g"]
    assert (report["new"][0]["verdict"], report["new"][0]["witness"]) == ("dropped", "a")
    assert paths(report["gone"]) == ["f"]
    assert paths(report["text_changed"]) == ["c", "e"]
    assert paths(report["newly_set_aside"]) == ["c"]
    assert paths(report["newly_kept"]) == ["e"]
    assert paths(report["cluster_changed"]) == ["d", "e"]
    assert paths(compare(after, before)["no_longer_set_aside"]) == ["c"]


def test_another_witness_and_another_relation_are_told(before):
    after = made({"a": POST, "b": POST, "c": NEAR, "d": OTHER, "e": OTHER.lower(), "f": "."}, prefer="path:c")
    report = compare(before, after)
    (row,) = report["witness_changed"]
    assert (row["path"], row["a"]["witness"], row["b"]["witness"]) == ("b", "a", "c")
    assert paths(report["relation_changed"]) == ["b"]
    assert (report["relation_changed"][0]["a"]["relation"], row["b"]["relation"]) == ("case", "near")
    assert paths(report["newly_dropped"]) == ["a"]
    assert paths(report["newly_kept"]) == ["c"]
    assert report["cluster_changed"] == []


def test_runs_with_nothing_in_common_say_so(before):
    report = compare(before, made({"x": POST}))
    assert (report["common"], len(report["new"]), len(report["gone"])) == (0, 1, 6)


def test_the_program_that_made_the_runs_is_compared(before):
    older = dataclasses.replace(before, summary={**before.summary, "version": "0.0.1"})
    assert compare(older, before)["a"]["version"] == "0.0.1"


def test_the_command_shows_changes_and_json_has_all(run, files):
    files({f"in/{i}.txt": f"{POST} {i}" for i in range(8)} | {"in/\x1b[31m": OTHER})
    run("scan", "in", "-q", "--run", "r")
    files({f"in/{i}.txt": f"{OTHER} {i * 7}" for i in range(1, 8)})
    run("scan", "./in", "-q", "--run", "s", "--seed", "2")
    shown = run("compare", "r", "s").stdout
    assert "seed  1 -> 2" in shown
    assert "texts changed  7" in shown
    assert "and 2 more; --json has all" in shown
    assert "\x1b" not in shown
    assert len(run("compare", "r", "s", "--json").json["text_changed"]) == 7
    assert "no document changed" in run("compare", "r", "r").stdout
    one_line(run("compare", "r", "nowhere", code=2), "nowhere", "dedup scan")


def test_two_versions_of_a_folder_are_compared_by_the_paths_below_them(run, files):
    files({"v1/a": POST, "v1/b": POST.lower(), "v2/a": POST, "v2/b": OTHER, "v2/c": OTHER})
    run("scan", "v1", "-q", "--run", "r")
    run("scan", "v2", "-q", "--run", "s")
    report = run("compare", "r", "s", "--json").json
    assert (report["common"], report["names_compared"]) == (2, "path below the scanned folder")
    assert paths(report["newly_kept"]) == ["v2/b"]
    assert "compared by their path below" in run("compare", "r", "s").stdout
