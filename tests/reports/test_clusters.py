"""Show: the clusters of a run page by page, and one cluster with its members."""

import os
import textwrap

import pytest

import dedup
from dedup.core.errors import BadInput
from dedup.reports.clusters import cluster_page, clusters_page

from ..cli.test_cli import one_line
from ..conftest import OTHER, POST


@pytest.fixture(scope="module")
def result():
    """A run of three clusters: of 4 (two relations), of 2 and of 2."""
    near = POST.replace("warm coat and ", "")
    mine = [POST, OTHER, POST.upper(), near, "Alone.", OTHER.lower(), POST.lower(), "One two.", "one two"]
    return dedup.scan_texts(mine)


def test_clusters_are_listed_largest_first_with_their_relations_counted(result):
    shown = clusters_page(result)
    assert [(r["cluster_id"], r["size"], r["kept"], r["canonical"]) for r in shown["rows"]] == [
        (1, 4, 1, "1"),
        (2, 2, 1, "2"),
        (3, 2, 1, "8"),
    ]
    assert shown["rows"][0]["relations"] == {"case": 2, "near": 1}
    assert (shown["clusters"], shown["documents"], shown["pages"]) == (3, 8, 1)


def test_pages_are_parts_of_the_whole(result):
    pages = [clusters_page(result, n, 2) for n in (1, 2)]
    assert [r["cluster_id"] for p in pages for r in p["rows"]] == [1, 2, 3]
    assert {p["pages"] for p in pages} == {2}
    whole = cluster_page(result, 1)["members"]
    parts = [m for n in (1, 2, 3, 4) for m in cluster_page(result, 1, n, 1)["members"]]
    assert parts == whole
    with pytest.raises(BadInput, match="there are 2 pages"):
        clusters_page(result, 3, 2)


def test_a_relation_chooses_clusters_and_members(result):
    assert [r["cluster_id"] for r in clusters_page(result, relation="near")["rows"]] == [1]
    assert [m["path"] for m in cluster_page(result, 1, relation="near")["members"]] == ["4"]
    assert clusters_page(result, relation="contained")["rows"] == []


def test_members_have_their_verdict_and_first_line(result):
    members = cluster_page(result, 1)["members"]
    assert [(m["path"], m["kept"], m["canonical"]) for m in members] == [
        ("1", True, True),
        ("3", False, False),
        ("4", False, False),
        ("7", False, False),
    ]
    assert members[0]["first_line"] == textwrap.shorten(POST, 110, placeholder=" …")
    for m in members[1:]:
        row = next(d for d in result.drop() if d.path == m["path"])
        assert (m["witness"], m["relation"], m["jaccard"]) == (row.witness, row.relation, row.jaccard)


@pytest.mark.parametrize(("wrong", "nearest"), [(0, "1, 2, 3"), (99, "1, 2, 3"), (4, "1, 2, 3")])
def test_a_cluster_that_does_not_exist_names_the_nearest(result, wrong, nearest):
    with pytest.raises(BadInput, match=f"nearest of 3 are {nearest}"):
        cluster_page(result, wrong)
    with pytest.raises(BadInput, match="no clusters"):
        cluster_page(dedup.scan_texts([POST]), 1)
    assert clusters_page(dedup.scan_texts([POST]))["rows"] == []


def test_the_command_shows_the_same_as_json_and_the_next_page(run, files):
    files({f"in/{i}.txt": "\n\n" + POST + " " * i for i in range(5)})
    run("scan", "in", "-q", "--run", "r")
    assert run("show", "--run", "r", "--json").json["rows"][0]["size"] == 5
    first = run("show", "1", "--run", "r", "--per-page", "2")
    assert "kept     in/0.txt  canonical" in first.stdout
    assert "The ferry to the outer islands" in first.stdout
    (line,) = [x for x in first.lines if "next: dedup " in x]
    second = run(*line.split("next: dedup ")[1].split(), "--json").json
    assert [m["path"] for m in second["members"]] == ["in/2.txt", "in/3.txt"]
    assert run("show", "#1", "--run", "r", "--json").json["page"] == 1


def test_bad_input_is_told_in_one_line(run, files):
    files({"in/a": POST, "in/b": POST})
    one_line(run("show", code=2), "dedup scan")
    run("scan", "in", "-q")
    one_line(run("show", "7", code=2), "cluster 7", "nearest of 1 are 1")
    one_line(run("show", "x", code=2), "x: is no cluster id")
    one_line(run("show", "--page", "2", code=2), "page 2", "there is 1 page")
    one_line(run("show", "--relation", "nearly", code=2), "nearly", "near, scanned, contained")


def test_a_member_that_changed_or_went_is_told(run, files):
    folder = files({"in/a": POST, "in/b": POST, "in/c": POST})
    run("scan", "in", "-q")
    files({"in/b": OTHER})
    os.unlink(folder / "in/c")
    outcome = run("show", "1")
    assert "(changed)" in outcome.stdout
    assert "(gone)" in outcome.stdout
    assert [m["text"] for m in run("show", "1", "--json").json["members"]] == ["ok", "changed", "gone"]


def test_hostile_names_and_texts_are_made_visible(run, files):
    files({"in/\x1b[31m.txt": "\x1b]0;x\x07" + POST, "in/b": POST + "\u202e"})
    run("scan", "in", "-q")
    shown = run("show").stdout + run("show", "1").stdout
    assert not set(shown) & {"\x1b", "\x07", "\u202e"}
