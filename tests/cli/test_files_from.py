"""Paths that stand in a list: --files-from."""

from __future__ import annotations

import io
import os
import sys
import time
from types import SimpleNamespace

import pytest

from dedup.cli.paths import all_paths
from dedup.core.documents import Source
from dedup.readers.discover import find_sources
from dedup.readers.registry import kind_of

from ..conftest import OTHER, POST


@pytest.fixture
def stdin(monkeypatch):
    """stdin(b"...") is what the command line reads from standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_a_list_adds_to_the_paths_given(run, files):
    files({"a.txt": POST, "b.txt": OTHER, "c.txt": "Neither of them.", "list": "\n./b.txt\r\n\n  \nc.txt"})
    run("scan", "a.txt", "--files-from", "list")
    assert run("export", "keep").lines == ["./b.txt", "a.txt", "c.txt"]


def test_a_list_may_come_from_standard_input_and_stand_alone(run, files, stdin):
    files({"a.txt": POST, "b.txt": OTHER})
    stdin(b"a.txt\nb.txt\n")
    run("scan", "--files-from", "-")
    assert run("export", "keep").lines == ["a.txt", "b.txt"]


def test_a_byte_order_mark_is_no_part_of_the_first_name(run, files, stdin):
    files({"a.txt": POST, "b.txt": OTHER})
    stdin(b"\xef\xbb\xbfa.txt\r\nb.txt\r\n")
    run("scan", "--files-from", "-")
    assert run("export", "keep").lines == ["a.txt", "b.txt"]


def test_any_name_survives(run, files, stdin):
    names = [b"a\nb.txt", b" c .txt", b"d\r", b"\xff\xfe.txt", b"-"]
    for name in names:
        with open(os.path.join(os.fsencode(files({})), name), "wb") as f:
            f.write(POST.encode())
    stdin(b"\0".join(names) + b"\0")
    run("scan", "--files-from", "-", "-0")
    shown = {b"./-" if name == b"-" else name for name in names}
    assert set(run("export", "clusters", "-0").bytes.split(b"\0")) - {b""} == shown
    stdin(b"\xff\xfe.txt\n c .txt\n")
    run("scan", "--files-from", "-")
    assert run("export", "clusters", "-0").bytes == b" c .txt\0\xff\xfe.txt\0"


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--files-from", "none"], "none: cannot be read: no such file or directory"),
        (["--files-from", "blank"], "blank: names no files"),
        (["--files-from", "blank", "-0"], "gone"),
        (["--files-from", "nul"], "give -0 as well"),
        (["-0", "a.txt"], "--files-from, which is not given"),
        ([], "nothing to scan: give PATHS"),
        (["--files-from", "-", "-"], "standard input cannot be both"),
    ],
)
def test_a_list_that_cannot_be_used_is_a_line(run, files, args, line):
    files({"blank": "\n\n", "nul": b"a.txt\0b.txt\0", "a.txt": POST})
    told = run("scan", *args, code=2).stderr
    assert len(told.splitlines()) == 1
    assert (line if line != "gone" else "no such file") in told


def test_a_path_of_the_list_that_is_missing_does_not_stop_the_scan(run, files):
    files({"a.txt": POST, "list": "a.txt\ngone.txt\n"})
    assert "gone.txt: no such file" in run("scan", "--files-from", "list", code=2).stderr
    assert run("export", "keep").lines == ["a.txt"]


def test_of_very_many_files_the_account_does_not_repeat_the_names(run, files, tmp_path):
    names = [f"t/{i}.txt" for i in range(1100)]
    files({**dict.fromkeys(names, "Some."), "list": "\n".join(names), "u/a.txt": POST})
    summary = run("scan", "u", "--files-from", "list", "--json").json
    assert summary["scanned"]["paths"] == ["u"]
    assert summary["documents"]["seen"] == 1101


def test_a_list_of_200_000_paths_is_read_and_looked_up_fast(files, tmp_path):
    files({"x/a.txt": POST, "list": "".join(f"{tmp_path}/x/./{i}/../a.txt\n" for i in range(200_000))})
    start = time.perf_counter()
    paths = all_paths((), str(tmp_path / "list"), False)
    assert len(paths) == 200_000
    assert time.perf_counter() - start < 2


def test_a_link_and_its_file_in_a_list_are_one(files):
    folder = files({"a.txt": POST})
    (folder / "link.txt").symlink_to("a.txt")
    (folder / "sub").symlink_to(".")
    given = [os.fsencode(folder / name) for name in ("a.txt", "link.txt", "sub/a.txt")]
    sources, skipped = find_sources(given, kind_of, b"", False)
    assert [type(s) for s in sources] == [Source]
    assert skipped == {"same file by another path": 2}
