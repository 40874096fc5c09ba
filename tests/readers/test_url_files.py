"""Files and folders at URLs that commands write."""

import os
from pathlib import Path

import pytest

from dedup.core.errors import BadSetting, DedupError
from dedup.readers.storage import writing
from dedup.readers.storage.url_files import UrlFile
from dedup.reports.lists import corpus

from ..conftest import OTHER, POST

fsspec = pytest.importorskip("fsspec", reason="fsspec is not here: pip install 'dedup[remote]'")


@pytest.fixture
def at(tmp_path):
    """An address in memory that no other test has used."""
    return f"memory://{tmp_path}"


@pytest.fixture
def local(tmp_path):
    path = tmp_path / "local"
    path.write_bytes(b"bytes")
    return path


def test_a_url_is_used_as_a_path_is(at, local):
    file = UrlFile.of(f"{at}/x/list.csv.gz")
    assert (file.name, file.suffix, file.stem, file.exists()) == ("list.csv.gz", ".gz", "list.csv", False)
    file.put(local)
    assert (file.exists(), file.is_file(), file.read_bytes()) == (True, True, b"bytes")
    folder = UrlFile.of(f"{at}/x/")
    assert (folder.is_file(), folder.is_empty(), str(folder)) == (False, False, f"{at}/x")
    (folder / "list.csv.gz").remove()
    assert not file.exists()


def test_credentials_in_an_address_are_not_shown():
    assert str(UrlFile.of("sftp://me:secret@host/x/y.csv")) == "sftp://host/x/y.csv"
    with pytest.raises(BadSetting) as told:
        UrlFile.of("s3://key:sec/ret@bucket/x")
    assert "ret" not in str(told.value).replace("credentials", "")


def test_a_place_that_no_library_knows_is_one_line(local):
    with pytest.raises(DedupError, match=r"^nosuch://x/y: cannot be "):
        UrlFile.of("nosuch://x/y").put(local)


def test_where_a_file_grows_under_its_name_it_gets_it_when_it_is_whole(tmp_path, local, monkeypatch):
    system = fsspec.filesystem("file")
    target = tmp_path / "to" / "x.csv"
    writing.write_by_fsspec(system, local, str(target))
    assert os.listdir(target.parent) == ["x.csv"]

    def broken(source, path, **_):
        Path(path).write_bytes(b"byt")
        raise OSError("cut")

    monkeypatch.setattr(type(system), "put_file", lambda self, source, path, **_: broken(source, path))
    with pytest.raises(OSError, match="cut"):
        writing.write_by_fsspec(system, local, str(target))
    assert (os.listdir(target.parent), target.read_bytes()) == (["x.csv"], b"bytes")


def test_a_file_of_pyarrow_gets_its_name_when_it_is_whole(tmp_path, local):
    from pyarrow import fs

    for _ in range(2):
        writing.write_by_arrow(fs.LocalFileSystem(), local, str(tmp_path / "to" / "x.gz"))
    assert os.listdir(tmp_path / "to") == ["x.gz"]
    with pytest.raises(FileNotFoundError):
        writing.write_by_arrow(fs.LocalFileSystem(), tmp_path / "none", str(tmp_path / "to" / "x.gz"))
    assert (os.listdir(tmp_path / "to"), (tmp_path / "to" / "x.gz").read_bytes()) == (["x.gz"], b"bytes")


class Store:
    """A folder that says it is a store, where files are written under their names at once."""

    type_name = "s3"

    def __init__(self, system):
        self.open_output_stream = system.open_output_stream


def test_what_is_packed_goes_to_a_store_as_it_is(tmp_path, local):
    from pyarrow import fs

    writing.write_by_arrow(Store(fs.LocalFileSystem()), local, str(tmp_path / "x.gz"))
    assert (tmp_path / "x.gz").read_bytes() == b"bytes"


# ------------------------------------------------------------------ corpora


@pytest.fixture
def scanned(run, files):
    files({"in/x/a.txt": POST, "in/b.jsonl": f'{{"text": "{OTHER}", "id": 7}}\n', "in/c.txt": POST.upper()})
    run("scan", "in")
    return run


def below(at):
    system, path = fsspec.core.url_to_fs(at)
    return {name.removeprefix(path): system.cat_file(name) for name in system.find(path)}


def test_a_corpus_is_written_to_an_address(scanned, at):
    told = scanned("export", "corpus", "--to", at).stderr
    assert f"2 documents in 2 files -> {at}" in told
    assert below(at) == {"/x/a.txt": POST.encode(), "/b.jsonl": Path("in/b.jsonl").read_bytes()}
    assert "is not empty" in scanned("export", "corpus", "--to", at, code=2).stderr
    scanned("export", "corpus", "--to", at, "--force")
    assert "--mode copy" in scanned("export", "corpus", "--to", f"{at}/2", "--mode", "symlink", code=2).stderr
    assert sorted(os.listdir()) == [".dedup", "in"]


def test_a_corpus_of_which_a_file_does_not_arrive_leaves_nothing_at_its_address(scanned, at, monkeypatch):
    put_now = UrlFile.put_now

    def broken(self, local):
        if self.name == "a.txt":
            raise DedupError(f"{self}: cannot be written: the host cannot be reached")
        put_now(self, local)

    monkeypatch.setattr(UrlFile, "put_now", broken)
    told = scanned("export", "corpus", "--to", at, code=2).told
    assert told == [f"dedup: {at}/x/a.txt: cannot be written: the host cannot be reached"]
    assert below(at) == {}


def test_what_check_leaves_is_written_to_an_address_or_not_at_all(scanned, files, at, monkeypatch):
    files({"new/a.txt": POST.lower(), "new/b.txt": OTHER[::-1], "new/c.txt": POST[::-1]})
    scanned("check", "new", "--to", f"{at}/new", "--report", f"{at}/report.jsonl", code=1)
    assert below(at).keys() == {"/new/b.txt", "/new/c.txt", "/report.jsonl"}
    assert "is not empty" in scanned("check", "new", "--to", f"{at}/new", code=2).stderr
    real = corpus.unchanged
    monkeypatch.setattr(corpus, "unchanged", lambda source: real(source) and b"c.txt" not in source.path)
    told = scanned("check", "new", "--to", f"{at}/again", code=2).told
    assert (
        f"new/c.txt: has changed or gone since the scan; scan again; nothing was written to {at}/again"
        in told[-1]
    )
    assert below(f"{at}/again") == {}


def test_a_corpus_at_an_address_stays_apart_from_the_input(run, at):
    for name, text in {"in/a.txt": POST, "in/b.txt": OTHER}.items():
        with fsspec.open(f"{at}/{name}", "w") as stream:
            stream.write(text)
    run("scan", f"{at}/in")
    for to, why in ((f"{at}/in/clean", "lies in the input"), (at, "holds the source")):
        assert why in run("export", "corpus", "--to", to, "--force", code=2).stderr
    run("export", "corpus", "--to", f"{at}/clean")
    assert sorted(below(f"{at}/clean")) == ["/a.txt", "/b.txt"]
