"""What a command writes is what its name promises, and stands where it says."""

import bz2
import gzip
import json
import lzma

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .test_cli import PAIR, one_line

UNPACK = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": lambda data: pa.input_stream(pa.py_buffer(data), compression="zstd").read(),
}


@pytest.fixture
def scanned(run, files):
    folder = files(PAIR)
    run("scan", "in")
    return folder


@pytest.mark.parametrize("packing", ["", *UNPACK])
def test_a_list_is_packed_as_its_name_says_with_the_same_bytes_each_time(run, scanned, packing):
    names = [f"{name}.jsonl{packing}" for name in ("one", "two")]
    for name in names:
        run("export", "drop", "-o", name)
    one, two = ((scanned / name).read_bytes() for name in names)
    assert one == two
    rows = (UNPACK[packing](one) if packing else one).splitlines()
    assert [json.loads(row)["relation"] for row in rows] == [
        json.loads(run("export", "drop", "--format", "jsonl").stdout)["relation"]
    ]


@pytest.mark.parametrize("name", ["drop.json", "drop.xlsx", "drop.html.gz", "drop.parquet.gz", "drop.7z"])
def test_a_suffix_that_promises_something_else_is_refused_with_those_there_are(run, scanned, name):
    one_line(run("export", "drop", "-o", name, code=2), name, ".parquet")
    assert not (scanned / name).exists()


def test_any_other_name_is_written_when_the_format_is_said(run, scanned):
    run("export", "drop", "-o", "drop.2024-05", "--format", "csv")
    run("export", "keep", "-o", "keep")
    run("export", "keep", "-o", "keep.gz")
    assert (scanned / "drop.2024-05").read_text().startswith("path,")
    assert gzip.decompress((scanned / "keep.gz").read_bytes()) == (scanned / "keep").read_bytes()
    run("export", "keep", "-o", "keep.PARQUET")
    assert pq.read_table(scanned / "keep.PARQUET").num_rows == 2


WRITERS = [
    ("export", "keep", "-o"),
    ("export", "corpus", "--to"),
    ("report", "-o"),
    ("tune", "--plot"),
    ("check", "in", "--to"),
    ("check", "in", "--report"),
    ("explain", "in/a.txt", "in/b.txt", "-o"),
]
HERE_ONLY = [
    ("pull", "s3://bucket/run"),
    ("tune", "-i", "--labels"),
    ("scan", "in", "--log"),
    ("scan", "in", "--config"),
    ("decide", "--log"),
    ("move", "dropped", "--to"),
    ("move", "--undo"),
]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("s3:/bucket/x", "two slashes"),
        ("https://host/x.csv", "on the web"),
        ("file://host/x", "a path follows file:// at once"),
        ("s3://", "names no bucket"),
    ],
)
@pytest.mark.parametrize("command", WRITERS)
def test_an_address_where_nothing_can_be_written_is_refused(run, scanned, command, address, why):
    before = sorted(scanned.iterdir())
    one_line(run(*command, address, code=2), why)
    assert sorted(scanned.iterdir()) == before


@pytest.mark.parametrize("command", HERE_ONLY)
def test_what_must_be_on_this_machine_refuses_an_address(run, scanned, command):
    before = sorted(scanned.iterdir())
    one_line(run(*command, "s3://bucket/x", code=2), "s3://bucket/x", "is an address")
    assert sorted(scanned.iterdir()) == before


@pytest.mark.parametrize(
    ("command", "name", "begins"),
    [
        (("export", "keep", "-o"), "keep.csv", b"path,id"),
        (("export", "documents", "-o"), "documents.parquet", b"PAR1"),
        (("report", "-o"), "page.html", b"<!doctype html>"),
        (("explain", "in/a.txt", "in/b.txt", "-o"), "why.json", b"{"),
    ],
)
@pytest.mark.parametrize("kind", ["memory://", "file://"])
def test_a_file_is_written_to_an_address(run, scanned, tmp_path, command, name, begins, kind):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not here: pip install 'dedup[remote]'")
    at = f"{kind}{tmp_path}/to/{name}"
    (tmp_path / "to").mkdir()
    run(*command, at)
    with fsspec.open(at, "rb") as stream:
        data = stream.read()
    assert data.lower().startswith(begins.lower())
    one_line(run(*command, at, code=2), "exists already", "--force")
    run(*command, at, "--force")
    run(*command, name)
    if command[0] == "export":
        assert (scanned / name).read_bytes() == data


def test_a_list_is_read_from_an_address(run, scanned, tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not here: pip install 'dedup[remote]'")
    at = f"memory://{tmp_path}"
    for name, text in {
        "list.txt": "in/a.txt\nin/b.txt\n",
        "labels.csv": "a,b,label\nin/a.txt,in/b.txt,same\n",
        "allow.txt": "new.txt\n",
    }.items():
        with fsspec.open(f"{at}/{name}", "w") as stream:
            stream.write(text)
    assert run("scan", "--files-from", f"{at}/list.txt", "--json").json["documents"]["seen"] == 2
    assert run("eval", f"{at}/labels.csv", "--json").json
    (scanned / "new.txt").write_bytes((scanned / "in/a.txt").read_bytes())
    run("check", "new.txt", code=1)
    run("check", "new.txt", "--allow", f"{at}/allow.txt")
    for command in (("eval",), ("check", "new.txt", "--allow"), ("scan", "--files-from")):
        one_line(run(*command, f"{at}/none", code=2), f"{at}/none", "nothing at this address")


def test_an_address_that_lacks_a_slash_is_no_run_folder(run, scanned):
    one_line(run("scan", "in", "--run", "s3:/bucket/run", code=2), "s3:/bucket/run", "two slashes")
    assert not (scanned / "s3:").exists()
