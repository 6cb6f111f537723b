from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.binning import _find_binning_thresholds
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from pipeline.learning.boosting import BaggedBoosting, bin_edges
from pipeline.learning.forests import column_medians, resampled
from pipeline.learning.scores import roc_auc
from tests.learning.places import table
from tests.learning.weighing import DRAWN


@parametrize_with_checks([BaggedBoosting(bags=2, trees_per_bag=20, random_state=0)], expected_failed_checks=lambda _: DRAWN)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def small(seed: int = 0, **more: Any) -> BaggedBoosting:
    return BaggedBoosting(bags=4, trees_per_bag=20, random_state=seed, **more)


@pytest.mark.parametrize("signs", [None, (1, -1, 0, 0)])
def test_the_answer_is_the_mean_over_bags_of_scikit_learns_own(signs: Any) -> None:
    # Values rounded to tenths: so few that scikit-learn too cuts midway between them.
    whole, asked = table(seed=0), table(seed=1).values
    X = np.round(whole.values, 1)
    model = small(signs=signs).fit(X, whole.label, groups=whole.group)
    random, shares = np.random.RandomState(0), []
    for _ in range(4):
        rows = resampled(whole.label.astype(np.int64), whole.group, random)
        seed = random.randint(2**31 - 1)
        medians = column_medians(X[rows])
        times = np.bincount(rows, minlength=len(X))
        used = times > 0
        share = np.array([times[whole.label == code].sum() for code in (0, 1)])
        theirs = HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=20, max_leaf_nodes=6, min_samples_leaf=10, l2_regularization=1.0, early_stopping=False,
            monotonic_cst=None if signs is None else list(signs), random_state=seed,
        )  # fmt: skip
        weight = (times * len(rows) / 2 / share[whole.label])[used]
        theirs.fit(np.where(np.isnan(X), medians, X)[used], whole.label[used], sample_weight=weight)
        shares.append(theirs.predict_proba(np.where(np.isnan(asked), medians, asked))[:, 1])
    mean, spread = model.predict_both(asked)
    np.testing.assert_allclose(mean, np.mean(shares, axis=0), atol=1e-6)
    np.testing.assert_allclose(spread, np.std(shares, axis=0), atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 255, 256, 3000])
def test_columns_are_cut_where_scikit_learn_cuts_them(count: int) -> None:
    column = np.random.default_rng(count).normal(size=count).astype(np.float32)
    np.testing.assert_array_equal(bin_edges(column), _find_binning_thresholds(column.astype(np.float64), 255))


def test_a_value_at_a_cut_goes_with_those_below_it() -> None:
    # Two hundred ones and threes: the only cut is midway, at 2.
    X = np.repeat(np.array([[1.0], [3.0]], np.float32), 100, axis=0)
    model = small().fit(X, np.repeat((0, 1), 100))
    asked = np.array([[1.0], [2.0], [np.nextafter(np.float32(2), np.float32(3))], [3.0]], np.float32)
    low, at, above, high = model.predict_both(asked)[0]
    assert low == at < 0.5 < above == high


def test_a_layer_with_a_sign_is_never_walked_against() -> None:
    # The label follows the first layer up to a point and falls off again; the second falls where its sign says it should rise.
    random = np.random.default_rng(0)
    X = random.uniform(-3, 3, size=(2000, 3)).astype(np.float32)
    y = (random.random(2000) < np.exp(-((X[:, 0] - 1) ** 2)) * np.where(X[:, 1] > 0, 0.3, 0.9)).astype(int)
    ramp = np.linspace(-3, 3, 301, dtype=np.float32)

    def steps(model: BaggedBoosting, column: int) -> Any:
        found = []
        for _ in range(20):
            asked = np.repeat(random.uniform(-3, 3, size=(1, 3)), len(ramp), axis=0).astype(np.float32)
            asked[:, column] = ramp
            found.append(np.diff(model.predict_both(asked)[0]))
        return np.array(found)

    free, bound = (BaggedBoosting(bags=4, signs=signs, random_state=0).fit(X, y) for signs in (None, (1, 1, 0)))
    assert steps(free, 0).min() < -0.02 and steps(free, 1).min() < -0.02
    assert steps(bound, 0).min() >= 0 and steps(bound, 0).max() > 0.02 and steps(bound, 1).min() >= 0
    falling = BaggedBoosting(bags=4, signs=(0, -1, 0), random_state=0).fit(X, y)
    assert steps(falling, 1).max() <= 0 and steps(falling, 1).min() < -0.02


def test_the_last_bit_does_not_depend_on_the_batch_or_on_the_threads() -> None:
    whole = table(seed=0)
    with threadpool_limits(2):
        model = small().fit(whole.values, whole.label)
    mean, spread = model.predict_both(whole.values)
    for part in (slice(0, 1), slice(3, 260), slice(459, 460)):
        again = model.predict_both(whole.values[part])
        assert again[0].tobytes() == mean[part].tobytes() and again[1].tobytes() == spread[part].tobytes()
    with threadpool_limits(1):
        alone = small().fit(whole.values, whole.label)
    assert alone.trees_.value.tobytes() == model.trees_.value.tobytes()
    assert alone.predict_both(whole.values)[0].tobytes() == mean.tobytes()


def test_boosting_ranks_a_planted_rule_nearly_as_well_as_can_be() -> None:
    train, test = table(seed=0, signal=1.5), table(seed=1, signal=1.5)
    auc = roc_auc(test.label, BaggedBoosting(random_state=0).fit(train.values, train.label).predict_proba(test.values)[:, 1])
    # Two normals 1.5 deviations apart give at best Phi(1.5 / sqrt 2) = 0.856.
    assert 0.78 < auc < 0.90


def test_a_column_without_values_and_one_without_variation_change_nothing() -> None:
    whole = table(seed=0)
    X = whole.values.copy()
    X[:, 2], X[:, 3] = 5.0, np.nan
    model = small().fit(X, whole.label)
    other = X.copy()
    other[:, 2], other[:, 3] = -1e6, 1e6
    assert model.predict_both(X)[0].tolist() == model.predict_both(other)[0].tolist()


def test_signs_for_other_columns_and_one_class_alone_are_refused() -> None:
    with pytest.raises(ValueError, match="signs names 2 columns; expected one of 1, -1 and 0 for each of the 4"):
        small(signs=(1, 0)).fit(np.zeros((8, 4)), np.repeat((0, 1), 4))
    with pytest.raises(ValueError, match="needs samples of two classes; got 1 class"):
        small().fit(np.zeros((4, 1)), np.ones(4))
