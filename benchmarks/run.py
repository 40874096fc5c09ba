"""Time whole programs on one corpus, side by side: this one, peers as their READMEs use them, sha256sum.

    python benchmarks/run.py --docs 50000 --work /tmp/bench [--rounds 3] [--only dedup sha256sum]

Each round runs every program once, in turn; the table has the medians.  Peers are installed into
environments of their own below --work.  Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared"
PEERS = {"text-dedup": "text-dedup==0.4.0", "rensa": "rensa==0.5.0", "rensa-5-words": "rensa==0.5.0"}


def environment(work: Path, name: str) -> Path:
    """-> the Python of an environment with the peer in it, made when it is not there."""
    folder = work / "env" / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", PEERS[name], "orjson"], check=True)
        (folder / "ready").touch()
    return python


def command(name: str, work: Path, corpus: Path) -> list[str]:
    """-> the command that runs a program on the corpus."""
    out = work / "out" / name
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    if name == "dedup":
        return [sys.executable, "-m", "dedup", "scan", str(corpus), "--run", str(out), "-q"]
    if name == "sha256sum":
        return ["sha256sum", str(corpus)]
    python = str(environment(work, name))
    if name.startswith("rensa"):
        return [python, str(HERE / "rensa_recipe.py"), str(corpus), "5" if name == "rensa-5-words" else "1"]
    return [
        *(
            python,
            "-m",
            "text_dedup.minhash",
            "--path",
            "json",
            "--data_files",
            str(corpus),
            "--split",
            "train",
        ),
        *(
            "--cache_dir",
            str(work / "cache"),
            "--output",
            str(out),
            "--column",
            "text",
            "--batch_size",
            "10000",
        ),
    ]


def measured(name: str, work: Path, corpus: Path) -> tuple[float, float, float]:
    """Run once -> (wall seconds, CPU seconds, peak MB of the largest process)."""
    line = command(name, work, corpus)
    shutil.rmtree(work / "cache", ignore_errors=True)
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "cache")}
    with open(work / f"{name}.log", "wb") as log:
        start = time.perf_counter()
        child = subprocess.Popen(line, stdout=log, stderr=log, env=env)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{name} failed; see {work / name}.log")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Make the corpus, run the rounds, print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--docs", type=int, default=50_000)
    p.add_argument("--work", type=Path, default=Path("/tmp/dedup-bench"))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--maker", type=Path, default=SHARED / "tools" / "make_corpus.py")
    p.add_argument("--pool", type=Path, default=SHARED / "data" / "variants" / "docs")
    p.add_argument(
        "--only", nargs="+", default=["sha256sum", "dedup", "rensa", "rensa-5-words", "text-dedup"]
    )
    a = p.parse_args()
    corpus = a.work / f"corpus-{a.docs}" / "part-00000.jsonl"
    if not corpus.exists():
        make = [
            sys.executable,
            str(a.maker),
            str(corpus.parent),
            "--docs",
            str(a.docs),
            "--pool",
            str(a.pool),
        ]
        subprocess.run(make, check=True)
    megabytes = corpus.stat().st_size / 1e6
    for name in a.only:  # installs, compiles, fills the page cache
        measured(name, a.work, corpus)
    runs = [{name: measured(name, a.work, corpus) for name in a.only} for _ in range(a.rounds)]
    where = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"{a.docs:,} documents, {megabytes:.0f} MB, {where}, medians of {a.rounds}\n")
    print("| program | wall s | MB/s | CPU s | peak MB | wall of dedup / this |")
    print("|---|---|---|---|---|---|")
    for name in a.only:
        wall, cpu, peak = (statistics.median(r[name][i] for r in runs) for i in range(3))
        ratio = statistics.median(r["dedup"][0] / r[name][0] for r in runs) if "dedup" in a.only else 0
        cells = f"{wall:.2f} | {megabytes / wall:.1f} | {cpu:.2f} | {peak:.0f} | {ratio:.3f}"
        print(f"| {name} | {cells} |")


if __name__ == "__main__":
    main()
