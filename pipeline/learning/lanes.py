"""Sixty-four numbers at once: the vector operations compiled kernels here are made of, in LLVM's own terms, so that each processor gets its own.

numba keeps what it compiled by the file of the kernel alone: after a change here, change `descent` too, or empty its __pycache__.

A set of lanes is a whole number of 64 bits, bit i for lane i. Two operations, sorting out and looking up, are made another way where the processor compiled for
has no vectors of 512 bits; the answers are the same bits.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

LANES = 64
_FEW = 8  # numbers of 64 bits to a vector


def _above(_: Any, held: Any, _at: Any, _threshold: Any) -> Any:
    """The set of lanes of `held[at : at + 64]`, float32, above a threshold; NaN is not."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where, vector = _vector(context, builder, signature.args[0], arguments[0], arguments[1], ir.FloatType())
        values = builder.load(where)
        values.align = 4
        return builder.bitcast(builder.fcmp_ordered(">", values, _everywhere(builder, arguments[2], vector)), ir.IntType(LANES))

    return types.uint64(held, types.uint64, types.float32), build


def _numbered(_: Any, numbers: Any, _at: Any, _lanes: Any, _number: Any) -> Any:
    """Put a number below 64 into `numbers[at : at + 64]`, uint8, where the set has the lane."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where, vector = _vector(context, builder, signature.args[0], arguments[0], arguments[1], ir.IntType(8))
        before = builder.load(where)
        before.align = 1
        number = _everywhere(builder, builder.trunc(arguments[3], ir.IntType(8)), vector)
        builder.store(builder.select(_lanes_of(builder, arguments[2]), number, before), where).align = 1
        return context.get_dummy_value()

    return types.void(numbers, types.uint64, types.uint64, types.uint64), build


def _numbered_in_turn(_: Any, numbers: Any, _at: Any, lanes: Any, _count: Any) -> Any:
    """As `numbered`, 0 for the first set of `lanes`, 1 for the next, and so on for `count` of them; 0 where none has the lane."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = ir.IntType(64)
        where, vector = _vector(context, builder, signature.args[0], arguments[0], arguments[1], ir.IntType(8))
        sets = arrayobj.make_array(signature.args[2])(context, builder, arguments[2]).data
        chosen = cgutils.alloca_once_value(builder, ir.Constant(vector, None))  # zeros, in a register
        with cgutils.for_range(builder, arguments[3], intp=whole) as loop:
            number = _everywhere(builder, builder.trunc(loop.index, ir.IntType(8)), vector)
            those = _lanes_of(builder, builder.load(builder.gep(sets, [loop.index])))
            builder.store(builder.select(those, number, builder.load(chosen)), chosen)
        builder.store(builder.load(chosen), where).align = 1
        return context.get_dummy_value()

    return types.void(numbers, types.uint64, lanes, types.uint64), build


def _add_numbered(_: Any, held: Any, _at: Any, numbers: Any, table: Any, most: Any, _first: Any, _last: Any) -> Any:
    """Add to `held[at : at + 64]`, float64, for i from `first` to `last` in turn, the numbers of `table[64 i :]` that `numbers[64 i : 64 i + 64]` say; they are
    below `most[i]`. Of a table sixteen are read at a time, so to the next multiple of that."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds, whole = signature.args, ir.IntType(64)
        few = ir.VectorType(ir.DoubleType(), _FEW)
        sum_at = builder.gep(arrayobj.make_array(kinds[0])(context, builder, arguments[0]).data, [arguments[1]])
        says, holds, counts = (arrayobj.make_array(kinds[i])(context, builder, arguments[i]).data for i in (2, 3, 4))
        for half in (range(_FEW // 2), range(_FEW // 2, _FEW)):  # all at once would not stay in registers
            sums = [cgutils.alloca_once_value(builder, _at_place(builder, sum_at, whole(_FEW * part), few, load=True)) for part in half]
            with cgutils.for_range_slice(builder, arguments[5], arguments[6], whole(1), whole) as (i, _count):
                start = builder.mul(i, whole(LANES))
                said = [_at_place(builder, builder.gep(says, [start]), whole(_FEW * part), ir.VectorType(ir.IntType(8), _FEW), load=True) for part in half]
                found = _looked_up(context, builder, builder.gep(holds, [start]), said, builder.load(builder.gep(counts, [i])))
                for total, number in zip(sums, found, strict=True):
                    builder.store(builder.fadd(builder.load(total), number), total)
            for part, total in zip(half, sums, strict=True):
                builder.store(builder.load(total), _at_place(builder, sum_at, whole(_FEW * part), few)).align = 8
        return context.get_dummy_value()

    return types.void(held, types.uint64, numbers, table, most, types.uint64, types.uint64), build


def _looked_up(context: Any, builder: Any, table: Any, said: list[Any], most: Any) -> list[Any]:
    """The numbers of a table of `most` that bytes say, eight by eight."""
    whole, few = ir.IntType(64), ir.VectorType(ir.DoubleType(), _FEW)
    places = [builder.zext(these, ir.VectorType(whole, _FEW)) for these in said]
    if not _has_512(context):
        return [_gathered(builder, table, place, few) for place in places]
    two = builder.module.declare_intrinsic("llvm.x86.avx512.vpermi2var.pd.512", (), ir.FunctionType(few, [few, places[0].type, few]))

    def of_sixteen(first: Any, place: Any) -> Any:
        at = builder.bitcast(builder.gep(table, [first]), few.as_pointer())
        halves = [builder.load(builder.gep(at, [whole(half)])) for half in (0, 1)]
        for half in halves:
            half.align = 8
        return builder.call(two, [halves[0], place, halves[1]])  # by the lower four bits of the place

    found = [cgutils.alloca_once(builder, few) for _ in places]
    for place, chosen in zip(places, found, strict=True):
        builder.store(of_sixteen(whole(0), place), chosen)
    with cgutils.for_range_slice(builder, whole(16), most, whole(16), whole) as (first, _count):
        for place, chosen in zip(places, found, strict=True):
            there = builder.icmp_unsigned(">=", place, _everywhere(builder, first, place.type))
            builder.store(builder.select(there, of_sixteen(first, place), builder.load(chosen)), chosen)
    return [builder.load(chosen) for chosen in found]


def _gathered(builder: Any, table: Any, place: Any, vector: Any) -> Any:
    found = ir.Constant(vector, ir.Undefined)
    for k in range(_FEW):
        number = builder.load(builder.gep(table, [builder.extract_element(place, ir.IntType(32)(k))]))
        found = builder.insert_element(found, number, ir.IntType(32)(k))
    return found


def _parted(_: Any, either: Any, here: Any, beyond: Any, _at: Any, queue: Any, queued: Any, _waiting: Any, ends: Any, ended: Any, _found: Any) -> Any:
    """Eight tests from `at` on sorted out: where the lanes `here` of each that are `beyond` go, and the others, which `either` names (others below, those beyond
    above 2^32). Names of tests to come are put into `queue` with their lanes in `queued`, from `waiting` on, leaves (2^31 and more) into `ends` and `ended`
    from `found` on, those that no lane comes to nowhere; sixteen places are written. Gives how many wait and are found then."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds, one, half = signature.args, ir.IntType(32), ir.IntType(64)
        data = {i: arrayobj.make_array(kinds[i])(context, builder, arguments[i]).data for i in (0, 1, 2, 4, 5, 7, 8)}
        if not _has_512(context):
            return context.make_tuple(builder, signature.return_type, _parted_singly(builder, data, arguments))
        eight = ir.VectorType(half, _FEW)
        names, lanes, over = (_at_place(builder, data[i], arguments[3], eight, load=True) for i in (0, 1, 2))
        sides = builder.and_(lanes, builder.not_(over)), builder.and_(lanes, over)
        in_turn = [n for pair in zip(range(_FEW), range(_FEW, 2 * _FEW), strict=True) for n in pair]
        parts = [builder.shuffle_vector(*sides, ir.Constant(ir.VectorType(one, _FEW), turn)) for turn in (in_turn[:_FEW], in_turn[_FEW:])]
        some = [builder.icmp_unsigned("!=", part, ir.Constant(eight, None)) for part in parts]
        all_of = ir.Constant(ir.VectorType(one, 2 * _FEW), list(range(2 * _FEW)))
        goes = builder.shuffle_vector(*some, all_of)
        names = builder.bitcast(names, ir.VectorType(one, 2 * _FEW))
        leaf = builder.icmp_signed("<", names, ir.Constant(names.type, None))
        counts = []
        for kind, to, into, before in ((builder.not_(leaf), 4, 5, arguments[6]), (leaf, 7, 8, arguments[9])):
            those, count = builder.and_(goes, kind), before
            _packed(builder, names, those, _at_place(builder, data[to], count, names.type))
            for first, part in zip((0, _FEW), parts, strict=True):
                now = builder.shuffle_vector(those, those, ir.Constant(ir.VectorType(one, _FEW), list(range(first, first + _FEW))))
                _packed(builder, part, now, _at_place(builder, data[into], count, eight))
                count = builder.add(count, builder.zext(builder.ctpop(builder.bitcast(now, ir.IntType(_FEW))), half))
            counts.append(count)
        return context.make_tuple(builder, signature.return_type, counts)

    place = types.uint64
    return types.UniTuple(place, 2)(either, here, beyond, place, queue, queued, place, ends, ended, place), build


def _parted_singly(builder: Any, data: Any, arguments: Any) -> list[Any]:
    """As `_parted`, test by test: every store is made, and only the counts tell whether it holds."""
    one, half = ir.IntType(32), ir.IntType(64)
    waiting, found = arguments[6], arguments[9]
    for k in range(_FEW):
        pair, here, over = (builder.load(builder.gep(data[i], [builder.add(arguments[3], half(k))])) for i in (0, 1, 2))
        for side, lanes in ((pair, builder.and_(here, builder.not_(over))), (builder.lshr(pair, half(32)), builder.and_(here, over))):
            name = builder.trunc(side, one)
            leaf = builder.zext(builder.lshr(name, one(31)), half)
            goes = builder.zext(builder.icmp_unsigned("!=", lanes, half(0)), half)
            for to, into, count in ((4, 5, waiting), (7, 8, found)):
                builder.store(name, builder.gep(data[to], [count]))
                builder.store(lanes, builder.gep(data[into], [count]))
            ends = builder.and_(goes, leaf)
            waiting, found = builder.add(waiting, builder.sub(goes, ends)), builder.add(found, ends)
    return [waiting, found]


def _has_512(context: Any) -> bool:
    """Whether the processor compiled for has vectors of 512 bits (AVX-512)."""
    return "+avx512f" in context.codegen().magic_tuple()[2].split(",")


def _at_place(builder: Any, data: Any, place: Any, vector: Any, *, load: bool = False) -> Any:
    """The vector that begins at a place of the array, or where it is."""
    where = builder.bitcast(builder.gep(data, [place]), vector.as_pointer())
    if not load:
        return where
    held = builder.load(where)
    held.align = vector.element.width // 8 if isinstance(vector.element, ir.IntType) else 8
    return held


def _packed(builder: Any, values: Any, those: Any, where: Any) -> None:
    """Store those of the values that are meant, one after another."""
    name = f"llvm.experimental.vector.compress.v{values.type.count}i{values.type.element.width}"
    declared = cgutils.get_or_insert_function(builder.module, ir.FunctionType(values.type, [values.type, those.type, values.type]), name)
    builder.store(builder.call(declared, [values, those, ir.Constant(values.type, None)]), where).align = values.type.element.width // 8


def _soon(_: Any, held: Any, _place: Any) -> Any:
    """Say that `held[place]` of an array will be read soon: the processor fetches it while other work goes on."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = ir.IntType(32)
        where = builder.gep(arrayobj.make_array(signature.args[0])(context, builder, arguments[0]).data, [arguments[1]])
        declared = builder.module.declare_intrinsic("llvm.prefetch", (where.type,), ir.FunctionType(ir.VoidType(), [where.type, whole, whole, whole]))
        builder.call(declared, [where, whole(0), whole(3), whole(1)])  # to be read, into the nearest cache, data
        return context.get_dummy_value()

    return types.void(held, types.uint64), build


def _vector(context: Any, builder: Any, kind: Any, array: Any, at: Any, element: Any) -> tuple[Any, Any]:
    vector = ir.VectorType(element, LANES)
    first = builder.gep(arrayobj.make_array(kind)(context, builder, array).data, [at])
    return builder.bitcast(first, vector.as_pointer()), vector


def _lanes_of(builder: Any, lanes: Any) -> Any:
    return builder.bitcast(lanes, ir.VectorType(ir.IntType(1), LANES))


def _everywhere(builder: Any, number: Any, vector: Any) -> Any:
    zero = ir.Constant(ir.IntType(32), 0)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, zero)
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count))


# as kernels call them: without the typing context, which the compiler adds
above: Any = intrinsic(_above)
numbered: Any = intrinsic(_numbered)
numbered_in_turn: Any = intrinsic(_numbered_in_turn)
add_numbered: Any = intrinsic(_add_numbered)
parted: Any = intrinsic(_parted)
soon: Any = intrinsic(_soon)
