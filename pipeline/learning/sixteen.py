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
        held, rows = (arrayobj.make_array(kind)(context, builder, value) for kind, value in zip(signature.args[:2], arguments[:2], strict=True))
        vector = ir.VectorType(ir.FloatType(), LANES)
        size = builder.extract_value(held.shape, 0)
        first = builder.gep(rows.data, [builder.mul(arguments[2], size)])
        total = cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * LANES))
        with cgutils.for_range(builder, size) as loop:
            values = builder.load(builder.bitcast(builder.gep(held.data, [builder.mul(loop.index, size.type(LANES))]), vector.as_pointer()))
            values.align = 4
            off = builder.fsub(values, _everywhere(builder, builder.load(builder.gep(first, [loop.index])), vector))
            builder.store(builder.fadd(builder.load(total), builder.fmul(off, off)), total)
        _store(context, builder, signature.args[3], arguments[3], builder.load(total))
        return context.get_dummy_value()

    return types.void(block, points, types.uint64, distance), build


def _lower(_: Any, distance: Any, best: Any, which: Any, _number: Any) -> Any:
    """Where `distance` (16,) float32 is below `best`, put it there, and the number into `which` (16,) int32; whether it is anywhere."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        now, before = (_load(context, builder, signature.args[i], arguments[i], ir.FloatType()) for i in (0, 1))
        names = _load(context, builder, signature.args[2], arguments[2], ir.IntType(32))
        below = builder.fcmp_ordered("<", now, before)
        _store(context, builder, signature.args[1], arguments[1], builder.select(below, now, before))
        _store(context, builder, signature.args[2], arguments[2], builder.select(below, _everywhere(builder, arguments[3], names.type), names))
        any_lane = builder.icmp_unsigned("!=", builder.bitcast(below, ir.IntType(LANES)), ir.Constant(ir.IntType(LANES), 0))
        return context.cast(builder, any_lane, types.boolean, signature.return_type)

    return types.boolean(distance, best, which, types.int32), build


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
lower: Any = intrinsic(_lower)
