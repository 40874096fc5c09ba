"""Sizes: many files, long lines, large files; memory is that of the process, at its peak.

DEDUP_FILES is the number of files in one folder (200,000 by hand; fewer in continuous integration).
"""

import json
import os

import pytest

from ..conftest import POST

FILES = int(os.environ.get("DEDUP_FILES", "20000"))
BOUND = 700 << 20


@pytest.fixture
def large(tmp_path):
    """A folder with room for sparse and long files, which are removed at once after the test."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text(POST)
    yield tmp_path
    for path in (tmp_path / "in").iterdir():
        path.unlink()


@pytest.mark.slow
def test_many_files_in_one_folder_are_scanned_and_listed(warm, large):
    for i in range(FILES):
        (large / f"in/{i:06}.txt").write_bytes(
            b"The file with the number %d holds no other text than this one." % (i % 1000)
        )
    done = warm("scan", "in", "--json", cwd=large, timeout=600)
    assert done.code == 0, done.err
    counts = done.json["documents"]
    assert counts["seen"] == FILES + 1 == counts["kept"] + counts["dropped"]
    kept = warm("export", "keep", cwd=large).out.splitlines()
    assert len(kept) == counts["kept"]
    print(f"\n{FILES} files in one folder: {done.seconds:.1f} s, {done.rss >> 20} MB")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["long.txt", "long.jsonl"])
def test_a_line_of_a_gigabyte_is_set_aside_in_bounded_memory(warm, large, name):
    with open(large / "in" / name, "wb") as f:
        f.write(b'{"text": "')
        for _ in range(1024):
            f.write(b"lorem ip " * 116_509)
        f.write(b'"}\n' + json.dumps({"text": POST[::-1]}).encode() + b"\n")
    done = warm("scan", "in", "--json", cwd=large, timeout=300)
    assert done.code == 2, done.err
    assert done.json["set_aside"]["reasons"] == {"too large": 1}
    assert done.json["documents"]["kept"] == (2 if name.endswith("jsonl") else 1)
    assert done.json["bytes"]["seen"] > 1 << 30
    assert done.rss < BOUND
    print(f"\n1 GB line in {name}: {done.seconds:.1f} s, {done.rss >> 20} MB")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sparse.txt", "sparse.jsonl", "sparse.tar", "sparse.zip"])
def test_a_file_of_four_gigabytes_is_set_aside_in_bounded_memory(warm, large, name):
    with open(large / "in" / name, "wb") as f:
        f.truncate(4 << 30)
    done = warm("scan", "in", "--json", cwd=large, timeout=300)
    assert done.json["documents"]["kept"] == 1
    assert done.rss < BOUND
    assert done.code == (0 if name.endswith("tar") else 2)  # a tar may be nothing but zeros
    print(f"\n4 GB in {name}: {done.seconds:.1f} s, {done.rss >> 20} MB")


@pytest.mark.slow
def test_many_lines_in_four_gigabytes_of_holes_are_read_in_bounded_memory(warm, large):
    with open(large / "in/rows.jsonl", "wb") as f:
        for i in range(3):
            f.write(b"\n" + json.dumps({"text": f"{POST[i * 50 :]} {i}"}).encode() + b"\n")
            f.seek(1 << 30, os.SEEK_CUR)
        f.write(b"\n" + json.dumps({"text": POST[::-1]}).encode())
    done = warm("scan", "in", "--json", cwd=large, timeout=300)
    assert done.json["set_aside"]["reasons"] == {"too large": 3}
    assert done.json["documents"]["seen"] == 1 + 3 + 3 + 1
    assert done.rss < BOUND
