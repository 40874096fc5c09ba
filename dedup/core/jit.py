"""njit with a cache on disk where a folder can be written, and word of when something is compiled.

subtle: numba looks only at the file of a function to see whether its cached code is still good; after
a change to a function that others call from another file, remove the `__pycache__` folders.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba import njit
from numba.core import event

from .hashing import BASE as _BASE

BASE = np.uint64(_BASE)
I64, U64, U32, I32, U16, U8 = np.int64, np.uint64, np.uint32, np.int32, np.uint16, np.uint8


def without_blas() -> None:
    """Load the part of numba that looks for SciPy's BLAS without letting it, as that takes 0.2 s.

    No kernel here needs it, but other code in the process might: only a command may ask for this.
    """
    hide = "scipy.linalg" not in sys.modules
    if hide:
        sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        if hide:
            del sys.modules["scipy.linalg"]


def jit(**options: Any) -> Callable[[Any], Any]:
    """njit with the cache on disk, or without where no cache folder can be written."""

    def wrap(function: Any) -> Any:
        try:
            return njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # numba: "cannot cache function ...: no locator available"
            return njit(nogil=True, **options)(function)

    return wrap


def inner(function: Any) -> Any:
    """njit for what only other kernels call: without the wrappers for Python, it compiles faster."""
    return jit(no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


def inlined(function: Any) -> Any:
    """An `inner` that is copied into its callers: a call counts the uses of each array, some 10 ns each."""
    return jit(no_cpython_wrapper=True, no_cfunc_wrapper=True, inline="always")(function)


@contextmanager
def reporting_compilation(on_compile: Callable[[], None]) -> Iterator[None]:
    """Call `on_compile` once if numba begins to compile inside, instead of loading from the cache."""
    with event.install_listener("numba:compile", _CompileListener(on_compile)):
        yield


class _CompileListener(event.Listener):
    """Calls `on_compile` at the first start of a compilation."""

    def __init__(self, on_compile: Callable[[], None]) -> None:
        self.on_compile: Callable[[], None] | None = on_compile

    def on_start(self, event: Any) -> None:
        if self.on_compile is not None:
            call, self.on_compile = self.on_compile, None
            call()

    def on_end(self, event: Any) -> None:
        pass
