"""The Spark engine with its run at an address and its sources at URLs: the bytes of the local engine."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

import dedup
from dedup.core.settings import Settings
from dedup.readers.storage import addresses
from dedup.readers.storage.addresses import StorageFolder
from dedup.reports.progress import SPARK_WORDS
from dedup.runs import remote
from dedup.spark import job, session
from dedup.spark.output import arrays, folder

from ..conftest import OTHER, POST, ROOT, SAMPLES
from ..pipeline.test_scan import corpus
from ..readers.test_urls import s3, web  # noqa: F401 (fixtures)

pytest.importorskip("pyspark", reason="the Spark engine is not installed: pip install 'dedup-corpus[spark]'")

from .test_scan import heavy, made, pytestmark, summary, tables  # noqa: E402, F401


@pytest.fixture(scope="module")
def spark():
    with session.session("local[2,4]", {"spark.sql.shuffle.partitions": "3"}, small=True) as spark:
        yield spark


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def same(tmp_path, sources, here, **ways):
    """Scan by both engines, one of them to an address, and hold the copy against the local run folder."""
    dedup.scan(sources, run=tmp_path / "local")
    job.scan(sources, Settings(), here, job.SparkOptions(**ways))
    copy = remote.whole(here)
    expected, found = tables(tmp_path / "local"), tables(copy)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert summary(copy) == summary(tmp_path / "local")
    assert dedup.open_run(here).to_arrow().equals(dedup.open_run(tmp_path / "local").to_arrow())
    names = [info.base_name for info in StorageFolder(here).inside()]
    assert names[:2] == ["lock", "run.json"]
    assert len(names) == 3  # and the tables
    return copy


@pytest.mark.parametrize("partitions", [1, pytest.param(2, marks=heavy), 7])
def test_a_run_at_an_address_has_the_same_bytes(spark, made, tmp_path, monkeypatch, partitions):  # noqa: F811
    monkeypatch.setattr(arrays, "PART_BYTES", 1 << 14)
    same(tmp_path, [made], f"file://{tmp_path}/far", partitions=partitions)
    (parts,) = (tmp_path / "far").glob("tables-*/signatures.npy")
    assert len(list(parts.iterdir())) > 9


def test_a_second_scan_replaces_the_first_and_its_sources_are_not_its_run(spark, tmp_path):
    shutil.copytree(SAMPLES, tmp_path / "in")
    here = f"file://{tmp_path}/in/run"
    job.scan([tmp_path / "in"], Settings(), here, job.SparkOptions())
    first = {info.base_name for info in StorageFolder(here).inside()}
    seen = dedup.open_run(here).summary
    (tmp_path / "in" / "new.txt").write_text(POST)
    job.scan([tmp_path / "in"], Settings(), here, job.SparkOptions())
    second = {info.base_name for info in StorageFolder(here).inside()}
    assert first & second == {"lock", "run.json"}
    assert len(second) == 3
    found = dedup.open_run(here).summary
    assert found["documents"]["seen"] == seen["documents"]["seen"] + 1
    assert found["skipped"]["run folder"] == 1


def test_a_task_that_runs_twice_writes_the_same_bytes(spark, tmp_path, monkeypatch):
    marks = tmp_path / "marks"
    marks.mkdir()

    class Fails(StorageFolder):
        """Where an executor writes some files, it fails after the first time."""

        def write(self, name, data):
            StorageFolder.write(self, name, data[: len(data) // 2])
            StorageFolder.write(self, name, data)
            if name.endswith("head"):
                return  # the driver's
            mark = os.path.join(str(marks), name.replace("/", "-"))
            if name.startswith(("signatures", "documents")) and not os.path.exists(mark):
                open(mark, "w").close()
                raise OSError("lost")

    was = folder.writing

    @contextlib.contextmanager
    def failing(run, conf):
        with was(run, conf) as opened:
            yield replace(opened, tables=Fails(opened.tables.at))

    monkeypatch.setattr(job, "writing", failing)
    some = [SAMPLES / "club.jsonl", SAMPLES / "clean"]
    same(tmp_path, some, f"file://{tmp_path}/far")
    assert set(os.listdir(marks)) == {"signatures.npy-part-00000000-0000", "documents.parquet"}


def test_a_killed_driver_leaves_stages_at_the_address(tmp_path):
    for i, text in enumerate(corpus(40, seed=9)):
        (tmp_path / f"{i}.txt").write_text(text)
    inputs = [str(path) for path in sorted(tmp_path.glob("*.txt"))]
    here = f"file://{tmp_path}/far"
    command = [sys.executable, "-m", "dedup", "scan", *inputs, "--run", here, "--engine", "spark"]
    command += ["--master", "local[2]", "--spark-conf", "spark.sql.shuffle.partitions=3"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    for line in child.stderr:
        if line.startswith(SPARK_WORDS["alike"]):
            child.kill()
            break
    child.wait()
    assert StorageFolder(here).size("run.json") < 0
    again = subprocess.run(command, env=env, stderr=subprocess.PIPE, text=True, check=True)
    stages = dict(line.split(": ", 1) for line in again.stderr.splitlines() if ": " in line)
    before = [name for name, how in stages.items() if how == "done before"]
    first = ("pass", "by-letters", "spellings", "letters", "firsts", "alike")
    assert before[:6] == [SPARK_WORDS[stage] for stage in first]
    assert SPARK_WORDS["compared"] not in before
    dedup.scan(inputs, run=tmp_path / "local")
    assert tables(remote.whole(here)) == tables(tmp_path / "local")


def test_an_address_that_spark_does_not_know_is_told_in_one_line(spark):
    with pytest.raises(dedup.DedupError) as caught, session.translate_errors():
        spark.range(1).write.parquet("s3a://bucket/stage")
    assert "Spark knows no file system for s3a://; give it its jar" in str(caught.value)
    assert "spark.dedup.checkpoints=PATH" in str(caught.value)
    assert folder.for_spark(spark, "s3://bucket/x") == "s3a://bucket/x"
    assert folder.for_spark(spark, "hdfs://host/x") == "hdfs://host/x"
    spark.sparkContext._jsc.hadoopConfiguration().set("fs.s3.impl", "some.other.FileSystem")  # as EMR has it
    assert folder.for_spark(spark, "s3://bucket/x") == "s3://bucket/x"
    spark.sparkContext._jsc.hadoopConfiguration().unset("fs.s3.impl")


def test_urls_with_credentials_are_read_by_executors(spark, web, tmp_path):  # noqa: F811
    rows = "\n".join(json.dumps({"text": text}) for text in corpus(30, seed=2))
    web.pages = {"/a.txt?token=hush": POST.encode(), "/b.jsonl": rows.encode(), "/c.txt": OTHER.encode()}
    urls = [f"{web.url}{path}" for path in web.pages]
    copy = same(tmp_path, urls, f"file://{tmp_path}/far", unit_bytes=900)
    assert "http://" in str(dedup.open_run(copy).names)
    held = [p for p in (tmp_path / "far").rglob("*") if p.is_file() and b"hush" in p.read_bytes()]
    assert held == []


@pytest.fixture(scope="module")
def bucket(s3):  # noqa: F811
    """The bucket `corpus` by the environment, as driver and executors have it."""
    names = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": s3.endpoint,
        "AWS_REGION": "us-east-1",
    }
    addresses._system.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        yield s3, names
    addresses._system.cache_clear()


def test_a_bucket_is_scanned_to_a_bucket(spark, bucket, tmp_path, monkeypatch, run):
    put, names = bucket
    # as --spark-conf spark.executorEnv.NAME=VALUE does
    monkeypatch.setattr(spark.sparkContext, "environment", {**spark.sparkContext.environment, **names})
    monkeypatch.setattr(arrays, "PART_BYTES", 1 << 14)
    rows = "\n".join(json.dumps({"text": text}) for text in [*corpus(60, seed=7), POST, POST.upper()])
    put("corpus/more/rows.jsonl", rows.encode())
    conf = {"spark.dedup.checkpoints": str(tmp_path / "stages")}
    some = ["s3://corpus/x/", "s3://corpus/more/"]
    same(tmp_path, some, "s3://corpus/far/run", conf=conf, unit_bytes=4000)
    keep = run("export", "keep", "--run", "s3a://corpus/far/run").lines
    assert keep == dedup.open_run(tmp_path / "local").keep()
    assert run("show", "--json", "--run", "s3://corpus/far/run").json
    assert list((tmp_path / "stages").iterdir()) == []
    for where, told in (("s3://nobucket/run", "no such bucket"), ("s3://corpus/none", "no run here")):
        assert told in run("show", "--run", where, code=2).stderr
    line = run("scan", "s3://corpus/x/", "--engine", "spark", "--run", "s3://nobucket/run", code=2).stderr
    assert line == "dedup: s3://nobucket/run: no such bucket\n"


def test_the_checkpoints_of_a_dataframe_can_be_at_an_address(spark, tmp_path):
    import dedup.spark

    texts = [*corpus(8, seed=8), POST, POST.upper()]
    df = spark.createDataFrame(list(enumerate(texts)), "number long, body string")
    found = dedup.spark.scan(df, "body", "number", checkpoints=f"file://{tmp_path}/stages/")
    expected = dedup.scan_texts([dedup.Document(text, str(i)) for i, text in enumerate(texts)])
    assert sorted(str(row[0]) for row in found.keep.collect()) == sorted(expected.keep())
    assert list((tmp_path / "stages").glob("dedup-*/found/_SUCCESS"))
    with pytest.raises(dedup.DedupError, match="no run can be there"):
        dedup.spark.scan(df, "body", "number", checkpoints="ftp://host/x")
