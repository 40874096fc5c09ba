"""Corpora that are written with more columns, more documents, or all of them."""

import csv
import gzip
import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dedup
from dedup.clustering import verdict
from dedup.core.settings import Settings
from dedup.readers.storage.streams import packing, unpacked
from dedup.reports.lists.verdicts import VERDICT

from ..conftest import OTHER, POST, VARIANTS, needs_variants

NEW = [f"dedup_{name}" for name in VERDICT]
THIRD = "Nobody has oiled the gate of the old cemetery since the sexton moved to his daughter in the valley."
TEXTS = [
    POST,
    OTHER,
    POST.upper(),
    THIRD,
    "short",
    OTHER.lower(),
    "",
    POST.replace(" ", "  "),
    THIRD + "!",
]


def row(number: int, text: str, name: str = "") -> dict:
    """A record with nested columns, text that is not ASCII, numbers of several kinds, nothing at all."""
    return {
        "id": number,
        "meta": {"url": f"https://host/{number}", "scores": [0.1 * number, 1e-5], "lang": "ÿ☃"[number % 2 :]},
        "tags": [{"k": "a b", "n": number}, {"k": "\u2028", "n": None}][: number % 3],
        "text": text,
        "none": None,
        "name": name,
        "big": 2**53 + number,
    }


def write_shards(folder: Path, rows: list[dict], kind: str, n: int = 4) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        part = rows[i * len(rows) // n : (i + 1) * len(rows) // n]
        path = folder / f"train-{i:05d}.{kind}"
        if kind == "parquet":
            schema = pa.Table.from_pylist(rows).schema
            pq.write_table(pa.Table.from_pylist(part, schema), path, compression="zstd", row_group_size=50)
            continue
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in part)
        with open(path, "wb") as f, packing(f, kind.partition(".")[2]) as out:
            out.write(lines.encode())


def lines_of(path: Path) -> list[bytes]:
    with unpacked(
        lambda: open(path, "rb"), path.suffix[1:].replace("jsonl", ""), path.stat().st_size
    ) as stream:
        return stream.read().splitlines(keepends=True)


def assert_marked(before: Path, after: Path, documents: list[dict]) -> None:
    """Shards have the same names and packing, rows all columns as they were, and the verdict."""
    names = sorted(p.name for p in before.iterdir())
    assert sorted(p.name for p in after.iterdir()) == names
    marks = []
    for name in names:
        old, new = before / name, after / name
        if name.endswith(".parquet"):
            was, now = pq.read_table(old), pq.read_table(new)
            assert now.select(was.column_names).equals(was)
            assert now.column_names == [*was.column_names, *NEW]
            assert now.schema.metadata == was.schema.metadata
            codec = [pq.ParquetFile(p).metadata.row_group(0).column(0).compression for p in (old, new)]
            assert codec[0] == codec[1]
            marks += now.select(NEW).to_pylist()
            continue
        for was, now in zip(lines_of(old), lines_of(new), strict=True):
            assert now.startswith(was.rstrip()[:-1])  # the very bytes
            value = json.loads(now)
            marks.append({column: value.pop(column) for column in NEW})
            assert value == json.loads(was)
    assert marks == [{f"dedup_{name}": document[name] for name in VERDICT} for document in documents]


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "jsonl.zst", "jsonl.bz2", "parquet"])
def test_shards_come_out_marked_with_every_other_column_as_it_was(run, tmp_path, kind):
    write_shards(tmp_path / "in", [row(i, text) for i, text in enumerate(TEXTS)], kind)
    run("scan", "in")
    run("export", "corpus", "--to", "out", "--mark")
    documents = run("export", "documents", "--format", "jsonl").jsonl
    assert_marked(tmp_path / "in", tmp_path / "out", documents)
    assert [d["status"] for d in documents] == [
        *("kept", "kept", "dropped", "kept", "too short to judge", "dropped", "empty", "dropped", "dropped")
    ]
    told = run("scan", "out", "--run", "again", "--json").json
    assert told["documents"]["seen"] == len(TEXTS)


def read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@pytest.mark.slow
@needs_variants
@pytest.mark.parametrize("kind", ["jsonl.gz", "jsonl.zst", "parquet"])
@pytest.mark.parametrize("name", ["variants", "forms"])
def test_the_public_sets_come_out_marked_with_every_other_column_as_it_was(run, tmp_path, name, kind):
    paths = sorted(p for p in (VARIANTS.parent / name / "docs").rglob("*") if p.is_file())
    if not paths:
        pytest.skip(f"the labelled set {name} is not beside this checkout")
    rows = [row(i, read_text(path), path.name) for i, path in enumerate(paths)]
    write_shards(tmp_path / "in", rows, kind)
    run("scan", "in")
    run("export", "corpus", "--to", "out", "--mark")
    documents = run("export", "documents", "--format", "jsonl").jsonl
    assert len(documents) == len(rows)
    assert [d["id"] for d in documents] == [r["id"] for r in rows]
    assert {"kept", "dropped"} <= {d["status"] for d in documents}
    assert_marked(tmp_path / "in", tmp_path / "out", documents)


# ------------------------------------------------------------------ the list


def test_every_document_is_listed_with_what_became_of_it(run, files):
    files(
        {
            "in/a.jsonl": "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(TEXTS[:3])),
            "in/b.txt": POST.lower(),
            "in/c.bin": b"\0\1\2\3" * 40,
        }
    )
    run("scan", "in")
    rows = run("export", "documents", "--format", "jsonl").jsonl
    of_first = {"cluster": 1, "cluster_size": 3}
    alone = {"cluster": None, "cluster_size": 1, "witness": None, "relation": None, "figure": None}
    copy = {"status": "dropped", **of_first, "kept": False, "witness": "in/a.jsonl:1", "relation": "case"}
    kept = {"status": "kept", "kept": True}
    assert rows == [
        {"source": "in/a.jsonl", "record": 1, "id": 0, **alone, **kept, **of_first},
        {"source": "in/a.jsonl", "record": 2, "id": 1, **alone, **kept},
        {"source": "in/a.jsonl", "record": 3, "id": 2, **copy, "figure": "letters"},
        {"source": "in/b.txt", "record": 0, "id": "", **copy, "figure": "letters"},
        {"source": "in/c.bin", "record": 0, "id": "", **alone, "status": "binary", "kept": False},
    ]
    assert list(rows[0]) == ["source", "record", "id", *VERDICT]
    names = [f"{r['source']}:{r['record']}".removesuffix(":0") for r in rows]
    assert run("export", "documents").lines == names
    run("export", "documents", "-o", "all.parquet")
    table = pq.read_table("all.parquet")
    assert table.schema.field("id").type == pa.int64()
    assert dedup.open_run(".dedup").to_arrow().select(table.column_names).equals(table)
    assert table.to_pylist() == [{**r, "id": None if r["id"] == "" else r["id"]} for r in rows]
    run("export", "documents", "-o", "all.csv")
    with open("all.csv", newline="") as f:
        assert [r["id"] for r in csv.DictReader(f)] == ["0", "1", "2", "", ""]


def test_ids_are_numbers_or_text_as_the_records_have_them(run, files):
    ids = [7, "7x", 1.5, True, None, -3, "08"]
    texts = [f"{POST[i:]} {OTHER[: i + 90]}" for i in range(0, 140, 20)]
    lines = (json.dumps({"id": i, "text": t}) + "\n" for i, t in zip(ids, texts, strict=True))
    files({"in/a.jsonl": "".join(lines)})
    run("scan", "in")
    found = run("export", "documents", "--format", "jsonl").jsonl
    assert [d["id"] for d in found] == [7, "7x", 1.5, "True", "", -3, "08"]
    run("export", "documents", "-o", "all.parquet")
    assert pq.read_table("all.parquet")["id"].to_pylist() == ["7", "7x", "1.5", "True", "", "-3", "08"]
    assert [r["id"] for r in run("export", "keep", "--format", "jsonl").jsonl][:3] == [7, "7x", 1.5]


# ------------------------------------------------------------------ columns


def test_rows_of_csv_get_cells_and_all_else_stays(run, files):
    copies = f'\ufeffid;text\r\n1;"{POST}"\r\n\r\n2;"{POST.upper()}\n"\r\n'
    table = copies + f'3;{THIRD};too many\r\n4;"{OTHER}"'
    files({"in/ü;.csv": table})
    run("scan", "in", code=2)
    told = run("export", "corpus", "--to", "out", "--mark").stderr
    assert "1 line or row" in told
    marked = Path("out/ü;.csv").read_bytes()
    assert marked.startswith(b"\xef\xbb\xbfid;text;dedup_status;")
    assert f"\r\n3;{THIRD};too many\r\n".encode() in marked
    rows = [r for r in csv.reader(io.StringIO(marked.decode("utf-8-sig"), newline=""), delimiter=";") if r]
    assert [r[2:] for r in rows] == [
        NEW,
        ["kept", "1", "2", "true", "", "", ""],
        ["dropped", "1", "2", "false", "in/ü;.csv:1", "case", "letters"],
        ["too many"],
        ["kept", "", "1", "true", "", "", ""],
    ]


def test_lines_that_are_no_objects_stay_as_they_are_and_are_told(run, files):
    lines = [json.dumps({"text": POST}), "", "no object}", "[1]", '{"other": 1}', "{}"]
    files({"in/a.jsonl": "\r\n".join(lines)})
    run("scan", "in", code=2)
    told = run("export", "corpus", "--to", "out", "--mark").stderr
    assert "in/a.jsonl: 2 lines or rows are no records" in told
    out = Path("out/a.jsonl").read_bytes().split(b"\r\n")
    assert [out[i] for i in (1, 2, 3)] == [b"", b"no object}", b"[1]"]
    assert json.loads(out[4]) == {"other": 1, **json.loads(out[5])}
    assert json.loads(out[5])["dedup_status"] == "bad record"


def test_what_has_no_columns_or_has_them_already_is_refused(run, files):
    files({"in/a.txt": POST, "in/b.jsonl": json.dumps({"text": OTHER})})
    run("scan", "in")
    for option in ("--mark", "--collect"):
        given = [option, "url"] if option == "--collect" else [option]
        (line,) = run("export", "corpus", "--to", "out", *given, code=2).told
        assert "in/a.txt: has no columns" in line
        assert "dedup export documents" in line
    assert not Path("out").exists()
    os.remove("in/a.txt")
    run("scan", "in")
    run("export", "corpus", "--to", "marked", "--mark")
    run("scan", "marked", "--run", "again")
    told = run("export", "corpus", "--to", "out", "--mark", "--run", "again", code=2).told
    assert "marked/b.jsonl: has a column 'dedup_status' already" in told[0]
    assert list(Path("out").iterdir()) == []


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_kept_record_collects_the_values_of_its_cluster(run, tmp_path, kind):
    write_shards(tmp_path / "in", [row(i, text) for i, text in enumerate(TEXTS)], kind)
    run("scan", "in")
    run("export", "corpus", "--to", "out", "--collect", "meta.url", "--collect", "id")
    name = "dedup_collected_meta_url"
    if kind == "parquet":
        tables = [pq.read_table(p) for p in sorted(Path("out").iterdir())]
        rows = pa.concat_tables(tables).to_pylist()
        kind_of_id = tables[0].schema.field("dedup_collected_id").type.field("values").type
        assert kind_of_id == pa.list_(pa.int64())
    else:
        rows = [json.loads(line) for p in sorted(Path("out").iterdir()) for line in lines_of(p)]
    kept = {r["id"]: r for r in rows}
    for first, members in ((0, [0, 2, 7]), (1, [1, 5])):
        assert kept[first][name] == {"count": len(members), "values": [f"https://host/{m}" for m in members]}
        assert kept[first]["dedup_collected_id"]["values"] == members
    assert {"dedup_status"}.isdisjoint(rows[0])
    (line,) = run("export", "corpus", "--to", "none", "--collect", "nope", code=2).told
    assert "--collect nope: no document has a field of this name" in line


# ------------------------------------------------------------------ more documents


def test_a_cluster_is_filled_up_by_preference(run, files):
    files({f"in/{name}.txt": text for name, text in zip("abcde", [POST] * 4 + [OTHER], strict=True)})
    run("scan", "in", "--prefer", "path:*c.txt,first")
    assert run("export", "keep").lines == ["in/c.txt", "in/e.txt"]
    for n, names in ((1, "ce"), (2, "ace"), (3, "abce"), (9, "abcde")):
        run("export", "corpus", "--to", f"out{n}", "--keep-per-cluster", n)
        assert sorted(p.stem for p in Path(f"out{n}").iterdir()) == list(names)
    assert (
        "--keep-per-cluster"
        in run("export", "corpus", "--to", "x", "--mark", "--keep-per-cluster", 2, code=2).stderr
    )


def test_the_order_of_preference_is_the_one_by_which_documents_were_kept(run, files):

    texts = [POST, POST.upper(), POST + " " + OTHER, OTHER.lower(), OTHER, POST.replace("'", "’"), THIRD]
    files({f"in/{i}.txt": text for i, text in enumerate(texts)})
    found = dedup.scan("in")
    same = verdict.same_values(found.documents, found.evidence.spellings)
    known = (Settings(), found.sources, found.documents, same, found.evidence)
    rank = verdict.order_of_preference(*known)
    for docs in (found.clustered[found.cluster_ids[found.clustered] == c.id] for c in found.clusters):
        assert found.verdict.canonical[docs[0]] == docs[rank[docs].argmin()]
    assert found.clusters


def test_what_was_set_aside_is_told_and_carried_along_unchanged(run, files, tmp_path):
    cut = gzip.compress(("".join(json.dumps({"text": OTHER + str(i)}) + "\n" for i in range(9))).encode())
    before = files(
        {
            "in/a.txt": POST,
            "in/copy.txt": POST,
            "in/empty.txt": "",
            "in/image.png": b"\x89PNG\r\n\x1a\n\0\0\0" * 9,
            "in/short.txt": "a b",
            "in/none.parquet": b"PAR1 and then nothing",
            "in/rows.jsonl": "\n".join([json.dumps({"text": THIRD}), "no json", json.dumps({"text": ""})]),
            "in/.hidden/x.txt": OTHER,
        }
    )
    run("scan", "in", code=2)
    told = run("export", "corpus", "--to", "out").stderr
    listed = "2 empty, 1 binary, 1 unreadable, 1 bad record, 1 too short to judge"
    assert f"left out: {listed}; --with-set-aside carries them along" in told
    assert "never read: 1 hidden folder" in told
    assert sorted(p.name for p in Path("out").iterdir()) == ["a.txt", "rows.jsonl"]
    told = run("export", "corpus", "--to", "whole", "--with-set-aside").stderr
    assert "left out" not in told
    names = sorted(p.name for p in (before / "in").iterdir() if p.is_file() and p.name != "copy.txt")
    assert sorted(p.name for p in Path("whole").iterdir()) == names
    for name in names:
        data = (before / "in" / name).read_bytes()
        assert (before / "whole" / name).read_bytes() == data + b"\n" * (name == "rows.jsonl")
    files({"cut/a.jsonl.gz": cut[:-20]})
    run("scan", "cut", "--run", "other", code=2)
    told = run("export", "corpus", "--to", "x", "--with-set-aside", "--run", "other", code=2).told
    assert told == ["dedup: cut/a.jsonl.gz: what could not be read of it cannot be carried along"]
