"""Contributions agree with the definition of Shapley values worked out over every subset, and add up to the answer."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from pipeline.learning import contributions
from pipeline.learning.forests import BaggedForest
from pipeline.learning.trees import Trees
from tests.learning.places import table

LAYERS = 4


def grown(seed: int) -> Any:
    """A tree over four layers, some samples weighing more."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, LAYERS)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] + X[:, 2] + 0.3 * rng.normal(size=200) > 0).astype(int)
    return DecisionTreeClassifier(max_depth=6, random_state=seed).fit(X, y, sample_weight=1 + 2 * rng.random(200)).tree_


def share(tree: Any, row: Any, known: set[int], node: int = 0) -> float:
    """The answer when only some layers are known: the others' branches are taken as the tree's own samples took them."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left < 0:
        return float(tree.value[node, 0, 1])
    if tree.feature[node] in known:
        return share(tree, row, known, left if row[tree.feature[node]] <= tree.threshold[node] else right)
    weight = tree.weighted_n_node_samples
    return (weight[left] * share(tree, row, known, left) + weight[right] * share(tree, row, known, right)) / weight[node]


def shapley(tree: Any, row: Any) -> list[float]:
    """By the definition: the mean over all orders in which the layers may become known."""
    told = []
    for layer in range(LAYERS):
        others = [i for i in range(LAYERS) if i != layer]
        total = 0.0
        for size in range(LAYERS):
            weight = math.factorial(size) * math.factorial(LAYERS - size - 1) / math.factorial(LAYERS)
            for known in itertools.combinations(others, size):
                total += weight * (share(tree, row, {*known, layer}) - share(tree, row, {*known}))
        told.append(total)
    return told


def test_contributions_of_trees_are_the_shapley_values_of_their_definition() -> None:
    bags = [[grown(1), grown(2)], [grown(3)]]
    rows = np.random.default_rng(9).normal(size=(12, LAYERS)).astype(np.float32)
    found, base = contributions.of_trees(Trees.of(bags, fill=np.zeros((2, LAYERS))), rows)
    for row, told in zip(rows, found, strict=True):
        expected = np.mean([np.mean([shapley(tree, row) for tree in bag], axis=0) for bag in bags], axis=0)
        assert told == pytest.approx(expected, abs=1e-12)
    assert base == pytest.approx(np.mean([np.mean([share(tree, None, set()) for tree in bag]) for bag in bags]), abs=1e-12)


def test_contributions_add_up_to_the_answer_of_a_forest_also_where_evidence_is_missing() -> None:
    held = table(seed=3)
    model = BaggedForest(bags=4, trees_per_bag=5, random_state=1).fit(held.values, held.label)
    assert np.isnan(held.values).any()
    found, base = contributions.of_trees(model.trees_, held.values)
    assert found.sum(axis=1) + base == pytest.approx(model.predict_proba(held.values)[:, 1], abs=1e-12)
    told = np.abs(found).mean(axis=0)
    assert told[0] > 3 * told[1:].max()  # the deposits were drawn by the first layer
    alone, _ = contributions.of_trees(model.trees_, held.values[7:8])
    assert np.array_equal(alone[0], found[7])


def test_missing_evidence_takes_each_bags_own_median() -> None:
    trees = Trees.of([[grown(1)], [grown(2)]], fill=np.array([[0.7] * LAYERS, [-0.7] * LAYERS]))
    found, _ = contributions.of_trees(trees, np.full((1, LAYERS), np.nan, np.float32))
    expected = np.mean([shapley(grown(1), [0.7] * LAYERS), shapley(grown(2), [-0.7] * LAYERS)], axis=0)
    assert found[0] == pytest.approx(expected, abs=1e-12)


def test_a_tree_that_never_splits_adds_nothing() -> None:
    stump = DecisionTreeClassifier(min_samples_leaf=60).fit(np.zeros((100, 2), np.float32), np.arange(100) % 4 == 0).tree_
    found, base = contributions.of_trees(Trees.of([[stump]], fill=np.zeros((1, 2))), np.ones((3, 2), np.float32))
    assert (found == 0).all()
    assert base == pytest.approx(0.25)


def test_sampled_contributions_are_exact_for_sums_and_for_products_of_two() -> None:
    rng = np.random.default_rng(2)
    background, rows = rng.normal(size=(30, 5)).astype(np.float32), rng.normal(size=(4, 5)).astype(np.float32)
    columns = [[0], [1, 2], [3], [4]]

    def answer(X: Any) -> Any:
        X = X.astype(np.float64)
        return 2 * X[:, 0] + X[:, 1] * X[:, 2] + X[:, 3] * X[:, 0]

    found, base = contributions.sampled(answer, rows, background=background, columns=columns, seed=1)
    x, z = rows.astype(float), background.astype(float)
    assert base == pytest.approx(answer(background).mean())
    assert found.sum(axis=1) + base == pytest.approx(answer(rows))
    pair = x[:, 1] * x[:, 2] - (z[:, 1] * z[:, 2]).mean()
    assert found[:, 1] == pytest.approx(pair)
    # of x0 x3 - z0 z3, half is by moving the first before the last, half after: (x0 - z0)(x3 + z3) / 2, and the reverse orders make it so
    first = 2 * (x[:, 0] - z[:, 0].mean()) + ((x[:, [0]] - z[:, 0]) * (x[:, [3]] + z[:, 3]) / 2).mean(axis=1)
    assert found[:, 0] == pytest.approx(first)
    assert (found[:, 3] == 0).all()


def test_layers_are_added_up_by_the_feature_that_gave_them() -> None:
    assert contributions.by_feature(np.array([[1.0, 2, 3, 4]]), (1, 2, 1)).tolist() == [[1, 5, 4]]
