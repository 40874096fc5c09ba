"""Lists and corpora written from a run."""

import csv
import gzip
import json
import os
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ..conftest import OTHER, POST

ODD = [b"in/new\nline.txt", b"in/\xff\xfe.txt", b"in/tab\there.txt", b'in/quo"te,.txt']


@pytest.fixture
def odd(run, tmp_path):
    """A run over files with odd names, each with a copy that sorts after it."""
    (tmp_path / "in").mkdir()
    for name, text in zip(ODD, (POST, OTHER, POST[::-1], OTHER[::-1]), strict=True):
        for path in (name, name + b"~"):
            with open(path, "w") as f:
                f.write(text)
    run("scan", "in")
    return run


def test_names_survive_a_round_trip_through_nul_and_json_lines(odd):
    for what, names in (("keep", ODD), ("drop", [n + b"~" for n in ODD])):
        assert sorted(odd("export", what, "-0").bytes.split(b"\0")) == sorted([b"", *names])
        rows = odd("export", what, "--format", "jsonl").jsonl
        assert sorted(os.fsencode(r["path"]) for r in rows) == sorted(names)


def test_csv_writes_the_very_bytes_of_a_name(odd):
    data = odd("export", "drop", "--format", "csv").stdout
    rows = list(csv.DictReader(data.splitlines(keepends=True)))
    assert sorted(os.fsencode(r["witness"]) for r in rows) == sorted(ODD)
    assert {r["relation"] for r in rows} == {"identical"}


def test_all_formats_hold_the_same_rows(odd, tmp_path):
    for what in ("keep", "drop", "clusters", "pairs"):
        rows = odd("export", what, "--format", "jsonl").jsonl
        table = list(csv.DictReader(odd("export", what, "--format", "csv").stdout.splitlines(keepends=True)))
        odd("export", what, "-o", f"{what}.parquet")
        parquet = pq.read_table(tmp_path / f"{what}.parquet").to_pylist()
        assert len(rows) == len(table) == len(parquet) > 0
        assert list(rows[0]) == list(table[0]) == list(parquet[0])
        for column in ("jaccard", "containment"):
            if column in rows[0]:
                assert [r[column] for r in rows] == [float(r[column]) for r in table]
                assert [r[column] for r in rows] == [r[column] for r in parquet]


def test_clusters_have_the_columns_that_are_promised(run, files):
    files({"in/a.txt": POST, "in/b.txt": POST.lower(), "in/c.txt": OTHER})
    run("scan", "in")
    rows = run("export", "clusters", "--format", "jsonl").jsonl
    assert [(r["path"], r["cluster_id"], r["canonical"], r["kept"], r["relation"]) for r in rows] == [
        ("in/a.txt", 1, "in/a.txt", True, "kept"),
        ("in/b.txt", 1, "in/a.txt", False, "case"),
    ]


def test_on_a_terminal_the_clusters_are_told_apart_and_elsewhere_they_are_names(run, files, monkeypatch):
    files({"in/a.txt": POST, "in/b\x1b.txt": POST.upper(), "in/c.txt": OTHER, "in/d.txt": OTHER + "!"})
    run("scan", "in", "-q")
    names = ["in/a.txt", "in/b\x1b.txt", "in/c.txt", "in/d.txt"]
    assert run("export", "clusters").lines == names
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert run("export", "clusters").lines == [
        "#1  kept         in/a.txt",
        "#1  case         in/b\\x1b.txt",
        "",
        "#2  kept         in/c.txt",
        "#2  punctuation  in/d.txt",
    ]
    assert len(run("export", "clusters", "--format", "txt").lines) == 4
    assert run("export", "clusters", "-0").bytes.count(b"\\x00") == 4
    run("export", "clusters", "-o", "c.txt")
    assert Path("c.txt").read_text().splitlines() == names
    assert run("export", "keep").lines == ["in/a.txt", "in/c.txt"]


def test_a_file_is_not_replaced_without_force(run, files):
    files({"in/a.txt": POST, "keep.txt": "mine"})
    run("scan", "in")
    assert "--force" in run("export", "keep", "-o", "keep.txt", code=2).stderr
    assert Path("keep.txt").read_text() == "mine"
    run("export", "keep", "-o", "keep.txt", "--force")
    assert Path("keep.txt").read_text() == "in/a.txt\n"
    assert "cannot be written" in run("export", "keep", "-o", "no/such/keep.txt", code=2).stderr
    assert sorted(os.listdir()) == [".dedup", "in", "keep.txt"]


def test_nul_goes_with_txt_only(run, files):
    files({"in/a.txt": POST})
    run("scan", "in")
    assert "-0" in run("export", "keep", "-0", "--format", "csv", code=2).stderr


# ------------------------------------------------------------------ corpus


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def scanned(run, files):
    lines = [
        json.dumps({"id": i, "text": t, "extra": [1, {"x": None}]})
        for i, t in enumerate([POST, OTHER, OTHER[:99]])
    ]
    folder = files(
        {
            "in/x/a.txt": POST,
            "in/x/y/b.txt": POST.upper(),
            "in/rows.jsonl": "\r\n".join(lines),
            "in/more.jsonl.gz": gzip.compress(json.dumps({"text": OTHER[::-1]}).encode()),
        }
    )
    run("scan", "in", "--prefer", "path:*.txt,first")
    return folder


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_a_corpus_keeps_the_tree_and_the_fields_and_never_touches_the_input(run, scanned, mode):
    before = tree(scanned / "in")
    run("export", "corpus", "--to", "out", "--mode", mode)
    after = tree(scanned / "out")
    assert after.pop("more.jsonl.gz") is not None
    assert (
        gzip.decompress((scanned / "out/more.jsonl.gz").read_bytes())
        == json.dumps({"text": OTHER[::-1]}).encode() + b"\n"
    )
    source = before["rows.jsonl"].split(b"\r\n")
    assert after == {"x/a.txt": POST.encode(), "rows.jsonl": source[1] + b"\n"}
    assert tree(scanned / "in") == before
    assert (scanned / "out/x/a.txt").is_symlink() == (mode == "symlink")


def test_a_file_that_changed_since_the_scan_is_reported_and_not_copied(run, scanned):
    (scanned / "in/x/a.txt").write_text("something else altogether")
    (scanned / "in/rows.jsonl").unlink()
    outcome = run("export", "corpus", "--to", "out", code=2)
    assert "in/x/a.txt: has changed or gone" in outcome.stderr
    assert "in/rows.jsonl: has changed or gone" in outcome.stderr
    assert sorted(tree(scanned / "out")) == ["more.jsonl.gz"]


def test_a_corpus_is_never_written_over_the_input_or_into_a_used_folder(run, scanned):
    for target in ("in", ".", "in/x"):
        assert "input" in run("export", "corpus", "--to", target, "--force", code=2).stderr
    (scanned / "used").mkdir()
    (scanned / "used/f").write_text("mine")
    assert "--force" in run("export", "corpus", "--to", "used", code=2).stderr


def test_sources_outside_the_working_folder_stay_inside_the_target(run, files, tmp_path, monkeypatch):
    files({"in/a.txt": POST, "work/x": ""})
    monkeypatch.chdir(tmp_path / "work")
    run("scan", "../in")
    run("export", "corpus", "--to", "out")
    assert sorted(tree(tmp_path / "work/out")) == ["a.txt"]
    assert sorted(os.listdir(tmp_path)) == ["in", "work"]


def test_members_of_archives_become_files_below_a_folder_named_like_the_archive(run, files):
    import io
    import tarfile
    import zipfile

    zipped, tarred = io.BytesIO(), io.BytesIO()
    rows = json_rows = json.dumps({"text": OTHER}) + "\n" + json.dumps({"text": OTHER.upper()}) + "\n"
    members = {"../../out-of-here.txt": POST, "a/rows.jsonl": rows, "a": "another text, of its own " * 3}
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with tarfile.open(fileobj=tarred, mode="w:gz") as archive:
        for name, text in {"/etc/x.txt": POST[::-1], "r.jsonl.gz": json_rows[::-1]}.items():
            data = text.encode() if name.endswith("txt") else gzip.compress(json_rows.lower().encode())
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    files({"in/z.zip": zipped.getvalue(), "in/t.tar.gz": tarred.getvalue(), "in/b.txt": "a text by itself"})
    run("scan", "in", "--prefer", "path:*!r.jsonl.gz*,first")
    run("export", "corpus", "--to", "out", "--mode", "symlink")
    after = tree(Path("out"))
    assert (
        gzip.decompress(after.pop("t.tar.gz/r.jsonl.gz"))
        == json_rows.lower().encode().split(b"\n")[0] + b"\n"
    )
    assert after == {
        "b.txt": b"a text by itself",
        "t.tar.gz/etc/x.txt": POST[::-1].encode(),
        "z.zip/out-of-here.txt": POST.encode(),
        "z.zip/a": members["a"].encode(),
    }


def test_names_that_meet_keep_their_suffix_and_fit_a_file_system():
    from dedup.reports.lists.names import _free

    files: set[bytes] = set()
    long = "ü".encode() * 124 + b".txt.gz"  # of 255 bytes
    for name in (b"in/x.txt", b"in/x.txt", b"in/x.txt", b"in/x", b"in/x", b"in/" + long, b"in/" + long):
        _free(name, files, set())
    assert {f for f in files if len(f) < 20} == {
        b"in/x.txt",
        b"in/x#2.txt",
        b"in/x#3.txt",
        b"in/x",
        b"in/x#2",
    }
    assert {len(f) for f in files if len(f) > 20} == {3 + 255}
    assert all(f.endswith(b".txt.gz") for f in files if len(f) > 20)
