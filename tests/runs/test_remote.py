"""A run at an address is read as a run folder is, from a copy that is checked and kept."""

import contextlib
import json
import os
import shutil
import zlib
from functools import partial

import pyarrow as pa
import pytest

import dedup
from dedup.core.documents import Source
from dedup.core.errors import BadRun
from dedup.readers.storage import addresses
from dedup.readers.storage.addresses import StorageFolder
from dedup.runs import remote
from dedup.runs.array_store import HEADER
from dedup.runs.manifest import manifest_checksum
from dedup.spark import ingest
from dedup.spark.checkpoints import Checkpoints
from dedup.spark.output import arrays
from dedup.spark.output import folder as target

from ..conftest import OTHER, POST
from ..pipeline.test_scan import corpus


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dedup" / "runs"


def at_address(local, to, part_bytes=5000):
    """A run folder -> the same at an address, its arrays in parts as executors write them."""
    place = StorageFolder(addresses.plain(f"file://{to}"))
    (tables,) = local.glob("tables-*")
    for path in tables.iterdir():
        data, name = path.read_bytes(), f"{tables.name}/{path.name}"
        if path.suffix == ".parquet":
            place.write(name, data)
        else:
            place.write(f"{name}/head", data[:HEADER])
            for at in range(HEADER, len(data), part_bytes):
                place.write(f"{name}/part-{at:08d}-0000", data[at : at + part_bytes])
    place.write("lock", b"")
    place.write("run.json", (local / "run.json").read_bytes())
    return place.at


@pytest.fixture
def local(files):
    texts = [*corpus(12, seed=4), POST, POST.upper(), OTHER]
    folder = files({f"in/{i}.txt": text for i, text in enumerate(texts)})
    os.chdir(folder)
    dedup.scan("in", run="local")
    return folder / "local"


def tables(folder, but="steps.npz"):
    """The files of a run; what only the next scan needs is not brought for a view."""
    (found,) = folder.glob("tables-*")
    return {p.name: p.read_bytes() for p in found.iterdir() if p.name != but}


def copies(cache):
    return [path for of in cache.iterdir() for path in of.iterdir()]


def test_the_copy_has_the_bytes_of_a_local_run_folder(run, local, cache, tmp_path):
    here = at_address(local, tmp_path / "far")
    opened, expected = dedup.open_run(here), dedup.open_run(local)
    assert opened.to_arrow().equals(expected.to_arrow())
    (copy,) = copies(cache)
    assert not list(copy.glob("tables-*/*.npy"))  # they are brought when they are asked for
    assert (opened.signatures.values == expected.signatures.values).all()
    assert (opened.anchors.hash == expected.anchors.hash).all()
    assert tables(copy) == tables(local)
    assert copy.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "command",
    [
        ("export", "keep"),
        ("export", "drop", "--format", "jsonl"),
        ("export", "pairs", "--format", "csv"),
        ("show", "--json"),
        ("explain", "in/12.txt", "in/13.txt", "--format", "json"),
        ("tune", "--json", "--sample", "5"),
        ("compare", "{run}", "local", "--json"),
        ("eval", "labels.csv", "--json"),
    ],
)
def test_commands_that_read_a_run_take_its_address(run, local, tmp_path, command):
    (tmp_path / "labels.csv").write_text("path,cluster\nin/12.txt,a\nin/13.txt,a\nin/14.txt,b\n")
    here = at_address(local, tmp_path / "far")
    own = [] if command[0] == "compare" else ["--run"]

    def told(name):
        words = [word.replace("{run}", name) for word in command]
        return run(*words, *own, *([name] if own else [])).stdout

    assert told(here).replace(here, "local") == told("local")


def test_check_report_and_hints_name_the_address(run, local, cache, tmp_path):
    here = at_address(local, tmp_path / "far")
    new = tmp_path / "new.txt"
    new.write_text(POST.replace(",", ";"))
    found = run("check", new, "--against", here, "--json", code=1).json
    assert found["against"]["run"] == here
    assert [d["status"] for d in found["checked"]] == ["duplicate"]
    assert tables(local).items() <= tables(copies(cache)[0]).items()  # and the index beside them
    run("report", "--run", here)
    assert f"--run {here}" in (tmp_path / "report.html").read_text()


def test_a_copy_is_brought_once_and_anew_when_the_run_is(run, local, cache, tmp_path, monkeypatch):
    here = at_address(local, tmp_path / "far")
    dedup.open_run(here)
    opened = []
    monkeypatch.setattr(
        StorageFolder,
        "open",
        lambda self, name, was=StorageFolder.open: opened.append(name) or was(self, name),
    )
    dedup.open_run(here)
    assert opened == []
    dedup.decide(local, min_jaccard=0.9)
    shutil.rmtree(tmp_path / "far")
    at_address(local, tmp_path / "far")
    assert dedup.open_run(here).summary["settings"]["min_jaccard"] == 0.9
    assert len(copies(cache)) == 1


def test_a_copy_that_has_suffered_is_brought_anew(local, cache, tmp_path):
    here = at_address(local, tmp_path / "far")
    dedup.open_run(here)
    (documents,) = cache.glob("*/*/tables-*/documents.parquet")
    documents.write_bytes(b"nonsense")
    assert dedup.open_run(here).keep() == dedup.open_run(local).keep()


def broken(place, kind):
    tables = next(i.base_name for i in place.inside() if i.base_name.startswith("tables-"))
    parts = [i.base_name for i in place.inside(f"{tables}/signatures.npy")]
    if kind == "no manifest":
        place.remove("run.json")
    elif kind == "manifest":
        place.write("run.json", place.read("run.json").replace(b"near", b"far!"))
    elif kind == "no checksums":
        made = json.loads(place.read("run.json"))
        del made["checksums"]
        made["checksum"] = manifest_checksum(made)
        place.write("run.json", json.dumps(made).encode())
    elif kind == "no table":
        place.remove(f"{tables}/pairs.parquet")
    elif kind == "no part":
        place.remove(f"{tables}/signatures.npy/{parts[1]}")
    elif kind == "no array":
        place.remove(f"{tables}/signatures.npy")
    elif kind == "part":
        data = place.read(f"{tables}/signatures.npy/{parts[1]}")
        place.write(f"{tables}/signatures.npy/{parts[1]}", b"\xff" + data[1:])


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("no manifest", "no run here; make one with: dedup scan ... --engine spark --run file://"),
        ("manifest", "/far/run.json: is damaged, or was changed by hand"),
        ("no checksums", "/far/run.json: is damaged (it lacks checksums)"),
        ("no table", "pairs.parquet: is missing, or was written anew just now; try again"),
        ("no part", "signatures.npy: is damaged, or was written anew just now"),
        ("no array", "signatures.npy: is missing"),
        ("part", "signatures.npy: is damaged, or was written anew just now"),
    ],
)
def test_a_run_that_is_not_whole_is_told_in_one_line(run, local, cache, tmp_path, kind, told):
    here = at_address(local, tmp_path / "far")
    broken(StorageFolder(here), kind)
    (line,) = run("check", "in/1.txt", "--against", here, code=2).stderr.splitlines()
    assert told in line
    assert here in line
    assert not list(cache.rglob("*.npy")) or "signatures" not in told


def test_a_table_in_parts_stays_a_folder_and_leftovers_are_no_part_of_it(local, cache, tmp_path):
    here = at_address(local, tmp_path / "far")
    (folder,) = (tmp_path / "far").glob("tables-*")
    whole = (folder / "pairs.parquet").read_bytes()
    (folder / "pairs.parquet").unlink()
    (folder / "pairs.parquet").mkdir()
    (folder / "pairs.parquet" / "part-00000000.parquet").write_bytes(whole)
    (folder / "pairs.parquet" / ".hidden").write_bytes(b"x")
    assert len(dedup.open_run(here).pairs) == len(dedup.open_run(local).pairs)
    assert [p.name for p in cache.glob("*/*/tables-*/pairs.parquet/*")] == ["part-00000000.parquet"]


def test_decisions_copied_with_a_run_hold_for_it(local, tmp_path):
    made = b'{"format": 1}\n'
    here = at_address(local, tmp_path / "far")
    copy = remote.Copy.of(here)
    assert not (copy.path / "decisions.jsonl").exists()
    StorageFolder(here).write("decisions.jsonl", made)
    assert (remote.Copy.of(here).path / "decisions.jsonl").read_bytes() == made
    StorageFolder(here).remove("decisions.jsonl")
    assert not (remote.Copy.of(here).path / "decisions.jsonl").exists()


def test_pull_makes_a_run_folder_that_can_be_decided_and_scanned(run, local, tmp_path):
    here = at_address(local, tmp_path / "far")
    assert run("pull", here, "own").stderr.endswith("-> own\n")
    assert tables(tmp_path / "own", but="") == tables(local, but="")
    assert run("scan", "in", "--run", "own").stderr == "nothing has changed since the last scan\n"
    run("decide", "--run", "own", "--min-jaccard", "0.9")
    assert "exists already" in run("pull", here, "own", code=2).stderr
    (tmp_path / "own" / "run.json").unlink()
    assert "exists already" in run("pull", here, "own", code=2).stderr  # it is another scan's
    assert "is no address" in run("pull", "own", "other", code=2).stderr


def test_a_pull_that_broke_off_goes_on_where_it_was(local, tmp_path, monkeypatch):
    here, opened, was = at_address(local, tmp_path / "far"), [], StorageFolder.open

    def breaks(self, name):
        opened.append(name)
        if "anchor_positions" in name and not (tmp_path / "mended").exists():
            raise BadRun("the connection broke off")
        return was(self, name)

    monkeypatch.setattr(StorageFolder, "open", breaks)
    with pytest.raises(BadRun, match="broke off"):
        remote.pull(here, tmp_path / "own")
    assert not (tmp_path / "own" / "run.json").exists()
    (brought,) = (tmp_path / "own").glob("tables-*")
    (brought / ".pairs.parquet.4194305-abcdef").write_bytes(b"of a process that is gone")
    (tmp_path / "mended").touch()
    opened.clear()
    remote.pull(here, tmp_path / "own")
    assert opened
    assert all("anchor_positions" in name or "steps" in name for name in opened)
    assert tables(tmp_path / "own", but="") == tables(local, but="")


@pytest.mark.parametrize(
    "command",
    [
        ("scan", "in", "--run", "{}"),
        ("decide", "--run", "{}"),
        ("review", "--run", "{}"),
        ("check", "in/1.txt", "--add", "--against", "{}"),
    ],
)
def test_commands_that_write_into_a_run_say_what_to_do_instead(run, local, tmp_path, command):
    here = at_address(local, tmp_path / "far")
    (line,) = run(*(word.replace("{}", here) for word in command), code=2).stderr.splitlines()
    assert f"bring it here with `dedup pull {here} FOLDER`" in line


def test_python_refuses_an_address_in_the_same_words(local):
    for call in (lambda: dedup.scan("in", run="s3://b/r"), lambda: dedup.decide("s3://b/r")):
        with pytest.raises(BadRun, match="s3://b/r: is an address, where only .* writes"):
            call()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("ftp://host/run", "ftp://...: no run can be there; it can be at s3://"),
        ("s3://key:secret@bucket/run", "credentials and options do not go into the address"),
        ("s3://bucket/run?region=x&token=secret", "credentials and options do not go into the address"),
        ("s3:///run", "names no bucket"),
        ("file://host/run", "file:///host/run"),
        ("hdfs://nobody.invalid/run", "hdfs://nobody.invalid/run"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_its_credentials(run, given, told):
    (line,) = run("show", "--run", given, code=2).stderr.splitlines()
    assert told in line
    assert "secret" not in line


def test_a_local_folder_in_parts_is_told(run, local, tmp_path):
    at_address(local, tmp_path / "far")
    assert "name it as file:///FOLDER" in run("tune", "--sample", "5", "--run", "far", code=2).stderr


# ------------------------------------------------------------------ a scan that writes to an address


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_the_scan_that_began_last_holds_an_address(tmp_path):
    here, conf = f"file://{tmp_path}/far", {}
    with target.writing(here, conf) as before:
        before.tables.write("a", b"1")
        before.publish({}, {}, {})
    seconds = []

    def overtaken():
        with target.writing(here, conf) as first:
            first.tables.write("a", b"1")
            with target.writing(here, conf) as second:
                second.tables.write("a", b"2")
                assert second.tables != first.tables
                second.publish({}, {}, {})
                seconds.append(second.tables.at.rpartition("/")[2])
            first.publish({}, {}, {})

    with pytest.raises(BadRun, match="another scan has begun to write this run folder since"):
        overtaken()
    assert names(tmp_path / "far") == ["lock", "run.json", *seconds]


@pytest.mark.parametrize(
    ("fault", "left"),
    [(BadRun("x"), []), (RuntimeError("x"), ["unfinished"]), (KeyboardInterrupt(), ["unfinished"])],
)
def test_a_scan_that_fails_leaves_the_last_run_and_what_it_can_go_on_from(tmp_path, fault, left):
    here = f"file://{tmp_path}/far"
    with target.writing(here, {}) as opened:
        opened.tables.write("a", b"1")
        opened.unfinished.write("spark-x/stage/_SUCCESS", b"")
        opened.publish({}, {}, {})
    before = names(tmp_path / "far")
    assert "unfinished" not in before

    def failed():
        with target.writing(here, {}) as opened:
            opened.tables.write("a", b"2")
            opened.unfinished.write("spark-x/stage/_SUCCESS", b"")
            raise fault

    with pytest.raises(type(fault)):
        failed()
    assert names(tmp_path / "far") == sorted(before + left)


@pytest.mark.parametrize("fault", [BadRun("x"), KeyboardInterrupt()])
def test_what_happens_after_the_manifest_is_written_takes_nothing_away(tmp_path, monkeypatch, fault):
    here = f"file://{tmp_path}/far"

    def failing():
        with target.writing(here, {}) as opened:
            opened.tables.write("a", b"1")
            monkeypatch.setattr(StorageFolder, "inside", lambda *_: (_ for _ in ()).throw(fault))
            opened.publish({}, {}, {})

    monkeypatch.setattr(target, "_tidy", lambda tables: None)
    with contextlib.suppress(KeyboardInterrupt):
        failing()
    (folder,) = (tmp_path / "far").glob("tables-*")
    assert (folder / "a").read_bytes() == b"1"
    assert folder.name in (tmp_path / "far" / "run.json").read_text()


def test_two_scans_of_the_same_inputs_share_finished_stages_and_no_folder(tmp_path):
    folder = f"file://{tmp_path}/stages"

    class Rows:
        """As much of a DataFrame and a session as a store asks for."""

        def __init__(self, text):
            self.text, self.write, self.schema = text, self, None

        def mode(self, _):
            return self

        def parquet(self, path):
            StorageFolder(path).write("part", self.text)
            return path

    class Reader:
        def schema(self, _):
            return self

        def parquet(self, path):
            return StorageFolder(path).read("part")

    class Session:
        read = Reader()

    first, second = (Checkpoints(Session(), folder, own=name) for name in ("one", "two"))

    def slow():
        assert second.stage("pass", lambda: Rows(b"of the second")) == b"of the second"
        return Rows(b"of the first")

    assert first.stage("pass", slow) == b"of the first"
    assert second.stage("pass", slow) == b"of the first"
    assert first.stage("more", lambda: Rows(b"more")) == second.stage("more", slow) == b"more"


def test_checkpoints_can_be_elsewhere(tmp_path):
    conf = {"spark.dedup.checkpoints": f"file://{tmp_path}/stages"}
    for run in (f"file://{tmp_path}/far", tmp_path / "near"):
        with target.writing(run, conf) as opened:
            opened.unfinished.write("spark-x/stage/_SUCCESS", b"")
            assert len(names(tmp_path / "stages")) == 1
            opened.tables.write("a", b"1")
            opened.publish({}, {}, {})
        assert names(tmp_path / "stages") == []


def test_a_folder_that_is_no_run_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    opened = target.writing(f"file://{tmp_path}", {})
    with pytest.raises(BadRun, match="is not a run folder and not empty"):
        opened.__enter__()
    assert names(tmp_path) == ["thesis.txt"]


# ------------------------------------------------------------------ what executors write


@pytest.mark.parametrize("at_once", [1, 7, 1000])
@pytest.mark.parametrize("part_bytes", [1, 4000, 1 << 20])
def test_parts_are_the_same_however_the_rows_come(local, tmp_path, at_once, part_bytes):
    opened = dedup.open_run(local)
    values, a = opened.signatures, opened.anchors
    ranges = list(zip(a.start[:-1].tolist(), a.start[1:].tolist(), strict=True))
    columns = {
        "doc": range(len(ranges)),
        "part": [doc // 4 for doc in range(len(ranges))],
        "values": [row.tobytes() for row in values.values],
        "skeletons": [row.tobytes() for row in values.skeletons],
        "anchor_hash": [a.hash[x:y].tobytes() for x, y in ranges],
        "anchor_place": [a.position[x:y].tobytes() for x, y in ranges],
    }
    table = pa.table({name: list(column) for name, column in columns.items()})
    place = StorageFolder(f"file://{tmp_path}/far")
    write = partial(arrays._put_in_parts, place, part_bytes)
    for _ in range(2):  # a task may run twice
        told = pa.Table.from_batches(write(table.to_batches(at_once))).to_pylist()
    expected = tables(local)
    for name in arrays.COLUMNS:
        rows = sorted((r["part"], r["checksum"], r["size"]) for r in told if r["file"] == f"{name}.npy")
        found = [i.base_name for i in place.inside(f"{name}.npy")]
        assert found == [part for part, _, _ in rows]
        assert (
            b"".join(place.read(f"{name}.npy/{part}") for part in found) == expected[f"{name}.npy"][HEADER:]
        )
        joined = addresses.joined_checksum((checksum, size) for _, checksum, size in rows)
        assert joined == zlib.crc32(expected[f"{name}.npy"][HEADER:])
        assert len(found) > 10 if part_bytes == 1 else len(found) >= 4


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_file_of_a_place_appears_whole_or_not_at_all(tmp_path, monkeypatch, scheme):
    place = StorageFolder(f"{scheme}{tmp_path}/run")
    place.write("tables/a.parquet/part-0", b"first")
    place.write("tables/a.parquet/part-0", b"second")
    assert place.read("tables/a.parquet/part-0") == b"second"
    monkeypatch.setattr(addresses, "move", lambda *_: (_ for _ in ()).throw(OSError("cut")))
    with pytest.raises(BadRun if scheme else OSError):
        place.write("tables/a.parquet/part-1", b"third")
    assert [i.base_name for i in place.inside("tables/a.parquet")] == ["part-0"]
    place.remove("nothing")
    place.remove("tables")
    assert place.inside("tables") == []


def test_a_rename_that_replaces_nothing_is_done_in_two_steps(tmp_path):
    system = StorageFolder(str(tmp_path))

    class Refuses:  # as HDFS does
        def __init__(self):
            self.inner = addresses.opened(str(tmp_path))[0]

        def move(self, source, target):
            if os.path.exists(target):
                raise OSError("exists")
            self.inner.move(source, target)

        def __getattr__(self, name):
            return getattr(self.inner, name)

    system.write("a", b"1")
    system.write("b", b"2")
    addresses.move(Refuses(), str(tmp_path / "b"), str(tmp_path / "a"))
    assert system.read("a") == b"2"
    with pytest.raises(OSError, match="b"):
        addresses.move(Refuses(), str(tmp_path / "b"), str(tmp_path / "a"))


def test_sources_that_are_at_urls_and_cannot_seek_are_read_whole():
    for url, n in ((b"s3://b/a.jsonl", 3), (b"https://h/a.jsonl", 1), (b"/a.jsonl", 3)):
        assert len(ingest.windows_of(Source(url, "jsonl", "", 25, 0), 10)) == n
