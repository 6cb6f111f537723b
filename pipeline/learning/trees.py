"""Decision trees as flat arrays: scored by one kernel, stored as plain numbers, checked before use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import DataError
from pipeline.learning.draws import Floats

if TYPE_CHECKING:
    from pipeline.learning.walk import Paths  # and numba with it, in a process that walks trees

Array = npt.NDArray[Any]
_DTYPES = {
    "children": np.int32,
    "feature": np.int32,
    "threshold": np.float32,
    "value": np.float64,
    "weight": np.float64,
    "tree_start": np.int64,
    "bag_start": np.int64,
    "fill": np.float32,
}


@dataclass(frozen=True, eq=False)
class Trees:
    """Bags of binary trees, one after another.

    `children` (nodes, 2) int32: where a row goes when its value is at most the threshold, and otherwise; a leaf names itself
    twice. `feature` (nodes,) int32 and `threshold` (nodes,) float32 of the test, 0 at leaves. `value` (nodes, classes)
    float64 class shares, or (nodes, 1) what a boosted tree adds to the log-odds; `weight` (nodes,) float64 the weight of the samples that
    came there. Tree t owns nodes `tree_start[t]` to `tree_start[t + 1]`, the first its root; bag b owns trees `bag_start[b]` to
    `bag_start[b + 1]`. `fill` (bags, features) float32 replaces missing values.
    """

    children: Array
    feature: Array
    threshold: Array
    value: Array
    weight: Array
    tree_start: Array
    bag_start: Array
    fill: Array

    @classmethod
    def of(cls, bags: Sequence[Sequence[Any]], *, fill: Array) -> Trees:
        """Fitted scikit-learn decision trees (their `tree_`), by bag, as flat arrays."""
        trees = [tree for bag in bags for tree in bag]
        start = np.concatenate(([0], np.cumsum([tree.node_count for tree in trees], dtype=np.int64)))
        children, feature, threshold = [], [], []
        for tree, first in zip(trees, start, strict=False):
            leaf = tree.children_left < 0
            own = np.arange(tree.node_count)
            pair = [np.where(leaf, own, side) for side in (tree.children_left, tree.children_right)]
            children.append(np.column_stack(pair) + first)
            feature.append(np.where(leaf, 0, tree.feature))
            threshold.append(np.where(leaf, 0.0, tree.threshold))
        return cls(
            children=np.concatenate(children).astype(np.int32),
            feature=np.concatenate(feature).astype(np.int32),
            threshold=_rounded_down(np.concatenate(threshold)),
            value=np.concatenate([tree.value[:, 0, :] for tree in trees]).astype(np.float64),
            weight=np.concatenate([tree.weighted_n_node_samples for tree in trees]).astype(np.float64),
            tree_start=start,
            bag_start=np.concatenate(([0], np.cumsum([len(bag) for bag in bags], dtype=np.int64))),
            fill=np.ascontiguousarray(fill, np.float32),
        )

    def mean_and_spread(self, values: npt.NDArray[np.float32], column: int | None = None) -> tuple[Floats, Floats]:
        """Mean over bags and standard deviation between bags of the class shares; (n, classes) float64 each, or (n, 1) of one `column` alone.

        `values` (n, features) float32, NaN missing. A bag's share is the mean over its trees. Each row is computed by itself in
        a fixed order, so its answer is the same to the last bit in any batch; batches whose neighbours are alike are quicker. One thread.
        """
        from pipeline.learning.walk import walked

        return walked(values, _paths(self, column), bag_start=self.bag_start, fill=self.fill)

    def bag_means(self, values: npt.NDArray[np.float32], column: int) -> Floats:
        """For each bag the mean over its trees of one column of `value`; (bags, n) float64; rows as `mean_and_spread`."""
        from pipeline.learning.walk import walked_by_bag

        return walked_by_bag(values, _paths(self, column), bag_start=self.bag_start, fill=self.fill)[:, 0]

    def checked(self, *, features: int, classes: int) -> None:
        """DataError unless the kernel can walk these arrays without leaving them or going in circles, and `value` holds class shares."""
        self.walkable(features=features, columns=classes)
        if not ((self.value >= 0) & (self.value <= 1 + 1e-9)).all() or (np.abs(self.value.sum(axis=1) - 1) > 1e-6).any():
            _refuse("the class shares of a node do not add up to one")

    def walkable(self, *, features: int, columns: int) -> None:
        """DataError unless the kernel can walk these arrays, with `columns` finite numbers in each node's `value`."""
        for name, dtype in _DTYPES.items():
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != dtype or not array.flags.c_contiguous:
                _refuse(f"{name} is not a plain array of {np.dtype(dtype).name}")
        nodes, bags = len(self.feature), len(self.bag_start) - 1
        shapes = {"children": (nodes, 2), "feature": (nodes,), "threshold": (nodes,), "value": (nodes, columns)}
        shapes |= {"weight": (nodes,), "fill": (bags, features)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                _refuse(f"{name} has shape {getattr(self, name).shape}, expected {shape}")
        for name, end in (("tree_start", nodes), ("bag_start", len(self.tree_start) - 1)):
            start = getattr(self, name)
            if start.ndim != 1 or len(start) < 2 or start[0] != 0 or start[-1] != end or (start[1:] <= start[:-1]).any():
                _refuse(f"{name} does not divide the {end} that follow it")
        self._ends()
        if not np.isfinite(self.weight).all() or (self.weight <= 0).any():
            _refuse("a node's weight is not above zero")
        if ((self.feature < 0) | (self.feature >= features)).any():
            _refuse(f"a node asks for a feature outside the {features} there are")
        if not np.isfinite(self.threshold).all() or not np.isfinite(self.fill).all():
            _refuse("a threshold or median is not finite")
        if not np.isfinite(self.value).all():
            _refuse("a node's value is not finite, so shares would not add up to one")

    def _ends(self) -> None:
        """DataError unless each walk down a tree ends."""
        own = np.arange(len(self.feature))[:, None]
        after = np.repeat(self.tree_start[1:], np.diff(self.tree_start))[:, None]
        leaf = (self.children == own).all(axis=1, keepdims=True)
        # A child after its parent cannot lead back to it, so every walk ends.
        if not (leaf | ((self.children > own) & (self.children < after)).all(axis=1, keepdims=True)).all():
            _refuse("a node's children do not come after it within its own tree")
        # A node of two parents would be walked twice, its children four times, and so on; one of none would be asked what was never set.
        parents = np.bincount(self.children[~leaf[:, 0]].ravel(), minlength=len(own))
        parents[self.tree_start[:-1]] += 1
        if (parents > 1).any():
            _refuse("a node has two parents")
        if (parents == 0).any():
            _refuse("a node has no parent")


def ready() -> None:
    """Have the kernel read from its cache, or compiled, by sending one row down a stump; the one for trees that no nearer cache of the processor holds
    comes with their first rows."""
    stump = Trees(
        children=np.array([[1, 2], [1, 1], [2, 2]], np.int32), feature=np.zeros(3, np.int32), threshold=np.zeros(3, np.float32),
        value=np.array([[0.5, 0.5], [1, 0], [0, 1]]), weight=np.array([2.0, 1, 1]), tree_start=np.array([0, 3]), bag_start=np.array([0, 1]),
        fill=np.zeros((1, 1), np.float32),
    )  # fmt: skip
    stump.mean_and_spread(np.zeros((1, 1), np.float32))


def _refuse(what: str) -> None:
    raise DataError(f"model: {what}; the file is damaged or was not written by this program")


def _rounded_down(threshold: Floats) -> npt.NDArray[np.float32]:
    """The largest float32 not above each threshold: float32 values fall on the same side of it."""
    nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest).astype(np.float32)


@lru_cache(maxsize=8)  # a model's trees are read anew for every tile otherwise
def _paths(trees: Trees, column: int | None) -> Paths:
    from pipeline.learning.walk import Paths

    chosen = trees.value if column is None else trees.value[:, column : column + 1]
    return Paths.of(trees.children, trees.feature, trees.threshold, chosen, trees.tree_start)
