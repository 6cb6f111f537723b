from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipeline.learning.intervals import auc_draws, capture_draws, fold_mean_draws, interval, weights


def test_the_auc_of_a_replicate_is_that_of_the_rows_repeated_as_often_as_their_ground_was_drawn() -> None:
    random = np.random.default_rng(0)
    label, score = random.integers(0, 2, 60), random.integers(0, 9, 60).astype(float)
    unit = random.integers(0, 7, 60)
    weight = weights(unit, seed=1, replicates=20)
    found = auc_draws(label, score, unit, weight)
    for row, drawn in enumerate(weight.astype(int)):
        # a pair weighs as the product of its units' counts, as it does among rows repeated
        times = drawn[unit]
        assert found[row] == pytest.approx(roc_auc_score(np.repeat(label, times), np.repeat(score, times)))


def test_draws_belong_to_the_ground_and_not_to_the_rows() -> None:
    unit = np.array([5, 9, 9, -3])
    one, other = weights(unit, seed=0), weights(np.array([9, 5]), seed=0)
    assert one.shape == (1000, 3)
    assert one[:, [1, 2]].tolist() == other.tolist()
    assert 0.9 < one.mean() < 1.1 and 0.85 < one.var() < 1.15  # Poisson with mean 1


def test_ninety_percent_intervals_of_independent_blocks_hold_the_truth_about_as_often() -> None:
    # 40 blocks, each with one deposit and five cells, all independent: AUC of two normals one deviation apart is 0.760.
    held = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        unit, label = np.repeat(np.arange(40), 6), np.tile([1, 0, 0, 0, 0, 0], 40)
        score = random.normal(size=240) + label
        low, high = interval(auc_draws(label, score, unit, weights(unit, seed=seed, replicates=200))) or (0, 0)
        held += low <= 0.760 <= high
    assert 83 <= held <= 97


def test_means_over_folds_and_seeds_skip_what_was_not_scored() -> None:
    label = np.array([1, 0, 1, 0, 0])
    scores = np.array([[1.0, 0.0, 0.0, 1.0, np.nan]])
    folds = np.array([[0, 0, 1, 1, 2]])
    unit = np.arange(5)
    assert fold_mean_draws(label, scores, folds, unit, np.ones((1, 5))).tolist() == [0.5]
    only_second = np.array([[0.0, 1, 1, 1, 1]])  # the deposit of the first fold was not drawn
    assert fold_mean_draws(label, scores, folds, unit, only_second).tolist() == [0.0]
    assert np.isnan(fold_mean_draws(label, np.full((1, 5), np.nan), folds, unit, np.ones((1, 5)))).all()


def test_capture_counts_deposits_and_ground_as_often_as_they_were_drawn() -> None:
    label = np.array([1, 0, 0, 1, 0, 0])
    score = np.array([6.0, 5, 4, 3, 2, 1])
    unit = np.arange(6)
    drawn = np.array([[1.0, 1, 1, 1, 1, 1], [3, 1, 0, 1, 1, 0]])
    found = capture_draws(label, score, unit, drawn, at=(0.25, 1.0))
    assert found.tolist() == [[0.5, 1.0], [0.75, 1.0]]
    assert np.isnan(capture_draws(label, score, unit, np.array([[0.0, 1, 1, 0, 1, 1]]), at=(0.5,))).all()


def test_an_interval_needs_half_of_its_draws() -> None:
    assert interval(np.array([0.1, np.nan, np.nan])) is None
    assert interval(np.linspace(0, 1, 101)) == [0.05, 0.95]
