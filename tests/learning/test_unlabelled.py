from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.learning.forests import BaggedForest
from pipeline.learning.scores import roc_auc
from pipeline.learning.unlabelled import ElkanNoto, PositiveUnlabelledForest
from tests.learning.weighing import DRAWN


@parametrize_with_checks(
    [PositiveUnlabelledForest(bags=5, trees_per_bag=5, random_state=0), ElkanNoto(bags=4, trees_per_bag=5, folds=2, random_state=0)],
    expected_failed_checks=lambda _: DRAWN,
)
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
    for seed in range(3):
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


@pytest.mark.parametrize("model", [PositiveUnlabelledForest(), ElkanNoto()], ids=["bagging", "calibrated"])
def test_three_classes_are_refused(model: Any) -> None:
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        model.fit(np.zeros((9, 1)), np.arange(9) % 3)


def ground(known: int, seed: int = 0) -> tuple[Any, Any]:
    """A thousand rows, the first two hundred mineralised and plain to see, of which the first so many are known."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(1000, 3)).astype(np.float32)
    X[:200, 0] += 6
    return X, np.repeat((1, 0), (known, 1000 - known))


@pytest.mark.parametrize("known", [100, 130, 160])
def test_the_score_is_that_of_being_a_deposit_whatever_share_of_them_is_known(known: int) -> None:
    X, y = ground(known)
    model = ElkanNoto(bags=10, trees_per_bag=10, max_features=1.0, min_samples_leaf=40, random_state=0).fit(X, y)
    # Where ore shows plainly, the chance of being known is the share of the 200 that is.
    assert model.c_ == pytest.approx(known / 200, abs=0.08)
    score = model.predict_both(ground(known, seed=1)[0])[0]
    assert score.sum() == pytest.approx(200, rel=0.12)


def test_the_calibrated_score_ranks_as_the_forest_does_but_for_ties_at_one() -> None:
    X, y = ground(100)
    model = ElkanNoto(bags=10, trees_per_bag=10, random_state=0).fit(X, y)
    plain = model.trees_.mean_and_spread(X)[0][:, 1]
    score, spread = model.predict_both(X)
    order = np.argsort(plain, kind="stable")
    assert (np.diff(score[order]) >= 0).all() and score.max() == 1.0
    below = order[score[order] < 1]
    assert (np.diff(score[below]) > 0).tolist() == (np.diff(plain[below]) > 0).tolist()
    assert spread.min() >= 0 and spread.max() <= 0.5 and (spread > 0).any()


def test_the_constant_comes_from_deposits_that_were_held_out_whole() -> None:
    # Ten deposits of ten equal cells, each unlike the others: a cell tells of its own deposit and of no other. Held out cell by cell, each is
    # known from its twins; held out whole, none is. What a blind score gives is the share of positives, 100 of 500.
    random = np.random.default_rng(0)
    X = random.normal(size=(500, 4)).astype(np.float32)
    X[:100] = np.repeat(random.normal(size=(10, 4)), 10, axis=0)
    y, groups = np.repeat((1, 0), (100, 400)), np.concatenate((np.repeat(np.arange(10), 10), -1 - np.arange(400)))
    by_cell, by_deposit = (ElkanNoto(bags=10, random_state=0).fit(X, y, groups=given).c_ for given in (None, groups))
    assert by_cell > 0.8
    assert 0.2 <= by_deposit < 0.3


def test_a_deposit_alone_leaves_the_scale_alone() -> None:
    X, y = ground(100)
    groups = np.where(y == 1, 0, -1 - np.arange(1000))
    model = ElkanNoto(bags=4, random_state=0).fit(X, y, groups=groups)
    assert model.c_ == 1.0 and model.predict_both(X)[0].max() <= 1


def test_the_last_bit_does_not_depend_on_the_batch() -> None:
    X, y = ground(100)
    model = ElkanNoto(bags=6, trees_per_bag=5, random_state=0).fit(X, y)
    mean, spread = model.predict_both(X)
    for part in (slice(0, 1), slice(3, 260), slice(999, 1000)):
        again = model.predict_both(X[part])
        assert again[0].tobytes() == mean[part].tobytes() and again[1].tobytes() == spread[part].tobytes()
