"""Threads or processes to read with: what opening files and parsing JSON take, which hold Python's lock.

    python benchmarks/reading.py PATH [--rounds 3]

Reads all records of a file or folder, as a scan does before its compiled pass, with one thread, two threads,
and two processes that send back what they have read (spawned: forking a process that has threads is not
safe).  Prints a Markdown table of wall seconds, medians.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from dedup.readers.discover import find_sources
from dedup.readers.registry import Options, chunks, kind_of, read

state: dict[str, Any] = {}  # of this process: the sources, and the groups of chunks to read


def prepare(path: str) -> None:
    """List what there is to read."""
    sources, _ = find_sources([os.fsencode(path)], kind_of, b"", False)
    fields = [Options()] * len(sources)
    state.update(sources=sources, fields=fields, groups=list(chunks(sources, Options(), fields, {})))


def one_group(number: int) -> list[Any]:
    """Read a group of chunks."""
    sources, fields = state["sources"], state["fields"]
    return [read(chunk, sources[chunk.source], fields[chunk.source]) for chunk in state["groups"][number]]


def with_processes(path: str, numbers: range) -> Iterable[Any]:
    """The groups, read by two processes."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn, initializer=prepare, initargs=(path,)) as pool:
        yield from pool.map(one_group, numbers)


def with_threads(_: str, numbers: range) -> Iterable[Any]:
    """The groups, read by two threads."""
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(one_group, numbers)


WAYS: dict[str, Callable[[str, range], Iterable[Any]]] = {
    "one thread": lambda _, numbers: map(one_group, numbers),
    "two threads": with_threads,
    "two processes": with_processes,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    prepare(given.path)
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(given.rounds):
        for name, way in WAYS.items():
            start = time.perf_counter()
            n = sum(
                len(found[1]) for group in way(given.path, range(len(state["groups"]))) for found in group
            )
            taken[name].append(time.perf_counter() - start)
    print(f"{n:,} documents\n\n| {' | '.join(WAYS)} |\n|{'--:|' * len(WAYS)}")
    print("| " + " | ".join(f"{statistics.median(times):.2f}" for times in taken.values()) + " |")


if __name__ == "__main__":
    main()
