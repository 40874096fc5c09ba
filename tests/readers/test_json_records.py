"""Records are found by what is in a .json file, and their text in several fields, lists and messages."""

import gzip
import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.readers.base import Damaged, Options
from dedup.readers.formats import json_array
from dedup.runs.opening import open_run

from ..conftest import OTHER, POST
from ..examples import examples

ROWS = [{"id": i, "text": t} for i, t in enumerate([POST, OTHER, POST.upper()])]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
ARRAY = json.dumps(ROWS, indent=2).encode()
PACKED = {"": bytes, ".gz": gzip.compress, ".zst": lambda data: pa.compress(data, "zstd", asbytes=True)}


def names(run):
    return [run.name(d).rsplit("/", 1)[-1] for d in range(len(run.documents))]


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("content", [LINES, ARRAY], ids=["lines", "array"])
def test_a_json_file_of_records_is_read_by_record_whatever_its_packing(content, packed, files, tmp_path):
    files({f"in/c4-train.00000.json{packed}": PACKED[packed](content)})
    run = dedup.scan(tmp_path / "in")
    assert names(run) == [f"c4-train.00000.json{packed}:{i}" for i in (1, 2, 3)]
    assert run.documents.id == ["0", "1", "2"]
    assert len(run.drop()) == 1


@pytest.mark.parametrize("suffix", [".jsonlines", ".jl", ".jsonlines.gz"])
def test_other_suffixes_of_json_lines_are_known(suffix, files, tmp_path):
    files({f"in/a{suffix}": gzip.compress(LINES) if suffix.endswith("gz") else LINES})
    assert len(dedup.scan(tmp_path / "in").documents) == 3


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"name": "x", "text": POST}),  # one object
        json.dumps({"name": "x", "text": POST}, indent=1),
        json.dumps([POST, OTHER]),
        "[]",
        json.dumps([{"n": 1}, {"n": 2}]),  # nothing that is a text
        json.dumps({"n": 1}) + "\n" + json.dumps({"n": 2}),
        '{"text": "a"}\nnot JSON, ' + POST,
        POST,
    ],
)
def test_any_other_json_file_is_one_document(content, files, tmp_path):
    files({"in/package.json": content})
    assert names(dedup.scan(tmp_path / "in")) == ["package.json"]


def test_one_line_is_a_record_where_its_field_is_asked_for(files, tmp_path):
    files({"in/one.json": json.dumps({"story": POST}), "in/other.json": json.dumps({"n": 1})})
    assert names(dedup.scan(tmp_path / "in", text_field="story")) == ["one.json:1", "other.json"]


def test_records_in_a_member_of_an_archive_are_found(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        for name, data in (("shard.json", LINES), ("b.json.gz", gzip.compress(ARRAY)), ("c.json", b"{}")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    run = dedup.scan(tmp_path / "a.tar.gz")
    assert sorted(name.split("!")[1] for name in names(run)) == [
        *(f"b.json.gz:{i}" for i in (1, 2, 3)),
        "c.json",
        *(f"shard.json:{i}" for i in (1, 2, 3)),
    ]


def test_an_array_is_exported_as_an_array_with_the_kept_records(run, files):
    folder = files({"in/a.json": ARRAY})
    run("scan", "in", "-q")
    run("export", "corpus", "--to", "clean")
    kept = json.loads((folder / "clean/a.json").read_bytes())
    assert kept == [row for i, row in enumerate(ROWS, 1) if f"in/a.json:{i}" in open_run(".dedup").keep()]
    run("export", "corpus", "--to", "marked", "--mark")
    marked = json.loads((folder / "marked/a.json").read_bytes())
    assert [{k: row[k] for k in ("id", "text")} for row in marked] == ROWS
    assert sorted(row["dedup_status"] for row in marked) == ["dropped", "kept", "kept"]


def test_a_broken_array_keeps_what_stands_before_the_break(files, tmp_path):
    files({"in/a.json": ARRAY[: ARRAY.rindex(b"{") + 40]})
    run = dedup.scan(tmp_path / "in")
    assert run.documents.status.tolist()[:2] == [0, 0]
    assert "cut off" in run.documents.note[2]


def test_a_second_scan_of_json_reads_only_what_is_new(files, tmp_path):
    files({"in/a.json": ARRAY})
    first = dedup.scan(tmp_path / "in", run=tmp_path / "run")
    files({"in/b.json": json.dumps([{"text": OTHER + "Something else."}])})
    again = dedup.scan(tmp_path / "in", run=tmp_path / "run")
    assert names(again)[:3] == names(first)
    assert len(again.documents) == 4


@examples(100)
@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers() | st.none()), max_size=9
    ),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_the_elements_of_an_array_are_its_bytes(rows, indent, ascii_only):
    data = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found = list(json_array.elements(io.BytesIO(b" \n" + data), Options()))
    assert [json.loads(e.raw.decode("utf-8", "surrogatepass")) for e in found] == rows
    assert all((b" \n" + data)[e.offset : e.offset + len(e.raw)] == e.raw for e in found)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1,", b"[1 2]", b'[{"a": "b]', b"[" * 5000, b"[tru]"])
def test_what_is_no_whole_array_is_damaged(data):
    with pytest.raises(Damaged):
        list(json_array.elements(io.BytesIO(data), Options()))


def test_an_element_longer_than_a_document_may_be_is_told(monkeypatch):
    monkeypatch.setattr(json_array, "READ", 16)
    data = json.dumps([{"text": "a" * 500}]).encode()
    with pytest.raises(Damaged, match="max-document-size"):
        list(json_array.elements(io.BytesIO(data), Options(max_bytes=100)))


# ------------------------------------------------------------------ the text of a record


FIELDS = [
    {"title": "A ferry", "body": POST},
    {"title": None, "body": OTHER},
    {"body": "A ferry. " + POST.upper()},
    {"n": 3},
]


def test_a_text_may_be_in_several_fields(files, tmp_path):
    files({"in/a.jsonl": "".join(json.dumps(row) + "\n" for row in FIELDS)})
    run = dedup.scan(tmp_path / "in", text_field="title,body")
    assert run.documents.note[3].startswith("no field 'title,body'")
    assert [m.relation for m in run.drop()] == ["punctuation"]
    assert run.documents.n_letters[0] == run.documents.n_letters[2]


def test_several_columns_of_a_table_and_of_parquet_are_one_text(files, tmp_path):
    rows = [{"title": row.get("title") or "", "body": row.get("body") or ""} for row in FIELDS[:3]]
    lines = "".join(f'{row["title"]},"{row["body"]}"\n' for row in rows)
    folder = files({"in/a.csv": "title,body\n" + lines})
    pq.write_table(pa.Table.from_pylist(rows), folder / "in/b.parquet")
    run = dedup.scan(tmp_path / "in", text_field="title,body", run=tmp_path / "run")
    assert run.documents.n_letters[:3].tolist() == run.documents.n_letters[3:].tolist()
    assert len(open_run(tmp_path / "run").keep()) == 2
    missing = dedup.scan(tmp_path / "in/a.csv", text_field="title,notes")
    assert "no column 'notes'" in missing.documents.note[0]


CHAT = [{"role": "user", "content": "Where does the ferry go?"}, {"role": "assistant", "content": POST}]


@pytest.mark.parametrize(
    "record",
    [
        {"messages": CHAT},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": m["content"]}]} for m in CHAT]},
        {"conversations": [{"from": "human", "value": m["content"]} for m in CHAT]},
        {"paragraphs": [m["content"] for m in CHAT]},
    ],
)
def test_the_text_of_a_chat_is_what_its_messages_say(record, files, tmp_path):
    plain = {"text": "\n\n".join(m["content"] for m in CHAT)}
    folder = files({"in/a.jsonl": json.dumps(record) + "\n", "in/c.jsonl": json.dumps(plain) + "\n"})
    pq.write_table(pa.Table.from_pylist([record]), folder / "in/b.parquet")
    run = dedup.scan(tmp_path / "in")
    assert len(set(map(tuple, run.documents.letters_hash.tolist()))) == 1
    assert len(run.documents) == 3


def test_a_message_that_says_nothing_is_left_out(files, tmp_path):
    record = {"messages": [{"role": "system", "content": None}, *CHAT, {"role": "tool", "content": []}]}
    files(
        {"in/a.jsonl": json.dumps(record) + "\n" + json.dumps({"messages": [{"role": "x", "n": 1}]}) + "\n"}
    )
    run = dedup.scan(tmp_path / "in")
    assert run.documents.status[0] == 0
    assert "an object, not text" in run.documents.note[1]
