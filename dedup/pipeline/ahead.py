"""Compiles all kernels ahead of time: `python -m dedup.pipeline.ahead FOLDER` writes what `shipped` reads.

numba makes the code of each function for LLVM, as ever; only what it then does with it is put off: all
functions become one module, which is optimized and made machine code for each level of processors.  So what
several kernels have in common is compiled once.  It changes numba in place, so it is a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..core.compiled.kinds import Kind
from ..core.compiled.shipped import FORMAT, PACKAGE, MachineCode, digest, facts_in
from ..core.compiled.sources import reached_from
from ..core.jit import KERNELS, Kernel
from . import warm_up  # noqa: F401 (it imports all kernels)


def _part_of(name: str) -> Any:
    """Return a module of numba, of whose inside types are not known."""
    return importlib.import_module(name)


ir, llvm = _part_of("llvmlite.ir"), _part_of("llvmlite.binding")
callconv, cgutils, codegen, cpu, pythonapi, types = (
    _part_of(f"numba.core.{name}") for name in ("callconv", "cgutils", "codegen", "cpu", "pythonapi", "types")
)
arrayobj = _part_of("numba.np.arrayobj")
cpu_target = _part_of("numba.core.registry").cpu_target
create_pass_builder = _part_of("numba.core.llvm_bindings").create_pass_builder
compiler_lock = _part_of("numba.core.compiler_lock").global_compiler_lock
runtime = _part_of("numba.core.runtime").rtsys
CELL, BYTE = ir.IntType(64), ir.IntType(8).as_pointer()
# NOTE: the names of LLVM; squeeze() needs the compress instruction of avx512vbmi2
AVX512 = [
    *("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512vbmi", "avx512vbmi2"),
    *("avx512bitalg", "avx512vpopcntdq"),
]
AVX2 = ["avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sse4.2"]
NOT_IN_KERNELS = {"cache", "shipped"}  # files that no kernel's code depends on
MAX_PARTS = 4  # the largest kernel takes as long as a third of all
LEVELS: dict[str, list[tuple[str, str, list[str]]]] = {  # of a machine: name, processor, what it must have
    "x86_64": [("avx512", "x86-64-v4", AVX2 + AVX512), ("avx2", "x86-64-v3", AVX2)],
    "aarch64": [("generic", "generic", [])],
    "arm64": [("generic", "generic", [])],
}
OUTSIDE = {  # what a process always has
    *("malloc", "realloc", "free", "memcpy", "memmove", "memset", "log2", "log10", "sqrt")
}
RUNTIME = Path(__file__).with_name("runtime.ll")  # what numba's own runtime does for a kernel


def compile_all(folder: Path) -> None:
    """Write the machine code of all kernels and what is known of it into a folder, on all processors."""
    n_parts = max(1, min(MAX_PARTS, len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1))
    command = [sys.executable, "-m", __spec__.name, str(folder), f"--parts={n_parts}"]
    others = [subprocess.Popen([*command, f"--part={part}"]) for part in range(1, n_parts)]
    try:
        compile_part(folder, 0, n_parts)
    finally:
        failed = [code for other in others if (code := other.wait())]
    if failed:
        raise SystemExit("the kernels were not compiled")
    facts: dict[str, Any] = {"format": FORMAT, "platform": [sys.platform, platform.machine()]}
    for part in range(n_parts):
        path = folder / f"{part}.json"
        for name, found in json.loads(path.read_bytes()).items():
            facts.setdefault(name, {}).update(found)
        path.unlink()
    (folder / "facts.json").write_text(json.dumps(facts, indent=1))


def is_made(folder: Path) -> bool:
    """Tell whether a folder has the machine code of all kernels as they are."""
    facts = facts_in(folder)
    return facts is not None and all(MachineCode(facts, "").fits(kernel) for kernel in KERNELS.values())


def compile_part(folder: Path, part: int, n_parts: int) -> None:
    """Write the machine code of a part of the kernels, and what is known of them."""
    gc.disable()
    _put_off_machine_code()
    Kernel.cache = False
    module, kernels = _one_module(_parts(list(KERNELS.values()), n_parts)[part])
    levels = {}
    for name, processor, needs in LEVELS.get(platform.machine(), []):
        (folder / f"{name}-{part}.o").write_bytes(_machine_code(module, processor, needs))
        levels[name] = needs
    depends = {known["source"]: _depends(known["source"]) for known in kernels.values()}
    digests = {name: digest(PACKAGE / name) for names in depends.values() for name in names}
    for known in kernels.values():
        known["part"] = part
    facts = {"levels": levels, "kernels": kernels, "depends": depends, "digests": digests}
    (folder / f"{part}.json").write_text(json.dumps(facts))


def _parts(kernels: list[Kernel], n_parts: int) -> list[list[Kernel]]:
    """The kernels in parts that take about as long, one after the other the one with the most to compile."""
    parts: list[list[Kernel]] = [[] for _ in range(n_parts)]
    reached: list[dict[str, int]] = [{} for _ in range(n_parts)]
    for kernel in sorted(kernels, key=lambda kernel: -sum(_reached(kernel).values())):
        at = min(range(n_parts), key=lambda part: sum((reached[part] | _reached(kernel)).values()))
        parts[at].append(kernel)
        reached[at] |= _reached(kernel)
    return parts


def _reached(kernel: Kernel) -> dict[str, int]:
    """The kernels that a kernel calls and itself -> the size of each."""
    code, scope = kernel.function.__code__, kernel.function.__globals__
    found = {kernel.name: len(code.co_code)}
    for name in code.co_names:
        if isinstance(scope.get(name), Kernel):
            found |= _reached(scope[name])
    return found


def _put_off_machine_code() -> None:
    """Let numba stop when it has made the code for LLVM."""
    context = cpu_target.target_context
    context.refresh()
    cpu_target.typing_context.refresh()
    runtime.initialize(context)
    codegen.CPUCodeLibrary._optimize_functions = lambda self, module: setattr(
        module, "data_layout", self._codegen._data_layout
    )
    codegen.CPUCodeLibrary._optimize_final_module = lambda self: None
    codegen.JITCodeLibrary._finalize_specific = lambda self: None
    codegen.JITCPUCodegen._add_module = lambda self, module: None
    cpu.CPUContext.get_executable = lambda self, library, description, environment: [].append  # one built in
    pythonapi.serialize.dumps = _as_text
    callconv.CPUCallConv.emit_unwrap_dynamic_exception_fn = _unwraps_nothing


def _as_text(what: Any) -> bytes:
    """An exception -> its name and arguments, which is all that a kernel keeps of Python."""
    if not (isinstance(what, tuple) and isinstance(what[0], type)):
        raise TypeError(f"a kernel cannot keep {what!r}")
    return json.dumps([what[0].__name__, [arg for arg in what[1] or () if isinstance(arg, str)]]).encode()


def _unwraps_nothing(self: Any, module: Any, struct: Any, kinds: Any) -> Any:
    """The arguments of an exception that are not known before are left out, as they need Python."""
    function = cgutils.get_or_insert_function(module, ir.FunctionType(BYTE, [BYTE]), "dedup_unwrapped")
    if function.is_declaration:
        function.linkage = "linkonce_odr"
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(ir.Constant(BYTE, None))
    return function


@compiler_lock
def _one_module(kernels: list[Kernel]) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Return all functions of the kernels as one module of LLVM, and what is to be known of each kernel."""
    context = cpu_target.target_context
    library = context.codegen().create_library("kernels")
    known = {}
    for number, kernel in enumerate(kernels):
        takes = kernel.kinds_of_numba()
        dispatcher = kernel.dispatcher
        dispatcher.targetoptions.update(no_cpython_wrapper=True, no_cfunc_wrapper=True)
        dispatcher.compile(takes)
        result = dispatcher.overloads[takes]
        symbol = f"dedup_kernel_{number}"
        library.add_ir_module(_entry(context, symbol, result.fndesc))
        library.add_linking_library(result.library)
        known[kernel.name] = {
            "symbol": symbol,
            "takes": [str(kind) for kind in kernel.takes],
            "gives": str(_kind_of(result.signature.return_type)),
            "source": str(Path(kernel.function.__code__.co_filename).relative_to(PACKAGE)),
        }
    library.add_linking_library(runtime.library)
    library.finalize()
    module = library._final_module
    module.link_in(llvm.parse_assembly(RUNTIME.read_text()))
    return module, known


def _kind_of(given: Any) -> Kind:
    """A type of numba that a kernel gives back -> the same as `kinds` has it."""
    if isinstance(given, types.BaseTuple):
        return Kind("tuple", parts=tuple(map(_kind_of, given)))
    if isinstance(given, types.Array):
        return Kind(_kind_of(given.dtype).name, given.ndim)
    return Kind(str(given))


def _entry(context: Any, symbol: str, description: Any) -> Any:
    """Return a module with the function that takes a block of cells, see `shipped`, and calls a kernel."""
    module = context.create_module(symbol)
    convention = context.call_conv
    kind = convention.get_function_type(description.restype, description.argtypes)
    callee = ir.Function(module, kind, description.llvm_func_name)
    entry = ir.Function(module, ir.FunctionType(ir.IntType(32), [CELL.as_pointer()]), symbol)
    builder = ir.IRBuilder(entry.append_basic_block())
    cells = _Cells(context, builder, entry.args[0])
    args = [cells.argument(argument) for argument in description.argtypes]
    status, result = convention.call_function(
        builder, callee, description.restype, description.argtypes, args, attrs=("noinline",)
    )
    cells.at = 0
    with builder.if_then(status.is_error, likely=False):
        _store_exception(builder, cells, status)
        builder.ret(ir.Constant(ir.IntType(32), 1))
    cells.at = 0
    cells.store_result(description.restype, result)
    builder.ret(ir.Constant(ir.IntType(32), 0))
    return module


def _store_exception(builder: Any, cells: _Cells, status: Any) -> None:
    """Return what tells of an exception, see `_as_text`: its address and length, 0 where there is none."""
    cells.store(ir.Constant(CELL, 0))
    cells.store(ir.Constant(CELL, 0))
    with builder.if_then(status.is_user_exc):
        facts = builder.load(status.excinfoptr)
        cells.at = 0
        cells.store(builder.ptrtoint(builder.extract_value(facts, 0), CELL))
        cells.store(builder.sext(builder.extract_value(facts, 1), CELL))


class _Cells:
    """The block of cells from the side of the machine code."""

    def __init__(self, context: Any, builder: Any, block: Any) -> None:
        self.context, self.builder, self.block, self.at = context, builder, block, 0

    def load(self) -> Any:
        """Return the next cell."""
        return self.builder.load(self._next())

    def store(self, value: Any) -> None:
        """Set the next cell."""
        self.builder.store(value, self._next())

    def _next(self) -> Any:
        self.at += 1
        return self.builder.gep(self.block, [ir.Constant(ir.IntType(64), self.at - 1)])

    def argument(self, kind: Any) -> Any:
        """Return the next argument."""
        if isinstance(kind, types.BaseTuple):
            return self.context.make_tuple(self.builder, kind, [self.argument(part) for part in kind])
        if isinstance(kind, types.Array):
            return self._array(kind)
        value = self.load()
        if isinstance(kind, types.Boolean):
            return self.builder.icmp_unsigned("!=", value, ir.Constant(CELL, 0))
        if isinstance(kind, types.Integer) and kind.bitwidth == 64:
            return value
        raise TypeError(f"Python may not give a kernel {kind}")

    def _array(self, kind: Any) -> Any:
        builder, context = self.builder, self.context
        address, shape = self.load(), [self.load() for _ in range(kind.ndim)]
        array = context.make_array(kind)(context, builder)
        size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        strides: list[Any] = []
        step = ir.Constant(CELL, size)
        for extent in reversed(shape):
            strides.insert(0, step)
            step = builder.mul(step, extent)
        arrayobj.populate_array(
            array,
            data=builder.inttoptr(address, array.data.type),
            shape=cgutils.pack_array(builder, shape),
            strides=cgutils.pack_array(builder, strides),
            itemsize=ir.Constant(CELL, size),
            meminfo=None,
        )
        return array._getvalue()

    def store_result(self, kind: Any, value: Any) -> None:
        """Set the next cells to a result."""
        builder = self.builder
        if isinstance(kind, types.BaseTuple):
            for i, part in enumerate(kind):
                self.store_result(part, builder.extract_value(value, i))
        elif isinstance(kind, types.Array):
            array = self.context.make_array(kind)(self.context, builder, value)
            self.store(builder.ptrtoint(array.meminfo, CELL))
            self.store(builder.ptrtoint(array.data, CELL))
            for row in (array.shape, array.strides):
                for extent in cgutils.unpack_tuple(builder, row, kind.ndim):
                    self.store(extent)
        elif isinstance(kind, types.NoneType):
            self.store(ir.Constant(CELL, 0))
        elif isinstance(kind, types.Boolean) or not kind.signed:
            self.store(builder.zext(value, CELL) if value.type.width < 64 else value)
        else:
            self.store(builder.sext(value, CELL) if value.type.width < 64 else value)


def _machine_code(module: Any, processor: str, needs: list[str]) -> bytes:
    """A module of LLVM -> machine code, by the steps of numba."""
    module = module.clone()
    for function in module.functions:
        if not function.is_declaration and not function.name.startswith(("dedup_kernel_", "dedup_release")):
            function.linkage = "internal"
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"
    target = llvm.Target.from_triple(llvm.get_process_triple())
    # NOTE: without the last feature, LLVM splits each step over 64 lanes into halves
    whole = ["-prefer-256-bit"] if "avx512f" in needs else []
    features = ",".join(["+" + name for name in needs] + whole)
    machine = target.create_target_machine(
        cpu=processor, features=features, opt=3, reloc="pic", codemodel="default"
    )
    prune = codegen._parse_refprune_flags()
    builder = create_pass_builder(machine, opt=3, loop_vectorize=True, slp_vectorize=False)
    for function in module.functions:
        steps = builder.getFunctionPassManager()
        steps.add_refprune_pass(prune)
        steps.run(function, builder)
    cheap = create_pass_builder(machine, opt=0, loop_vectorize=False, slp_vectorize=False)
    steps = cheap.getModulePassManager()
    steps.add_loop_rotate_pass()
    steps.add_instruction_combine_pass()
    steps.add_jump_threading_pass()
    steps.add_refprune_pass(prune)
    steps.run(module, cheap)
    steps = builder.getModulePassManager()
    steps.add_refprune_pass(prune)
    steps.run(module, builder)
    module.verify()
    outside = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    if not outside <= OUTSIDE:
        raise RuntimeError(f"the machine code would need {sorted(outside - OUTSIDE)}")
    code: bytes = machine.emit_object(module)
    return code


def _depends(name: str) -> list[str]:
    """Return the files of the package that what a file defines can depend on, itself among them."""
    return sorted(str(p.relative_to(PACKAGE)) for p in reached_from(PACKAGE / name, NOT_IN_KERNELS))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--part", type=int)
    options.add_argument("--parts", type=int, default=1)
    asked = options.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    if asked.part is not None:
        compile_part(asked.folder, asked.part, asked.parts)
    elif not is_made(asked.folder):
        compile_all(asked.folder)
