"""Kernels: functions that run compiled, by the machine code that was shipped or else by numba.

NOTE: numba looks only at the file of a function to see whether its cached code is still good; after
a change to a function that others call from another file, remove the `__pycache__` folders.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .compiled import kinds, shipped
from .compiled.cache import cached
from .hashing import BASE as _BASE

BASE = np.uint64(_BASE)
I64, U64, U32, I32, U16, U8 = np.int64, np.uint64, np.uint32, np.int32, np.uint16, np.uint8
KERNELS: dict[str, Kernel] = {}  # those that Python calls
_hide_blas = False
_LISTENERS: list[Callable[[], None]] = []  # are to be told when numba compiles


def without_blas() -> None:
    """Let numba, if it is loaded, not look for SciPy's BLAS, as that takes 0.2 s.

    No kernel here needs it, but other code in the process might: only a command may ask for this.
    """
    global _hide_blas
    _hide_blas = True


@functools.cache
def load_numba() -> Any:
    """Import numba -> the module."""
    if _hide_blas and "scipy.linalg" not in sys.modules:
        sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
        try:
            import numba.np.arraymath  # noqa: F401
        finally:
            del sys.modules["scipy.linalg"]
    import numba.core.event

    class Listener(numba.core.event.Listener):
        def on_start(self, event: Any) -> None:
            while _LISTENERS:
                _LISTENERS.pop()()

        def on_end(self, event: Any) -> None:
            pass

    listen: Any = numba.core.event.register
    listen("numba:compile", Listener())
    return numba


class Kernel:
    """A function that runs compiled.

    `takes` are the types of its arguments, as `kinds` has them; without, only other kernels call it.
    """

    cache = True  # whether numba keeps the code on disk

    def __init__(self, function: Any, takes: tuple[str, ...], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        if not takes:  # without the wrappers for Python, it compiles faster
            options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **options}
        self.function, self.options = function, options
        self.takes = tuple(map(kinds.parsed, takes))
        self.name = f"{function.__module__}:{function.__qualname__}"
        if takes:
            KERNELS[self.name] = self

    def __call__(self, *args: Any) -> Any:
        return self.ready(*args)

    @functools.cached_property
    def ready(self) -> Callable[..., Any]:
        """Return what is called: the machine code that was shipped, if it fits, or what numba compiles."""
        return shipped.function(self) or self.by_numba

    def load(self) -> None:
        """Make it ready, which compiles it where there is no code for it yet."""
        if self.ready == self.by_numba:
            self.dispatcher.compile(self.kinds_of_numba())

    def by_numba(self, *args: Any) -> Any:
        """Call what numba compiles."""
        if len(args) == len(self.takes):
            args = tuple(map(as_taken, self.takes, args))
        return self.dispatcher(*args)

    @functools.cached_property
    def dispatcher(self) -> Any:
        """Return the function as numba has it, with the cache on disk where a folder can be written."""
        njit, function = load_numba().njit, self.for_numba()
        if self.cache:
            made = cached(njit, function, self.options)
        else:
            made = njit(nogil=True, **self.options)(function)
        made.get_call_template = functools.partial(_template_of_any, made)
        return made

    def for_numba(self) -> Any:
        """The function, with what numba makes of the kernels and steps that it names in their place."""
        plain = self.function
        scope = {**plain.__globals__}
        for name in plain.__code__.co_names:
            if isinstance(scope.get(name), Kernel | Step):
                scope[name] = scope[name].dispatcher
        made = types.FunctionType(plain.__code__, scope, plain.__name__, plain.__defaults__)
        return functools.update_wrapper(made, plain, assigned=("__module__", "__qualname__", "__doc__"))

    def kinds_of_numba(self) -> tuple[Any, ...]:
        """Return what it takes, as types of numba."""
        return tuple(_of_numba(kind, self.function.__globals__) for kind in self.takes)


def _template_of_any(made: Any, args: Any, kws: Any) -> Any:
    """What numba asks of a kernel that another one calls: not one for each number that is written out."""
    unliteral = load_numba().types.unliteral
    return type(made).get_call_template(made, tuple(map(unliteral, args)), kws)


def _of_numba(kind: kinds.Kind, scope: dict[str, Any]) -> Any:
    numba_types = load_numba().types
    if kind.parts:
        return numba_types.NamedTuple([_of_numba(part, scope) for part in kind.parts], scope[kind.name])
    held = numba_types.boolean if kind.name == "bool" else getattr(numba_types, kind.name)
    return numba_types.Array(held, kind.n_dims, "C", readonly=kind.const) if kind.n_dims else held


def as_taken(kind: kinds.Kind, value: Any) -> Any:
    """Return an argument as a kernel takes it, so that numba compiles for one type only."""
    if kind.const and value.flags.writeable:
        value = value.view()
        value.flags.writeable = False
    return value if kind.n_dims or kind.parts else kinds.SCALARS[kind.name](value)


class Step:
    """A step of kernels that is written in the language of LLVM, see `simd`."""

    def __init__(self, function: Any) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    @functools.cached_property
    def dispatcher(self) -> Any:
        """Return the step as numba has it."""
        load_numba()
        from numba.extending import intrinsic

        return intrinsic(self.function)

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"only kernels can call {self.function.__name__}")


@contextmanager
def reporting_compilation(on_compile: Callable[[], None]) -> Iterator[None]:
    """Call `on_compile` once, when numba begins to compile instead of loading from the cache."""
    _LISTENERS.append(on_compile)
    try:
        yield
    finally:
        if on_compile in _LISTENERS:
            _LISTENERS.remove(on_compile)


def jit(*takes: str, **options: Any) -> Callable[[Any], Any]:
    """Make a function a kernel, which Python may call with what it takes, a type each."""
    return lambda function: Kernel(function, takes, options)


def inner(function: Any) -> Any:
    """Make a kernel of what only other kernels call."""
    return Kernel(function, (), {})


def inlined(function: Any) -> Any:
    """Make an `inner` whose code becomes part of its callers."""
    return Kernel(function, (), {"forceinline": True})


def copied(function: Any) -> Any:
    """Make an `inner` that numba copies into its callers, which takes it long; seldom faster."""
    return Kernel(function, (), {"inline": "always"})
