"""Where documents come from: encodings, packed files, archives, pipes, patterns; lines cut into parts."""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import tarfile
import threading
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.core.documents import STATUS
from dedup.readers.base import Options
from dedup.readers.formats import jsonl
from dedup.readers.storage import streams
from dedup.readers.storage.streams import unpacked

from ..conftest import OTHER, POST

CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, a nikdo z přítomných nevěděl proč. " * 4


def rows_of(texts) -> str:
    return "".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)


def names(run) -> list[str]:
    return [os.fsdecode(n) for n in run.names]


# ------------------------------------------------------------------ encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "cp1250"])
def test_json_lines_of_any_encoding_are_read(files, encoding):
    folder = files({"a.jsonl": rows_of([CZECH, OTHER]).encode(encoding), "b.txt": CZECH})
    run = dedup.scan([folder / "a.jsonl", folder / "b.txt"])
    assert run.summary["documents"] == {"seen": 3, "kept": 2, "dropped": 1, "set_aside": 0}
    assert [m.relation for m in run.drop()] == ["identical"]
    assert run.documents.encoding[0].split(" ")[0] in ("utf-8", "cp1250")


def test_the_encoding_asked_for_is_not_questioned_and_a_wrong_one_loses_nothing(files):
    folder = files({"in/a.txt": CZECH.encode("iso8859-2"), "in/b.txt": CZECH})
    run = dedup.scan(folder / "in/a.txt", encoding="iso8859-2")
    assert run.documents.encoding == ["iso8859-2"]
    assert run.documents.n_letters.tolist() == dedup.scan(folder / "in/b.txt").documents.n_letters.tolist()
    wrong = dedup.scan(folder / "in", encoding="ascii")
    assert wrong.summary["documents"]["set_aside"] == 0
    with pytest.raises(dedup.DedupError, match="no text encoding"):
        dedup.scan(folder / "in", encoding="klingon")
    with pytest.raises(dedup.DedupError, match="no text encoding"):
        dedup.scan(folder / "in", encoding="base64")


# ------------------------------------------------------------------ packed files and archives

PACK = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
}


@pytest.mark.parametrize("codec", PACK)
def test_a_packed_file_is_read_as_if_it_were_not(run, files, codec):
    pack = PACK[codec]
    rows = rows_of([OTHER, POST.upper(), POST + " and more of it"]).encode()
    files(
        {
            "in/a.txt": POST,
            f"in/b.jsonl.{codec}": pack(rows[:200]) + pack(rows[200:]),
            f"in/c.txt.{codec}": pack(OTHER.encode()),
        }
    )
    run("scan", "in")
    assert run("export", "keep").lines == [f"in/b.jsonl.{codec}:1", f"in/b.jsonl.{codec}:3"]
    assert run("explain", f"in/b.jsonl.{codec}:2", "in/a.txt", "--format", "json").json["relation"] == "case"


@pytest.fixture(scope="module")
def packed_rows():
    """Codec -> 300 rows that do not pack well, packed."""
    noise = random.Random(1)
    rows = rows_of([f"{POST} {noise.randbytes(3000).hex()}" for _ in range(300)]).encode()
    return {codec: pack(rows) for codec, pack in PACK.items()}


@pytest.mark.parametrize("codec", PACK)
@pytest.mark.parametrize(
    "share",
    [0.5, 0.999, pytest.param(0.1, marks=pytest.mark.slow), pytest.param(0.9, marks=pytest.mark.slow)],
)
def test_a_packed_file_that_is_cut_off_is_told_and_what_came_before_is_kept(
    run, files, packed_rows, codec, share
):
    packed = packed_rows[codec]
    files({f"a.jsonl.{codec}": packed[: int(share * len(packed))], "b.txt": OTHER})
    outcome = run("scan", f"a.jsonl.{codec}", "b.txt", "-q", code=2)
    (line,) = outcome.stderr.splitlines()[:1]
    assert f"a.jsonl.{codec}" in line
    assert "cut off" in line or "runcated" in line
    ledger = json.loads(Path(".dedup/run.json").read_text())["documents"]
    assert ledger["set_aside"] == 1
    if codec in ("gz", "zst") and share >= 0.5:
        assert ledger["seen"] > 100


def test_members_of_archives_are_documents_among_files(run, files):
    folder = files({"in/a.txt": POST})
    with zipfile.ZipFile(folder / "in/z.zip", "w") as z:
        for name, text in (("sub/b.txt", POST.lower()), ("c.jsonl", rows_of([OTHER])), ("__MACOSX/x", "x")):
            z.writestr(name, text)
        z.writestr("d.txt.gz", gzip.compress(OTHER.encode()))
        z.writestr("inner.zip", b"PK\x03\x04 not unpacked again")
    for mode in ("gz", "bz2", "xz"):
        with tarfile.open(folder / f"in/t.tar.{mode}", f"w:{mode}") as t:
            for name, text in (("same.txt", mode + OTHER), ("same.txt", mode + POST)):
                info = tarfile.TarInfo(name)
                info.size = len(text)
                t.addfile(info, io.BytesIO(text.encode()))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            t.addfile(link)
    run("scan", "in")
    found = run("export", "clusters", "--format", "jsonl").jsonl
    paths = {r["path"] for r in found}
    tars = {f"in/t.tar.{m}!same.txt{n}" for m in ("gz", "bz2", "xz") for n in ("", "#2")}
    assert paths == {"in/a.txt", "in/z.zip!sub/b.txt", "in/z.zip!c.jsonl:1", "in/z.zip!d.txt.gz", *tars}
    aside = run("export", "set-aside", "--format", "jsonl").jsonl
    assert [(r["path"], r["reason"]) for r in aside] == [("in/z.zip!inner.zip", "binary")]
    assert run("explain", "in/a.txt", "in/z.zip!sub/b.txt", "--format", "json").json["relation"] == "case"


def test_an_archive_that_is_cut_off_is_told_with_what_could_be_read(run, files):
    folder = files({"b.txt": OTHER})
    with tarfile.open(folder / "a.tar.gz", "w:gz") as t:
        for i in range(40):
            data = f"{POST} {os.urandom(4000).hex()} {i}".encode()
            info = tarfile.TarInfo(f"{i}.txt")
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    whole = (folder / "a.tar.gz").read_bytes()
    (folder / "a.tar.gz").write_bytes(whole[: len(whole) // 2])
    outcome = run("scan", "a.tar.gz", "b.txt", "--json", code=2)
    assert 10 < outcome.json["documents"]["seen"] < 30
    assert "the rest is lost" in outcome.stderr
    (folder / "no.zip").write_bytes(b"no archive at all")
    assert "no.zip" in run("scan", "no.zip", "b.txt", code=2).stderr


def test_a_bomb_is_set_aside_before_it_bursts(monkeypatch, run, files):
    from dedup.readers.storage import streams

    monkeypatch.setattr(streams, "FREE_BYTES", 1 << 20)
    bomb = gzip.compress(b"\0" * (40 << 20))
    files({"a.jsonl.gz": bomb, "b.txt": POST})
    outcome = run("scan", "a.jsonl.gz", "b.txt", "--max-document-size", "1MB", code=2)
    assert "unpacks to more than 1000 times its size" in outcome.stderr


def test_a_packed_stream_goes_back_by_starting_again():
    data = bytes(range(256)) * 4000
    for codec, pack in PACK.items():
        with unpacked(lambda pack=pack: io.BytesIO(pack(data)), codec, len(data)) as stream:
            assert stream.read(10) == data[:10]
            for at in (500_000, 7, 900_000, 0):
                stream.seek(at)
                assert stream.read(300) == data[at : at + 300]


# ------------------------------------------------------------------ places


def test_a_pattern_that_the_shell_leaves_alone_is_matched(run, files):
    files({"in/a/1.txt": POST, "in/b/2.txt": OTHER, "in/b/3.md": "another text altogether, it is"})
    run("scan", "in/**/*.txt")
    assert run("export", "keep").lines == ["in/a/1.txt", "in/b/2.txt"]
    assert "in/*.doc" in run("scan", "in/*.doc", code=2).stderr


def test_a_pipe_that_is_given_is_read_and_one_in_the_tree_is_passed_over(run, files):
    folder = files({"in/a.txt": POST})
    os.mkfifo(folder / "in/pipe")
    os.mkfifo(folder / "given")
    writer = threading.Thread(target=lambda: (folder / "given").write_text(POST.lower()))
    writer.start()
    outcome = run("scan", "in", "given", "--json")
    writer.join()
    assert outcome.json["documents"] == {"seen": 2, "kept": 1, "dropped": 1, "set_aside": 0}
    assert outcome.json["skipped"] == {"not a regular file": 1}


def test_packed_json_lines_on_standard_input_are_known_by_their_first_bytes(warm, files):
    folder = files({"a.gz": gzip.compress(rows_of([POST, OTHER, POST]).encode())})
    done = warm("scan", "-", "--json", cwd=folder, stdin="a.gz")
    assert done.json["documents"] == {"seen": 3, "kept": 2, "dropped": 1, "set_aside": 0}


# ------------------------------------------------------------------ lines


@given(
    st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b" ")), max_size=12), st.integers(1, 30)
)
def test_lines_are_the_same_however_the_stream_is_cut(lines, max_bytes):
    data = b"\n".join(lines)

    class Short(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 7) if size >= 0 else size)

    options = Options("text", max_bytes=max_bytes)
    from dedup.readers import base

    found, before = [], 0
    size, base.CHUNK_BYTES = base.CHUNK_BYTES, 16
    try:
        for part in jsonl.chunks(Short(data), 0, options):
            records, _, n = jsonl.records(part, options)
            found += [(before + r.line, r.offset, STATUS[r.status]) for r in records]
            before += n
    finally:
        base.CHUNK_BYTES = size
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return
    offset, expected = 0, []
    for number, line in enumerate(lines):
        if line and (not line.isspace() or len(line) > max_bytes):  # what is too long is not looked at
            expected.append((number, offset, "too large" if len(line) > max_bytes else "bad record"))
        offset += len(line) + 1
    assert found == expected


def before_the_cut(packed: bytes, codec: str) -> bytes:
    """What a packed file that is cut off holds: read by larger steps, then the last of it byte by byte."""
    out = b""
    for step in (4096, 64, 1):
        stream = streams.CODECS[codec](io.BytesIO(packed))
        read = getattr(stream, "read1", stream.read)
        n = 0
        try:
            while data := read(min(4096, len(out) - n) if n < len(out) else step):
                n += len(data)
                out += data if n > len(out) else b""
        except (EOFError, OSError):
            pass
    return out


@pytest.mark.parametrize("codec", PACK)
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_all_whole_rows_before_the_cut_of_a_packed_file_are_read(files, codec, kind):
    rng = random.Random(7)
    rows = [" ".join(rng.choices(POST.split(), k=30)) for _ in range(900)]
    if kind == "jsonl":
        data = rows_of(rows).encode()
    else:
        data = "".join(f"{line}\n" for line in ["text", *(f'"{row}"' for row in rows)]).encode()
    packed = PACK[codec](data)
    for share in (0.5, 0.9, 0.999):
        cut = packed[: int(share * len(packed))]
        there = before_the_cut(cut, codec)
        assert data.startswith(there)
        whole = max(0, there.count(b"\n") - (kind == "csv"))
        run = dedup.scan(files({f"a.{kind}.{codec}": cut}) / f"a.{kind}.{codec}")
        notes = [n for n in run.documents.note if n]
        assert (len(run.documents) - 1, len(notes)) == (whole, 1)
        assert "the rest is lost" in notes[0] or not there
