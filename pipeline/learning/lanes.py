"""Sixty-four numbers at once: the vector operations compiled kernels here are made of, in LLVM's own terms, so that each processor gets its own.

A set of lanes is a whole number of 64 bits, bit i for lane i.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
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


def _put(_: Any, held: Any, _at: Any, _lanes: Any, _number: Any) -> Any:
    """Set those of `held[at : at + 64]`, whole numbers of 16 or 32 bits, whose lanes are in the set."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        element = ir.IntType(signature.args[0].dtype.bitwidth)
        where, vector = _vector(context, builder, signature.args[0], arguments[0], arguments[1], element)
        before = builder.load(where)
        before.align = element.width // 8
        everywhere = _everywhere(builder, builder.trunc(arguments[3], element), vector)
        chosen = builder.bitcast(arguments[2], ir.VectorType(ir.IntType(1), LANES))
        builder.store(builder.select(chosen, everywhere, before), where).align = element.width // 8
        return context.get_dummy_value()

    return types.void(held, types.uint64, types.uint64, types.uint64), build


def _add(_: Any, held: Any, _at: Any, _lanes: Any, _number: Any) -> Any:
    """Add a number to those of `held[at : at + 64]`, float64, whose lanes are in the set."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where, vector = _vector(context, builder, signature.args[0], arguments[0], arguments[1], ir.DoubleType())
        before = builder.load(where)
        before.align = 8
        chosen = builder.bitcast(arguments[2], ir.VectorType(ir.IntType(1), LANES))
        builder.store(builder.select(chosen, builder.fadd(before, _everywhere(builder, arguments[3], vector)), before), where).align = 8
        return context.get_dummy_value()

    return types.void(held, types.uint64, types.uint64, types.float64), build


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
put: Any = intrinsic(_put)
add: Any = intrinsic(_add)
