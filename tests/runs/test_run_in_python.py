"""A run as Python shows it and hands it on: a few lines, HTML, tables of libraries, and a run folder."""

import pyarrow as pa
import pytest

import dedup
from dedup.check.check import check
from dedup.core.errors import BadRun
from dedup.runs.documents_table import COLUMNS

from ..conftest import OTHER, POST
from .test_review import play

TEXTS = [POST, OTHER, POST.upper(), None, OTHER.replace(" ", "\n"), POST + " And more."]
IDS = [7, 6, 5, 4, 3, 2]
HINT = "is not here: pip install 'dedup-corpus[test-recipes]'"


@pytest.fixture(scope="module")
def made():
    """A run of rows of a table."""
    return dedup.scan_frame(pa.table({"n": IDS, "text": TEXTS}), id="n")


# ------------------------------------------------------------------ to be looked at


def test_a_run_shows_itself_in_a_few_lines(made):
    assert repr(made).splitlines() == [
        "<dedup.Run: seen 6 = kept 2 + dropped 3 + set aside 1",
        "  dropped: 1 whitespace, 2 near",
        "  set aside: 1 empty",
        "  clusters: 2, of 5 documents; the largest:",
        "  #1, 3 documents: 2",
        "  #2, 2 documents: 6>",
    ]


def test_a_run_of_many_documents_is_no_longer():
    texts = [f"{i} {POST}" for i in range(50)] + [f"{i:x}" * 50 for i in range(16, 200)] * 2
    run = dedup.scan_texts([dedup.Document(text, f"{i}" * 200) for i, text in enumerate(texts)])
    assert len(repr(run)) < 1000
    assert len(repr(run).splitlines()) <= 9
    assert len(run._repr_html_()) < 20_000


def test_a_run_of_nothing_shows_that():
    assert repr(dedup.scan_texts([])) == "<dedup.Run: seen 0 = kept 0 + dropped 0 + set aside 0>"


def test_in_a_notebook_a_run_has_its_account_and_the_texts_of_its_largest_clusters(made):
    html = made._repr_html_()
    assert "<b>seen 6 = kept 2 + dropped 3 + set aside 1</b>" in html
    assert "#1, 3 documents" in html
    assert POST[:40].replace("'", "&#x27;") in html
    assert html.count("<tr>") == 1 + 5


def test_nothing_of_a_text_or_an_id_is_markup_in_a_notebook_or_a_terminal():
    hostile = f"<script>alert(1)</script>\x1b[31m {POST}"
    run = dedup.scan_texts([dedup.Document(hostile, "<b>&a"), dedup.Document(hostile.upper(), "\x1b]0;b")])
    html = run._repr_html_()
    assert "<script" not in html.lower()
    assert "<b>&a" not in html
    assert "&lt;b&gt;&amp;a" in html
    assert "\x1b" not in html + repr(run)


# ------------------------------------------------------------------ tables


def test_the_table_has_a_row_per_document_with_nothing_where_nothing_was_decided(made):
    table = made.to_arrow()
    assert table.column_names[: len(COLUMNS)] == list(COLUMNS)
    assert table.select(COLUMNS).to_pydict() == {
        "source": ["frame"] * 6,
        "record": [1, 2, 3, 4, 5, 6],
        "id": IDS,
        "status": ["dropped", "kept", "dropped", "empty", "dropped", "kept"],
        "cluster": [1, 2, 1, None, 2, 1],
        "cluster_size": [3, 2, 3, 1, 2, 3],
        "kept": [False, True, False, False, False, True],
        "witness": [2, None, 2, None, 6, None],
        "relation": ["near", None, "near", None, "whitespace", None],
        "figure": ["jaccard", None, "jaccard", None, "letters", None],
    }
    assert table["canonical"].to_pylist() == [2, 6, 2, None, 6, 2]


def test_of_a_run_of_files_the_witness_is_the_name_of_a_document(files):
    folder = files({"in/a.txt": POST, "in/b.jsonl": f'{{"text": "{POST.upper()}", "id": 3}}\n'})
    table = dedup.scan(folder / "in").to_arrow()
    assert table["source"].to_pylist() == [f"{folder}/in/a.txt", f"{folder}/in/b.jsonl"]
    assert table["record"].to_pylist() == [0, 1]
    assert table["witness"].to_pylist() == [None, f"{folder}/in/a.txt"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_table_of_a_library_has_the_same_rows_and_keeps_whole_numbers(library, made):
    pytest.importorskip(library, reason=f"{library} {HINT}")
    frame = getattr(made, f"to_{library}")()
    kinds = {name: str(kind).lower() for name, kind in zip(frame.columns, frame.dtypes, strict=True)}
    assert [kinds[name] for name in ("id", "cluster", "witness", "cluster_size")] == ["int64"] * 4
    assert kinds["kept"] in ("bool", "boolean")
    assert pa.table(frame)["witness"].to_pylist() == made.to_arrow()["witness"].to_pylist()


def test_a_library_that_is_absent_is_named(made, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(dedup.DedupError, match="to_polars needs polars; install it with: pip install polars"):
        made.to_polars()


# ------------------------------------------------------------------ the run folder


@pytest.fixture
def saved(made, tmp_path):
    """The same run, opened from the folder in which it was saved."""
    made.save(tmp_path / "r")
    return dedup.open_run(tmp_path / "r")


def test_a_run_made_in_memory_is_the_same_when_it_is_saved_and_opened(made, saved):
    assert saved.to_arrow().equals(made.to_arrow())
    assert saved.keep() == made.keep() == [6, 2]
    assert saved.summary == made.summary
    assert list(saved.texts) == [(text or "").encode() for text in TEXTS]
    assert (saved.signatures.values == made.signatures.values).all()
    for name in ("hash", "doc", "position"):
        assert (getattr(saved.anchors, name) == getattr(made.anchors, name)).all()


def test_the_same_texts_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        dedup.scan_texts(TEXTS).save(tmp_path / name)
    for path in (tmp_path / "a" / "tables-000001").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "tables-000001" / path.name).read_bytes(), path.name


def test_a_saved_run_can_be_reported_reviewed_exported_and_decided_anew(saved, run, tmp_path):
    assert run("export", "keep", "--run", "r").lines == ["frame:2", "frame:6"]
    rows = run("export", "drop", "--run", "r", "--format", "jsonl").jsonl
    assert [(row["path"], row["witness"]) for row in rows] == [
        *(("frame:1", "frame:6"), ("frame:3", "frame:6"), ("frame:5", "frame:2"))
    ]
    assert POST[:60] in run("show", "1", "--run", "r").stdout
    assert "case" in run("explain", "frame:1", "frame:3", "--run", "r").stdout
    run("report", "--run", "r", "-o", "page.html")
    assert OTHER.split(",")[0] in (tmp_path / "page.html").read_text()
    run("decide", "--run", "r", "--prefer", "first")
    assert dedup.open_run("r").keep() == [7, 6, 2]
    done, shown = play("c2\r")
    assert (done.changed, POST[:40] in shown) == (1, True)
    assert dedup.open_run("r").keep() == [6, 2]


def test_export_corpus_says_why_there_is_nothing_to_copy(saved, run):
    refused = run("export", "corpus", "--to", "clean", "--run", "r", code=2)
    assert "this run was made from texts in memory; there are no files to copy" in refused.stderr


def test_texts_that_were_damaged_on_disk_are_not_shown(saved, tmp_path):
    path = tmp_path / "r" / "tables-000001" / "texts.arrow"
    path.write_bytes(path.read_bytes().replace(POST[:9].encode(), b"X" * 9))
    with pytest.raises(BadRun, match=r"texts.arrow: is damaged"):
        saved.texts[0]


def test_a_run_of_files_can_be_saved_and_scanned_again(files, run):
    folder = files({"in/a.txt": POST, "in/b.txt": POST.upper()})
    dedup.scan("in").save("r")
    assert dedup.open_run(folder / "r").texts is None
    assert "nothing has changed since the last scan" in run("scan", "in", "--run", "r").stderr


def test_files_are_never_taken_for_rows_of_the_same_name(saved, files, run):
    files({"frame": OTHER, "b.txt": OTHER.upper()})
    run("scan", "frame", "b.txt", "--run", "r")
    again = dedup.open_run("r")
    assert again.texts is None
    assert again.summary["documents"] == {**again.summary["documents"], "seen": 2, "kept": 1}


def test_a_folder_that_holds_something_else_is_not_written(made, files):
    folder = files({"full/x.txt": "mine"})
    with pytest.raises(BadRun, match="is not a run folder and not empty"):
        made.save(folder / "full")
    made.save(folder / "r")
    with pytest.raises(BadRun, match="is the folder of this run already"):
        dedup.open_run(folder / "r").save(folder / "r")


def test_a_saved_run_that_is_at_an_address_has_its_texts(saved, run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    far = dedup.open_run(f"file://{tmp_path}/r")
    assert list(far.texts) == list(saved.texts)
    run("pull", f"file://{tmp_path}/r", "near")
    assert dedup.open_run("near").texts[0] == POST.encode()


def test_new_documents_are_checked_against_the_texts_of_a_saved_run(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copy.txt").write_text(POST.swapcase())
    (found,), _ = check(["copy.txt"], "r")
    match = found.matches[0]
    assert (found.status, match.relation, match.text, match.estimated) == ("duplicate", "case", "ok", False)
