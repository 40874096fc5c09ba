"""Every block of docs/recipes.md is run, in a folder with what its recipe speaks of.

Each command is a process of its own, so all of these tests but one are slow ones.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .conftest import OTHER, POST, ROOT
from .matching.test_passages import Prose
from .noise import scan as scanned

RECIPES = (ROOT / "docs" / "recipes.md").read_text()
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
MARKED = re.compile(
    r"^<!-- recipe: ([\w-]+)(?:; needs: ([\w.]+))?(?:; file: (\S+))? -->\n```(\w+)\n(.*?)^```$", re.M | re.S
)
HINT = "pip install 'dedup-corpus[test-recipes]'"
THIRD = (
    "The lamp at the end of the mole was lit by hand until the winter in which the keeper's boat was lost."
)
TEXTS = [POST, OTHER, POST.upper(), THIRD, OTHER.replace(" ", "\n")]  # two are copies
LINES = "".join(json.dumps({"id": f"p{i}", "text": t}) + "\n" for i, t in enumerate(TEXTS))
COPIES = {"corpus/a.txt": POST, "corpus/-b c\n.txt": POST.upper(), "corpus/deep/d.txt": OTHER}


@dataclass(frozen=True)
class Block:
    """A fenced block and what its marker says."""

    recipe: str
    needs: str
    file: str
    language: str
    code: str


BLOCKS = [Block(*found) for found in MARKED.findall(RECIPES)]


def require(library: str) -> None:
    """Skip the test where a library is not here."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not here: {HINT}")


@pytest.fixture
def shell(files, tmp_path):
    """shell("sh" or "python", code) runs it in the test's folder, where `dedup` is this program."""
    tools = tmp_path / "tools"
    files({"tools/dedup": f'#!/bin/sh\nexec "{sys.executable}" -m dedup "$@"\n'})
    (tools / "dedup").chmod(0o755)
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
        **{"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        **{"HF_HOME": str(tmp_path / "hf"), "AWS_EC2_METADATA_DISABLED": "true"},
    }

    def call(language: str, code: str, code_wanted: int = 0, **more: str) -> str:
        program = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[language]
        done = subprocess.run(
            [*program, code], cwd=tmp_path, env={**env, **more}, capture_output=True, text=True
        )
        assert done.returncode == code_wanted, done.stdout + done.stderr
        return done.stdout

    return call


def block(recipe: str, language: str, needs: str = "") -> str:
    """The code of the one block of a recipe that is in this language and needs this library."""
    (found,) = [b.code for b in BLOCKS if (b.recipe, b.language, b.needs) == (recipe, language, needs)]
    return found


def names(path: Path) -> list[str]:
    """The files below a folder."""
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def test_every_block_has_a_marker_and_every_recipe_a_test():
    assert len(BLOCKS) == len(FENCE.findall(RECIPES))
    tested = {name.removeprefix("test_recipe_") for name in globals() if name.startswith("test_recipe_")}
    assert {b.recipe.replace("-", "_") for b in BLOCKS} == tested


def test_recipe_folder(shell, files, tmp_path):
    files({**COPIES, "corpus/photo.png": b"\x89PNG\r\n\x1a\n\0" * 9, "corpus/empty.txt": ""})
    shell("sh", block("folder", "sh"))
    assert names(tmp_path / "clean") == ["a.txt", "deep/d.txt", "empty.txt", "photo.png"]
    for name in ("photo.png", "empty.txt"):
        (tmp_path / "corpus" / name).unlink()
    assert (tmp_path / "dropped.csv").read_text().count(",case,") == 1
    assert names(tmp_path / "corpus") == sorted(name.removeprefix("corpus/") for name in COPIES)
    said = shell("python", block("folder", "python") + "print(sorted(texts))")
    assert said == f"{sorted([POST, OTHER])}\n"


@pytest.mark.slow
def test_recipe_cut(shell, files, tmp_path):
    shared = f"{THIRD} {POST}"
    files(
        {
            f"corpus/{i}.txt": f"{text}\n\n{shared}\n"
            for i, text in enumerate(
                (OTHER + THIRD[::-1] + OTHER[::-1], POST[::-1] + OTHER[::-2] + OTHER[::-3])
            )
        }
    )
    shell("sh", block("cut", "sh"))
    having = [path.name for path in (tmp_path / "clean").iterdir() if shared in path.read_text()]
    assert len(having) == 1
    assert len((tmp_path / "passages.csv").read_text().splitlines()) == 3
    assert len((tmp_path / "cuts.csv").read_text().splitlines()) == 2


@pytest.mark.slow
def test_recipe_contamination(shell, files, tmp_path):
    items = [" ".join(POST.split()[3:20]), " , ".join(OTHER.upper().split()[1:10]), THIRD]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in items)
    files({"train/a.txt": THIRD[:40] + POST, "train/b.txt": OTHER, "test.jsonl": lines})
    shell("sh", block("contamination", "sh"))
    said = shell("python", block("contamination", "python")).splitlines()
    assert [line.split()[1:4] for line in said] == [
        ["1.00", "True", "True"],
        ["1.00", "True", "False"],
        [said[2].split()[1], "False", "False"],
    ]
    assert (tmp_path / "clean-test/test.jsonl").read_text() == lines.splitlines(keepends=True)[2]


@pytest.mark.slow
def test_recipe_nightly(shell, files, tmp_path):
    """The commands of the crontab and of the tasks, in the order of the tasks, run twice."""
    files({f"texts/{name.removeprefix('corpus/')}": text for name, text in COPIES.items()})
    cron, dag = (b.code for b in BLOCKS if b.recipe == "nightly")
    *when, command = cron.split(maxsplit=5)
    assert when == ["30", "2", "*", "*", "*"]
    assert command.startswith("cd /srv/corpus && ")
    shell("sh", command.removeprefix("cd /srv/corpus && "))
    kept = (tmp_path / "keep.txt").read_bytes()
    assert len(kept.splitlines()) == 2
    assert (tmp_path / "nightly.log").stat().st_size
    tasks = []

    class Operator:
        def __init__(self, task_id, bash_command):
            tasks.append(bash_command)

        def __rshift__(self, other):
            return other

    airflow = {"airflow": SimpleNamespace(DAG=mock.MagicMock()), "airflow.operators": SimpleNamespace()}
    with mock.patch.dict(
        sys.modules, {**airflow, "airflow.operators.bash": SimpleNamespace(BashOperator=Operator)}
    ):
        exec(compile(dag, "dedup_nightly.py", "exec"), {})
    for task in tasks:
        shell("sh", task)
    assert len(tasks) == 2
    assert (tmp_path / "keep.txt").read_bytes() == kept


@pytest.mark.slow
def test_recipe_s3(shell, tmp_path):
    pytest.importorskip("moto.server", reason=f"moto is not here: {HINT}")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        packed = gzip.compress(LINES.encode())
        # NOTE: without a type urllib sends a form, of which the server stores nothing
        headers = {"Content-Type": "text/plain", "Authorization": "AWS key:signature"}
        put = {
            "corpus": b"",
            "corpus/posts/a.jsonl.gz": packed,
            "corpus/other.txt": b"x",
            "corpus-clean": b"",
        }
        for key, data in put.items():
            request = urllib.request.Request(f"{endpoint}/{key}", data, headers, method="PUT")
            urllib.request.urlopen(request).close()
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
        shell("sh", block("s3", "sh", "moto.server"), AWS_ENDPOINT_URL=endpoint, **keys)
        written = {}
        for key in ("posts/a.jsonl.gz", "report.html"):
            request = urllib.request.Request(f"{endpoint}/corpus-clean/{key}", headers=headers)
            written[key] = urllib.request.urlopen(request).read()
        # NOTE: all servers of a process share their buckets, also with the tests that come later
        urllib.request.urlopen(f"{endpoint}/moto-api/reset", b"").close()
    finally:
        server.stop()
    kept = (tmp_path / "keep.csv").read_text().splitlines()[1:]
    assert [line.split(",")[:2] for line in kept] == [
        [f"s3://corpus/posts/a.jsonl.gz:{i + 1}", f"p{i}"] for i in (0, 1, 3)
    ]
    ids = [json.loads(line)["id"] for line in gzip.decompress(written["posts/a.jsonl.gz"]).splitlines()]
    assert ids == ["p0", "p1", "p3"]
    assert written["report.html"].lower().startswith(b"<!doctype html>")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A Parquet file of five rows, two of them copies."""
    path = tmp_path_factory.mktemp("data") / "data.parquet"
    pq.write_table(pa.table({"id": [f"p{i}" for i in range(5)], "text": TEXTS, "stars": range(5)}), path)
    return path.read_bytes()


@pytest.mark.slow
def test_recipe_parquet(shell, files, tmp_path, data):
    files({"data.parquet": data})
    shell("sh", block("parquet", "sh"))
    assert pq.read_table(tmp_path / "clean" / "data.parquet")["stars"].to_pylist() == [0, 1, 3]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Two Parquet files with the rows of the other recipes, one that is too short, and nested columns."""
    folder = tmp_path_factory.mktemp("shards")
    rows = [
        {"id": i, "text": text, "url": f"https://host/{i}", "meta": {"tags": [str(i)]}}
        for i, text in enumerate([*TEXTS, "short"])
    ]
    for i, part in enumerate((rows[:3], rows[3:])):
        pq.write_table(pa.Table.from_pylist(part), folder / f"{i}.parquet")
    return {f"shards/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
@pytest.mark.parametrize(
    "library", ["pandas", "polars", "duckdb", "datasets", pytest.param("pyspark", marks=pytest.mark.heavy)]
)
def test_recipe_shards(library, shell, files, tmp_path, shards):
    require(library)
    files(shards)
    shell("sh", block("shards", "sh"))
    tables = [pq.read_table(path) for path in sorted((tmp_path / "marked").iterdir())]
    marked = pa.concat_tables(tables)
    assert marked["dedup_kept"].to_pylist() == [True, True, False, True, False, False]
    assert marked["dedup_status"].to_pylist()[4:] == ["dropped", "too short to judge"]
    assert marked.column_names[:4] == ["id", "text", "url", "meta"]
    assert pq.read_table(tmp_path / "documents.parquet")["cluster"].to_pylist() == [1, 2, 1, None, 2, None]
    java = {}
    if library == "pyspark":
        from dedup.spark.session import java_home

        home = java_home()
        java = {"SPARK_LOCAL_IP": "127.0.0.1"} | ({"JAVA_HOME": home} if home else {})
    assert shell("python", block("shards", "python", library), **java) == "6 4\n"


@pytest.mark.slow
def test_recipe_mix(shell, files, tmp_path, shards):
    files(shards)
    shell("sh", block("mix", "sh"))
    rows = [row for i in range(2) for row in pq.read_table(tmp_path / "mix" / f"{i}.parquet").to_pylist()]
    assert [row["id"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[0]["dedup_collected_url"] == {"count": 2, "values": ["https://host/0", "https://host/2"]}


@pytest.mark.slow
@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb", "datasets"])
def test_what_a_recipe_wrote_loads_in(library, shell, files, data):
    require(library)
    files({"clean/data.parquet": data})
    assert shell("python", block("parquet", "python", library)) == "5 ['id', 'text', 'stars']\n"


@pytest.mark.slow
@pytest.mark.parametrize("library", ["pandas", "polars", "datasets"])
def test_recipe_frames(library, shell, tmp_path):
    require(library)
    with open(tmp_path / "posts.csv", "w", newline="") as out:
        csv.writer(out).writerows([("post_id", "body"), *enumerate(TEXTS, 7), (12, "")])
    show = "print(list(clean['post_id']))\n"
    if library != "datasets":
        show += "print(list(marked['post_id']), [int(w) for w in list(marked['witness'])[2:5:2]])\n"
    said = shell("python", block("frames", "python", library) + show).splitlines()
    assert "[7, 8, 10]" in said
    assert library == "datasets" or said[-1] == "[7, 8, 9, 10, 11, 12] [7, 8]"
    assert library != "pandas" or shell("sh", "dedup export keep --run run").split() == [
        *("frame:1", "frame:2", "frame:4")
    ]


@pytest.mark.slow
def test_recipe_scans(shell, files, tmp_path):
    pages = [Prose(i).text(150) for i in range(4)]
    read = {f"pages/{i}.ocr.txt": scanned(page, 0.08, seed=2) for i, page in enumerate(pages)}
    files({f"pages/{i}.txt": page for i, page in enumerate(pages)} | read)
    shell("sh", block("scans", "sh"))
    assert (tmp_path / "keep.txt").read_text().split() == [f"pages/{i}.txt" for i in range(4)]
    assert (tmp_path / "dropped.csv").read_text().count("scanned") == 4


def test_recipe_leaks(shell, files, tmp_path):
    files(
        {
            **{"train/a.txt": POST, "train/b.txt": THIRD, "test/1.txt": POST.lower(), "test/2.txt": OTHER},
            **{"test/3.txt": OTHER.upper(), "test/long.txt": f"{THIRD} {THIRD[::-1]}"},
        }
    )
    shell("sh", block("leaks", "sh"))
    said = shell("python", block("leaks", "python")).splitlines()
    assert "test/1.txt case 1.0 1.0 train/a.txt" in said
    assert not any("test/2" in line or "test/3" in line for line in said)
    assert (tmp_path / "leaked.txt").read_text().splitlines() == ["test/1.txt", "test/long.txt"]


@pytest.mark.slow
def test_recipe_check(shell, files):
    files({"train/a.txt": POST, "train/b.txt": THIRD, "test/1.txt": POST.lower(), "test/2.txt": OTHER})
    shell("sh", block("check", "sh"))
    assert shell("python", block("check", "python")) == "test/1.txt case 1.0 train/a.txt\n"


@pytest.mark.slow
def test_recipe_clean_test(shell, files, tmp_path):
    files({"train/a.txt": POST, "test/1.txt": POST.lower(), "test/2.txt": OTHER, "test/3.txt": OTHER})
    shell("sh", block("clean-test", "sh"))
    assert names(tmp_path / "clean-test") == ["2.txt", "3.txt"]
    assert len((tmp_path / "leaks.csv").read_text().splitlines()) == 4


@pytest.mark.slow
def test_recipe_datasketch(shell, files):
    long = " ".join(f"{i} {POST[i:]} {OTHER[:i]}" for i in range(1, 300, 7))
    files({**COPIES, "corpus/empty.txt": "", "corpus/long.txt": long, "new.txt": long.lower()})
    shell("sh", block("datasketch", "sh"))
    assert shell("python", block("datasketch", "python")) == "corpus/long.txt\n"


@pytest.mark.slow
def test_recipe_workflow(shell, files):
    yaml = pytest.importorskip("yaml", reason=f"PyYAML is not here: {HINT}")
    workflow = yaml.safe_load(block("workflow", "yaml"))
    assert set(workflow) == {"name", True, "env", "jobs"}  # NOTE: YAML 1.1 reads `on` as true
    steps = workflow["jobs"]["duplicates"]["steps"]
    assert all(("run" in step) != ("uses" in step) for step in steps)
    scan, failed = (step for step in steps if step.get("run", "").startswith("dedup "))
    assert failed["if"] == "failure()"
    files({"corpus/a.txt": POST, "corpus/b.txt": OTHER})
    shell("sh", scan["run"])
    files({"corpus/c.txt": OTHER})
    shell("sh", scan["run"], 1)
    assert "corpus/c.txt,,corpus/b.txt,identical" in shell("sh", failed["run"])


@pytest.mark.slow
def test_recipe_pre_commit(shell, files):
    yaml = pytest.importorskip("yaml", reason=f"PyYAML is not here: {HINT}")
    ((hook,),) = (repo["hooks"] for repo in yaml.safe_load(block("pre-commit", "yaml"))["repos"])
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert re.match(hook["files"], "corpus/a.txt")
    files({"corpus/a.txt": POST, "corpus/b.txt": POST})
    shell("sh", hook["entry"], 1)


def other_user() -> dict[str, int]:
    """How to run a command as a user who owns nothing; nothing where that user could not run this Python."""
    folders = Path(os.path.realpath(sys.executable)).parents
    reached = all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)
    return {"user": 65534, "group": 65534} if os.geteuid() == 0 and reached else {}


@pytest.mark.slow
@pytest.mark.heavy  # it installs everything anew, as the last part of .ci/run does with a wheel
def test_recipe_image():
    """The steps of the Dockerfile without a daemon; then the command without a home, as another user."""
    steps = dict(line.split(" ", 1) for line in block("image", "dockerfile").splitlines())
    assert set(steps) == {"FROM", "COPY", "RUN", "WORKDIR", "ENTRYPOINT"}
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        image = Path(name)
        image.chmod(0o755)
        copied = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
        if copied.returncode:
            pytest.skip("this is no checkout of git")
        for file in filter(None, copied.stdout.split("\0")):
            (image / "src" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, image / "src" / file)
        subprocess.run([sys.executable, "-m", "venv", image / "venv"], check=True)
        environment = {"PATH": f"{image}/venv/bin:/usr/bin:/bin"}
        build = steps["RUN"].replace("/src", str(image / "src"))
        subprocess.run(["sh", "-euc", build], cwd="/", env=environment, check=True, capture_output=True)
        data = image / "data"
        (data / "corpus").mkdir(parents=True)
        for i, text in enumerate([POST, OTHER]):
            (data / "corpus" / f"{i}.txt").write_text(text)
        user = other_user()
        if user:
            os.chown(data, user["user"], user["group"])
        (run,) = (line for line in block("image", "sh").splitlines() if line.startswith("docker run"))
        command = [*json.loads(steps["ENTRYPOINT"]), *run.partition(" dedup ")[2].split()]
        command[0] = str(image / "venv/bin" / command[0])
        done = subprocess.run(command, cwd=data, env=environment, capture_output=True, text=True, **user)
        assert (done.returncode, "compiling" in done.stderr) == (0, False), done.stderr
        assert "seen 2 = kept 2" in done.stdout
        assert (data / "scan.jsonl").read_text().count('"event": "stage"') >= 6


@pytest.mark.slow
def test_recipe_delete(shell, files, tmp_path):
    files(COPIES)
    shell("sh", block("delete", "sh"))
    (_, again) = (line for line in block("delete", "sh").splitlines() if "dedup move" in line)
    shell("sh", again)  # once more, where nothing is left to move
    assert names(tmp_path / "corpus") == ["a.txt", "deep/d.txt"]
    shell("sh", "dedup move --undo quarantine")
    assert (tmp_path / "corpus" / "-b c\n.txt").read_text() == POST.upper()
