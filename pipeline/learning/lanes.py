"""Sixty-four numbers at once: the vector operations compiled kernels here are made of, in LLVM's own terms, so that each processor gets its own.

numba keeps what it compiled by the file of the kernel alone: after a change here, change `walk` too, or empty its __pycache__.

A set of lanes is a whole number of 64 bits, bit i for lane i.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

LANES = 64


def _above(_: Any, held: Any, _at: Any, _threshold: Any) -> Any:
    """The set of lanes of `held[at : at + 64]`, float32, above a threshold; NaN is not."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where, vector = _vector(context, builder, signature.args[0], arguments[0], arguments[1], ir.FloatType())
        values = builder.load(where)
        values.align = 4
        return builder.bitcast(builder.fcmp_ordered(">", values, _everywhere(builder, arguments[2], vector)), ir.IntType(LANES))

    return types.uint64(held, types.uint64, types.float32), build


def _add_chosen(_: Any, held: Any, _at: Any, row: Any, lanes: Any, _first: Any, _last: Any, table: Any, _column: Any) -> Any:
    """Add to each of `held[at : at + 64]`, float64, `table[row[i], column]` of the last i from `first` to `last` in whose set `lanes[i]` it is; 0 of none."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds, whole, vector = signature.args, ir.IntType(64), ir.VectorType(ir.DoubleType(), LANES)
        sum_at, _ = _vector(context, builder, kinds[0], arguments[0], arguments[1], ir.DoubleType())
        numbers, sets = (arrayobj.make_array(kinds[i])(context, builder, arguments[i]).data for i in (2, 3))
        values = arrayobj.make_array(kinds[6])(context, builder, arguments[6])
        step, column = builder.extract_value(values.strides, 0), builder.bitcast(builder.gep(values.data, [arguments[7]]), ir.IntType(8).as_pointer())
        chosen = cgutils.alloca_once_value(builder, ir.Constant(vector, None))  # zeros, in registers
        with cgutils.for_range_slice(builder, arguments[4], arguments[5], whole(1), whole) as (i, _count):
            place = builder.gep(column, [builder.mul(step, builder.zext(builder.load(builder.gep(numbers, [i])), whole))])
            number = builder.load(builder.bitcast(place, ir.DoubleType().as_pointer()))
            those = builder.bitcast(builder.load(builder.gep(sets, [i])), ir.VectorType(ir.IntType(1), LANES))
            builder.store(builder.select(those, _everywhere(builder, number, vector), builder.load(chosen)), chosen)
        before = builder.load(sum_at)
        before.align = 8
        builder.store(builder.fadd(before, builder.load(chosen)), sum_at).align = 8
        return context.get_dummy_value()

    return types.void(held, types.uint64, row, lanes, types.uint64, types.uint64, table, types.uint64), build


def _soon(_: Any, held: Any, _row: Any) -> Any:
    """Say that row `held[row]` of a (rows, columns) array will be read soon: the processor fetches it while other work goes on."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _fetched(builder, _row_of(context, builder, signature.args[0], arguments[0], arguments[1]))
        return context.get_dummy_value()

    return types.void(held, types.uint64), build


def _coming(_: Any, first: Any, second: Any, _row: Any) -> Any:
    """As `soon`: row `first[row]`, or `second[row - 2^31]` where the uint32 `row` is that large."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide, many = ir.IntType(64), ir.Constant(ir.IntType(32), 2**31)
        other = builder.icmp_unsigned(">=", arguments[2], many)
        row = builder.zext(builder.and_(arguments[2], ir.Constant(ir.IntType(32), 2**31 - 1)), wide)
        one, two = (_row_of(context, builder, kind, array, row) for kind, array in zip(signature.args[:2], arguments[:2], strict=True))
        _fetched(builder, builder.select(other, two, one))
        return context.get_dummy_value()

    return types.void(first, second, types.uint32), build


def _row_of(context: Any, builder: Any, kind: Any, array: Any, row: Any) -> Any:
    held = arrayobj.make_array(kind)(context, builder, array)
    step = builder.extract_value(held.strides, 0)
    return builder.gep(builder.bitcast(held.data, ir.IntType(8).as_pointer()), [builder.mul(step, row)])


def _fetched(builder: Any, where: Any) -> None:
    whole = ir.IntType(32)
    declared = builder.module.declare_intrinsic("llvm.prefetch", (where.type,), ir.FunctionType(ir.VoidType(), [where.type, whole, whole, whole]))
    builder.call(declared, [where, whole(0), whole(3), whole(1)])  # to be read, into the nearest cache, data


def _vector(context: Any, builder: Any, kind: Any, array: Any, at: Any, element: Any) -> tuple[Any, Any]:
    vector = ir.VectorType(element, LANES)
    first = builder.gep(arrayobj.make_array(kind)(context, builder, array).data, [at])
    return builder.bitcast(first, vector.as_pointer()), vector


def _everywhere(builder: Any, number: Any, vector: Any) -> Any:
    zero = ir.Constant(ir.IntType(32), 0)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, zero)
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


# as kernels call them: without the typing context, which the compiler adds
above: Any = intrinsic(_above)
add_chosen: Any = intrinsic(_add_chosen)
soon: Any = intrinsic(_soon)
coming: Any = intrinsic(_coming)
