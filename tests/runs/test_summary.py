"""The account of a run: by source, with its warnings, and what is too short or too large."""

import json
from pathlib import Path

import pytest

from ..conftest import OTHER, POST


def rows_of(texts) -> str:
    return "".join(json.dumps({"text": t}) + "\n" for t in texts)


def test_every_source_adds_up(run, files):
    files(
        {
            "a/1.txt": POST,
            "a/2.txt": POST.upper(),
            "a/3.txt": "Yes.",
            "a/4.txt": "",
            "b.jsonl": rows_of([OTHER, POST, "no"]) + "{\n",
        }
    )
    outcome = run("scan", "a", "b.jsonl", "--json", code=2)
    assert outcome.json["by_source"] == [
        {
            "path": "a",
            "seen": 4,
            "kept": 1,
            "dropped": 1,
            "lossy": 0,
            "set_aside": 2,
            "reasons": {"empty": 1, "too short to judge": 1},
            "bytes": 2 * len(POST) + 4,
        },
        {
            "path": "b.jsonl",
            "seen": 4,
            "kept": 1,
            "dropped": 1,
            "lossy": 0,
            "set_aside": 2,
            "reasons": {"bad record": 1, "too short to judge": 1},
            "bytes": len(rows_of([OTHER, POST, "no"]) + "{\n") - 4,
        },
    ]
    dropped = {"a/1.txt", "a/2.txt", "b.jsonl:2"} - set(run("export", "keep").lines)
    n_bytes = {"b.jsonl:2": len(rows_of([POST])) - 1}
    assert outcome.json["bytes"] == {
        "seen": sum(row["bytes"] for row in outcome.json["by_source"]),
        "dropped": sum(n_bytes.get(name, len(POST)) for name in dropped),
    }
    total = outcome.json["documents"]
    assert total == {"seen": 8, "kept": 2, "dropped": 2, "set_aside": 4}
    listed = run("export", "sources", "--format", "csv").lines
    assert listed[0] == "path,seen,kept,dropped,lossy,set_aside,reasons,bytes"
    assert listed[1].startswith("a,4,1,1,0,2,1 empty; 1 too short to judge,")


def test_too_short_texts_match_by_equal_letters_and_else_are_set_aside(run, files):
    files({"1.txt": "Yes!", "2.txt": "yes", "3.txt": "No.", "4.txt": POST})
    run("scan", "1.txt", "2.txt", "3.txt", "4.txt")
    assert run("export", "keep").lines == ["1.txt", "4.txt"]
    assert run("export", "keep", "--with-short").lines == ["1.txt", "3.txt", "4.txt"]
    assert run("export", "set-aside", "--format", "jsonl").jsonl == [
        {"path": "3.txt", "reason": "too short to judge", "note": "2 letters; a shingle has 8"}
    ]
    run("export", "corpus", "--to", "out")
    run("export", "corpus", "--to", "more", "--with-short")
    assert not (Path("out") / "3.txt").exists()
    assert (Path("more") / "3.txt").read_text() == "No."
    assert "--with-short" in run("export", "drop", "--with-short", code=2).stderr


@pytest.mark.parametrize("size", ["999B", "0.5kB"])
def test_a_document_over_the_limit_is_too_large_whatever_holds_it(run, files, size):
    long = " ".join(f"w{i}" for i in range(400))
    files({"long.txt": long, "a.jsonl": rows_of([POST, long, OTHER]), "c.txt": POST})
    outcome = run("scan", "long.txt", "a.jsonl", "c.txt", "--max-document-size", size, code=2)
    assert "too large" in outcome.stdout
    named = [line.split(": ")[1] for line in outcome.told]
    assert named == ["a.jsonl:2", "long.txt"]
    assert run("export", "keep").lines == ["a.jsonl:1", "a.jsonl:3"]


def test_a_source_that_loses_most_is_warned_of_and_strict_exits_with_2(run, files):
    files({"a.jsonl": rows_of([POST] * 150), "b.jsonl": rows_of([OTHER, OTHER[::-1]])})
    outcome = run("scan", "a.jsonl", "b.jsonl")
    first, second = outcome.told
    assert first.startswith(
        "dedup: warning: a.jsonl: loses 149 of its 150 documents (149 dropped, 0 set aside)"
    )
    assert second.startswith("dedup: warning: a.jsonl:1: its cluster holds 150 of 152 documents, 99%")
    run("scan", "a.jsonl", "b.jsonl", "--strict", code=2)
    outcome = run(
        "scan", "a.jsonl", "b.jsonl", "--strict", "--warn-loss", "1", "--warn-cluster", "1", "--json"
    )
    assert outcome.json["warnings"] == []


def test_a_csv_cell_is_no_formula_unless_asked(run, files):
    name = "=cmd|' /C calc'!A0"
    files({name: POST, "b.txt": POST})
    run("scan", name, "b.txt", "--prefer", "path:b.txt")
    assert run("export", "drop", "--format", "csv").lines[1].startswith("'=cmd|")
    assert run("export", "drop", "--format", "csv", "--csv-raw").lines[1].startswith("=cmd|")
    assert run("export", "drop").lines == [name]
