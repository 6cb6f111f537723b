"""Many rows down many trees: what every forest and every boosted sum is scored by.

Sixty-four rows go down a tree together, as a set of bits that each test splits: one comparison of sixty-four numbers a test, however many of
the rows come there. Rows that are alike, such as neighbouring cells of a map, stay together, so most tests are asked once for all of them and
most of a tree is never visited. Where rows are not alike and reach a good part of a tree's leaves, all its tests are asked in one run. Neither
way branches on what a test finds, since which way rows go cannot be guessed. Bit sets for forests: Lucchese and others (2015), Ye and
others (2018); there one row asks many tests, here one test asks many rows. The kernel is in `descent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.learning.descent import LEAF, descend
from pipeline.learning.draws import Floats
from pipeline.learning.lanes import LANES

Array = npt.NDArray[Any]
_VISIT = 2  # a leaf found by visits costs this many times one found by asking all tests (measured, trees of 16 to 512 leaves)
_FAR_BYTES = 2**20  # trees larger than that do not stay in the nearer caches: what is read next of them is fetched ahead


@dataclass(frozen=True, eq=False)
class Paths:
    """Trees as the kernel reads them: tests and leaves apart.

    `tests` (tests, 4) uint32: where rows at most the threshold go and where rows above it, to a test, or to a leaf plus 2^31; 64 times the feature; and the
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
        place = np.where(leaf, leaves + int(LEAF), tests)
        said = np.column_stack([place[children[~leaf]], feature[~leaf].astype(np.int64) * LANES, threshold[~leaf].astype(np.float32).view(np.uint32)])
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
    leaves, tests = np.diff(paths.leaf_start.astype(np.int64)), paths.tests.ravel()  # one-dimensional: found without a multiplication
    far = True if paths.tests.nbytes + paths.leaves.nbytes > _FAR_BYTES else None  # None and True are compiled apart: a question in the loop would cost as much
    descend(
        np.require(values.T, np.float32, ["C", "W"]),  # the kernel would be compiled anew for read-only arrays
        tests, tests.view(np.float32), tests.view(np.uint64), paths.leaves.ravel(), paths.whose, paths.test_start, paths.leaf_start, int(leaves.max()),
        leaves // _VISIT, far, np.asarray(bag_start, np.int64), fill, mean, spread, by_bag,
    )  # fmt: skip
