"""The first minute: a fresh environment, empty caches, and how long each command takes.

    python benchmarks/first_run.py [--python python3.12 ...] [--docs 50000]

For each Python an environment is made and dedup installed into it, as a newcomer does.  HOME and the caches
are empty folders; in the last rows they and the package are read-only (not as root).
Seconds are of wall time, medians of --turns, but for what can be first only once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = "The ferry to the island leaves at nine, and comes back in the evening, when the wind allows it. "


def seconds(command: list[str], cwd: Path, home: Path, code: int = 0) -> float:
    """Run a command with an empty home -> its wall time in seconds; raises if it ends with another code."""
    caches = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "DEDUP_", "PYTHON"))}
    began = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env={**kept, **caches}, capture_output=True, text=True)
    took = time.perf_counter() - began
    if done.returncode != code:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return took


def corpora(work: Path, n_docs: int) -> None:
    """Make the corpora: samples, five small files, one new document, and a large one if asked for."""
    (work / "five").mkdir()
    for i in range(5):
        (work / "five" / f"{i}.txt").write_text(TEXT * 8 + f"Berth {i}.\n")
    (work / "new.txt").write_text(
        "Nothing in the run is like this one, which was written for a test of time.\n"
    )
    if n_docs:
        make = [sys.executable, str(ROOT / "benchmarks/make_corpus.py"), str(work / "large")]
        subprocess.run([*make, "--docs", str(n_docs)], check=True, stdout=subprocess.DEVNULL)


def measure(python: str, n_docs: int, turns: int) -> dict[str, float]:
    """Install dedup into a fresh environment of one Python -> what was done, and its seconds."""
    with tempfile.TemporaryDirectory(prefix="dedup-first-") as made:
        work, home = Path(made), Path(made, "home")
        home.mkdir()
        subprocess.run([python, "-m", "venv", str(work / "venv")], check=True)
        pip, dedup = str(work / "venv/bin/pip"), str(work / "venv/bin/dedup")
        corpora(work, n_docs)

        def median(*command: str, code: int = 0) -> float:
            return statistics.median(seconds([dedup, *command], work, home, code) for _ in range(turns))

        found = {"pip install .": seconds([pip, "install", "-q", str(ROOT)], work, home)}
        samples = ("scan", str(ROOT / "samples"), "--run")
        found["first scan of samples/"] = seconds([dedup, *samples, "run"], work, home)
        found["first check of one document"] = seconds(
            [dedup, "check", "new.txt", "--against", "run"], work, home
        )
        found["check of one document"] = median("check", "new.txt", "--against", "run")
        found["scan of five files"] = statistics.median(
            seconds([dedup, "scan", "five", "--run", f"five-{i}"], work, home) for i in range(turns)
        )
        for name, command in {
            "export keep": ("export", "keep", "--run", "five-0"),
            "show": ("show", "--run", "five-0"),
            "explain": ("explain", "five/0.txt", "five/1.txt", "--run", "five-0"),
            "--help": ("--help",),
        }.items():
            found[name] = median(*command)
        if n_docs:
            for turn in ("first", "second"):
                command = [dedup, "scan", "large/part-00000.jsonl", "--run", f"large-{turn}"]
                found[f"{turn} scan of {n_docs:,} documents"] = seconds(command, work, home)
        if os.geteuid():
            package = next((work / "venv/lib").glob("python*/site-packages/dedup"))
            found |= read_only(package, [dedup, *samples], work)
        return found


def read_only(package: Path, scan: list[str], work: Path) -> dict[str, float]:
    """Scan twice where neither the package nor a home can be written -> seconds."""
    folders = [folder for folder, _, _ in os.walk(package)]
    nowhere = work / "read-only"
    nowhere.mkdir(mode=0o555)
    try:
        for folder in folders:
            os.chmod(folder, 0o555)
        return {
            f"{turn} scan of a read-only install": seconds([*scan, f"read-only-{turn}"], work, nowhere)
            for turn in ("first", "second")
        }
    finally:
        for folder in folders:
            os.chmod(folder, 0o755)


def version(python: str) -> str:
    """Return the version of a Python, as a heading."""
    asked = [python, "-c", "import platform; print('Python', platform.python_version())"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Measure each Python, and print one table."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--python", nargs="+", default=[sys.executable])
    ask.add_argument("--docs", type=int, default=0, help="documents of a large corpus, scanned twice")
    ask.add_argument("--turns", type=int, default=3)
    args = ask.parse_args()
    columns = {version(python): measure(python, args.docs, args.turns) for python in args.python}
    print("| seconds | " + " | ".join(columns) + " |")
    print("|---|" + "--:|" * len(columns))
    for name in next(iter(columns.values())):
        print(f"| {name} | " + " | ".join(f"{column[name]:.2f}" for column in columns.values()) + " |")


if __name__ == "__main__":
    main()
