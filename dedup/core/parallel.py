"""Threads, progress, timings and memory, which all stages of a scan share."""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from .settings import Settings

Progress = Callable[[str, int, int, int], None]  # stage, done, total (0: unknown), documents so far
ParallelMap = Callable[..., Iterable[Any]]  # (function, items) -> results in order, on threads or not
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Context:
    """What every stage of one scan shares: its settings, threads, progress and timings.

    `seconds` are the wall seconds of each stage so far, in the order in which they began.
    """

    settings: Settings
    pool: ThreadPoolExecutor
    progress: Progress
    seconds: dict[str, float]

    def parallel_map(self, function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
        """Map a function over items on the pool, in order, with a few items under way at a time."""
        under_way: list[Future[Out]] = []
        try:
            for item in items:
                under_way.append(self.pool.submit(function, item))
                if len(under_way) > 2 * self.settings.n_threads:
                    yield under_way.pop(0).result()
            while under_way:
                yield under_way.pop(0).result()
        finally:
            for future in under_way:
                future.cancel()

    def report(self, done: int, total: int, n_docs: int) -> None:
        """Report the progress of the stage that runs."""
        self.progress(next(reversed(self.seconds), ""), done, total, n_docs)

    def counted(self, total: int, n_docs: int, each: int = 0) -> Callable[..., Iterator[Any]]:
        """Return a `parallel_map` that reports progress: `each` for every item, or the length of the item."""

        def parallel_map(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            sizes: list[int] = []

            def noted() -> Iterator[Any]:
                for item in items:
                    sizes.append(each or len(item))
                    yield item

            self.report(0, total, n_docs)
            done = 0
            for i, result in enumerate(self.parallel_map(function, noted())):
                done += sizes[i]
                self.report(done, total, n_docs)
                yield result

        return parallel_map

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Run the block as a stage: report it, time it, and return the memory that it has freed."""
        start, before = time.perf_counter(), self.seconds.pop(stage, 0.0)
        self.seconds[stage] = before  # NOTE: the last one is the stage that runs
        self.report(0, 0, 0)
        yield
        trim_memory()
        self.seconds[stage] = round(before + time.perf_counter() - start, 3)


@contextmanager
def shared_context(settings: Settings, progress: Progress | None = None) -> Iterator[Context]:
    """Open the threads of one scan."""
    with ThreadPoolExecutor(settings.n_threads) as pool:
        yield Context(settings, pool, progress or (lambda *_: None), {})


def trim_memory() -> None:
    """Return freed memory to the system where the C library (glibc) has kept it between what is in use."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
