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

Progress = Callable[[str, int, int, int], None]  # phase, done, total, documents so far
ParallelMap = Callable[..., Iterable[Any]]  # (function, items) -> results in order, on threads or not
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Context:
    """What every stage of one scan shares: its settings, threads, progress and timings."""

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

    def counted(self, phase: str, total: int, n_docs: int, each: int = 0) -> Callable[..., Iterator[Any]]:
        """Return a `parallel_map` that reports progress: `each` for every item, or the length of the item."""

        def parallel_map(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            sizes: list[int] = []

            def noted() -> Iterator[Any]:
                for item in items:
                    sizes.append(each or len(item))
                    yield item

            self.progress(phase, 0, total, n_docs)
            done = 0
            for i, result in enumerate(self.parallel_map(function, noted())):
                done += sizes[i]
                self.progress(phase, done, total, n_docs)
                yield result

        return parallel_map

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the wall seconds of the block to the timings, and return the memory that it has freed."""
        start = time.perf_counter()
        yield
        trim_memory()
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + time.perf_counter() - start, 3)


@contextmanager
def shared_context(settings: Settings, progress: Progress | None = None) -> Iterator[Context]:
    """Open the threads of one scan."""
    with ThreadPoolExecutor(settings.n_threads) as pool:
        yield Context(settings, pool, progress or (lambda *_: None), {})


def trim_memory() -> None:
    """Return freed memory to the system where the C library (glibc) has kept it between what is in use."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
