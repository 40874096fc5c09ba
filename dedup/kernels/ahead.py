"""Compiles all kernels ahead of time: `python -m dedup.kernels.ahead FOLDER` writes what `shipped` reads.

numba makes the code of each function for LLVM, as ever; only what it then does with it is put off: all functions
become one module, which is optimized and made machine code for each level of processors.  So what several
kernels have in common is compiled once.  No other code runs in this process, so numba can be changed in place.
"""

from __future__ import annotations

import ast
import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir
from numba.core import callconv, cgutils, codegen, cpu, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.llvm_bindings import create_pass_builder
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.np import arrayobj

from .jit import KERNELS, Kernel
from .kinds import Kind
from .shipped import FORMAT, PACKAGE, digest

ir: Any = llvmlite.ir
CELL, BYTE = ir.IntType(64), ir.IntType(8).as_pointer()
# subtle: the names of LLVM; squeeze() needs the compress instruction of avx512vbmi2
AVX512 = "avx512f avx512bw avx512cd avx512dq avx512vl avx512vbmi avx512vbmi2 avx512bitalg avx512vpopcntdq".split()
AVX2 = "avx avx2 bmi bmi2 f16c fma lzcnt movbe popcnt sse4.2".split()
LEVELS: dict[str, list[tuple[str, str, list[str]]]] = {  # of a machine: name, processor, what it must have
    "x86_64": [("avx512", "x86-64-v4", AVX2 + AVX512), ("avx2", "x86-64-v3", AVX2)],
    "aarch64": [("generic", "generic", [])],
    "arm64": [("generic", "generic", [])],
}
OUTSIDE = {"malloc", "realloc", "free", "memcpy", "memmove", "memset", "log2", "log10", "sqrt"}  # what a process always has
# What numba's runtime does for a kernel: memory with a head of five words, which are the count of its uses, what
# ends it, a word for that, the address of the data, their size.
RUNTIME = """
declare i8* @malloc(i64)
declare i8* @realloc(i8*, i64)
declare void @free(i8*)
declare void @NRT_decref(i8*)

define i8* @NRT_Allocate(i64 %size) {
  %data = call i8* @malloc(i64 %size)
  ret i8* %data
}

define void @NRT_Free(i8* %data) {
  call void @free(i8* %data)
  ret void
}

define i8* @NRT_MemInfo_alloc(i64 %size) {
  %head = call i8* @NRT_MemInfo_alloc_aligned(i64 %size, i32 16)
  ret i8* %head
}

define i8* @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %wide = zext i32 %align to i64
  %with_head = add i64 %size, 40
  %all = add i64 %with_head, %wide
  %fits = icmp ugt i64 %all, %size
  br i1 %fits, label %try, label %none
try:
  %head = call i8* @malloc(i64 %all)
  %is_none = icmp eq i8* %head, null
  br i1 %is_none, label %none, label %some
some:
  %address = ptrtoint i8* %head to i64
  %less = sub i64 %wide, 1
  %behind = add i64 %address, 40
  %up = add i64 %behind, %less
  %mask = xor i64 %less, -1
  %aligned = and i64 %up, %mask
  call void @dedup_head(i8* %head, void (i8*, i64, i8*)* null, i64 %aligned, i64 %size)
  ret i8* %head
none:
  ret i8* null
}

define void @dedup_head(i8* %head, void (i8*, i64, i8*)* %end, i64 %address, i64 %size) alwaysinline {
  %words = bitcast i8* %head to i64*
  store i64 1, i64* %words
  %ending = getelementptr i64, i64* %words, i64 1
  %number = ptrtoint void (i8*, i64, i8*)* %end to i64
  store i64 %number, i64* %ending
  %more = getelementptr i64, i64* %words, i64 2
  store i64 0, i64* %more
  %data = getelementptr i64, i64* %words, i64 3
  store i64 %address, i64* %data
  %length = getelementptr i64, i64* %words, i64 4
  store i64 %size, i64* %length
  ret void
}

define i8* @NRT_MemInfo_new_varsize_dtor(i64 %size, i8* %end) {
  %data = call i8* @malloc(i64 %size)
  %is_none = icmp eq i8* %data, null
  br i1 %is_none, label %none, label %some
some:
  %head = call i8* @malloc(i64 40)
  %headless = icmp eq i8* %head, null
  br i1 %headless, label %undo, label %both
both:
  %address = ptrtoint i8* %data to i64
  call void @dedup_head(i8* %head, void (i8*, i64, i8*)* @dedup_end, i64 %address, i64 %size)
  %words = bitcast i8* %head to i8**
  %more = getelementptr i8*, i8** %words, i64 2
  store i8* %end, i8** %more
  ret i8* %head
undo:
  call void @free(i8* %data)
  ret i8* null
none:
  ret i8* null
}

define void @dedup_end(i8* %data, i64 %size, i8* %end) {
  %is_none = icmp eq i8* %end, null
  br i1 %is_none, label %rest, label %first
first:
  %function = bitcast i8* %end to void (i8*, i64, i8*)*
  call void %function(i8* %data, i64 %size, i8* null)
  br label %rest
rest:
  call void @free(i8* %data)
  ret void
}

define i8* @NRT_MemInfo_varsize_realloc(i8* %head, i64 %size) {
  %words = bitcast i8* %head to i8**
  %at = getelementptr i8*, i8** %words, i64 3
  %old = load i8*, i8** %at
  %new = call i8* @realloc(i8* %old, i64 %size)
  %is_none = icmp eq i8* %new, null
  br i1 %is_none, label %none, label %some
some:
  store i8* %new, i8** %at
  %numbers = bitcast i8* %head to i64*
  %length = getelementptr i64, i64* %numbers, i64 4
  store i64 %size, i64* %length
  ret i8* %new
none:
  ret i8* null
}

define void @NRT_MemInfo_call_dtor(i8* %head) {
  %words = bitcast i8* %head to i8**
  %ending = getelementptr i8*, i8** %words, i64 1
  %end = load i8*, i8** %ending
  %is_none = icmp eq i8* %end, null
  br i1 %is_none, label %rest, label %first
first:
  %more = getelementptr i8*, i8** %words, i64 2
  %info = load i8*, i8** %more
  %at = getelementptr i8*, i8** %words, i64 3
  %data = load i8*, i8** %at
  %numbers = bitcast i8* %head to i64*
  %length = getelementptr i64, i64* %numbers, i64 4
  %size = load i64, i64* %length
  %function = bitcast i8* %end to void (i8*, i64, i8*)*
  call void %function(i8* %data, i64 %size, i8* %info)
  br label %rest
rest:
  call void @free(i8* %head)
  ret void
}

define void @dedup_release(i8* %head) {
  call void @NRT_decref(i8* %head)
  ret void
}
"""


def compile_all(folder: Path) -> None:
    """Write the machine code of all kernels and what is known of it into a folder."""
    _put_off_machine_code()
    Kernel.cache = False
    module, kernels = _one_module(list(KERNELS.values()))
    levels = []
    for name, processor, needs in LEVELS.get(platform.machine(), []):
        (folder / f"{name}.o").write_bytes(_machine_code(module, processor, needs))
        levels.append({"file": f"{name}.o", "needs": needs})
    depends = {known["file"]: sorted(_depends(known["file"])) for known in kernels.values()}
    facts = {
        "format": FORMAT,
        "platform": [sys.platform, platform.machine()],
        "levels": levels,
        "kernels": kernels,
        "depends": depends,
        "digests": {name: digest(PACKAGE / name) for names in depends.values() for name in names},
    }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1))


def _put_off_machine_code() -> None:
    """Let numba stop when it has made the code for LLVM."""
    context = cpu_target.target_context
    context.refresh()
    cpu_target.typing_context.refresh()
    rtsys.initialize(context)
    codegen.CPUCodeLibrary._optimize_functions = lambda self, module: setattr(
        module, "data_layout", self._codegen._data_layout
    )
    codegen.CPUCodeLibrary._optimize_final_module = lambda self: None
    codegen.JITCodeLibrary._finalize_specific = lambda self: None
    codegen.JITCPUCodegen._add_module = lambda self, module: None
    cpu.CPUContext.get_executable = lambda self, library, description, environment: [].append  # one built in
    callconv.CPUCallConv.emit_unwrap_dynamic_exception_fn = _unwraps_nothing


def _unwraps_nothing(self: Any, module: Any, struct: Any, kinds: Any) -> Any:
    """The arguments of an exception that are not known before are left out, as they need Python."""
    function = cgutils.get_or_insert_function(module, ir.FunctionType(BYTE, [BYTE]), "dedup_unwrapped")
    if function.is_declaration:
        function.linkage = "linkonce_odr"
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(ir.Constant(BYTE, None))
    return function


@global_compiler_lock
def _one_module(kernels: list[Kernel]) -> tuple[Any, dict[str, dict[str, Any]]]:
    """All functions of the kernels as one module of LLVM, and what is to be known of each kernel."""
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
            "file": str(Path(kernel.function.__code__.co_filename).relative_to(PACKAGE)),
        }
    library.add_linking_library(rtsys.library)
    library.finalize()
    module = library._final_module
    module.link_in(llvm.parse_assembly(RUNTIME))
    return module, known


def _kind_of(given: Any) -> Kind:
    """A type of numba that a kernel gives back -> the same as `kinds` has it."""
    if isinstance(given, types.BaseTuple):
        return Kind("tuple", parts=tuple(map(_kind_of, given)))
    if isinstance(given, types.Array):
        return Kind(_kind_of(given.dtype).name, given.ndim)
    return Kind(str(given))


def _entry(context: Any, symbol: str, description: Any) -> Any:
    """-> a module with the function that takes a block of cells, see `shipped`, and calls a kernel."""
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
    """What numba has pickled of an exception: its address and length, 0 where there is none."""
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
        """The next cell."""
        return self.builder.load(self._next())

    def store(self, value: Any) -> None:
        """Set the next cell."""
        self.builder.store(value, self._next())

    def _next(self) -> Any:
        self.at += 1
        return self.builder.gep(self.block, [ir.Constant(ir.IntType(64), self.at - 1)])

    def argument(self, kind: Any) -> Any:
        """The next argument."""
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
        step, strides = ir.Constant(CELL, size), []
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
    features = ",".join("+" + name for name in needs)
    machine = target.create_target_machine(cpu=processor, features=features, opt=3, reloc="pic", codemodel="default")
    prune = codegen._parse_refprune_flags()
    builder = create_pass_builder(machine, opt=3, loop_vectorize=True, slp_vectorize=True)
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


def _depends(name: str) -> set[str]:
    """A file of the package -> the files that what it defines can depend on, itself among them."""
    found, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imported(name))
    return found


def _imported(name: str) -> Iterator[str]:
    """The files of the package that a file imports something from."""
    path = PACKAGE / name
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for at in [folder, *(folder / alias.name for alias in node.names)]:
                if at.with_suffix(".py").is_file():
                    yield str(at.with_suffix(".py").relative_to(PACKAGE))


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]))
