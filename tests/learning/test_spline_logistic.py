"""Curves of evidence: a known one is recovered, and what is fitted is the least of what it says it lessens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.interpolate import BSpline
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.errors import DataError
from pipeline.learning import model_files, splines
from pipeline.learning.forests import resampled
from pipeline.learning.logistic import StandardizedLogistic
from pipeline.learning.scores import roc_auc
from pipeline.learning.spline_logistic import SplineLogistic
from tests.learning.places import table
from tests.learning.weighing import DRAWN


@parametrize_with_checks([SplineLogistic(bags=2, random_state=0)], expected_failed_checks=lambda _: DRAWN)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_known_curve_is_recovered() -> None:
    random = np.random.default_rng(0)
    X = random.uniform(0, 10, (20_000, 2))
    curve = 2 * np.sin(X[:, 0])
    y = random.random(20_000) < 1 / (1 + np.exp(-curve))
    model = SplineLogistic(bags=4, knots=10, C=10.0, random_state=0).fit(X, y)
    at = np.stack((np.linspace(0.5, 9.5, 50), np.full(50, 5.0)), axis=1)
    share, _ = model.predict_both(at)
    found = np.log(share / (1 - share))
    # classes weigh equally, which shifts the level
    assert np.ptp(found - 2 * np.sin(at[:, 0])) < 0.5
    other = model.predict_both(np.stack((np.full(50, 5.0), np.linspace(0.5, 9.5, 50)), axis=1))[0]
    assert np.ptp(other) < 0.1


def test_one_bag_is_where_the_penalised_likelihood_is_level() -> None:
    # the slope of the likelihood along every spline equals that of the penalty: B'(w (y - p)) = P b / C
    whole = table(seed=0)
    X = np.nan_to_num(whole.values.astype(np.float64))
    X[:, 3] = X[:, 3] > 0
    model = SplineLogistic(bags=1, C=0.7, random_state=4).fit(X, whole.label, groups=whole.group)
    rows = resampled(whole.label.astype(np.int64), whole.group, np.random.RandomState(4))
    y = whole.label[rows].astype(float)
    weight = np.where(y == 1, len(y) / (2 * y.sum()), len(y) / (2 * (1 - y).sum()))
    odds = np.full(len(rows), model.intercept_[0]) + model.coef_[0, 3, 0] * X[rows, 3]
    bases = []
    for j in range(3):
        at = np.quantile(X[:, j], [0, 0.25, 0.5, 0.75, 1])
        whole_basis = BSpline.design_matrix(X[rows, j], np.concatenate(([at[0]] * 3, at, [at[-1]] * 3)), 3).toarray()
        bases.append(whole_basis)
        odds += whole_basis @ model.coef_[0, j]
    np.testing.assert_allclose(model.predict_both(X[rows])[0], 1 / (1 + np.exp(-odds)), atol=1e-12)
    left = weight * (y - 1 / (1 + np.exp(-odds)))
    assert abs(left.sum()) < 0.02
    cost = splines.penalty(5)
    for j in range(3):
        np.testing.assert_allclose(bases[j].T @ left, cost @ model.coef_[0, j] / 0.7, atol=0.02)
    # the class weighs as a column of deviation 1 would
    assert X[rows, 3] @ left == pytest.approx(model.coef_[0, 3, 0] * X[:, 3].var() / 0.7, abs=0.02)
    assert np.abs(left).sum() > 10


def test_near_but_not_in_is_learnt_where_plain_logistic_regression_cannot() -> None:
    def drawn(seed: int) -> tuple[Any, Any]:
        random = np.random.default_rng(seed)
        X = random.uniform(-1, 1, (660, 3))
        X[:60, 0] = random.normal(0, 0.15, 60)
        return X, np.repeat([1, 0], [60, 600])

    X, y = drawn(0)
    test, label = drawn(1)
    curved, straight = (model.fit(X, y).predict_both(test)[0] for model in (SplineLogistic(random_state=0), StandardizedLogistic(random_state=0)))
    # within one deviation of the ridge a uniform background is 15 % of the ground: at best some 0.88
    assert roc_auc(label, curved) > 0.83
    assert roc_auc(label, straight) < 0.62


def test_a_stronger_penalty_flattens() -> None:
    whole = table(seed=0)
    bends = [np.abs(np.diff(SplineLogistic(bags=3, C=C, random_state=0).fit(whole.values, whole.label).coef_, n=2)).max() for C in (0.01, 1.0, 100.0)]
    assert bends[0] < 0.3 * bends[1] < 0.3 * bends[2]


def test_outside_the_range_the_answer_is_that_of_its_end_and_missing_is_the_median() -> None:
    whole = table(seed=0)
    model = SplineLogistic(bags=3, random_state=0).fit(whole.values, whole.label)
    rows = np.repeat(np.nanmedian(whole.values.astype(np.float64), axis=0)[None], 5, axis=0)
    rows[:, 0] = [np.nanmin(whole.values[:, 0]), np.nanmax(whole.values[:, 0]), -1e6, 1e6, rows[0, 0]]
    score, _ = model.predict_both(rows)
    assert score[:2].tolist() == score[2:4].tolist()
    rows[4, 0] = np.nan
    assert score[4] == pytest.approx(model.predict_both(rows)[0][4], abs=1e-6)
    assert score[1] > 0.9


def test_mean_and_spread_are_those_of_the_bags() -> None:
    whole = table(seed=0)
    X = np.nan_to_num(whole.values.astype(np.float64))
    model = SplineLogistic(bags=4, random_state=0).fit(X, whole.label)
    bags = []
    for start, weights in zip(model.intercept_, model.coef_, strict=True):
        odds = start + sum(splines.design(X[:, j], model.knots_[j]) @ weights[j] for j in range(4))
        bags.append(1 / (1 + np.exp(-odds)))
    found = model.predict_both(X)
    np.testing.assert_allclose(found[0], np.mean(bags, axis=0), atol=1e-12)
    np.testing.assert_allclose(found[1], np.std(bags, axis=0), atol=1e-12)


def test_the_last_bit_does_not_depend_on_the_batch_or_the_file() -> None:
    whole = table(seed=0)
    X = np.column_stack((whole.values, whole.values[:, 1] > 0))
    model = SplineLogistic(random_state=0).fit(X, whole.label, groups=whole.group)
    mean, spread = model.predict_both(X)
    back: Any = model_files.load(model_files.dump(model))
    for part in (slice(0, 1), slice(3, 260), slice(255, 257), slice(459, 460), slice(None, None, -1)):
        again = back.predict_both(X[part])
        assert again[0].tobytes() == mean[part].tobytes() and again[1].tobytes() == spread[part].tobytes()


def test_columns_without_values_or_variation_are_ignored() -> None:
    whole = table(seed=0)
    X = np.column_stack((whole.values, np.full(460, np.nan), np.full(460, 0.1, np.float32), np.zeros(460)))
    model = SplineLogistic(random_state=0).fit(X, whole.label)
    alone = SplineLogistic(random_state=0).fit(whole.values, whole.label)
    np.testing.assert_allclose(model.predict_proba(X), alone.predict_proba(whole.values), atol=1e-3)
    assert np.abs(model.coef_[:, 4:]).max() < 1e-9


def test_three_classes_or_one_are_refused() -> None:
    with pytest.raises(ValueError, match="Only binary classification"):
        SplineLogistic().fit(np.zeros((3, 1)), [0, 1, 2])
    with pytest.raises(ValueError, match="SplineLogistic needs samples of two classes; got 1 class"):
        SplineLogistic().fit(np.zeros((3, 1)), [1, 1, 1])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("coef_", np.zeros((2, 4, 9)), "coef_ is not"),
        ("coef_", np.full((2, 4, 7), np.nan), "coef_ is not"),
        ("median_", "none", r"median_ is not \(4,\) finite numbers; the file is damaged"),
        ("knots_", np.zeros((4, 5)), "knots that do not rise"),
        ("knots_", np.zeros(5), "coef_ is not"),
        ("binary_", np.zeros(4), "binary_ does not say of 4 columns whether they are classes"),
        ("intercept_", np.zeros(3), "coef_ is not"),
        ("classes_", np.arange(3), "no bags, or not two classes"),
    ],
)
def test_fitted_arrays_that_do_not_fit_are_refused(name: str, value: Any, says: str) -> None:
    whole = table(seed=0)
    model = SplineLogistic(bags=2, random_state=0).fit(whole.values, whole.label)
    model.checked()
    setattr(model, name, value)
    with pytest.raises(DataError, match=f"model: {says}"):
        model.checked()
