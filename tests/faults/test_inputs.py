"""Inputs that change, hide, block or lie."""

import gzip
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile

import pytest

import dedup
from dedup.pipeline import ingest
from dedup.pipeline import scan as flow
from dedup.pipeline import sources as pipeline_sources
from dedup.readers.storage import sources

from ..conftest import OTHER, POST

PAIR = {"in/a.txt": POST, "in/b.txt": POST.upper(), "in/c.txt": OTHER}


def damage(path, how):
    """A change to a file: its time is that of now, as always when a file is written."""
    data = path.read_bytes()
    if how == "vanishes":
        path.unlink()
    elif how == "grows":
        path.write_bytes(data + b" and more of it\n")
    elif how == "shrinks":
        path.write_bytes(data[: len(data) // 2])
    elif how == "changes":
        path.write_bytes(data[::-1])
        os.utime(path, ns=(1, time.time_ns()))
    elif how == "becomes a pipe":
        path.unlink()
        os.mkfifo(path)
    else:
        path.unlink()
        path.mkdir()


GAPS = {
    "listing and pass": (pipeline_sources, "find_sources"),
    "pass and verification": (ingest, "read_and_sign"),
    "verification and end": (flow, "find_duplicates"),
}


@pytest.mark.parametrize(
    "how", ["vanishes", "grows", "shrinks", "changes", "becomes a pipe", "becomes a folder"]
)
@pytest.mark.parametrize("gap", GAPS)
def test_a_file_that_changes_in_any_gap_is_set_aside_and_the_rest_is_judged(files, monkeypatch, gap, how):
    rows = "".join(json.dumps({"text": t}) + "\n" for t in (OTHER[::-1], POST[::-1]))
    folder = files({**PAIR, "in/rows.jsonl": rows, "in/zz.txt": OTHER.lower()})
    place, name = GAPS[gap]
    before, changed = getattr(place, name), []

    def then_change(*args, **more):
        done = before(*args, **more)
        if not changed:
            changed.append(1)
            for victim in ("b.txt", "rows.jsonl"):
                damage(folder / "in" / victim, how)
        return done

    monkeypatch.setattr(place, name, then_change)
    signal.alarm(60)  # a pipe that blocked would block for ever
    run = dedup.scan(folder / "in", run=folder / "r")
    signal.alarm(0)
    assert [os.path.basename(k) for k in run.keep()] == ["a.txt", "c.txt"]
    assert [os.path.basename(m.path) for m in run.drop()] == ["zz.txt"]
    counts = run.summary["documents"]
    assert counts["seen"] == counts["kept"] + counts["dropped"] + counts["set_aside"]
    assert set(run.summary["set_aside"]["reasons"]) <= {"changed while read", "unreadable", "bad record"}
    assert dedup.open_run(folder / "r").keep() == run.keep()


def test_permission_denied_is_told_of_files_and_folders(warm, open_folder):
    for name in ("a.txt", "b.txt", "closed/c.txt"):
        path = open_folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(POST)
    (open_folder / "in/b.txt").chmod(0)
    (open_folder / "in/closed").chmod(0)
    user = {"user": 65534} if os.geteuid() == 0 else {}
    done = warm("scan", "in", "--run", "r", cwd=open_folder, **user)
    assert done.code == 2
    assert done.told == [
        "dedup: in/b.txt: permission denied",
        "dedup: in/closed: permission denied",
    ]
    assert "seen 3 = kept 1 + dropped 0 + set aside 2" in done.out
    (open_folder / "in/closed").chmod(0o755)


@pytest.mark.parametrize("command", ["scan", "list", "corpus", "explain"])
def test_a_folder_that_cannot_be_written_is_told_in_one_line(warm, open_folder, command):
    (open_folder / "in").mkdir()
    (open_folder / "in/a.txt").write_text(POST)
    assert warm("scan", "in", cwd=open_folder).code == 0
    (open_folder / "no").mkdir(mode=0o555)
    args = {
        "scan": ("scan", "in", "--run", "no/r"),
        "list": ("export", "keep", "-o", "no/list"),
        "corpus": ("export", "corpus", "--to", "no/out"),
        "explain": ("explain", "in/a.txt", "in/a.txt", "-o", "no/page.html"),
    }[command]
    user = {"user": 65534} if os.geteuid() == 0 else {}
    done = warm(*args, cwd=open_folder, **user)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line.startswith("dedup: no/")
    assert "permission denied" in line.lower()
    assert os.listdir(open_folder / "no") == []


@pytest.mark.parametrize("follow", [[], ["--follow-links"]])
def test_loops_of_links_end(run, files, follow):
    folder = files(PAIR)
    (folder / "in/up").symlink_to("..")
    (folder / "in/self").symlink_to("self")
    (folder / "in/one").symlink_to("two")
    (folder / "in/two").symlink_to("one")
    (folder / "in/deep").mkdir()
    (folder / "in/deep/top").symlink_to(folder / "in")
    (folder / "in/gone.txt").symlink_to("nowhere")
    summary = run("scan", "in", "--json", *follow, code=2 if follow else 0).json
    assert summary["documents"]["kept"] == 2
    assert summary["documents"]["dropped"] == 1
    if not follow:
        assert summary["skipped"] == {"symbolic link": 6}
        assert summary["documents"]["seen"] == 3


def test_pipes_sockets_and_devices_in_a_folder_are_skipped_and_do_not_block(run, files):
    folder = files(PAIR)
    os.mkfifo(folder / "in/pipe.txt")
    os.mkfifo(folder / "in/rows.jsonl")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("in/socket")
        n = 3
        if os.geteuid() == 0:
            os.mknod("in/zero", 0o600 | 0o020000, os.makedev(1, 5))
            n = 4
        signal.alarm(60)
        summary = run("scan", "in", "--json").json
        signal.alarm(0)
    assert summary["skipped"] == {"not a regular file": n}
    assert summary["documents"]["seen"] == 3
    assert "no files" in run("scan", "/dev/zero", code=2).stderr


def test_a_pipe_that_took_the_place_of_a_file_does_not_block(files):
    folder = files(PAIR)
    source = pipeline_sources.find_sources(
        [os.fsencode(folder / "in/a.txt")], pipeline_sources.kind_of, b"", False
    )[0][0]
    damage(folder / "in/a.txt", "becomes a pipe")
    signal.alarm(30)
    with pytest.raises(OSError, match="regular file"):
        sources.open_file(source)
    signal.alarm(0)


# ------------------------------------------------------------------ names

NAMES = [
    b"new\nline",
    b"\xff\xfe\x80",
    b"tab\t",
    b"\x1b[31mred\x07",
    "\u202eabc\u2066".encode(),
    b"'; rm -rf $(x) #",
]
NAMES += [b"-rf", b"=1+1", b" lead", b"a:1", b"<b>&amp;", b"\xed\xa0\x80", b"\r", b"x!y.zip", b"\x9b31m"]


def prose(seed):
    """Words that no other text has."""
    chance = random.Random(str(seed))
    return " ".join("".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(40))


@pytest.fixture
def odd(run, tmp_path):
    """A scanned folder of files with odd names, each with a copy that is dropped for it, and JSON Lines."""
    os.mkdir("in")
    for i, name in enumerate(NAMES):
        for path in (b"in/" + name + b".txt", b"in/" + name + b".txt~"):
            with open(path, "w") as f:
                f.write(prose(i))
        with open(b"in/" + name + b".jsonl", "w") as f:
            f.write(json.dumps({"text": prose(f"row {i}")}) + "\n" + json.dumps({"text": "short"}) + "\n")
    run("scan", "in")
    return run


def test_odd_names_survive_every_list(odd):
    names = {b"in/" + n + b".txt" for n in NAMES} | {b"in/" + n + b".jsonl:1" for n in NAMES}
    assert names <= set(odd("export", "keep", "-0").bytes.split(b"\0"))
    for what in ("keep", "drop", "clusters", "pairs", "set-aside", "sources"):
        rows = odd("export", what, "--format", "jsonl").jsonl
        for form in ("txt", "csv", "parquet"):
            odd("export", what, "--format", form, "-o", f"{what}.{form}")
        found = {os.fsencode(row.get("path") or row["left"]) for row in rows}
        if what in ("keep", "drop"):
            assert {n + (b"~" if what == "drop" else b"") for n in names if b"jsonl" not in n} <= found


def test_odd_names_survive_the_corpus_show_and_explain(odd):
    odd("export", "corpus", "--to", "out")
    for name in NAMES:
        with open(b"out/" + name + b".txt", "rb") as a, open(b"in/" + name + b".txt", "rb") as b:
            assert a.read() == b.read()
        assert os.path.exists(b"out/" + name + b".jsonl")
    for name in NAMES:
        path = os.fsdecode(b"in/" + name + b".txt")
        for form in ("text", "json", "html"):
            odd("explain", "--format", form, "--", path, path + "~")
    shown = odd("show", "--per-page", "100")
    assert len([line for line in shown.lines if line.strip().startswith("#")]) == len(NAMES) + 1
    for cluster in range(1, len(NAMES) + 2):
        odd("show", cluster)


# ------------------------------------------------------------------ archives


def hostile_archives(folder):
    import io
    import tarfile

    names = ["../../up.txt", "/abs.txt", "a/../../../b.txt", "ok.txt", "..", "x" * 5000, "ok.txt/below.txt"]
    with zipfile.ZipFile(folder / "in/z.zip", "w") as z:
        for i, name in enumerate(names):
            z.writestr(zipfile.ZipInfo(name), f"{POST[i * 20 :]} zip {i}")
    with tarfile.open(folder / "in/t.tar.gz", "w:gz") as t:
        for i, name in enumerate(names):
            data = f"{OTHER[i * 20 :]} tar {i}".encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
        for kind, name, target in (
            (tarfile.SYMTYPE, "link", "/etc/passwd"),
            (tarfile.LNKTYPE, "hard", "../../../etc/passwd"),
            (tarfile.SYMTYPE, "dirlink", "/tmp"),
            (tarfile.CHRTYPE, "device", ""),
            (tarfile.FIFOTYPE, "fifo", ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            t.addfile(info)


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_members_that_point_outside_stay_inside_the_target(run, files, mode):
    folder = files({"in/plain.txt": POST[::-1]})
    hostile_archives(folder)
    run("scan", "in", "--min-jaccard", "1", "--min-containment", "1", "--boilerplate", "off", code=None)
    kept = run("export", "keep").lines
    assert len(kept) > 8
    before = set(folder.rglob("*"))
    outcome = run("export", "corpus", "--to", "deep/down/out", "--mode", mode, code=None)
    written = set(folder.rglob("*")) - before
    out = folder / "deep/down/out"
    assert written - {folder / "deep", folder / "deep/down", out} == set(out.rglob("*"))
    texts = [p.read_text() for p in out.rglob("*") if p.is_file()]
    assert sum(" zip " in t for t in texts) + sum(" tar " in t for t in texts) >= 8
    told = [line for line in outcome.stderr.splitlines() if "x" * 200 in line or "below.txt" in line]
    assert len(texts) + len(told) == len(kept)
    assert outcome.code == (2 if told else 0)


# ------------------------------------------------------------------ two at once


def test_a_second_scan_is_told_and_refused(run, files):
    folder = files(PAIR)
    run("scan", "in", "--run", "r")
    command = [sys.executable, "-m", "dedup", "scan", "-", "--run", "r"]
    first = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while len(list((folder / "r").glob("tables-*"))) < 2:
        assert first.poll() is None
        time.sleep(0.02)
    refused = run("scan", "in/c.txt", "--run", "r", code=2)
    assert (
        refused.stderr
        == "dedup: r: another scan is writing this run folder; use --wait SECONDS, or another --run\n"
    )
    assert run("export", "keep", "--run", "r").lines == ["in/a.txt", "in/c.txt"]  # reading goes on
    first.communicate(POST.encode(), timeout=60)
    assert first.returncode == 0
    assert run("export", "keep", "--run", "r").lines == ["-"]


@pytest.mark.slow
def test_a_lock_dies_with_its_holder(run, files):
    folder = files(PAIR)
    run("scan", "in", "--run", "r")
    command = [sys.executable, "-m", "dedup", "scan", "-", "--run", "r"]
    first = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while len(list((folder / "r").glob("tables-*"))) < 2:
        time.sleep(0.02)
    run("scan", "in", "--run", "r", code=2)
    first.kill()
    first.communicate()
    run("scan", "in", "--run", "r")


def test_packed_text_and_archives_are_never_written_to(run, files):
    folder = files({**PAIR, "in/d.txt.gz": gzip.compress(OTHER[::-1].encode())})
    hostile_archives(folder)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (folder / "in").iterdir()}
    for args in (
        ("scan", "in"),
        ("export", "corpus", "--to", "out"),
        ("export", "keep", "-o", "k"),
        ("show",),
    ):
        run(*args, code=None)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (folder / "in").iterdir()} == before
    shutil.rmtree(folder / "out")
