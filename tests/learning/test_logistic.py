from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.errors import DataError
from pipeline.learning.forests import resampled
from pipeline.learning.logistic import StandardizedLogistic
from tests.learning.places import table
from tests.learning.weighing import DRAWN


@parametrize_with_checks([StandardizedLogistic(bags=3, random_state=0)], expected_failed_checks=lambda _: DRAWN)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_one_bag_is_scikit_learns_logistic_regression_on_that_draw() -> None:
    whole = table(seed=0)
    X = np.nan_to_num(whole.values.astype(np.float64)) * [1, 100, 0.01, 5] + [0, 1000, 0, -3]
    rows = resampled(whole.label.astype(np.int64), whole.group, np.random.RandomState(4))
    scaled = (X - X[rows].mean(axis=0)) / X[rows].std(axis=0)
    theirs = LogisticRegression(class_weight="balanced", max_iter=1000).fit(scaled[rows], whole.label[rows])
    ours = StandardizedLogistic(bags=1, random_state=4).fit(X, whole.label, groups=whole.group)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(scaled), atol=1e-9)


def test_a_known_slope_is_recovered() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(20_000, 2)) * [2.0, 5.0] + [10.0, -4.0]
    y = random.random(20_000) < 1 / (1 + np.exp(-1.2 * (X[:, 0] - 10.0)))
    model = StandardizedLogistic(bags=5, random_state=0).fit(X, y)
    slopes = (model.coef_ / model.scale_).mean(axis=0)
    assert slopes == pytest.approx([1.2, 0.0], abs=0.06)


def test_the_last_bit_does_not_depend_on_the_batch() -> None:
    whole = table(seed=0)
    model = StandardizedLogistic(random_state=0).fit(whole.values, whole.label)
    mean, spread = model.predict_both(whole.values)
    for part in (slice(0, 1), slice(3, 260), slice(255, 257), slice(459, 460), slice(None, None, -1)):
        again = model.predict_both(whole.values[part])
        assert again[0].tobytes() == mean[part].tobytes() and again[1].tobytes() == spread[part].tobytes()


def test_mean_and_spread_are_those_of_the_bags() -> None:
    whole = table(seed=0)
    model = StandardizedLogistic(bags=4, random_state=0).fit(whole.values, whole.label)
    bags = []
    for weight, start, median, mean, scale in zip(model.coef_, model.intercept_, model.median_, model.mean_, model.scale_, strict=True):
        filled = np.where(np.isnan(whole.values), median, whole.values)
        bags.append(1 / (1 + np.exp(-(start + ((filled - mean) / scale) @ weight))))
    found = model.predict_both(whole.values)
    np.testing.assert_allclose(found[0], np.mean(bags, axis=0), atol=1e-12)
    np.testing.assert_allclose(found[1], np.std(bags, axis=0), atol=1e-12)
    assert model.predict_spread(whole.values).tolist() == found[1].tolist()


def test_columns_without_values_or_variation_are_ignored() -> None:
    whole = table(seed=0)
    X = np.column_stack((whole.values, np.full(460, np.nan), np.full(460, 0.1, np.float32)))
    model = StandardizedLogistic(random_state=0).fit(X, whole.label)
    alone = StandardizedLogistic(random_state=0).fit(whole.values, whole.label)
    np.testing.assert_allclose(model.predict_proba(X), alone.predict_proba(whole.values), atol=1e-6)
    assert np.abs(model.coef_[:, 4:]).max() < 1e-9


def test_three_classes_or_one_are_refused() -> None:
    with pytest.raises(ValueError, match="Only binary classification"):
        StandardizedLogistic().fit(np.zeros((3, 1)), [0, 1, 2])
    with pytest.raises(ValueError, match="two classes"):
        StandardizedLogistic().fit(np.zeros((3, 1)), [1, 1, 1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("coef_", np.zeros((20, 9))),
        ("coef_", np.full((20, 4), np.nan)),
        ("scale_", np.zeros((20, 4))),
        ("median_", "none"),
        ("intercept_", np.zeros(0)),
    ],
)
def test_fitted_arrays_that_do_not_fit_are_refused(name: str, value: Any) -> None:
    whole = table(seed=0)
    model = StandardizedLogistic(random_state=0).fit(whole.values, whole.label)
    model.checked()
    setattr(model, name, value)
    with pytest.raises(DataError, match="model:"):
        model.checked()
