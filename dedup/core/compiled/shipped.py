"""Machine code that was made when dedup was installed: which of it fits here, and how it is called.

`ahead` writes it, beside this file.  Whether it is still that of the sources is seen by their hashes, for
each kernel those of the files that it can depend on.  What does not fit is compiled by numba, see `jit`.

A compiled kernel takes the address of a block of 64-bit cells.  First are the arguments: a number is one
cell, an array its address and its shape.  Its results come in their place, an array as the memory that holds
it, its address, its shape and its strides.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import json
import os
import platform
import sys
from array import array
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int32, c_void_p, string_at
from pathlib import Path
from typing import Any

import numpy as np

from .kinds import Declared, Kind, parsed

PACKAGE = Path(__file__).parents[2]
FOLDER = Path(__file__).with_name("machine_code")
FORMAT = 1
SIGNED = 1 << 63


class Unfit(Exception):
    """An argument is not what the machine code takes."""


def function(kernel: Declared) -> Callable[..., Any] | None:
    """Return the machine code of a kernel, or None where there is none that fits."""
    code = shipped_code()
    return code.function(kernel) if code is not None else None


@functools.cache
def shipped_code() -> MachineCode | None:
    """Return the machine code for this processor, or None."""
    asked = os.environ.get("DEDUP_KERNELS")  # "numba" for none of it, or the name of a level
    if asked == "numba":
        return None
    facts = facts_in(FOLDER)
    if facts is None:
        return None
    has = features()
    for level, needs in facts["levels"].items():
        if has.issuperset(needs) and asked in (None, level):
            return MachineCode(facts, level)
    return None


def facts_in(folder: Path) -> dict[str, Any] | None:
    """Return what is known of the machine code in a folder, or None if there is none for this platform."""
    try:
        facts: dict[str, Any] = json.loads((folder / "facts.json").read_bytes())
    except (OSError, ValueError):
        return None
    here = facts["format"] == FORMAT and facts["platform"] == [sys.platform, platform.machine()]
    return facts if here else None


def features() -> set[str]:
    """Return what this processor can do beyond the least of its kind, in the words of LLVM."""
    import llvmlite.binding as llvm

    return {name for name, there in llvm.get_host_cpu_features().items() if there}


class MachineCode:
    """The machine code for a level of processors, and what is known of the kernels in it."""

    def __init__(self, facts: dict[str, Any], level: str) -> None:
        self.facts, self.level = facts, level
        self.kernels: dict[str, dict[str, Any]] = facts["kernels"]
        self._digests: dict[str, str] = {}
        self._parts: dict[int, Callable[[str], int]] = {}

    def fits(self, kernel: Declared) -> bool:
        """Tell whether it has the kernel as its sources are now."""
        known = self.kernels.get(kernel.name)
        if known is None or known["takes"] != [str(kind) for kind in kernel.takes]:
            return False
        return all(self._is_as_it_was(name) for name in self.facts["depends"][known["source"]])

    def _is_as_it_was(self, name: str) -> bool:
        if name not in self._digests:
            self._digests[name] = digest(PACKAGE / name)
        return self._digests[name] == self.facts["digests"][name]

    def function(self, kernel: Declared) -> Callable[..., Any] | None:
        """Return what calls a kernel, None where the code does not fit."""
        if not self.fits(kernel):
            return None
        known = self.kernels[kernel.name]
        address_of = self._part(known["part"])
        entry = CFUNCTYPE(c_int32, c_void_p)(address_of(known["symbol"]))
        release = CFUNCTYPE(None, c_void_p)(address_of("dedup_release"))
        gives, scope = parsed(known["gives"]), kernel.function.__globals__
        takers = [_taker(kind, scope) for kind in kernel.takes]
        giver = _giver(gives, scope, release)
        room = [0] * max(2, n_cells(gives))
        by_numba = kernel.by_numba

        def call(*args: Any) -> Any:
            cells: list[int] = []
            try:
                for take, value in zip(takers, args, strict=True):
                    take(value, cells)
            except Unfit:
                return by_numba(*args)
            block = array("q", cells + room)
            if entry(block.buffer_info()[0]):
                raise _raised(block)
            return giver(block, 0)[0]

        return call

    def _part(self, part: int) -> Callable[[str], int]:
        """Load a part, if it is not loaded -> name -> address."""
        if part not in self._parts:
            self._parts[part] = _loaded(FOLDER / f"{self.level}-{part}.o")
        return self._parts[part]


def _loaded(path: Path) -> Callable[[str], int]:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(path.read_bytes()))
    engine.finalize_object()
    find: Callable[[str], int] = engine.get_function_address
    return find


def digest(path: Path) -> str:
    """Return what tells the content of a file from any other."""
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


def n_cells(kind: Kind) -> int:
    """Return how many cells of the block a result takes."""
    if kind.parts:
        return sum(map(n_cells, kind.parts))
    return 2 + 2 * kind.n_dims if kind.n_dims else 1


def _taker(kind: Kind, scope: dict[str, Any]) -> Callable[[Any, list[int]], None]:
    """Return what appends an argument to the cells."""
    if kind.parts:
        return _tuple_taker(scope[kind.name], [_taker(part, scope) for part in kind.parts])
    if not kind.n_dims:
        return _take_number
    held, n_dims, const = np.dtype(kind.name), kind.n_dims, kind.const

    def take(value: Any, cells: list[int]) -> None:
        if type(value) is not np.ndarray or value.dtype != held or value.ndim != n_dims:
            raise Unfit
        flags = value.flags
        if not flags.c_contiguous or not (const or flags.writeable):
            raise Unfit
        cells.append(value.ctypes.data)
        cells.extend(value.shape)

    return take


def _tuple_taker(made: Any, takers: list[Any]) -> Callable[[Any, list[int]], None]:
    def take(value: Any, cells: list[int]) -> None:
        if type(value) is not made:
            raise Unfit
        for taker, part in zip(takers, value, strict=True):
            taker(part, cells)

    return take


def _take_number(value: Any, cells: list[int]) -> None:
    number = int(value)
    cells.append(number - 2 * SIGNED if number >= SIGNED else number)


def _giver(kind: Kind, scope: dict[str, Any], release: Any) -> Callable[[Any, int], tuple[Any, int]]:
    """-> what makes a result of the cells from a place on -> (result, the place after it)."""
    if kind.parts:
        return _tuple_giver([_giver(part, scope, release) for part in kind.parts])
    if not kind.n_dims:
        return _NUMBERS[kind.name]
    held, n_dims = np.dtype(kind.name).str, kind.n_dims

    def give(block: Any, at: int) -> tuple[Any, int]:
        end = at + 2 + 2 * n_dims
        shape, strides = tuple(block[at + 2 : at + 2 + n_dims]), tuple(block[at + 2 + n_dims : end])
        return np.asarray(Memory(block[at], block[at + 1], held, shape, strides, release)), end

    return give


def _tuple_giver(givers: list[Any]) -> Callable[[Any, int], tuple[Any, int]]:
    def give(block: Any, at: int) -> tuple[Any, int]:
        results = []
        for giver in givers:
            result, at = giver(block, at)
            results.append(result)
        return tuple(results), at

    return give


_NUMBERS: dict[str, Callable[[Any, int], tuple[Any, int]]] = {
    "none": lambda block, at: (None, at + 1),
    "bool": lambda block, at: (bool(block[at]), at + 1),
    "uint64": lambda block, at: (block[at] % (2 * SIGNED), at + 1),
    "int64": lambda block, at: (block[at], at + 1),
}


class Memory:
    """What holds the values of an array that a kernel has made."""

    def __init__(
        self, held_by: int, address: int, kind: str, shape: Any, strides: Any, release: Callable[[int], None]
    ) -> None:
        if not held_by:
            raise ValueError("a kernel gives back an array that it was given")
        self.held_by, self.release = held_by, release
        self.__array_interface__ = {
            "version": 3,
            "data": (address, False),
            "typestr": kind,
            "shape": shape,
            "strides": strides,
        }

    def __del__(self) -> None:
        self.release(self.held_by)


def _raised(block: Any) -> BaseException:
    """Return the exception whose name and arguments, as JSON, are at an address, so many bytes."""
    if not block[0]:
        return MemoryError("a kernel failed")
    name, args = json.loads(string_at(block[0], block[1]))
    raised: BaseException = getattr(builtins, name, RuntimeError)(*args)
    return raised
