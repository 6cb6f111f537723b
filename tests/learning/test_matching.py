from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import wasserstein_distance

from pipeline.learning.matching import evidence_space, matched
from pipeline.learning.table import SampleTable
from tests.learning.places import table


def places(whole: SampleTable) -> np.ndarray:
    return np.column_stack((whole.x, whole.y))


def clustered(*, clusters: int, each: int, spread_m: float, seed: int = 0) -> SampleTable:
    """Deposits in tight clusters far from each other, ground everywhere: cells to be mapped are far from what is known."""
    random = np.random.default_rng(seed)
    centres = random.uniform(0, 400_000, (clusters, 2))
    deposits = centres[np.repeat(np.arange(clusters), each)] + random.normal(0, spread_m, (clusters * each, 2))
    where = np.concatenate((deposits, random.uniform(0, 400_000, (600, 2))))
    n = len(where)
    return SampleTable(
        values=random.normal(size=(n, 2)), names=("a", "b"), label=np.repeat((1, 0), (clusters * each, 600)),
        group=np.concatenate((np.arange(clusters * each), -1 - np.arange(600))), cell=np.arange(n), x=where[:, 0], y=where[:, 1],
    )  # fmt: skip


def test_clustered_deposits_are_held_out_by_cluster_because_the_map_reaches_far_beyond_them() -> None:
    whole = clustered(clusters=10, each=6, spread_m=800)
    found = matched(whole, folds=5, seed=0)
    held = whole.positive
    of = np.repeat(np.arange(10), 6)
    assert all(len(set(found.fold[held][of == one].tolist())) == 1 for one in range(10))


def test_deposits_spread_like_the_ground_are_cut_finely() -> None:
    whole = table(seed=0)
    found = matched(whole, folds=5, seed=0)
    assert found.clusters >= 30  # of 60 deposits, though the floors still keep the nearest together


def test_the_distances_match_those_of_the_map_better_than_a_random_deal_does() -> None:
    whole = clustered(clusters=8, each=6, spread_m=5_000, seed=3)
    held = whole.positive
    points = places(whole)[held]
    wanted = cKDTree(points).query(places(whole)[~held])[0]

    def off(fold: np.ndarray) -> float:
        apart = np.concatenate([cKDTree(points[fold != one]).query(points[fold == one])[0] for one in np.unique(fold)])
        return float(wasserstein_distance(apart, wanted) / wanted.mean())

    found = matched(whole, folds=4, seed=1)
    assert found.off_in_space == pytest.approx(off(found.fold[held]))
    dealt = np.random.default_rng(0).permutation(np.arange(held.sum()) % 4)
    assert off(found.fold[held]) < 0.7 * off(dealt)


def test_groups_stay_whole_no_fold_holds_more_than_half_and_ground_goes_with_its_nearest_deposit() -> None:
    whole = clustered(clusters=3, each=8, spread_m=2_000)
    group = whole.group.copy()
    group[:24] = np.arange(24) // 2  # deposits of two cells each
    joined = SampleTable(whole.values, whole.names, whole.label, group, whole.cell, whole.x, whole.y)
    found = matched(joined, folds=3, seed=0)
    assert all(len(set(found.fold[group == one].tolist())) == 1 for one in range(12))
    assert max(np.bincount(found.fold[:24:2])) <= 6
    middle = np.array([places(joined)[group == one].mean(axis=0) for one in range(12)])
    nearest = cKDTree(middle).query(places(joined)[24:])[1]
    assert found.fold[24:].tolist() == [found.fold[2 * one] for one in nearest]


def test_seeds_deal_anew_and_the_same_seed_alike_whatever_the_order_of_rows() -> None:
    whole = clustered(clusters=12, each=3, spread_m=1_000)
    one, other = (matched(whole, folds=4, seed=seed).fold for seed in (0, 1))
    assert one.tolist() != other.tolist()
    order = np.random.default_rng(5).permutation(len(whole))
    again = matched(whole.subset(order), folds=4, seed=0).fold
    assert again.tolist() == one[order].tolist()


def test_two_groups_give_two_folds() -> None:
    whole = table(seed=0)
    two = whole.subset((whole.label == 0) | (np.arange(len(whole)) < 2))
    found = matched(two, folds=5, seed=0)
    assert set(found.fold.tolist()) == {0, 1} and found.fold[0] != found.fold[1]


def test_evidence_is_scaled_and_missing_values_stand_in_the_middle() -> None:
    values = np.array([[0, 5, np.nan], [10, 5, np.nan], [20, np.nan, np.nan]], np.float32)
    whole = SampleTable(values, ("a", "flat", "blank"), np.array([1, 0, 0]), np.array([0, -1, -2]), np.arange(3), np.arange(3.0), np.arange(3.0))
    placed = evidence_space(whole)
    assert placed[:, 0].std() == pytest.approx(1.0) and placed[:, 0].tolist() == pytest.approx([-1.2247449, 0, 1.2247449])
    assert (placed[:, 1:] == 0).all()
