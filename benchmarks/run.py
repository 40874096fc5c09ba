"""Time whole programs on one corpus, side by side: this one, its peers, and two yardsticks.

    python benchmarks/run.py --docs 50000 [--runs 3] [--only dedup,rensa] [--work DIR] [--out table.md]

Makes the corpus (make_corpus.py) and an environment per peer, both kept in --work.  Each round runs every
program once, in turn, in a process of its own; the table has the medians.  What a program found is held
against what was planted.  A peer that cannot be installed or fails is a row with the reason.  Linux only.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import venv
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import measure
from truth import Score, Truth, read_truth, score

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # type: ignore[no-redef]

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
PEERS = {  # name -> its file in peers/, and what follows MODE CORPUS OUT there
    "dedup": ("dedup", []),
    "text-dedup": ("text-dedup", []),
    "datatrove": ("datatrove", []),
    "daft": ("daft", []),
    "datasketch": ("datasketch", []),
    "rensa": ("rensa", []),
    "rensa-5-words": ("rensa", ["5"]),
}
YARDSTICKS = {"sha256sum": ["sha256sum"], "wc -w": ["wc", "-w"]}


@dataclass
class Program:
    """A program under test, and what came of it."""

    name: str
    command: list[str]  # with {corpus}, {out}, {cache}
    env: dict[str, str]
    version: str = ""
    judge: list[str] = field(default_factory=list)  # prints id, cluster, kept; empty for a yardstick
    prepare: list[str] = field(default_factory=list)
    runs: list[measure.Usage] = field(default_factory=list)
    score: Score | None = None
    failure: str = ""


def quiet_environment(work: Path) -> dict[str, str]:
    """No downloads, no telemetry, nothing of ours on the path of a peer."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    off = ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "SCARF_NO_ANALYTICS")
    hide = {"DAFT_ANALYTICS_ENABLED": "0", "DAFT_PROGRESS_BAR": "0", "PYTHONUTF8": "1"}
    return keep | dict.fromkeys(off, "1") | hide | {"HF_HOME": str(work / "cache")}


def header(file: Path) -> dict[str, Any]:
    """The script block of a peer's file (the form is that of PEP 723)."""
    block = re.search(r"(?m)^# /// script$\n((?:#.*\n)+?)# ///$", file.read_text())
    assert block is not None, file
    return tomllib.loads("".join(line[2:] + "\n" for line in block[1].splitlines()))


def environment(work: Path, name: str, requirements: list[str]) -> Path:
    """-> the Python of an environment that has them, made when it is not there."""
    wanted = [r.format(checkout=CHECKOUT) for r in requirements]
    key = zlib.crc32(repr((wanted, platform.python_version())).encode())
    folder = work / "env" / f"{name}-{key:08x}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"installing {', '.join(wanted)} ...", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        words = [w for r in wanted for w in (r.split(" ", 1) if r.startswith("-e ") else [r])]
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", *words], check=True, capture_output=True, text=True
        )
        (folder / "ready").touch()
    return python


def version_of(python: Path, requirement: str) -> str:
    """The version of what was installed first; of this checkout, with its commit."""
    name = "dedup-corpus" if requirement.startswith("-e ") else re.split(r"[\[=<>~!]", requirement)[0]
    ask = f"from importlib.metadata import version; print(version({name!r}))"
    version = subprocess.run([str(python), "-I", "-c", ask], check=True, capture_output=True, text=True)
    commit = ""
    if name == "dedup":
        git = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty=+", "--exclude=*"]
        found = subprocess.run(git, capture_output=True, text=True)
        commit = f" ({found.stdout.strip()})" if found.returncode == 0 else ""
    return version.stdout.strip() + commit


def program(name: str, work: Path) -> Program:
    """A peer or a yardstick, installed; or with the reason why not."""
    env = quiet_environment(work)
    if name in YARDSTICKS:
        first = subprocess.run([YARDSTICKS[name][0], "--version"], capture_output=True, text=True, env=env)
        version = (first.stdout.splitlines() or ["?"])[0].rsplit(" ", 1)[-1]
        return Program(name, [*YARDSTICKS[name], "{corpus}"], env, version)
    stem, more = PEERS[name]
    file = HERE / "peers" / f"{stem}.py"
    about = header(file)
    out = Program(name, [], env)
    try:
        python = environment(work, stem, about["dependencies"])
        out.version = version_of(python, about["dependencies"][0])
    except (subprocess.CalledProcessError, OSError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        lines = [s for s in said if s.startswith("ERROR")] or said
        out.failure = f"cannot be installed: {lines[-1][:160]}"
        return out
    bench = about.get("tool", {}).get("bench", {})
    # subtle: -I keeps the folder of the file, where names are those of packages, off the path
    own = {
        mode: [str(python), "-I", str(file), mode, "{corpus}", "{out}", *more]
        for mode in ("prepare", "scan", "result")
    }
    out.command = [part.replace("{python}", str(python)) for part in bench.get("command", own["scan"])]
    out.judge, out.prepare = own["result"], own["prepare"] if bench.get("prepare") else []
    return out


def run_once(p: Program, corpus: Path, work: Path, seconds: float, memory: int) -> measure.Usage:
    """Run a program on a corpus, from nothing but what it has compiled."""
    for folder in (work / "cache", work / "out" / p.name):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    places = {"corpus": corpus, "out": work / "out" / p.name, "cache": work / "cache"}
    log = work / f"{p.name.replace(' ', '')}.log"
    if p.prepare:
        before = measure.run([w.format(**places) for w in p.prepare], log, p.env, work)
        if before.failure:
            return before
    return measure.run([w.format(**places) for w in p.command], log, p.env, work, seconds, memory)


def judge(p: Program, corpus: Path, truth: Truth, work: Path) -> None:
    """Hold the last output of a program against the truth; this is not measured."""
    result = work / f"{p.name}.csv"
    places = {"corpus": corpus, "out": work / "out" / p.name, "cache": work / "cache"}
    with open(result, "wb") as f:
        line = [w.format(**places) for w in p.judge]
        done = subprocess.run(line, stdout=f, stderr=subprocess.PIPE, env=p.env, cwd=work)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no output"]
        p.failure = f"its output cannot be read: {said[-1][:160]}"
    else:
        p.score = score(truth, result)


def machine() -> str:
    """CPU, cores, memory, system, Python."""
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"(?m)^model name\s*: (.+)$", info)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cpu = model[1].strip() if model else platform.machine()
    return (
        f"{cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}"
    )


def median(p: Program, what: str) -> float:
    """Of the runs of a program."""
    return statistics.median(getattr(u, what) for u in p.runs)


def share(x: float) -> str:
    """A share in [0, 1], or that there is none."""
    return "-" if math.isnan(x) else f"{x:.4f}"


def table(programs: list[Program], corpus: Path, docs: int) -> str:
    """The Markdown."""
    megabytes = corpus.stat().st_size / 1e6
    rounds = max((len(p.runs) for p in programs), default=0)
    ours = next((p for p in programs if p.name == "dedup" and p.runs and not p.failure), None)
    lines = [
        f"{docs:,} documents, {megabytes:.0f} MB of JSON Lines; "
        f"medians of {rounds} interleaved rounds.  {machine()}.",
        "",
        "| program | version | wall s | CPU s | peak MB | documents/s | wall / dedup's "
        "| pair precision | pair recall | removal precision | removal recall |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for p in programs:
        if p.failure or not p.runs:
            lines.append(f"| {p.name} | {p.version} | {p.failure.replace('|', '/')} |" + " |" * 8)
            continue
        wall = median(p, "wall")
        peak = f"{median(p, 'peak') / 1e6:.0f}" if median(p, "peak") else "-"  # it was too quick to see
        ratios = [a.wall / b.wall for a, b in zip(p.runs, ours.runs, strict=False)] if ours else []
        ratio = f"{statistics.median(ratios):.3g}" if ratios else "-"
        s = p.score
        shares = (
            (s.pair_precision, s.pair_recall, s.removal_precision, s.removal_recall) if s else [math.nan] * 4
        )
        cells = [
            p.name,
            p.version,
            f"{wall:.2f}",
            f"{median(p, 'cpu'):.2f}",
            peak,
        ]
        cells += [f"{docs / wall:,.0f}", ratio, *map(share, shares)]
        lines.append("| " + " | ".join(cells) + " |")
    scored = [p for p in programs if p.score and not p.failure]
    if scored:
        kinds = list(scored[0].score.kinds)  # type: ignore[union-attr]
        lines += ["", "Variants found in the cluster of their base, by kind:", ""]
        lines += ["| kind | " + " | ".join(p.name for p in scored) + " |", "|---|" + "--:|" * len(scored)]
        for kind in kinds:
            found = " | ".join(f"{p.score.kinds[kind]:.3f}" for p in scored if p.score)
            lines.append(f"| {kind} | {found} |")
    return "\n".join(lines) + "\n"


def made(work: Path, docs: int, more: list[str]) -> Path:
    """-> the folder of a corpus of so many documents, made when it is not there or the maker has changed."""
    maker = HERE / "make_corpus.py"
    form = "-".join(re.sub(r"\W+", "", word) for word in more)
    folder = work / f"corpus-{docs}{'-' * bool(form)}{form[-80:]}"
    key = f"{zlib.crc32(maker.read_bytes()):08x}"
    if not (folder / "ready").exists() or (folder / "ready").read_text() != key:
        print(f"making {docs:,} documents ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, str(maker), str(folder), "--docs", str(docs), *more], check=True)
        (folder / "ready").write_text(key)
    return folder


def names(text: str) -> list[str]:
    """--only -> names of programs."""
    out = text.split(",")
    unknown = set(out) - set(PEERS) - set(YARDSTICKS)
    if unknown:
        raise argparse.ArgumentTypeError(f"{min(unknown)!r} is none of {', '.join([*PEERS, *YARDSTICKS])}")
    return out


def main() -> None:
    """Make the corpus, run the rounds, print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--docs", type=int, default=50_000)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--only", type=names, default=[*PEERS, *YARDSTICKS])
    p.add_argument("--work", type=Path, default=Path("/tmp/dedup-bench"))
    p.add_argument(
        "--pool", type=Path, action="append", default=[], help="folder of texts to draw sentences from"
    )
    p.add_argument("--timeout", type=float, default=7200, help="seconds that one run may take")
    p.add_argument(
        "--memory", type=float, default=0.8, help="share of this machine's memory that a run may take"
    )
    p.add_argument("--out", type=Path, help="file for the table")
    a = p.parse_args()
    work = a.work.resolve()
    limit = int(a.memory * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    pools = [word for path in a.pool for word in ("--pool", str(path.resolve()))]
    folder, small = made(work, a.docs, pools), made(work, 500, pools)
    corpus = folder / "part-00000.jsonl"
    programs = [program(name, work) for name in a.only]
    for each in programs:  # what compiles or fails does so here
        if not each.failure:
            each.failure = run_once(each, small / corpus.name, work, a.timeout, limit).failure
    measure.warm(corpus)
    for n in range(a.runs):
        for each in programs:
            if not each.failure:
                usage = run_once(each, corpus, work, a.timeout, limit)
                each.failure = usage.failure
                each.runs.append(usage)
                print(f"round {n + 1}: {each.name} {usage.failure or f'{usage.wall:.2f} s'}", file=sys.stderr)
    truth = read_truth(folder / "truth.csv")
    for each in programs:
        if each.judge and not each.failure:
            judge(each, corpus, truth, work)
    measure.tell(table(programs, corpus, a.docs), a.out)
    rows = [{k: v for k, v in asdict(each).items() if k != "env"} for each in programs]
    (work / f"results-{a.docs}.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
