"""Run one command and measure it: wall and CPU seconds, peak resident memory of all its processes (Linux)."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
EVERY = 0.05  # seconds between two looks at the memory
PSS_EVERY = 0.25  # that figure makes the kernel walk the page tables, so it is asked for less often


@dataclass(frozen=True)
class Usage:
    """What one run took; `failure` is empty when it ended well."""

    wall: float  # seconds
    cpu: float  # user and system seconds of the process and all that descend from it
    peak: int  # bytes
    failure: str = ""


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    out, todo = [], [pid]
    while todo:
        pid = todo.pop()
        out.append(pid)
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for task in os.listdir(f"/proc/{pid}/task"):
                todo += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return out


def _kilobytes(path: str, *names: str) -> list[int]:
    """Fields of a status file of /proc -> bytes; 0 where there is none."""
    found = dict.fromkeys(names, 0)
    with contextlib.suppress(OSError), open(path) as f:
        for line in f:
            name, _, value = line.partition(":")
            if name in found:
                found[name] = int(value.split()[0]) * 1024
    return list(found.values())


class Watch:
    """The most memory that a process tree was seen to hold, and the CPU time that it has used.

    Of one process, memory is the kernel's own high-water mark.  Of several it is the sum of what is resident
    at one moment, pages that processes share counted once (proportional set size).
    """

    def __init__(self, pid: int) -> None:
        self.pid, self.bytes, self.asked = pid, 0, 0.0
        self.ticks: dict[int, int] = {}  # of each process that was seen, those that have ended too

    def look(self) -> int:
        """-> bytes resident now, shared pages counted for each."""
        pids = tree(self.pid)
        for pid in pids:
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self.ticks[pid] = int(fields[11]) + int(fields[12])  # utime, stime
        figures = [_kilobytes(f"/proc/{pid}/status", "VmHWM", "VmRSS") for pid in pids]
        resident = sum(rss for _, rss in figures)
        self.bytes = max(self.bytes, *(high for high, _ in figures))
        # subtle: the proportional sum is never above the plain one, so it is only needed for a new peak
        now = time.monotonic()
        if len(pids) > 1 and resident > self.bytes and now - self.asked > PSS_EVERY:
            self.asked = now
            shares = (_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss")[0] for pid in pids)
            self.bytes = max(self.bytes, sum(shares))
        return resident

    def cpu(self) -> float:
        """Seconds of all processes; of each, what it had used when it was last seen."""
        return sum(self.ticks.values()) / os.sysconf("SC_CLK_TCK")


def warm(path: Path) -> None:
    """Read a file, so that the first program to read it finds it in the page cache too."""
    with open(path, "rb") as f:
        while f.read(1 << 20):
            pass


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    lines = log.read_text("utf-8", "replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")[:160]


def tell(text: str, out: Path | None) -> None:
    """Print a table, and write it to a file if one is asked for."""
    print(text, end="")
    if out:
        out.write_text(text)


def _kill(pid: int) -> None:
    for each in tree(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def run(
    command: list[str],
    log: Path,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 3600.0,
    memory: int = 1 << 62,
) -> Usage:
    """Run a command with its output in a log -> what it took.  Past a limit it is killed, and has failed."""
    failure = ""
    with open(log, "wb") as f:
        start = time.perf_counter()
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=env, cwd=cwd)
        except OSError as error:
            return Usage(0.0, 0.0, 0, f"{command[0]}: {error.strerror}")
        watch = Watch(child.pid)
        ended = os.pidfd_open(child.pid)
        try:
            while not failure:
                resident = watch.look()
                if select.select([ended], [], [], EVERY)[0]:
                    break
                if time.perf_counter() - start > seconds:
                    failure = f"stopped after {seconds:.0f} s"
                elif resident > memory:
                    failure = f"stopped at {resident / 1e9:.1f} GB of memory"
        finally:  # also when the person at the keyboard has had enough
            if not select.select([ended], [], [], 0)[0]:
                _kill(child.pid)
            os.close(ended)
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - start
            child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode and not failure:
        failure = f"exit code {child.returncode}: {last_line(log)}"
    # subtle: the kernel adds up only children that were waited for; a fork server's are not
    cpu = max(usage.ru_utime + usage.ru_stime, watch.cpu())
    return Usage(wall, cpu, watch.bytes, failure)
