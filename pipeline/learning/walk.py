"""Many rows down many trees: the kernel behind every forest and every boosted sum.

Sixty-four rows go down a tree together, as a set of bits that each test splits: one comparison of sixty-four numbers a test, however many of
the rows come there. Rows that are alike, such as neighbouring cells of a map, stay together, so most tests are asked once for all of them and
most of a tree is never visited. Where rows are not alike and reach a good part of a tree's leaves, all its tests are asked in one run. Neither
way branches on what a test finds, since which way rows go cannot be guessed. Bit sets for forests: Lucchese and others (2015), Ye and
others (2018); there one row asks many tests, here one test asks many rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats
from pipeline.learning.lanes import LANES, above, add_chosen, coming, soon

Array = npt.NDArray[Any]
_VISIT = 3  # a leaf found by visits costs this many times one found by asking all tests (measured, trees of 16 to 512 leaves)
_TREES = 64  # at most are visited in turn: the more, the longer before what was put into their queue is asked for
_FAR_BYTES = 2**20  # trees larger than that do not stay in the nearer caches: what is read next of them is fetched ahead
_SETS = 16  # of 64 rows go down the same trees before the next are asked
_LEAF = np.uint32(2**31)


@dataclass(frozen=True, eq=False)
class Paths:
    """Trees as the kernel reads them: tests and leaves apart.

    `tests` (tests, 4) uint32: 64 times the feature, where rows at most the threshold go and where rows above it, to a test, or to a leaf plus 2^31, and the
    bits of the threshold, float32: within one line of the processor's cache. `leaves` (leaves, columns) float64 is what each holds, and `whose` (leaves,) uint32
    the tree it is of. Tree t has tests `test_start[t]` to `test_start[t + 1]`, the first its root, and leaves likewise.
    """

    tests: Array
    leaves: Floats
    test_start: Array
    leaf_start: Array
    whose: Array

    @classmethod
    def of(cls, children: Array, feature: Array, threshold: Array, value: Floats, tree_start: Array) -> Paths:
        """From flat arrays as `Trees` holds them; a parent stays before its children."""
        leaf = children[:, 0] == np.arange(len(children))
        tests, leaves = np.cumsum(~leaf) - 1, np.cumsum(leaf) - 1
        place = np.where(leaf, leaves + int(_LEAF), tests)
        said = np.column_stack([feature[~leaf].astype(np.int64) * LANES, place[children[~leaf]], threshold[~leaf].astype(np.float32).view(np.uint32)])
        starts = [np.concatenate([[0], np.cumsum(np.add.reduceat(kind, tree_start[:-1], dtype=np.int64))]) for kind in (~leaf, leaf)]
        whose = np.repeat(np.arange(len(tree_start) - 1), np.diff(starts[1])).astype(np.uint32)
        return cls(said.astype(np.uint32), np.ascontiguousarray(value[leaf]), starts[0].astype(np.uint64), starts[1].astype(np.uint64), whose)


def walked(values: npt.NDArray[np.float32], paths: Paths, *, bag_start: Array, fill: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Mean over bags, and standard deviation between bags, of the mean over each bag's trees of what the leaves hold; (n, columns) float64 each.

    `values` (n, features) float32, NaN standing for `fill` (bags, features) of the bag; bag b has trees `bag_start[b]` to `bag_start[b + 1]`.
    Each row's sums run over trees in their order, so its answer is the same to the last bit in any company. Fast where each 64 rows in a row
    are alike; values that lie in memory column by column are not copied. One thread; releases the interpreter lock.
    """
    mean = np.empty((len(values), paths.leaves.shape[1]))
    spread = np.empty_like(mean)
    _walked(values, paths, bag_start, fill, mean, spread, np.empty((0, 0, 0)))
    return mean, spread


def walked_by_bag(values: npt.NDArray[np.float32], paths: Paths, *, bag_start: Array, fill: npt.NDArray[np.float32]) -> Floats:
    """As `walked`, what it takes the mean and spread of: for each bag the mean over its trees, (bags, columns, n) float64."""
    mean = np.empty((len(values), paths.leaves.shape[1]))
    by_bag = np.empty((len(fill), mean.shape[1], len(values)))
    _walked(values, paths, bag_start, fill, mean, np.empty_like(mean), by_bag)
    return by_bag


def _walked(values: Array, paths: Paths, bag_start: Array, fill: Array, mean: Floats, spread: Floats, by_bag: Floats) -> None:
    leaves = np.diff(paths.leaf_start.astype(np.int64))
    far = True if paths.tests.nbytes + paths.leaves.nbytes > _FAR_BYTES else None  # None and True are compiled apart: a question in the loop would cost as much
    _walk(
        np.require(values.T, np.float32, ["C", "W"]),  # the kernel would be compiled anew for read-only arrays
        paths.tests, paths.tests.view(np.float32), paths.leaves, paths.whose, paths.test_start, paths.leaf_start, int(leaves.max()),
        leaves // _VISIT, far, np.asarray(bag_start, np.int64), fill, mean, spread, by_bag,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _walk(  # type: ignore[no-untyped-def]  # pragma: no cover
    values, tests, threshold, leaves, whose, test_start, leaf_start, most, enough, far, bag_start, fill, mean, spread, by_bag
):
    columns, rows = values.shape
    bags, width = fill.shape[0], leaves.shape[1]
    wide, size = columns * LANES, bags * width * LANES
    block = _on_lines(np.empty(_SETS * wide + 16, np.float32), _SETS * wide)
    holes = np.empty((_SETS * wide, 2), np.int64)
    share = _on_lines(np.empty(_SETS * size + 8), _SETS * size)
    sets = np.zeros(2 * most, np.uint64)
    queue, queued = np.empty(_TREES * most + 1, np.uint32), np.empty(_TREES * most + 1, np.uint64)
    ends, ended = np.empty(_TREES * LANES + 1, np.uint32), np.empty(_TREES * LANES + 1, np.uint64)
    reached = np.zeros(test_start.size - 1, np.int64)
    slot, slotted = np.empty(_TREES * LANES + 1, np.uint32), np.empty(_TREES * LANES + 1, np.uint64)
    trees, bag_of = bag_start[bags], np.empty(bag_start[bags], np.int64)
    for bag in range(bags):
        bag_of[bag_start[bag] : bag_start[bag + 1]] = bag
    for first in range(0, rows, _SETS * LANES):
        held = min(_SETS, (rows - first + LANES - 1) // LANES)
        missing = 0
        for i in range(held):
            missing = _laid_out(values, first + i * LANES, i * wide, block, holes, missing)
        share[:] = 0.0
        start = bag_start[0]
        while start < trees:
            stop = min(start + _TREES, trees)
            if missing:  # what stands for missing values is the bag's
                stop = min(stop, bag_start[bag_of[start] + 1])
                for hole in range(missing):
                    block[holes[hole, 0]] = fill[bag_of[start], holes[hole, 1]]
            for i in range(held):  # the same trees again, while they are in the processor's cache
                _down(
                    block, np.uint64(i * wide), tests, threshold, leaves, whose, test_start, leaf_start, enough, far, bag_of, start, stop, sets,
                    queue, queued, ends, ended, reached, slot, slotted, share, np.uint64(i * size),
                )  # fmt: skip
            start = stop
        for i in range(held):
            for j in range(size):
                bag = j // (width * LANES)
                share[i * size + j] /= bag_start[bag + 1] - bag_start[bag]
        for i in range(held):
            at = first + i * LANES
            _over_bags(share[i * size : (i + 1) * size], bags, mean[at : at + LANES], spread[at : at + LANES], by_bag[:, :, at : at + LANES])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _down(  # type: ignore[no-untyped-def]  # pragma: no cover
    block, lies, tests, threshold, leaves, whose, test_start, leaf_start, enough, far, bag_of, start, stop, sets, queue, queued, ends, ended, reached,
    slot, slotted, share, first,
):  # fmt: skip
    """The 64 rows that stand at `lies`, down trees `start` to `stop`, and what their leaves hold added to the `share` of their bag, from `first` on."""
    waiting, width = np.uint64(0), leaves.shape[1]
    for tree in range(start, stop):
        place = np.uint64((tree - start) * LANES)
        if test_start[tree] == test_start[tree + 1]:
            slot[place], slotted[place], reached[tree] = leaf_start[tree], ~np.uint64(0), 1
        elif reached[tree] > enough[tree]:  # by the rows before: what is chosen changes no answer
            reached[tree] = _every_test(block, lies, tests, threshold, test_start[tree], test_start[tree + 1], leaf_start[tree], sets, slot, slotted, place)
        else:
            reached[tree] = 0
            if far is not None:
                soon(tests, test_start[tree])
            queue[waiting], queued[waiting] = test_start[tree], ~np.uint64(0)
            waiting += np.uint64(1)
    found = _visited(block, lies, tests, threshold, leaves, far, waiting, queue, queued, ends, ended)
    for e in range(found):
        tree = whose[np.uint64(ends[e])]
        place = np.uint64((tree - start) * LANES + reached[tree])
        slot[place], slotted[place] = ends[e], ended[e]
        reached[tree] += 1
    for tree in range(start, stop):
        place, base = np.uint64((tree - start) * LANES), first + np.uint64(bag_of[tree] * width * LANES)
        for k in range(np.uint64(width)):
            add_chosen(share, base + k * np.uint64(LANES), slot, slotted, place, place + np.uint64(reached[tree]), leaves, k)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _on_lines(held, size):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`size` numbers of `held`, the first of them where a line of the processor's cache begins: what crosses one takes twice as long."""
    first = -held.ctypes.data % 64 // held.itemsize
    return held[first : first + size]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _laid_out(values, first, lies, block, holes, missing):  # type: ignore[no-untyped-def]  # pragma: no cover
    """64 rows from `first` on, feature by feature, the last row standing in for those that are not there; the number of `holes`, of which so many
    were `missing` before."""
    there = min(LANES, values.shape[1] - first)
    for j in range(values.shape[0]):
        at, hole = lies + j * LANES, False
        for lane in range(there):
            held = values[j, first + lane]
            block[at + lane] = held
            hole |= np.isnan(held)
        for lane in range(there, LANES):
            block[at + lane] = block[at + there - 1]
        if hole:
            for lane in range(LANES):
                if np.isnan(block[at + lane]):
                    holes[missing, 0], holes[missing, 1] = at + lane, j
                    missing += 1
    return missing


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _every_test(block, lies, tests, threshold, first, last, leaf, sets, slot, slotted, place):  # type: ignore[no-untyped-def]  # pragma: no cover
    """All tests of one tree, then which lanes came to which leaf, from `place` on; the number of leaves reached."""
    # indices are unsigned: a signed one is asked, each time, whether it counts from the end
    ends = last - first
    of_test, of_leaf = first, np.uint64(_LEAF) + leaf - ends  # the sets of leaves stand behind those of tests
    sets[np.uint64(0)] = ~np.uint64(0)
    for t in range(first, last):
        here, beyond = sets[t - first], above(block, lies + np.uint64(tests[t, np.uint64(0)]), threshold[t, np.uint64(3)])
        left, right = np.uint64(tests[t, np.uint64(1)]), np.uint64(tests[t, np.uint64(2)])
        sets[left - (of_leaf if left >= np.uint64(_LEAF) else of_test)] = here & ~beyond
        sets[right - (of_leaf if right >= np.uint64(_LEAF) else of_test)] = here & beyond
    found = np.uint64(0)
    for k in range(ends + np.uint64(1)):  # a tree has one leaf more than tests
        there = sets[ends + k]
        slot[place + found], slotted[place + found] = leaf + k, there
        found += np.uint64(there != np.uint64(0))
    return found


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _visited(block, lies, tests, threshold, leaves, far, waiting, queue, queued, ends, ended):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Only the tests that some lane comes to, of several trees in turn; the number of leaves reached.

    Every store is made and only the counters tell whether it counts: which way lanes go cannot be guessed, and a branch that is guessed
    wrong costs more than the rest of a test.
    """
    i, found, one = np.uint64(0), np.uint64(0), np.uint64(1)
    while i < waiting:
        t, here = np.uint64(queue[i]), queued[i]
        i += one
        beyond = here & above(block, lies + np.uint64(tests[t, np.uint64(0)]), threshold[t, np.uint64(3)])
        left, right = tests[t, one], tests[t, np.uint64(2)]
        within = here & ~beyond
        goes, leaf = np.uint64(within != np.uint64(0)), np.uint64(left >> np.uint32(31))
        if far is not None:
            coming(tests, leaves, left)
        queue[waiting], queued[waiting] = left, within
        waiting += goes & ~leaf
        ends[found], ended[found] = left ^ _LEAF, within
        found += goes & leaf
        goes, leaf = np.uint64(beyond != np.uint64(0)), np.uint64(right >> np.uint32(31))
        if far is not None:
            coming(tests, leaves, right)
        queue[waiting], queued[waiting] = right, beyond
        waiting += goes & ~leaf
        ends[found], ended[found] = right ^ _LEAF, beyond
        found += goes & leaf
    return found


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _over_bags(share, bags, mean, spread, by_bag):  # type: ignore[no-untyped-def]  # pragma: no cover
    lanes, width = mean.shape
    for bag in range(len(by_bag)):  # none, unless they are asked for
        for k in range(width):
            for lane in range(lanes):
                by_bag[bag, k, lane] = share[(bag * width + k) * LANES + lane]
    for lane in range(lanes):
        for k in range(width):
            total = 0.0
            for bag in range(bags):
                total += share[(bag * width + k) * LANES + lane]
            average = total / bags
            square = 0.0
            for bag in range(bags):
                square += (share[(bag * width + k) * LANES + lane] - average) ** 2
            mean[lane, k] = average
            spread[lane, k] = np.sqrt(square / bags)
