"""Sixteen numbers at once, for distances: as `lanes`, the vector operations in LLVM's own terms."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

LANES = 16


def _squared(_: Any, block: Any, points: Any, _place: Any, distance: Any) -> Any:
    """Put into `distance` (16,) the squared distance of each lane of `block` (size, 16) to row `place` of `points` (m, size); all float32, in rows.

    Each term is rounded by itself and added in turn, so the answer is the same on every processor.
    """

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = builder.extract_value(arrayobj.make_array(signature.args[0])(context, builder, arguments[0]).shape, 0)
        zero = ir.Constant(ir.VectorType(ir.FloatType(), LANES), [0.0] * LANES)
        total = _added(context, builder, signature.args, arguments, (size.type(0), size), zero)
        _store(context, builder, signature.args[3], arguments[3], total)
        return context.get_dummy_value()

    return types.void(block, points, types.uint64, distance), build


def _further(_: Any, block: Any, points: Any, _place: Any, _start: Any, _end: Any, reach: Any, distance: Any) -> Any:
    """As `squared`, of dimensions `start` up to `end` alone, added to what is in `distance` unless `start` is 0; whether any lane is still within its
    `reach` (16,) float32."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start, end = arguments[3], arguments[4]
        before = _load(context, builder, signature.args[6], arguments[6], ir.FloatType())
        zero = ir.Constant(before.type, [0.0] * LANES)
        total = _added(
            context, builder, signature.args, arguments, (start, end), builder.select(builder.icmp_unsigned("==", start, start.type(0)), zero, before)
        )
        _store(context, builder, signature.args[6], arguments[6], total)
        within = builder.fcmp_ordered("<=", total, _load(context, builder, signature.args[5], arguments[5], ir.FloatType()))
        return context.cast(builder, _any(builder, within), types.boolean, signature.return_type)

    return types.boolean(block, points, types.uint64, types.uint64, types.uint64, reach, distance), build


def _apart(_: Any, across: Any, _start: Any, low: Any, high: Any, least: Any) -> Any:
    """Put into `least` from place `start` on the squared distances of sixteen points to the box from `low` to `high`, both (size,): of the columns from
    `start` on of `across` (size, m); all float32."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held, below, above, into = (arrayobj.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2, 3, 4))
        size, many = (builder.extract_value(held.shape, i) for i in (0, 1))
        vector = ir.VectorType(ir.FloatType(), LANES)
        zero = ir.Constant(vector, [0.0] * LANES)
        total = cgutils.alloca_once_value(builder, zero)
        with cgutils.for_range(builder, size) as loop:
            place = builder.add(builder.mul(loop.index, many), arguments[1])
            values = builder.load(builder.bitcast(builder.gep(held.data, [place]), vector.as_pointer()))
            values.align = 4
            first, last = (_everywhere(builder, builder.load(builder.gep(end.data, [loop.index])), vector) for end in (below, above))
            before, after = builder.fsub(first, values), builder.fsub(values, last)
            off = builder.select(builder.fcmp_ordered(">", before, after), before, after)
            off = builder.select(builder.fcmp_ordered(">", off, zero), off, zero)
            builder.store(builder.fadd(builder.load(total), builder.fmul(off, off)), total)
        builder.store(builder.load(total), builder.bitcast(builder.gep(into.data, [arguments[1]]), vector.as_pointer())).align = 4
        return context.get_dummy_value()

    return types.void(across, types.uint64, low, high, least), build


def _ends(_: Any, block: Any, _place: Any, low: Any, high: Any) -> Any:
    """Put into `low` and `high` (size,), at a place, the lowest and highest lane of that row of `block` (size, 16); all float32, none NaN."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held, below, above = (arrayobj.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2, 3))
        vector = ir.VectorType(ir.FloatType(), LANES)
        at = builder.gep(held.data, [builder.mul(arguments[1], arguments[1].type(LANES))])
        values = builder.load(builder.bitcast(at, vector.as_pointer()))
        values.align = 4
        for word, into in (("fmin", below), ("fmax", above)):
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.FloatType(), [vector]), f"llvm.vector.reduce.{word}.v{LANES}f32"
            )
            builder.store(builder.call(function, [values], fastmath=("nnan",)), builder.gep(into.data, [arguments[1]]))
        return context.get_dummy_value()

    return types.void(block, types.uint64, low, high), build


def _lower(_: Any, distance: Any, best: Any, which: Any, _number: Any) -> Any:
    """Where `distance` (16,) float32 is below `best`, put it there, and the number into `which` (16,) int32; whether it is anywhere."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        now, before = (_load(context, builder, signature.args[i], arguments[i], ir.FloatType()) for i in (0, 1))
        names = _load(context, builder, signature.args[2], arguments[2], ir.IntType(32))
        below = builder.fcmp_ordered("<", now, before)
        _store(context, builder, signature.args[1], arguments[1], builder.select(below, now, before))
        _store(context, builder, signature.args[2], arguments[2], builder.select(below, _everywhere(builder, arguments[3], names.type), names))
        return context.cast(builder, _any(builder, below), types.boolean, signature.return_type)

    return types.boolean(distance, best, which, types.int32), build


def _added(context: Any, builder: Any, kinds: Any, arguments: Any, dimensions: tuple[Any, Any], before: Any) -> Any:
    """`before` and the squares of the differences in some dimensions, in their order, of each lane of a block to a row of points."""
    held, rows = (arrayobj.make_array(kind)(context, builder, value) for kind, value in zip(kinds[:2], arguments[:2], strict=True))
    size = builder.extract_value(held.shape, 0)
    first, total = builder.gep(rows.data, [builder.mul(arguments[2], size)]), cgutils.alloca_once_value(builder, before)
    with cgutils.for_range_slice(builder, dimensions[0], dimensions[1], size.type(1), inc=True) as (k, _):
        values = builder.load(builder.bitcast(builder.gep(held.data, [builder.mul(k, size.type(LANES))]), before.type.as_pointer()))
        values.align = 4
        off = builder.fsub(values, _everywhere(builder, builder.load(builder.gep(first, [k])), before.type))
        builder.store(builder.fadd(builder.load(total), builder.fmul(off, off)), total)
    return builder.load(total)


def _any(builder: Any, lanes: Any) -> Any:
    return builder.icmp_unsigned("!=", builder.bitcast(lanes, ir.IntType(LANES)), ir.Constant(ir.IntType(LANES), 0))


def _pointer(context: Any, builder: Any, kind: Any, array: Any, vector: Any) -> Any:
    return builder.bitcast(arrayobj.make_array(kind)(context, builder, array).data, vector.as_pointer())


def _load(context: Any, builder: Any, kind: Any, array: Any, element: Any) -> Any:
    values = builder.load(_pointer(context, builder, kind, array, ir.VectorType(element, LANES)))
    values.align = 4
    return values


def _store(context: Any, builder: Any, kind: Any, array: Any, values: Any) -> None:
    builder.store(values, _pointer(context, builder, kind, array, values.type)).align = 4


def _everywhere(builder: Any, number: Any, vector: Any) -> Any:
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


# as kernels call them: without the typing context, which the compiler adds
squared: Any = intrinsic(_squared)
further: Any = intrinsic(_further)
apart: Any = intrinsic(_apart)
ends: Any = intrinsic(_ends)
lower: Any = intrinsic(_lower)
