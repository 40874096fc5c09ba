"""Steps over many lanes at once, which the compiler does not find by itself (LLVM vectors, any processor).

Each is one expression of LLVM's own vector language, so it is right everywhere; where a processor has
wide registers and a compress instruction (AVX-512), each is a few instructions for 64 letters.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ...core.jit import Step

LANES = 64
intrinsic: Any = Step  # what it makes takes one argument fewer than it is made of


class _Later:
    """A module that is imported when something of it is asked for: only who compiles needs it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


ir: Any = _Later("llvmlite.ir")
types: Any = _Later("numba.types")
cgutils: Any = _Later("numba.core.cgutils")


def _lanes(bits: int) -> Any:
    """The type of a vector."""
    return ir.VectorType(ir.IntType(bits), LANES)


def _data(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """-> pointer to array[at]."""
    base = context.make_array(kind)(context, builder, array).data
    return builder.gep(base, [at], inbounds=True, source_etype=context.get_data_type(kind.dtype))


def _load(context: Any, builder: Any, kind: Any, array: Any, at: Any, vector: Any) -> Any:
    pointer = builder.bitcast(_data(context, builder, kind, array, at), vector.as_pointer())
    return builder.load(pointer, align=vector.element.width // 8)


def _store(context: Any, builder: Any, kind: Any, array: Any, at: Any, vector: Any) -> None:
    pointer = builder.bitcast(_data(context, builder, kind, array, at), vector.type.as_pointer())
    builder.store(vector, pointer, align=vector.type.element.width // 8)


def _splat(builder: Any, scalar: Any, vector: Any) -> Any:
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _constant(vector: Any, value: int) -> Any:
    return ir.Constant(vector, [value] * vector.count)


def _between(builder: Any, values: Any, low: int, high: int) -> Any:
    """Lanes -> i1 lanes: low <= value <= high."""
    moved = builder.sub(values, _constant(_lanes(8), low))
    return builder.icmp_unsigned("<=", moved, _constant(_lanes(8), high - low))


def _folded(builder: Any, values: Any) -> Any:
    """Bytes -> bytes, the capitals of ASCII made small."""
    upper = _between(builder, values, ord("A"), ord("Z"))
    return builder.select(upper, builder.or_(values, _constant(_lanes(8), 0x20)), values)


# ASCII of category P, first and last of each row
_MARKS = [
    ("!", "#"),
    ("%", "*"),
    (",", "/"),
    (":", ";"),
    ("?", "@"),
    ("[", "]"),
    ("_", "_"),
    ("{", "{"),
    ("}", "}"),
]


@intrinsic
def ascii_masks(typing: Any, buffer: Any, at: Any) -> Any:
    """buffer[at:at + 64] -> four uint64, a bit a byte: beyond ASCII, letters and digits, capitals, marks."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _load(context, builder, signature.args[0], args[0], args[1], _lanes(8))
        high = builder.icmp_signed("<", values, _constant(_lanes(8), 0))
        upper = _between(builder, values, ord("A"), ord("Z"))
        letters = builder.or_(
            _between(builder, _folded(builder, values), ord("a"), ord("z")),
            _between(builder, values, ord("0"), ord("9")),
        )
        marks = _between(builder, values, ord(_MARKS[0][0]), ord(_MARKS[0][1]))
        for low, last in _MARKS[1:]:
            marks = builder.or_(marks, _between(builder, values, ord(low), ord(last)))
        masks = [builder.bitcast(bits, ir.IntType(64)) for bits in (high, letters, upper, marks)]
        return context.make_tuple(builder, signature.return_type, masks)

    return types.UniTuple(types.uint64, 4)(buffer, types.int64), codegen


TELLING = [
    ("!", "!"),
    ("#", "'"),
    ("*", "+"),
    ("-", "-"),
    ("/", "9"),
    ("<", ">"),
    ("|", "|"),
]  # see word_masks


@intrinsic
def word_masks(typing: Any, buffer: Any, at: Any) -> Any:
    """buffer[at:at + 64] -> three uint64, a bit a byte: odd, a letter, a full stop or comma.

    Odd are bytes beyond ASCII, digits, apostrophes, and marks that may tell something, see values.CLASSES.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _load(context, builder, signature.args[0], args[0], args[1], _lanes(8))
        odd = builder.icmp_signed("<", values, _constant(_lanes(8), 0))
        for low, last in TELLING:
            odd = builder.or_(odd, _between(builder, values, ord(low), ord(last)))
        letters = _between(builder, _folded(builder, values), ord("a"), ord("z"))
        points = builder.or_(
            *(builder.icmp_unsigned("==", values, _constant(_lanes(8), ord(c))) for c in ".,")
        )
        masks = [builder.bitcast(bits, ir.IntType(64)) for bits in (odd, letters, points)]
        return context.make_tuple(builder, signature.return_type, masks)

    return types.UniTuple(types.uint64, 3)(buffer, types.int64), codegen


SPECIAL = b"<&;\\-\xc3\xe3\xef"  # what damage begins with, or an end of it


@intrinsic
def damage_masks(typing: Any, buffer: Any, at: Any) -> Any:
    """buffer[at:at + 64] -> two uint64, a bit a byte: one of SPECIAL, beyond ASCII."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _load(context, builder, signature.args[0], args[0], args[1], _lanes(8))
        found = _constant(ir.VectorType(ir.IntType(1), LANES), 0)
        for byte in SPECIAL:
            found = builder.or_(found, builder.icmp_unsigned("==", values, _constant(_lanes(8), byte)))
        beyond = builder.icmp_signed("<", values, _constant(_lanes(8), 0))
        masks = [builder.bitcast(bits, ir.IntType(64)) for bits in (found, beyond)]
        return context.make_tuple(builder, signature.return_type, masks)

    return types.UniTuple(types.uint64, 2)(buffer, types.int64), codegen


@intrinsic
def squeeze(typing: Any, buffer: Any, at: Any, mask: Any, out: Any, n: Any, units: Any, m: Any) -> Any:
    """The bytes of buffer[at:at + 64] where `mask` is set, case folded, into out[n:] and units[m:].

    Writes 64 values, of which those beyond the set bits mean nothing.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _folded(builder, _load(context, builder, signature.args[0], args[0], args[1], _lanes(8)))
        lanes = builder.bitcast(args[2], ir.VectorType(ir.IntType(1), LANES))
        compress = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(_lanes(8), [_lanes(8), lanes.type, _lanes(8)]),
            "llvm.experimental.vector.compress.v64i8",
        )
        packed = builder.call(compress, [values, lanes, ir.Constant(_lanes(8), ir.Undefined)])
        _store(context, builder, signature.args[3], args[3], args[4], builder.zext(packed, _lanes(32)))
        _store(context, builder, signature.args[5], args[5], args[6], builder.zext(packed, _lanes(16)))
        return context.get_dummy_value()

    return types.none(buffer, types.int64, types.uint64, out, types.int64, units, types.int64), codegen


def _compared(operator: str) -> Callable[..., Any]:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        left = _load(context, builder, signature.args[0], args[0], args[1], _lanes(16))
        if isinstance(signature.args[2], types.Array):
            right = _load(context, builder, signature.args[2], args[2], args[1], _lanes(16))
        else:
            right = _splat(builder, args[2], _lanes(16))
        return builder.bitcast(builder.icmp_unsigned(operator, left, right), ir.IntType(64))

    return codegen


@intrinsic
def equal_mask(typing: Any, left: Any, at: Any, right: Any) -> Any:
    """uint16 arrays -> uint64, a bit a value: left[at:at + 64] == right[at:at + 64]."""
    return types.uint64(left, types.int64, right), _compared("==")


@intrinsic
def at_most_mask(typing: Any, values: Any, at: Any, limit: Any) -> Any:
    """uint16 array -> uint64, a bit a value: values[at:at + 64] <= limit."""
    return types.uint64(values, types.int64, types.uint16), _compared("<=")


@intrinsic
def min_lanes(typing: Any, x: Any, n: Any, a: Any, b: Any, out: Any, p: Any) -> Any:
    """out[q] = min(out[q], a[q] * x[i] + b[q]) in 32 bits, over x[:n], for the 64 q from p on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args
        factor = _load(context, builder, kind[2], args[2], args[5], _lanes(32))
        offset = _load(context, builder, kind[3], args[3], args[5], _lanes(32))
        least = cgutils.alloca_once_value(
            builder, _load(context, builder, kind[4], args[4], args[5], _lanes(32))
        )
        with cgutils.for_range(builder, args[1]) as loop:
            one = builder.load(_data(context, builder, kind[0], args[0], loop.index))
            value = builder.add(builder.mul(_splat(builder, one, _lanes(32)), factor), offset)
            so_far = builder.load(least)
            smaller = builder.icmp_unsigned("<", value, so_far)
            builder.store(builder.select(smaller, value, so_far), least)
        _store(context, builder, kind[4], args[4], args[5], builder.load(least))
        return context.get_dummy_value()

    return types.none(x, types.int64, a, b, out, types.int64), codegen


@intrinsic
def first_bit(typing: Any, mask: Any) -> Any:
    """uint64 -> int64: the place of its lowest set bit; 64 where there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), codegen


@intrinsic
def leading_zeros(typing: Any, mask: Any) -> Any:
    """uint64 -> int64: how many of its highest bits are not set."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), codegen


@intrinsic
def count_bits(typing: Any, mask: Any) -> Any:
    """uint64 -> int64: how many bits are set."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), codegen


@intrinsic
def eight_bytes(typing: Any, buffer: Any, at: Any) -> Any:
    """The eight bytes from buffer[at] on -> uint64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.bitcast(
            _data(context, builder, signature.args[0], *args), ir.IntType(64).as_pointer()
        )
        return builder.load(pointer, align=1)

    return types.uint64(buffer, types.int64), codegen


@intrinsic
def prefetch(typing: Any, array: Any, at: Any) -> Any:
    """Ask for array[at], which will be read soon; any `at` is allowed, in the array or not."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        base = context.make_array(signature.args[0])(context, builder, args[0]).data
        kind = context.get_data_type(signature.args[0].dtype)
        pointer = builder.gep(base, [args[1]], inbounds=False, source_etype=kind)
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        name = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        ask = cgutils.get_or_insert_function(builder.module, name, "llvm.prefetch.p0")
        builder.call(ask, [builder.bitcast(pointer, byte), word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), codegen
