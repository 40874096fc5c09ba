"""`check --to` and `--report`: what the run lacks is written in the same form, and each item has a row."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import dedup
from dedup.check.check import checking
from dedup.check.result import Checked, Match
from dedup.cli import commands
from dedup.core.errors import BadInput, OutputExists
from dedup.reports.lists import checked

from ..conftest import OTHER, POST
from .test_check import prose


@pytest.fixture
def place(files, monkeypatch):
    """A run `r` of two documents, and new ones as files and as records; the test works in it."""
    made = files(
        {
            "old/post.txt": POST,
            "old/other.txt": OTHER,
            "new/a/known.txt": POST.upper(),
            "new/a/own.txt": prose(1),
            "new/b/again.txt": prose(1).upper(),
            "new/b/tiny.txt": "tiny",
        }
    )
    monkeypatch.chdir(made)
    dedup.scan("old", run="r")
    return made


def checked_by(*options: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["check", *options, "--against", "r", "-q"], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.output


def tree(folder: str) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def test_new_files_without_those_of_the_run_keep_their_places(place):
    assert checked_by("new", "--to", "clean")[0] == 1
    assert set(tree("clean")) == {"a/own.txt", "b/tiny.txt"}
    assert tree("clean")["a/own.txt"] == Path("new/a/own.txt").read_bytes()


def test_only_run_leaves_copies_within_the_new_ones(place):
    assert checked_by("new", "--to", "clean", "--only-run", "--report", "r.csv")[0] == 1
    assert set(tree("clean")) == {"a/own.txt", "b/again.txt", "b/tiny.txt"}
    status = {row["path"]: row["status"] for row in csv.DictReader(Path("r.csv").read_text().splitlines())}
    assert status["new/b/again.txt"] == "new"


def test_only_run_compares_every_copy_with_the_run(place):
    near = POST.replace("warm coat", "thick jumper")
    for name in "xy":
        Path(f"new/{name}.txt").write_text(near)
    with checking(["new/x.txt", "new/y.txt"], "r", only_run=True) as result:
        assert [[(m.path, m.in_run) for m in doc.matches] for doc in result.found] == [
            [("old/post.txt", True)]
        ] * 2


def test_records_keep_their_fields_their_packing_and_their_order(place):
    lines = [json.dumps({"n": n, "text": text, "more": {"x": [n]}}) for n, text in enumerate(texts())]
    with gzip.open("new.jsonl.gz", "wt") as f:
        f.write("\n".join(lines) + "\n")
    assert checked_by("new.jsonl.gz", "--to", "clean")[0] == 1
    written = gzip.decompress(Path("clean/new.jsonl.gz").read_bytes()).decode()
    assert written.splitlines() == [lines[1], lines[3]]


def test_rows_of_parquet_keep_their_columns_and_types(place):
    table = pa.table({"n": pa.array(range(4), pa.int16()), "text": texts(), "x": [[1], [2], [], None]})
    pq.write_table(table, "new.parquet")
    assert checked_by("new.parquet", "--to", "clean")[0] == 1
    assert pq.read_table("clean/new.parquet").equals(table.take([1, 3]))


def texts() -> list[str]:
    return [POST, prose(1), OTHER.upper(), prose(2)]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_report_has_a_row_for_each_document(place, suffix):
    checked_by("new", "--report", f"report.{suffix}")
    if suffix == "csv":
        rows = list(csv.DictReader(Path("report.csv").read_text().splitlines()))
    elif suffix == "jsonl":
        rows = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    else:
        rows = pq.read_table("report.parquet").to_pylist()
    assert [(r["path"], r["status"], r["duplicate_of"] or "", r["relation"] or "") for r in rows] == [
        ("new/a/known.txt", "duplicate", "old/post.txt", "case"),
        ("new/a/own.txt", "new", "", ""),
        ("new/b/again.txt", "duplicate", "new/a/own.txt", "case"),
        ("new/b/tiny.txt", "set aside", "", ""),
    ]
    assert [str(r["kept"]).lower() for r in rows] == ["false", "true", "false", "true"]
    assert (rows[0]["figure"], float(rows[0]["value"]), rows[0]["duplicate_in"]) == ("letters", 1.0, "run")


def of(path: str, *matches: tuple[str, str]) -> Checked:
    """A new document that duplicates others, (name, relation); those of the run have names of capitals."""
    found = [
        Match(
            *(other, other.isupper(), relation, "", 1.0, 1.0),
            *(None,) * 11,
            text="ok",
        )
        for other, relation in matches
    ]
    return Checked(path, path, 0, "", "duplicate" if found else "new", "", matches=tuple(found))


def test_what_goes_is_still_in_the_run_or_among_what_stays():
    found = [
        of("own"),
        of("known", ("RUN", "near")),
        of("copy", ("known", "case")),
        of("like", ("known", "near")),
        of("liker", ("like", "near")),
        of("circle", ("ring", "near")),
        of("ring", ("circle", "near")),
        of("form", ("RUN", "form"), ("own", "near")),
    ]
    stays = {doc.path for doc, stay in zip(found, checked.chosen(found).tolist(), strict=True) if stay}
    assert stays == {"own", "like", "circle"}


def test_nothing_is_written_over_and_a_changed_file_leaves_no_folder(place):
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    with pytest.raises(OutputExists, match="full"):
        checked_by("new", "--to", "full")
    assert tree("full") == {"mine.txt": b"mine"}
    with checking(["new"], "r") as result:
        stays = checked.chosen(result.found)
        Path("new/a/own.txt").write_text("changed")
        with pytest.raises(BadInput, match="changed or gone"):
            checked.write_chosen(result.new, stays, Path("clean"))
    assert not [p for p in Path().iterdir() if "clean" in p.name]
    with pytest.raises(BadInput, match="new/clean: lies in the input"):
        checked_by("new", "--to", "new/clean")
    Path("report.csv").write_text("mine")
    with pytest.raises(OutputExists):
        checked_by("new", "--report", "report.csv")


def test_strict_makes_a_warning_an_error(place):
    assert checked_by("new/a/own.txt", "--strict")[0] == 0
    Path("accepted").write_text("nothing.txt\n")
    assert checked_by("new/a/own.txt", "--allow", "accepted")[0] == 0
    assert checked_by("new/a/own.txt", "--allow", "accepted", "--strict")[0] == 2
    Path("old/post.txt").unlink()
    assert checked_by("new/a/known.txt")[0] == 1
    code, said = checked_by("new/a/known.txt", "--strict")
    assert code == 2
    assert "old/post.txt" in said
