"""URLs: what is found there, what goes wrong, and that credentials stay in memory."""

from __future__ import annotations

import base64
import gzip
import io
import json
import subprocess
import sys
import threading
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import dedup
from dedup.core.errors import BadInput
from dedup.readers.storage import urls
from dedup.readers.storage.reasons import reason
from dedup.readers.storage.url_files import UrlFile
from dedup.reports.documents import find
from dedup.reports.lists.corpus import export_corpus

from ..conftest import OTHER, POST

LINES = "".join(json.dumps({"text": f"{OTHER} Number {i}."}) + "\n" for i in range(2000)).encode()
SOME = LINES.index(b"\n", LINES.index(b"Number 3")) + 1


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://me:pw@host/a.txt", "https://host/a.txt"),
        ("https://token@host:8080/a.txt#top", "https://host:8080/a.txt"),
        ("https://host/a?X-Amz-Signature=abc&X-Amz-Credential=AKIA&id=1",
         "https://host/a?X-Amz-Signature=...&X-Amz-Credential=...&id=1"),
        ("https://host/a?access_token=abc&page=2", "https://host/a?access_token=...&page=2"),
        ("https://host/a?sv=2022&sig=abc", "https://host/a?sv=2022&sig=..."),
        ("s3://key:secret@bucket/x?region=eu-west-1", "s3://bucket/x"),
        ("s3://bucket/x/file?.txt", "s3://bucket/x/file?.txt"),
        ("s3://key:sec/ret@bucket/x", "s3://..."),
        ("abfss://c@acct.dfs.core.windows.net/x", "abfss://c@acct.dfs.core.windows.net/x"),
        ("hdfs://me@host:8020/x", "hdfs://me@host:8020/x"),
        ("s3:/no/url", "s3:/no/url"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_credentials(given, shown):
    assert urls.clean(given.encode()) == shown.encode()


def test_two_urls_that_differ_in_a_secret_only_have_two_names():
    first, second = (urls.clean(b"https://twins/a?token=%d" % i) for i in (1, 2))
    assert (first, second) == (b"https://twins/a?token=...", b"https://twins/a?token=...#2")
    assert urls.clean(b"https://twins/a?token=1") == first


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("AWS Error NO_SUCH_BUCKET during HeadBucket operation: The bucket"), "no such bucket"),
        (OSError("AWS Error ACCESS_DENIED during ListObjectsV2 operation: No"), "access denied"),
        (
            OSError("AWS Error NETWORK_CONNECTION: curlCode: 6, Could not resolve hostname"),
            "name of the host",
        ),
        (OSError("google::cloud::Status(UNAVAILABLE: CURL error [7]=Could not connect"), "cannot be reached"),
        (TimeoutError(), "no answer"),
    ],
)
def test_what_a_library_raises_becomes_a_few_words(error, words):
    assert words in reason(error)


def test_what_a_library_says_is_told_without_addresses():
    assert "pw" not in reason(ValueError("failed at https://me:pw@host/x?sig=pw while dancing"))


def test_without_fsspec_the_line_names_the_command_that_installs_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    line = run("scan", "https://no-fsspec.invalid/a.txt", code=2).stderr
    assert "https://no-fsspec.invalid/a.txt" in line
    assert "pip install 'dedup[remote]'" in line


def test_a_scan_of_files_loads_nothing_for_urls(files):
    folder = files({"a.txt": POST})
    code = (
        "import sys; from dedup.readers.registry import kind_of; "
        "from dedup.readers.discover import find_sources;"
        f"find_sources([{bytes(folder)!r}], kind_of, b'', False);"
        "print({'fsspec', 'aiohttp', 'pyarrow.fs', 'pyarrow._s3fs'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stdout == b"set()\n"


def test_a_file_url_is_the_file(run, files):
    folder = files({"a b.txt": POST})
    run("scan", f"file://{folder}/a%20b.txt")
    assert run("export", "keep").lines == [f"{folder}/a b.txt"]


# ------------------------------------------------------------------ the web


class Web(ThreadingHTTPServer):
    """A server on this machine; `pages` are path -> (status, bytes); what it was asked is in `asked`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages: dict[str, bytes] = {}
        self.cut: set[str] = set()  # paths whose answer breaks off halfway
        self.sizeless: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.version = "1"
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """Knows no ranges, as many servers do."""

    server: Web
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, body: bool = True) -> None:
        path = self.path
        self.server.asked.append((self.command, path))
        user = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "))
        data = self.server.pages.get(path)
        wanted = path.startswith("/private") and user != b"me:pw"
        self.send_response(403 if wanted else 404 if data is None else 200)
        data = b"" if wanted or data is None else data
        self.close_connection = True
        if path in self.server.sizeless:
            if self.server.version:
                self.send_header("ETag", self.server.version)
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Last-Modified", f"Sun, 22 Nov 2026 06:00:0{self.server.version} GMT")
        self.end_headers()
        if body and path in self.server.sizeless:
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
        elif body:
            self.wfile.write(data[: len(data) // 2] if path in self.server.cut else data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web():
    for package in ("fsspec", "aiohttp"):
        pytest.importorskip(package, reason=f"{package} is not here: pip install 'dedup[remote]'")
    server = Web()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_of_the_web_are_documents_by_their_suffix(run, web):
    web.pages = {
        "/a.txt": POST.encode(),
        "/b.jsonl.gz?page=2": gzip.compress(LINES),
        "/c.zip": zipped(**{"d.txt": POST.upper().encode(), "e.jsonl": LINES[:SOME]}),
    }
    run("scan", *(web.url + path for path in web.pages))
    keep = run("export", "keep").lines
    assert f"{web.url}/b.jsonl.gz?page=2:1" in keep
    drop = run("export", "drop", "--format", "jsonl").jsonl
    (dropped,) = [row for row in drop if row["path"].endswith("d.txt")]
    assert (dropped["path"], dropped["witness"], dropped["relation"]) == (
        f"{web.url}/c.zip!d.txt",
        f"{web.url}/a.txt",
        "case",
    )


def test_the_others_are_scanned_when_one_url_is_not_there(run, web):
    web.pages = {"/a.txt": POST.encode(), "/private/x.txt": b"x"}
    told = run(
        *("scan", f"{web.url}/a.txt", f"{web.url}/none.txt", f"{web.url}/private/x.txt"),
        *("http://127.0.0.1:9/x.txt", "https://nowhere.invalid/x.txt"),
        code=2,
    ).stderr
    for line in (
        f"{web.url}/none.txt: there is nothing at this address",
        f"{web.url}/private/x.txt: access denied",
        "http://127.0.0.1:9/x.txt: the host cannot be reached",
        "https://nowhere.invalid/x.txt: the ",
    ):
        assert line in told
    assert run("export", "keep").lines == [f"{web.url}/a.txt"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.zip", "a.tar"])
def test_a_text_that_is_cut_off_is_unreadable(run, web, name):
    text = POST * 200
    data = {"a.txt": text.encode(), "a.txt.gz": gzip.compress(text.encode())}.get(
        name, zipped(x=text.encode())
    )
    web.pages, web.cut = {f"/{name}": data, "/whole.txt": OTHER.encode()}, {f"/{name}"}
    run("scan", f"{web.url}/{name}", f"{web.url}/whole.txt", code=2)
    (row,) = run("export", "set-aside", "--format", "jsonl").jsonl
    assert row["reason"] == "unreadable"
    assert row["path"].startswith(f"{web.url}/a.")


def test_of_records_that_are_cut_off_those_before_are_kept_and_the_loss_is_told(run, web):
    lines = (json.dumps({"text": OTHER * 100 + str(i)}) + "\n" for i in range(200))
    web.pages, web.cut = {"/b.jsonl": "".join(lines).encode()}, {"/b.jsonl"}
    told = run("scan", f"{web.url}/b.jsonl", code=2).stderr
    assert "the rest is lost" in told
    seen = run("export", "set-aside", "--format", "jsonl").jsonl
    assert [row["reason"] for row in seen] == ["unreadable"]
    assert int(seen[0]["path"].rpartition(":")[2]) > 50


def test_a_pattern_finds_the_links_of_a_page(run, web):
    web.pages = {"/x/a.txt": POST.encode(), "/x/b.txt": OTHER.encode(), "/x/c.html": b"<p>no"}
    links = "".join(
        f'<a href="{p}">it</a>' for p in ("a.txt", "b.txt", "c.html", "http://other.invalid/d.txt")
    )
    web.pages["/x/"] = f"<html>{links}</html>".encode()
    run("scan", f"{web.url}/x/*.txt")
    assert run("export", "keep").lines == [f"{web.url}/x/a.txt", f"{web.url}/x/b.txt"]


@pytest.mark.parametrize("sizeless", [False, True])
def test_a_page_that_changes_during_the_scan_is_set_aside(web, sizeless):
    web.pages = {"/a.txt": POST.encode()}
    web.sizeless = {"/a.txt"} if sizeless else set()

    def progress(stage, *_):
        if stage == "candidates":
            web.version = "2"

    result = dedup.scan(f"{web.url}/a.txt", progress=progress)
    assert result.summary["set_aside"]["reasons"] == {"changed while read": 1}
    assert dedup.scan(f"{web.url}/a.txt").keep() == [f"{web.url}/a.txt"]


def test_a_second_scan_reads_no_page_that_is_as_it_was(run, web):
    web.pages = {"/a.txt": POST.encode(), "/b.txt": OTHER.encode()}
    web.sizeless = {"/b.txt"}
    urls = [f"{web.url}/a.txt", f"{web.url}/b.txt"]
    run("scan", *urls)
    web.asked.clear()
    assert "nothing has changed" in run("scan", *urls).stderr
    assert ("GET", "/a.txt") not in web.asked
    web.version = "2"
    assert "nothing has changed" not in run("scan", *urls).stderr


def test_a_page_that_tells_neither_time_nor_version_is_read_again(run, web):
    web.pages, web.sizeless, web.version = {"/a.txt": POST.encode()}, {"/a.txt"}, ""
    run("scan", f"{web.url}/a.txt")
    web.pages["/a.txt"] = OTHER.encode()
    run("scan", f"{web.url}/a.txt")
    assert dedup.open_run(Path(".dedup")).documents.n_bytes.tolist() == [len(OTHER)]


def test_documents_of_the_web_are_explained_shown_and_copied(run, web, tmp_path):
    web.pages = {"/x/a.txt": POST.encode(), "/x/b.txt": POST.upper().encode(), "/x/c.jsonl": LINES[:SOME]}
    run("scan", *(web.url + path for path in web.pages))
    told = run("explain", f"{web.url}/x/a.txt", f"{web.url}/x/b.txt", "--format", "json").json
    assert told["relation"] == "case"
    assert POST[:40] in run("show", "1").stdout
    assert "copied" in run("export", "corpus", "--to", "out", "--mode", "symlink", code=2).stderr
    run("export", "corpus", "--to", "out")
    assert (tmp_path / "out" / "a.txt").read_text() == POST
    web.pages.pop("/x/a.txt")
    assert (
        "has gone since the scan" in run("explain", f"{web.url}/x/a.txt", f"{web.url}/x/b.txt", code=2).stderr
    )


def test_a_url_that_is_not_of_the_run_is_explained(run, web, files):
    web.pages = {"/c.jsonl": LINES}
    files({"a.txt": f"{OTHER} Number 1."})
    told = run("explain", "a.txt", f"{web.url}/c.jsonl:2", "--format", "json").json
    assert told["relation"] == "identical"
    assert "there is nothing" in run("explain", "a.txt", f"{web.url}/none.txt", code=2).stderr


def test_credentials_are_used_but_never_told_or_kept(run, web, tmp_path, monkeypatch):
    web.pages = {"/private/a.txt": POST.encode(), "/b.txt?token=hush": OTHER.encode()}
    bare = web.url.removeprefix("http://")
    given = [f"http://me:pw@{bare}/private/a.txt", f"{web.url}/b.txt?token=hush"]
    out = run("scan", *given, "--json")
    told = run("export", "keep").stdout + out.stdout + out.stderr
    assert run("export", "keep").lines == [f"{web.url}/b.txt?token=...", f"{web.url}/private/a.txt"]
    kept = b"".join(p.read_bytes() for p in Path(".dedup").rglob("*") if p.is_file())
    for secret in ("me:pw", "hush", "bWU6cHc"):
        assert secret not in told
        assert secret.encode() not in kept
    problem = run("scan", f"http://me:pw@{bare}/none?token=hush", f"{web.url}/b.txt?sig=hush", code=2).stderr
    assert "hush" not in problem
    assert "pw" not in problem
    run("scan", *given)
    opened = dedup.open_run(Path(".dedup"))
    assert find(given[1], opened).utf8 == OTHER.encode()
    monkeypatch.setattr(urls, "_queries", {})  # as in another process
    with pytest.raises(BadInput, match="has gone|credentials"):
        find(f"{web.url}/b.txt?token=...", opened)


# ------------------------------------------------------------------ S3


@pytest.fixture(scope="module")
def s3():
    """put(key, data) on an S3 server of this machine; put.options are those of its URLs."""
    pytest.importorskip("moto.server", reason="moto is not here: pip install 'dedup[test-remote]'")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]

    def put(key: str, data: bytes = b"") -> None:
        headers = {"Content-Type": "text/plain", "Authorization": "AWS key:signature"}
        url = f"http://127.0.0.1:{port}/{key}"
        urllib.request.urlopen(urllib.request.Request(url, data, headers, method="PUT")).close()

    put.options = f"?endpoint_override=127.0.0.1:{port}&scheme=http"
    put.endpoint = f"http://127.0.0.1:{port}"
    put("corpus")
    put("odd")
    put("odd/a//b.txt", POST.encode())
    for key, data in {
        "x/a.txt": POST.encode(),
        "x/b%20c%2520%23.txt": POST.upper().encode(),
        "x/.hidden/c.txt": b"hidden",
        "x/folder/": b"",
        "x/_SUCCESS": b"",
        "x/y_$folder$": b"",
        "x/deep/e.jsonl.gz": gzip.compress(LINES[:SOME]),
        "x/deep/z.zip": zipped(**{"in.txt": OTHER.encode()}),
        "run/run.json": b"{}",
        "run/lock": b"",
        "run/tables.parquet": b"x",
    }.items():
        put(f"corpus/{key}", data)
    yield put
    server.stop()


@pytest.fixture
def keys(monkeypatch):
    """The credentials and the endpoint as the environment has them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.slow
def test_a_bucket_is_read_with_all_that_is_below(run, s3, keys):
    summary = run("scan", f"s3://corpus/{s3.options}", "--json").json
    assert summary["skipped"] == {"hidden folder": 1, "marker of size 0": 2, "run folder": 1}
    assert summary["scanned"]["paths"] == ["s3://corpus/"]
    drop = run("export", "drop", "--format", "jsonl").jsonl
    pairs = {(row["path"], row["relation"]) for row in drop}
    assert ("s3://corpus/x/b c%20#.txt", "case") in pairs
    seen = {*run("export", "keep").lines, *(row["path"] for row in drop)}
    assert {"s3://corpus/x/deep/e.jsonl.gz:1", "s3://corpus/x/deep/z.zip!in.txt"} <= seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("x/*.txt", ["x/a.txt", "x/b c%20#.txt"]),
        ("x/?.txt", ["x/a.txt"]),
        ("x/[a-c]*.txt", ["x/a.txt", "x/b c%20#.txt"]),
        ("*/deep/*.gz", ["x/deep/e.jsonl.gz"]),
        ("**/*.gz", ["x/deep/e.jsonl.gz"]),
        ("x/**/a.txt", ["x/a.txt"]),
        ("x/de*", ["x/deep/e.jsonl.gz", "x/deep/z.zip"]),
    ],
)
def test_patterns_match_as_in_a_shell(s3, keys, pattern, found):
    result = dedup.scan(f"s3://corpus/{pattern}{s3.options}")
    assert sorted({s.path.decode().split("!")[0] for s in result.sources}) == [
        f"s3://corpus/{f}" for f in found
    ]


@pytest.mark.slow
def test_the_environment_names_the_endpoint(s3, keys, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    assert dedup.scan("s3://corpus/x/a.txt").keep() == ["s3://corpus/x/a.txt"]


@pytest.mark.slow
def test_a_problem_in_a_bucket_is_a_line(run, s3, keys):
    told = run(
        *("scan", f"s3://corpus/x/a.txt{s3.options}", f"s3://corpus/none{s3.options}"),
        f"s3://odd{s3.options}",
        *(f"s3://nobucket/x{s3.options}", f"s3://corpus/n*{s3.options}"),
        "s3://corpus/x?endpoint_override=127.0.0.1:9&scheme=http",
        code=2,
    ).stderr
    for line in (
        "s3://odd/a//b.txt: its name has an empty part",
        "s3://corpus/none: there is nothing at this address",
        "s3://nobucket/x: no such bucket",
        "s3://corpus/n*: nothing matches",
        "s3://corpus/x: the host cannot be reached",
    ):
        assert line in told
    assert run("export", "keep").lines == ["s3://corpus/x/a.txt"]


@pytest.mark.slow
def test_objects_are_explained_copied_and_told_as_changed(run, s3, keys, tmp_path):
    s3("corpus/m/a.txt", POST.encode())
    s3("corpus/m/b.txt", OTHER.encode())
    run("scan", f"s3://corpus/m/{s3.options}")
    assert run("explain", "s3://corpus/m/a.txt", "s3://corpus/m/b.txt", "--format", "json").json
    run("export", "corpus", "--to", "out")
    assert (tmp_path / "out" / "b.txt").read_text() == OTHER
    s3("corpus/m/b.txt", POST.encode() + b"!")
    written = export_corpus(dedup.open_run(Path(".dedup")), tmp_path / "again")
    assert [path for path, _ in written.problems] == ["s3://corpus/m/b.txt"]

    def progress(stage, *_):
        if stage == "candidates":
            s3("corpus/m/a.txt", b"other now")

    result = dedup.scan(f"s3://corpus/m/{s3.options}", progress=progress)
    assert [row["path"] for row in result.summary["set_aside"]["documents"]] == ["s3://corpus/m/a.txt"]


@pytest.mark.slow
def test_lists_pages_and_corpora_are_written_to_a_bucket(run, s3, keys, files, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    s3("written")
    files({"in/x/a.txt": POST, "in/b.txt": POST.upper(), "in/c.jsonl": LINES[:SOME]})
    run("scan", "in")
    run("export", "keep", "-o", "s3://written/lists/keep.csv.gz")
    run("export", "keep", "-o", "keep.csv.gz")
    assert UrlFile.of("s3://written/lists/keep.csv.gz").read_bytes() == Path("keep.csv.gz").read_bytes()
    assert "exists already" in run("export", "keep", "-o", "s3://written/lists/keep.csv.gz", code=2).stderr
    run("report", "-o", "s3://written/page.html")
    assert UrlFile.of("s3://written/page.html").read_bytes().lower().startswith(b"<!doctype html>")
    assert "-> s3://written/clean" in run("export", "corpus", "--to", "s3://written/clean").stderr
    run("export", "corpus", "--to", "clean")
    assert UrlFile.of("s3://written/clean/x/a.txt").read_bytes() == POST.encode()
    assert UrlFile.of("s3://written/clean/c.jsonl").read_bytes() == Path("clean/c.jsonl").read_bytes()
    assert "is not empty" in run("export", "corpus", "--to", "s3://written/clean", code=2).stderr
    for command in (
        ("export", "keep", "-o", "s3://nobucket/k.csv"),
        ("export", "corpus", "--to", "s3://nobucket/c"),
    ):
        assert "no such bucket" in run(*command, code=2).told[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".dedup", "clean", "in", "keep.csv.gz"]
