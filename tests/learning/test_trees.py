from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from pipeline.errors import DataError
from pipeline.learning import descent, walk
from pipeline.learning import trees as kernel
from pipeline.learning.trees import Trees


def fitted(classes: int = 2) -> tuple[RandomForestClassifier, Trees, Any]:
    random = np.random.default_rng(classes)
    X = random.normal(size=(300, 5)).astype(np.float32)
    y = np.digitize(X[:, 0] + X[:, 1] ** 2 + random.normal(size=300), np.arange(classes - 1) * 0.8)
    forest = RandomForestClassifier(n_estimators=12, random_state=0).fit(X, y)
    trees = [tree.tree_ for tree in forest.estimators_]
    return (
        forest,
        Trees.of([trees[:4], trees[4:8], trees[8:]], fill=np.arange(15).reshape(3, 5) / 10),
        random.normal(size=(1000, 5)).astype(np.float32),
    )


@pytest.mark.parametrize("classes", [2, 4])
def test_the_mean_is_scikit_learns_and_the_spread_that_of_its_bags(classes: int) -> None:
    forest, trees, X = fitted(classes)
    mean, spread = trees.mean_and_spread(X)
    np.testing.assert_allclose(mean, forest.predict_proba(X), atol=1e-14)
    bags = [np.mean([tree.predict_proba(X) for tree in forest.estimators_[i : i + 4]], axis=0) for i in (0, 4, 8)]
    np.testing.assert_allclose(spread, np.std(bags, axis=0), atol=1e-14)


def test_the_mean_is_that_of_scikit_learns_extra_trees_whose_thresholds_lie_anywhere_between_values() -> None:
    random = np.random.default_rng(5)
    X = random.normal(size=(400, 5)).astype(np.float32)
    forest = ExtraTreesClassifier(n_estimators=40, max_leaf_nodes=90, random_state=0).fit(X, X[:, 0] * X[:, 1] > random.normal(size=400) * 0.3)
    trees = Trees.of([[tree.tree_ for tree in forest.estimators_]], fill=np.zeros((1, 5), np.float32))
    cuts = np.concatenate([tree.tree_.threshold[tree.tree_.feature == 2] for tree in forest.estimators_]).astype(np.float32)
    rows = random.normal(size=(3 * len(cuts), 5)).astype(np.float32)
    rows[:, 2] = np.concatenate([np.nextafter(cuts, np.float32(-np.inf)), cuts, np.nextafter(cuts, np.float32(np.inf))])  # as near as numbers come
    np.testing.assert_allclose(trees.mean_and_spread(rows)[0], forest.predict_proba(rows), atol=1e-14)


def test_what_is_fetched_ahead_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    _, trees, X = fitted(4)
    X[::3, 1] = np.nan
    near = (*trees.mean_and_spread(X), trees.bag_means(X, 2))
    monkeypatch.setattr(walk, "_FAR_BYTES", 0)
    for one, other in zip(near, (*trees.mean_and_spread(X), trees.bag_means(X, 2)), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("missing", [0.01, 0])  # where a value is missing, trees of one bag alone go together
@pytest.mark.parametrize("alike", [True, False])
def test_more_trees_than_go_together_in_bags_that_end_anywhere(alike: bool, missing: float) -> None:
    random = np.random.default_rng(3)
    X = random.normal(size=(500, 4)).astype(np.float32)
    y = X[:, 0] * X[:, 1] > random.normal(size=500) * 0.5
    trees = [ExtraTreesClassifier(1, max_leaf_nodes=2 + seed % 90, random_state=seed).fit(X, y).estimators_[0] for seed in range(2 * descent.TREES + 9)]
    ends = [0, 1, 100, descent.TREES + 70, len(trees)]
    bags = [trees[start:end] for start, end in itertools.pairwise(ends)]
    fill = random.normal(size=(len(bags), 4)).astype(np.float32)
    held = Trees.of([[tree.tree_ for tree in bag] for bag in bags], fill=fill)
    rows = np.cumsum(random.normal(scale=0.02 if alike else 3, size=(1100, 4)), axis=0).astype(np.float32)
    rows[random.random(rows.shape) < missing] = np.nan
    by_bag = []
    for bag, instead in zip(bags, fill, strict=True):
        filled = np.where(np.isnan(rows), instead, rows)
        by_bag.append(np.mean([tree.predict_proba(filled) for tree in bag], axis=0))
    mean, spread = held.mean_and_spread(rows)
    np.testing.assert_allclose(mean, np.mean(by_bag, axis=0), atol=1e-14)
    np.testing.assert_allclose(spread, np.std(by_bag, axis=0), atol=1e-14)
    np.testing.assert_allclose(held.bag_means(rows, 1), np.array(by_bag)[:, :, 1], atol=1e-14)


def test_a_processor_without_wide_vectors_gives_the_same_bits(tmp_path: Path) -> None:
    """The kernel compiled for the plainest processor of this kind, in a process of its own, against the one for this very machine (which
    is the same where this one has no vectors of 512 bits)."""
    _, trees, X = fitted(6)
    X[::3, 1] = np.nan
    np.savez(tmp_path / "trees.npz", X=X, **{field.name: getattr(trees, field.name) for field in fields(Trees)})
    script = """
import sys
from dataclasses import fields
import numpy as np
from numba.core.registry import cpu_target
from pipeline.learning.lanes import _has_512
from pipeline.learning.trees import Trees
assert not _has_512(cpu_target.target_context)
held = np.load(sys.argv[1])
trees = Trees(**{field.name: held[field.name] for field in fields(Trees)})
np.savez(sys.argv[2], *trees.mean_and_spread(held["X"]), trees.bag_means(held["X"], 2))
"""
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path / "compiled")}
    command = [sys.executable, "-c", script, str(tmp_path / "trees.npz"), str(tmp_path / "plain.npz")]
    subprocess.run(command, check=True, env={**os.environ, **plain}, cwd=Path(__file__).parents[2])
    with np.load(tmp_path / "plain.npz") as other:
        for name, one in zip(other.files, (*trees.mean_and_spread(X), trees.bag_means(X, 2)), strict=True):
            assert one.tobytes() == other[name].tobytes()


def test_lanes_that_fill_every_leaf_lie_beside_trees_that_are_walked_otherwise() -> None:
    """Sixty-four rows in sixty-four leaves of a tree asked all its tests, between a tree of one leaf and one that is visited."""
    X = np.arange(64, dtype=np.float32)[:, None]
    full = DecisionTreeClassifier(random_state=0).fit(X, np.arange(64) % 2)
    few = DecisionTreeClassifier(max_leaf_nodes=9, random_state=0).fit(X, np.arange(64) // 7 % 2)
    lone = DecisionTreeClassifier(min_samples_split=1000).fit(X, np.arange(64) % 2)
    assert full.tree_.n_leaves == 64 and lone.tree_.n_leaves == 1
    for order in ((lone, full, few), (full, lone, few), (few, full, lone), (full, few, full)):
        trees = Trees.of([[one.tree_ for one in order]], fill=np.zeros((1, 1), np.float32))
        rows = np.concatenate([np.random.default_rng(0).permutation(X), X, X])  # what the rows before reached decides how the next are sent down
        np.testing.assert_allclose(trees.mean_and_spread(rows)[0], np.mean([one.predict_proba(rows) for one in order], axis=0), atol=1e-14)


def test_as_many_leaves_as_there_are_lanes_in_as_many_trees_as_go_together() -> None:
    X = np.arange(64, dtype=np.float32)[:, None]
    full = DecisionTreeClassifier(random_state=0).fit(X, np.arange(64) % 2)
    trees = Trees.of([[full.tree_] * (descent.TREES + 1)], fill=np.zeros((1, 1), np.float32))
    np.testing.assert_allclose(trees.mean_and_spread(X)[0], full.predict_proba(X), atol=1e-14)  # the first rows are always sent level by level


def test_each_bag_fills_missing_values_with_its_own_numbers() -> None:
    forest, trees, X = fitted()
    X[::3, 1] = np.nan
    X[::5, 4] = np.nan
    bags = [
        np.mean([tree.predict_proba(np.where(np.isnan(X), fill, X)) for tree in forest.estimators_[i : i + 4]], axis=0)
        for i, fill in zip((0, 4, 8), trees.fill, strict=True)
    ]
    np.testing.assert_allclose(trees.mean_and_spread(X)[0], np.mean(bags, axis=0), atol=1e-14)


def test_the_mean_of_each_bag_is_that_of_its_trees_alone() -> None:
    forest, trees, X = fitted()
    X[::3, 1] = np.nan
    for bag, found in enumerate(trees.bag_means(X, 1)):
        filled = np.where(np.isnan(X), trees.fill[bag], X)
        alone = np.mean([tree.predict_proba(filled)[:, 1] for tree in forest.estimators_[4 * bag : 4 * bag + 4]], axis=0)
        np.testing.assert_allclose(found, alone, atol=1e-14)
    np.testing.assert_allclose(trees.bag_means(X[5:6], 1)[:, 0], trees.bag_means(X, 1)[:, 5], rtol=0, atol=0)


def test_more_trees_and_rows_than_are_taken_at_once_with_holes_in_some_and_bags_of_any_size() -> None:
    random = np.random.default_rng(3)
    X = random.normal(size=(200, 5)).astype(np.float32)
    forest = RandomForestClassifier(n_estimators=150, max_leaf_nodes=9, random_state=0).fit(X, X[:, 0] > X[:, 3] ** 2)
    cuts = [0, 1, 70, 75, 150]
    fill = random.normal(size=(4, 5)).astype(np.float32)
    trees = Trees.of([[one.tree_ for one in forest.estimators_[a:b]] for a, b in itertools.pairwise(cuts)], fill=fill)
    rows = random.normal(size=(3000, 5)).astype(np.float32)
    rows[1100:1200:7, 2] = rows[2900:, 4] = np.nan  # in some of the sets that go down together, and in none of others
    share = np.array([tree.predict_proba(np.where(np.isnan(rows), fill[bag], rows))[:, 1] for bag, tree in _by_bag(forest, cuts)])
    bags = np.array([share[a:b].mean(axis=0) for a, b in itertools.pairwise(cuts)])
    for held in (rows, np.asfortranarray(rows)):
        mean, spread = trees.mean_and_spread(held, 1)
        np.testing.assert_allclose(mean[:, 0], bags.mean(axis=0), atol=1e-14)
        np.testing.assert_allclose(spread[:, 0], bags.std(axis=0), atol=1e-14)


def _by_bag(forest: RandomForestClassifier, cuts: list[int]) -> list[tuple[int, DecisionTreeClassifier]]:
    return [(int(np.searchsorted(cuts, i, side="right")) - 1, tree) for i, tree in enumerate(forest.estimators_)]


def test_one_column_alone_is_that_column_of_all() -> None:
    _, trees, X = fitted(4)
    for whole, alone in zip(trees.mean_and_spread(X), trees.mean_and_spread(X, 2), strict=True):
        assert whole[:, 2].tobytes() == alone[:, 0].tobytes()


@pytest.mark.parametrize("leaves", [2, 16, 300])
@pytest.mark.parametrize("alike", [True, False])
def test_rows_alike_and_rows_at_random_get_scikit_learns_answer(leaves: int, alike: bool) -> None:
    # rows alike follow their own paths, rows at random are asked every test: both ways must be taken, and neither may show
    random = np.random.default_rng(leaves)
    X = random.normal(size=(2000, 6)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] + random.normal(size=2000) * 0.5 > 0).astype(int)
    forest = RandomForestClassifier(n_estimators=8, max_leaf_nodes=leaves, random_state=0).fit(X, y)
    trees = Trees.of([[tree.tree_ for tree in forest.estimators_]], fill=np.zeros((1, 6)))
    asked = random.normal(size=(1000, 6)).astype(np.float32)
    if alike:
        asked = (np.sort(asked, axis=0) * 0.05 + np.linspace(-2, 2, 1000)[:, None]).astype(np.float32)
    np.testing.assert_allclose(trees.mean_and_spread(asked)[0], forest.predict_proba(asked), rtol=0, atol=1e-14)


def test_values_on_either_side_of_a_threshold_go_where_scikit_learn_sends_them() -> None:
    # Thresholds are float64 midpoints; their float32 neighbours, both zeros, and extremes must fall on the same side.
    for low, high in ((0.1, 0.1 + 2**-27), (-0.3, 0.2), (-1.0, 1.0), (1e-42, 3e-42), (-1e30, -1e29)):
        X = np.array([[low], [high]], np.float32)
        if X[0] == X[1]:
            X[1] = np.nextafter(X[0], np.float32(np.inf))
        tree = DecisionTreeClassifier().fit(X, [0, 1])
        flat = Trees.of([[tree.tree_]], fill=np.zeros((1, 1)))
        threshold = np.float32(tree.tree_.threshold[0])
        above, below = (np.nextafter(threshold, np.float32(far)) for far in (3e38, -3e38))
        asked = np.array([threshold, above, below, 0.0, -0.0, low, high, -3e38, 3e38], np.float32)[:, None]
        assert flat.mean_and_spread(asked)[0].tolist() == tree.predict_proba(asked).tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(1, 600))
def test_a_rows_answer_is_the_same_to_the_last_bit_in_any_batch(first: int, count: int) -> None:
    _, trees, X = fitted()
    X[::7, 2] = np.nan
    whole_mean, whole_spread = trees.mean_and_spread(X)
    mean, spread = trees.mean_and_spread(X[first : first + count])
    assert mean.tobytes() == whole_mean[first : first + count].tobytes()
    assert spread.tobytes() == whole_spread[first : first + count].tobytes()
    backwards, _ = trees.mean_and_spread(X[::-1])
    assert backwards[::-1].tobytes() == whole_mean.tobytes()


def test_a_tree_of_one_leaf_and_a_batch_of_no_rows() -> None:
    leaf = DecisionTreeClassifier(max_depth=1, min_samples_leaf=3).fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 1, 1])
    trees = Trees.of([[leaf.tree_]], fill=np.zeros((1, 1)))
    assert trees.mean_and_spread(np.array([[9.0]], np.float32))[0].tolist() == [[0.25, 0.75]]
    assert trees.mean_and_spread(np.empty((0, 1), np.float32))[0].shape == (0, 2)


def test_whole_trees_pass_the_check() -> None:
    _, trees, _ = fitted(4)
    trees.checked(features=5, classes=4)


def changed(name: str, index: Any, value: Any) -> dict[str, Any]:
    _, trees, _ = fitted()
    array = getattr(trees, name).copy()
    array[index] = value
    return {name: array}


def cut_off() -> dict[str, Any]:
    _, trees, _ = fitted()
    leaf = trees.children[:, 0] == np.arange(len(trees.children))
    children = trees.children.copy()
    above_leaves = next(i for i in np.flatnonzero(~leaf) if leaf[children[i]].all())
    children[above_leaves] = above_leaves  # a leaf now, and its children nobody's
    return {"children": children}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: changed("children", (5, 0), 2), "do not come after it"),
        (lambda: changed("children", (0, 1), 10**6), "do not come after it"),
        (lambda: changed("children", (0, 1), -1), "do not come after it"),
        (lambda: changed("children", (0, 0), int(fitted()[1].tree_start[1])), "do not come after it within its own tree"),
        (lambda: changed("children", (0, 0), 0), "do not come after it"),
        (lambda: changed("children", (0, 1), int(fitted()[1].children[0, 0])), "a node has two parents"),
        (cut_off, "a node has no parent"),
        (lambda: changed("weight", 2, 0.0), "a node's weight is not above zero"),
        (lambda: changed("weight", 2, np.nan), "a node's weight is not above zero"),
        (lambda: changed("feature", 0, 10**6), "outside the 5"),
        (lambda: changed("feature", 3, -1), "outside the 5"),
        (lambda: changed("threshold", 0, np.nan), "not finite"),
        (lambda: changed("threshold", 0, np.inf), "not finite"),
        (lambda: changed("fill", (0, 0), np.nan), "not finite"),
        (lambda: changed("value", (0, 0), 2.0), "add up to one"),
        (lambda: changed("value", (0, 0), np.nan), "add up to one"),
        (lambda: changed("tree_start", 1, 0), "tree_start does not divide"),
        (lambda: changed("tree_start", -1, 10**9), "tree_start does not divide"),
        (lambda: changed("bag_start", 0, -1), "bag_start does not divide"),
        (lambda: {"value": fitted()[1].value[:, :1]}, "value is not a plain array|value has shape"),
        (lambda: {"feature": fitted()[1].feature.astype(np.int64)}, "feature is not a plain array of int32"),
        (lambda: {"children": fitted()[1].children[:-1]}, "children has shape"),
        (lambda: {"fill": fitted()[1].fill[:2]}, "fill has shape"),
        (lambda: {"threshold": "none"}, "threshold is not a plain array"),
        (lambda: {"bag_start": np.empty(0, np.int64)}, "shape|divide"),
    ],
)
def test_trees_that_would_lead_the_kernel_astray_are_refused(change: Any, words: str) -> None:
    _, trees, _ = fitted()
    with pytest.raises(DataError, match=words):
        replace(trees, **change()).checked(features=5, classes=2)


def test_a_kernel_that_is_ready_is_the_one_a_fitted_forest_uses() -> None:
    kernel.ready()
    compiled = len(descent.descend.signatures)
    _, trees, X = fitted()
    trees.mean_and_spread(X, 1)
    assert len(descent.descend.signatures) == compiled
