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


@pytest.mark.parametrize("address", ["s3://bucket/x", "s3:/bucket/x", "file:///tmp/x", "https://host/x.csv"])
@pytest.mark.parametrize(
    "command",
    [
        ("export", "keep", "-o"),
        ("export", "corpus", "--to"),
        ("report", "-o"),
        ("tune", "--plot"),
        ("explain", "a", "b", "-o"),
        ("pull", "s3://bucket/run"),
    ],
)
def test_nothing_is_written_to_an_address(run, scanned, command, address):
    before = sorted(scanned.iterdir())
    one_line(run(*command, address, code=2), address, "is an address")
    assert sorted(scanned.iterdir()) == before


def test_an_address_that_lacks_a_slash_is_no_run_folder(run, scanned):
    one_line(run("scan", "in", "--run", "s3:/bucket/run", code=2), "s3:/bucket/run", "two slashes")
    assert not (scanned / "s3:").exists()
