"""Run folders that are damaged, hostile or of another version; disks that are full."""

import copy
import functools
import json
import operator
import os
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import dedup
from dedup.core.errors import BadRun
from dedup.runs import ingest_cache
from dedup.runs import summary_shape as ledger
from dedup.runs.manifest import manifest_checksum

from ..conftest import OTHER, POST
from ..fuzz.targets import told

PAIR = {
    "in/a.txt": POST,
    "in/b.txt": POST.upper(),
    "in/c.txt": OTHER,
    "in/d.jsonl": '{"id": 1, "text": "short"}\n',
}


@pytest.fixture
def folder(files):
    root = files(PAIR)
    dedup.scan(root / "in", run=root / "r")
    return root


def answers(run):
    """All that a run says."""
    anchors, signatures = run.anchors, run.signatures
    parts = (signatures.values, signatures.skeletons, anchors.hash, anchors.position, anchors.start)
    parts += tuple(vars(run.steps).values())
    evidence = [value for part in (*vars(run.evidence).values(), run.spans) for value in _arrays(part)]
    return run.to_arrow(), run.clusters, run.summary, run.sources, [p.tobytes() for p in (*parts, *evidence)]


def _arrays(part):
    return [part] if hasattr(part, "tobytes") else [v for x in vars(part).values() for v in _arrays(x)]


def refused_or_same(run_folder, expected):
    """Open a damaged run: True when it is refused, False when it gives the same answers."""
    try:
        found = answers(dedup.open_run(run_folder))
    except BadRun:
        return True
    assert found == expected
    return False


@pytest.mark.parametrize("flips", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_a_flipped_byte_anywhere_in_a_table_or_the_manifest_is_refused_or_changes_nothing(folder, flips):
    expected = answers(dedup.open_run(folder / "r"))
    chance = random.Random(1)
    (tables,) = (folder / "r").glob("tables-*")
    refused = flipped_bytes = 0
    for path in [*sorted(tables.iterdir()), folder / "r/run.json"]:
        data = path.read_bytes()
        for at in {*chance.sample(range(len(data)), flips), 0, len(data) - 1, len(data) // 2}:
            flipped = bytearray(data)
            flipped[at] ^= 1 << chance.randrange(8)
            path.write_bytes(flipped)
            refused += refused_or_same(folder / "r", expected)
            flipped_bytes += 1
        path.write_bytes(data)
    assert refused > 0.9 * flipped_bytes
    assert answers(dedup.open_run(folder / "r")) == expected


def test_lost_swapped_and_cut_tables_are_refused(folder):
    expected = answers(dedup.open_run(folder / "r"))
    (tables,) = (folder / "r").glob("tables-*")
    for path in sorted(tables.iterdir()):
        data = path.read_bytes()
        for bad in (b"", data[:-1], data[: len(data) // 2], data + b"\0", data * 2):
            path.write_bytes(bad)
            assert refused_or_same(folder / "r", expected)
        path.unlink()
        assert refused_or_same(folder / "r", expected)
        path.mkdir()
        assert refused_or_same(folder / "r", expected)
        path.rmdir()
        path.symlink_to("/dev/zero" if os.path.exists("/dev/zero") else "/dev/null")
        path.unlink()
        path.write_bytes(data)


HOSTILE = {
    "tables": [
        "../../x",
        "tables-../../x",
        "tables-000009",
        "/etc",
        "tables-\0",
        "tables-" + "x" * 9999,
        7,
        None,
        {},
    ],
    "format": [99, -1, 1e300, True, "4", None, 10**400],
    "rows": [None, 7, {}, {"documents": 10**30}, []],
    "checksums": [None, {}, [], {"documents.parquet": "x"}, 10**30],
    "settings": [None, 7, {}, {"num_perm": 10**30}, {"num_perm": "x", "seed": 1, "k": 8}, {"num_perm": 0}],
    "scanned": [None, [], {"folder": 7, "paths": 8}, {"folder": "/", "paths": [7]}],
    "documents": [None, 7, {"seen": "x"}],
    "by_source": [None, 7, [7]],
    "seconds": [7, {"pass": float("nan")}, {"pass": "long"}],
    "relations": [7, {"bogus": 1}, {"near": -1}],
    "decisions": [7, {"stale": 7}],
    "extra": [{"a": [[]]}],
}


@pytest.mark.parametrize("field", HOSTILE)
def test_a_hostile_manifest_is_refused_or_does_no_harm(run, folder, field):
    run("scan", "in", "--run", "r")  # by the same name as below, so that nothing has changed since
    path = folder / "r/run.json"
    shutil.copytree(folder / "r", folder / "good")

    def harmed(value):
        shutil.rmtree(folder / "r")
        shutil.copytree(folder / "good", folder / "r")
        manifest = {**json.loads(path.read_bytes()), field: value}
        path.write_text(json.dumps({**manifest, "checksum": manifest_checksum(manifest)}))

    for value in HOSTILE[field]:
        harmed(value)
        for command in (
            ("export", "keep"),
            ("show",),
            ("show", "1"),
            ("explain", "in/a.txt", "in/b.txt"),
            ("export", "sources"),
            ("decide",),
        ):
            outcome = run(*command, "--run", "r", code=None)
            assert outcome.code in (0, 2), value
            assert outcome.code == 0 or len(outcome.stderr.splitlines()) == 1, value
        harmed(value)
        assert run("scan", "in", "--run", "r", code=None).code == 0, value
        assert run("export", "keep", "--run", "r").lines == ["in/a.txt", "in/c.txt"], value


ODD = [None, True, 7, 0, -1, 10**400, float("nan"), float("inf"), "x", "\0", "\ud800", [], [7], {}]


def places(value, at=()):
    """The keys that lead to each value within a JSON value; of a list, to its first item."""
    if at:
        yield at
    for key, item in value.items() if isinstance(value, dict) else enumerate(value[:1]):
        yield from places(item, (*at, key)) if isinstance(item, (dict, list)) else [(*at, key)]


def test_no_value_of_a_summary_in_the_place_of_another_breaks_what_is_said_of_it(files):
    near = POST.replace("telephone number", "address and a map")
    folder = files({**PAIR, "in/near.txt": near, "in/empty.txt": "", "in/.hidden/x.txt": POST})
    lines = "".join(json.dumps({"text": text}) + "\n" for text in [OTHER] * 120)
    (folder / "in/many.jsonl").write_text(lines)
    good = dedup.scan(folder / "in", run=folder / "r")
    refused = tried = 0
    for *above, last in places(good.summary):
        for odd in ODD:
            summary = copy.deepcopy(good.summary)
            functools.reduce(operator.getitem, above, summary)[last] = odd
            tried += 1
            try:
                ledger.check_shape(summary)
            except ValueError:
                refused += 1
                continue
            told(replace(good, summary=summary))
    assert refused > 0.6 * tried > 500


def test_a_manifest_that_is_deep_or_long_is_refused(folder):
    for data in (
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"format": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b"\0" * 99,
    ):
        (folder / "r/run.json").write_bytes(data)
        with pytest.raises(BadRun):
            dedup.open_run(folder / "r")


def test_a_run_of_a_newer_version_is_refused_and_left_as_it_is_by_views(run, folder):
    path = folder / "r/run.json"
    manifest = {**json.loads(path.read_bytes()), "format": 99, "program": "dedup 99.0"}
    path.write_text(json.dumps(manifest))
    for command in (
        ("export", "keep"),
        ("show",),
        ("explain", "in/a.txt", "in/b.txt"),
        ("export", "corpus", "--to", "o"),
    ):
        outcome = run(*command, "--run", "r", code=2)
        assert "format 99 (dedup 99.0)" in outcome.stderr
    assert json.loads(path.read_bytes()) == manifest


def test_links_in_a_run_folder_lead_no_writing_and_no_removing_elsewhere(run, files):
    root = files(
        {**PAIR, "mine/thesis.txt": "do not touch", "mine/run.json": "nor this", "mine/texts": "nor that"}
    )
    before = {p: p.read_bytes() for p in (root / "mine").iterdir()}
    run("scan", "in", "--run", "r")
    for name, target in (
        ("unfinished", "../mine"),
        ("run.json.part", "../mine/run.json"),
        ("tables-000007", "../mine"),
    ):
        (root / "r" / name).symlink_to(target)
    run("scan", "in", "--run", "r", "--checksum")
    for name in ("texts", "signatures.npy", "log"):
        (root / "r/unfinished").mkdir()
        (root / "r/unfinished/boot").write_bytes(ingest_cache._boot())
        (root / "r/unfinished" / name).symlink_to("../../mine/texts")
        run("scan", "in", "--run", "r", "--checksum")
    assert {p: p.read_bytes() for p in (root / "mine").iterdir()} == before
    run("scan", "in", "--run", "r")
    assert run("export", "keep", "--run", "r").lines == ["in/a.txt", "in/c.txt"]


# ------------------------------------------------------------------ full disks


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(100):
        (tmp_path / f"in/{i:03}.txt").write_text(f"{POST[i % 97 :]} {i % 70} {OTHER[: i % 89]}")
    dedup.scan(tmp_path / "in/001.txt", run=tmp_path / "r")
    return tmp_path


def test_a_file_that_may_not_grow_stops_a_scan_in_one_line_and_the_last_run_stays(warm, corpus):
    before = warm("verify", "r", cwd=corpus).json
    codes = []
    for limit in (500, 1000, 2000, 4000, 7000, 10_000, 30_000, 100_000, 300_000, 10_000_000):
        done = warm("scan", "in", "-q", "--run", "r", cwd=corpus, limit=limit)
        codes.append(done.code)
        if done.code:
            assert done.code == 2
            assert len(done.err.splitlines()) == 1
            assert "cannot be written: File too large" in done.err
            assert warm("verify", "r", cwd=corpus).json == before
            assert len(os.listdir(corpus / "r")) == 3
    assert codes[0] == codes[5] == 2
    assert codes[-1] == 0


@pytest.mark.parametrize("what", ["list", "parquet", "corpus", "page"])
def test_an_export_that_may_not_grow_leaves_no_half_file(warm, corpus, what):
    assert warm("scan", "in/00*.txt", "-q", "--run", "r", cwd=corpus).code == 0
    command = {
        "list": ("export", "clusters", "-o", "out/c.csv", "--run", "r"),
        "parquet": ("export", "clusters", "-o", "out/c.parquet", "--run", "r"),
        "corpus": ("export", "corpus", "--to", "out/c", "--run", "r"),
        "page": ("explain", "in/001.txt", "in/002.txt", "-o", "out/p.html", "--run", "r"),
    }[what]
    (corpus / "out").mkdir()
    done = warm(*command, cwd=corpus, limit=150)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "file too large" in done.err.lower()
    assert [p for p in (corpus / "out").rglob("*") if p.is_file()] == []


@pytest.mark.slow
def test_a_full_disk_stops_a_scan_in_one_line_and_the_last_run_stays(corpus):
    script = Path(__file__).with_name("full_disk.py")
    if (
        not shutil.which("unshare")
        or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode
    ):
        pytest.skip("a small file system cannot be mounted here (unshare -rm)")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, script, corpus],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["full"] >= 3
    assert told["done"] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "export keep", "export drop --format csv", "export clusters --format jsonl",
        "export pairs --format parquet", "export sources", "show", "show 1", "show --json",
        "explain in/001.txt in/002.txt", "explain in/001.txt in/002.txt --format html",
        "explain in/001.txt in/002.txt --format json", "scan in --json", "scan in",
    ],
)  # fmt: skip
def test_every_command_tells_a_full_output_and_leaves_a_closed_pipe_quietly(corpus, command):
    dedup.scan(corpus / "in", run=corpus / ".dedup")
    run = [sys.executable, "-m", "dedup", *command.split()]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(run, cwd=corpus, env=env, stdout=full, stderr=subprocess.PIPE, text=True)
    (line,) = _told(done.stderr)
    assert (done.returncode, "No space left on device" in line) == (2, True)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(run, cwd=corpus, env=env, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, _told(done.stderr)) == (0, [])


def _told(stderr: str) -> list[str]:
    """The complaints on standard error; a scan also says its stages, and that nothing has changed."""
    return [x for x in stderr.splitlines() if x.startswith("dedup: ") and "warning: " not in x]


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["scan in", "export keep -o out.txt --force", "scan nowhere", "show"])
def test_closed_standard_streams_make_no_traceback(corpus, command, closed):
    dedup.scan(corpus / "in", run=corpus / ".dedup")
    line = f"{sys.executable} -m dedup {command} {closed}"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["bash", "-c", line], cwd=corpus, env=env, capture_output=True, text=True)
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stdout + done.stderr
    if closed == "2>&-":
        assert done.returncode == (2 if "nowhere" in command else 0)
