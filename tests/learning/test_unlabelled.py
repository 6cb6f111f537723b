from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.learning.forests import BaggedForest
from pipeline.learning.scores import roc_auc
from pipeline.learning.unlabelled import PositiveUnlabelledForest


@parametrize_with_checks([PositiveUnlabelledForest(bags=5, trees_per_bag=5, random_state=0)])
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_bag_sets_all_positives_against_a_fresh_draw_of_background() -> None:
    codes = np.repeat((1, 0), (30, 500))
    groups = np.concatenate((np.repeat(np.arange(6), 5), -1 - np.arange(500)))
    random, drawn = np.random.RandomState(0), []
    for _ in range(100):
        rows = PositiveUnlabelledForest(background_per_positive=2)._rows(codes, groups, random)
        assert (codes[rows] == 1).sum() == 30 and (codes[rows] == 0).sum() == 60
        per_deposit = np.bincount(rows, minlength=530)[:30].reshape(6, 5)
        assert (per_deposit == per_deposit[:, :1]).all()
        drawn.append(np.unique(rows[codes[rows] == 0]))
    # Sixty draws of 500 leave (499/500)^60 = 0.887 of them out of a bag; a hundred bags leave none of them out.
    assert np.mean([len(found) for found in drawn]) == pytest.approx(500 * (1 - 0.887), abs=2)
    assert len(np.unique(np.concatenate(drawn))) > 495


def test_deposits_hidden_in_the_background_are_ranked_higher_than_by_a_forest_that_takes_them_for_barren() -> None:
    # Of 120 deposits 30 are known; the 90 others stand among 210 rows of barren ground, told by no label.
    gains, skill = [], []
    for seed in range(4):
        random = np.random.default_rng(seed)
        X = random.normal(size=(330, 6)).astype(np.float32)
        X[:120, :2] += 1.2
        y, truly = np.repeat((1, 0), (30, 300)), np.repeat((1, 0), (120, 210))
        plain, bagged = (
            roc_auc(truly[30:], model.fit(X, y).predict_both(X[30:])[0])
            for model in (BaggedForest(random_state=0), PositiveUnlabelledForest(random_state=0))
        )
        gains.append(bagged - plain)
        skill.append(bagged)
    assert min(gains) > 0.01
    # Two normals 1.2 deviations apart in each of two layers: at best Phi(1.2) = 0.885.
    assert 0.80 < np.mean(skill) < 0.90


def test_ground_without_evidence_looks_like_ordinary_ground() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(440, 1)).astype(np.float32)
    X[:40] += 4
    model = PositiveUnlabelledForest(random_state=0).fit(X, np.repeat((1, 0), (40, 400)))
    missing, ordinary, ore = model.predict_both(np.array([[np.nan], [0.0], [4.0]], np.float32))[0]
    assert missing < 0.1 and ordinary < 0.1 and ore > 0.9


def test_three_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        PositiveUnlabelledForest().fit(np.zeros((9, 1)), np.arange(9) % 3)
