"""What each layer or feature adds to a model's answer at a place: Shapley values, exact for trees, sampled for other models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numba
import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats
from pipeline.learning.trees import Trees

POSITIVE = 1  # the class whose share is explained


def of_trees(trees: Trees, values: npt.NDArray[np.float32]) -> tuple[Floats, float]:
    """What each layer adds to the share of positives, (n, layers) float64, and the share they add to.

    SHAP values: a layer that is not known counts as its branches are taken in the samples the trees were grown on, so that a row's
    contributions and the base add up to its answer. NaN takes each bag's median, as in the answer. Lundberg and others (2020); computed
    leaf by leaf: along the path to a leaf only the layers tested matter. `trees` as `Trees.checked` lets pass.
    """
    values = np.require(values, np.float32, ["C", "W"])
    found = np.zeros((len(values), values.shape[1]))
    most = int(np.diff(trees.tree_start).max())
    _shap(
        values, trees.children, trees.feature, trees.threshold, np.ascontiguousarray(trees.value[:, POSITIVE]), trees.weight, trees.tree_start,
        trees.bag_start, trees.fill, most, found,
    )  # fmt: skip
    return found, _base(trees)


def sampled(
    predict: Callable[[npt.NDArray[np.float32]], Floats], values: npt.NDArray[np.float32], *, background: npt.NDArray[np.float32],
    columns: Sequence[Sequence[int]], seed: int,
) -> tuple[Floats, float]:  # fmt: skip
    """What each set of columns adds to the answer of `predict` at each row, (n, sets) float64, and the mean answer over `background`.

    Each background row is turned into the row asked about one set at a time, in an order drawn for it and once more in the reverse
    order; what the answer moves by is the set's. So a row's contributions and the base add up to its answer whatever was drawn.
    Strumbelj and Kononenko (2014), against the background as it is.
    """
    random = np.random.default_rng(seed)
    drawn = [random.permutation(len(columns)) for _ in range(len(background))]
    orders = [order for one in drawn for order in (one, one[::-1])]
    starts = np.repeat(background, 2, axis=0)
    found = np.zeros((len(values), len(columns)))
    for i, row in enumerate(values):
        steps = np.repeat(starts[:, None, :], len(columns) + 1, axis=1)
        for start, order in zip(steps, orders, strict=True):
            for place, chosen in enumerate(order):
                start[place + 1 :, list(columns[chosen])] = row[list(columns[chosen])]
        answer = predict(steps.reshape(-1, values.shape[1])).reshape(len(orders), -1)
        for order, moved in zip(orders, np.diff(answer, axis=1), strict=True):
            found[i, order] += moved / len(orders)
    return found, float(np.mean(predict(background)))


def by_feature(contributions: Floats, counts: Sequence[int]) -> Floats:
    """The contributions of layers added up by the feature that gave them; (n, features)."""
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    return np.asarray(np.add.reduceat(contributions, first, axis=1), np.float64)


def _base(trees: Trees) -> float:
    """The mean answer over the samples the trees were grown on."""
    own = np.arange(len(trees.weight))
    at_leaves = np.where(trees.children[:, 0] == own, trees.value[:, POSITIVE] * trees.weight, 0.0)
    of_tree = np.add.reduceat(at_leaves, trees.tree_start[:-1]) / trees.weight[trees.tree_start[:-1]]
    return float(np.mean(np.add.reduceat(of_tree, trees.bag_start[:-1]) / np.diff(trees.bag_start)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _shap(values, children, feature, threshold, value, weight, tree_start, bag_start, fill, most, found):  # type: ignore[no-untyped-def]  # pragma: no cover
    # The path to the node at hand, and the steps still to be taken: what a step tests, the share of samples it lets through, and whether
    # the row takes it.
    path, let, goes = np.empty(most, np.int64), np.empty(most), np.empty(most, np.bool_)
    todo, deep = np.empty(most + 1, np.int64), np.empty(most + 1, np.int64)
    by, lets, takes = np.empty(most + 1, np.int64), np.empty(most + 1), np.empty(most + 1, np.bool_)
    tested, share, taken, ways = np.empty(most, np.int64), np.empty(most), np.empty(most, np.bool_), np.empty(most + 1)
    for bag in range(bag_start.size - 1):
        scale = 1.0 / ((bag_start.size - 1) * (bag_start[bag + 1] - bag_start[bag]))
        for tree in range(bag_start[bag], bag_start[bag + 1]):
            for i in range(values.shape[0]):
                todo[0], deep[0], left = tree_start[tree], 0, 1
                while left:
                    left -= 1
                    node, depth = todo[left], deep[left]
                    if depth:
                        path[depth - 1], let[depth - 1], goes[depth - 1] = by[left], lets[left], takes[left]
                    if children[node, 0] == node:
                        count = _merged(path[:depth], let, goes, tested, share, taken)
                        _add(tested[:count], share, taken, ways, scale * value[node], found[i])
                        continue
                    held = values[i, feature[node]]
                    if np.isnan(held):
                        held = fill[bag, feature[node]]
                    total = weight[children[node, 0]] + weight[children[node, 1]]
                    for side in range(2):
                        child = children[node, side]
                        todo[left], deep[left], by[left] = child, depth + 1, feature[node]
                        lets[left], takes[left] = weight[child] / total, (held > threshold[node]) == (side == 1)
                        left += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _merged(path, let, goes, tested, share, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Each layer of a path once: the share let through by all its steps, and whether the row takes them all. How many there are."""
    count = 0
    for step in range(path.size):
        at = 0
        while at < count and tested[at] != path[step]:
            at += 1
        if at == count:
            tested[at], share[at], taken[at] = path[step], 1.0, True
            count += 1
        share[at] *= let[step]
        taken[at] = taken[at] and goes[step]
    return count


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add(tested, share, taken, ways, value, found):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add what each layer on the way to a leaf contributes."""
    count = tested.size
    for out in range(count):
        # ways[k]: over the choices of k known layers among the others, the sum of the shares the unknown ones let through
        ways[0], others = 1.0, 0
        for at in range(count):
            if at == out:
                continue
            ways[others + 1] = ways[others]
            for k in range(others, 0, -1):
                ways[k] = ways[k] * share[at] + (ways[k - 1] if taken[at] else 0.0)
            ways[0] *= share[at]
            others += taken[at]
        chance, added = 1.0 / count, 0.0
        for k in range(others + 1):
            added += chance * ways[k]
            chance *= (k + 1.0) / max(count - k - 1.0, 1.0)
        found[tested[out]] += value * added * ((1.0 if taken[out] else 0.0) - share[out])
