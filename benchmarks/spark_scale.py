"""What a scan costs on Spark, stage by stage, beside the local engine on the same machine.

    python -m benchmarks.spark_scale CORPUS FOLDER [--master local[2,4]] [--local-first]

Prints one JSON object: for each engine wall seconds, CPU seconds and peak memory (proportional set size of
the whole process tree); for each stage on Spark wall and CPU seconds, shuffled bytes, checkpoint bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from dedup.reports.progress import SPARK_WORDS

TICKS = os.sysconf("SC_CLK_TCK")


def below(pid: int) -> list[int]:
    """A process and those below it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    out, todo = [], [pid]
    while todo:
        out.append(todo.pop())
        todo += parents.get(out[-1], [])
    return out


def cpu(pid: int) -> float:
    """CPU seconds of a process tree so far, with those of its dead members."""
    total = 0
    for one in below(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(x) for x in fields[11:15])
    return total / TICKS


def memory(pid: int) -> int:
    """Proportional set size of a process tree, in bytes."""
    total = 0
    for one in below(pid):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) * 1024
    return total


def stage_of(said: str) -> str:
    """A stage as stderr tells of it, in words -> its name, as in checkpoints.

    >>> stage_of("reading"), stage_of("choosing documents to keep, turn 2")
    ('pass', 'decided-1')
    """
    words, _, turn = said.partition(", turn ")
    name = {words: name for name, words in SPARK_WORDS.items()}.get(words, words)
    return f"{name}-{int(turn) - 1}" if turn else name


def watched(command: list[str], env: dict[str, str]) -> dict[str, object]:
    """Run a command -> its wall and CPU seconds and peak memory; and by stage, as stderr tells of them."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    peak, used, stop = [0], [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            peak[0] = max(peak[0], memory(child.pid))
            used[0] = max(used[0], cpu(child.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    stages, before = {}, 0.0
    assert child.stderr is not None
    for line in child.stderr:
        name, _, seconds = line.strip().rpartition(": ")
        if seconds.endswith(" s"):
            now = cpu(child.pid)
            stages[stage_of(name)] = {"wall": float(seconds[:-2]), "cpu": round(now - before, 1)}
            before = now
    _, status, usage = os.wait4(child.pid, 0)
    stop.set()
    watcher.join()
    assert os.waitstatus_to_exitcode(status) in (0, 2), command
    total = max(used[0], usage.ru_utime + usage.ru_stime)
    wall = round(time.perf_counter() - start, 1)
    return {"wall": wall, "cpu": round(total, 1), "peak_mb": peak[0] >> 20, "stages": stages}


def shuffled(log: Path) -> Counter[str]:
    """Spark's event log -> bytes written to shuffles, by our stage."""
    name_of: dict[int, str] = {}
    out: Counter[str] = Counter()
    for path in sorted(p for p in log.rglob("*") if p.is_file()):
        for line in path.read_text(errors="replace").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("Event") == "SparkListenerJobStart":
                told = event.get("Properties", {}).get("spark.job.description") or ""
                for stage in event["Stage IDs"]:
                    name_of[stage] = told.removeprefix("dedup: ")
            elif event.get("Event") == "SparkListenerTaskEnd" and event.get("Task Metrics"):
                written = event["Task Metrics"]["Shuffle Write Metrics"]["Shuffle Bytes Written"]
                out[name_of.get(event["Stage ID"], "")] += written
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--master", default="local[2,4]")
    parser.add_argument("--memory", default="4g")
    given = parser.parse_args()
    given.folder.mkdir(parents=True)
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    scan = [sys.executable, "-m", "dedup", "scan", str(given.corpus)]
    local = watched([*scan, "--run", str(given.folder / "local")], env)
    log = given.folder / "log"
    log.mkdir()
    conf = {
        **{"spark.driver.memory": given.memory, "spark.eventLog.enabled": "true"},
        **{"spark.eventLog.dir": log.as_uri(), "spark.eventLog.compress": "false"},
        "spark.eventLog.rolling.enabled": "false",
    }
    options = [x for name, value in conf.items() for x in ("--spark-conf", f"{name}={value}")]
    engine = ["--engine", "spark", "--master", given.master, "--run", str(given.folder / "spark")]
    spark = watched([*scan, *engine, *options], env)
    for name, n in shuffled(log).items():
        spark["stages"].setdefault(name, {})["shuffled"] = n  # type: ignore[attr-defined]
    runs = [json.loads((given.folder / x / "run.json").read_bytes()) for x in ("local", "spark")]
    same = all(
        next(given.folder.glob("local/tables-*")).joinpath(p.name).read_bytes() == p.read_bytes()
        for p in next(given.folder.glob("spark/tables-*")).iterdir()
        if p.is_file()
    )
    facts = {"documents": runs[0]["documents"], "bytes": runs[0]["bytes"], "same": same}
    print(json.dumps({**facts, "rows": runs[1]["rows"], "local": local, "spark": spark}, indent=1))


if __name__ == "__main__":
    main()
