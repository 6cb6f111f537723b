from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.learning.forests import BaggedForest, PlainForest, column_medians, resampled
from pipeline.learning.logistic import StandardizedLogistic
from pipeline.learning.scores import roc_auc
from pipeline.threads import allowed
from tests.learning.places import table
from tests.learning.weighing import DRAWN


@parametrize_with_checks(
    [BaggedForest(bags=2, trees_per_bag=5, random_state=0), PlainForest(trees=10, random_state=0)],
    expected_failed_checks=lambda estimator: DRAWN if isinstance(estimator, BaggedForest) else {},
)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def small(seed: int = 0) -> BaggedForest:
    return BaggedForest(bags=6, trees_per_bag=10, random_state=seed)


def test_the_plain_forest_is_scikit_learns_with_missing_values_far_below() -> None:
    whole = table(seed=0)
    filled = np.nan_to_num(whole.values, nan=-9999.0)
    theirs = RandomForestClassifier(300, class_weight="balanced_subsample", min_samples_leaf=2, max_features="sqrt", random_state=3).fit(
        filled, whole.label
    )
    ours = PlainForest(random_state=3).fit(whole.values, whole.label)
    np.testing.assert_allclose(ours.predict_proba(whole.values), theirs.predict_proba(filled), atol=1e-12)


def test_the_bagged_forest_ranks_a_planted_rule_as_well_as_the_plain_one() -> None:
    train, test = table(seed=0, signal=1.5), table(seed=1, signal=1.5)
    auc = [
        roc_auc(test.label, model.fit(train.values, train.label).predict_proba(test.values)[:, 1])
        for model in (BaggedForest(random_state=0), PlainForest(random_state=0))
    ]
    # Two normals 1.5 deviations apart give at best Phi(1.5 / sqrt 2) = 0.856.
    assert 0.78 < auc[1] < 0.90
    assert auc[0] > auc[1] - 0.02


def test_mean_spread_and_both_are_the_same_numbers() -> None:
    whole = table(seed=0)
    model = small().fit(whole.values, whole.label)
    mean, spread = model.predict_both(whole.values)
    assert mean.tolist() == model.predict_proba(whole.values)[:, 1].tolist()
    assert spread.tolist() == model.predict_spread(whole.values).tolist()
    assert mean.shape == spread.shape == (460,) and spread.min() >= 0 and spread.max() <= 0.5


def test_the_last_bit_does_not_depend_on_the_batch() -> None:
    whole = table(seed=0)
    model = small().fit(whole.values, whole.label)
    mean, spread = model.predict_both(whole.values)
    for part in (slice(0, 1), slice(3, 260), slice(255, 257), slice(459, 460)):
        again = model.predict_both(whole.values[part])
        assert again[0].tobytes() == mean[part].tobytes() and again[1].tobytes() == spread[part].tobytes()


def test_spread_is_larger_where_one_deposit_decides() -> None:
    # All deposits but one agree on layer 0; one alone is high on layer 1.
    random = np.random.default_rng(0)
    X = random.normal(size=(330, 2)).astype(np.float32)
    X[:29, 0] += 8
    X[29:30, 1] += 8
    y = np.repeat((1, 0), (30, 300))
    model = BaggedForest(bags=20, trees_per_bag=10, min_samples_leaf=1, random_state=0).fit(X, y)
    spread = model.predict_spread(np.array([[8.0, 0.0], [0.0, 8.0]], np.float32))
    assert spread[1] > 3 * spread[0]


def test_a_bag_draws_whole_deposits_with_all_their_cells() -> None:
    codes = np.repeat((1, 0), (30, 50))
    groups = np.concatenate((np.repeat(np.arange(6), 5), -1 - np.arange(50)))
    random = np.random.RandomState(0)
    absent = 0
    for _ in range(200):
        times = np.bincount(resampled(codes, groups, random), minlength=80)
        per_deposit = times[:30].reshape(6, 5)
        assert (per_deposit == per_deposit[:, :1]).all()
        assert per_deposit[:, 0].sum() == 6 and times[30:].sum() == 50
        absent += (per_deposit[:, 0] == 0).sum()
    # A deposit is left out of a bag with chance (5/6)^6 = 0.335.
    assert absent / 1200 == pytest.approx(0.335, abs=0.04)


def test_without_groups_rows_are_drawn() -> None:
    times = np.bincount(resampled(np.repeat((1, 0), (30, 50)), None, np.random.RandomState(1)), minlength=80)
    assert times[:30].sum() == 30 and times[30:].sum() == 50 and (times == 0).sum() > 15


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one group for each of the 80 rows"):
        resampled(np.zeros(80, np.int64), np.zeros(3), np.random.RandomState(1))


def test_groups_change_the_model_and_widen_its_spread() -> None:
    # Ten deposits of ten cells each: drawing deposits tells of ten independent facts, drawing cells pretends a hundred.
    random = np.random.default_rng(2)
    X = random.normal(size=(500, 3)).astype(np.float32)
    X[:100] = np.repeat(random.normal(size=(10, 3)), 10, axis=0) + random.normal(0, 0.05, (100, 3))
    y = np.repeat((1, 0), (100, 400))
    groups = np.concatenate((np.repeat(np.arange(10), 10), -1 - np.arange(400)))
    asked = X[:100]
    by_deposit = BaggedForest(bags=20, trees_per_bag=5, random_state=0).fit(X, y, groups=groups).predict_spread(asked).mean()
    by_cell = BaggedForest(bags=20, trees_per_bag=5, random_state=0).fit(X, y).predict_spread(asked).mean()
    assert by_deposit > 1.5 * by_cell


def test_a_column_without_values_changes_nothing_and_may_appear_later() -> None:
    whole = table(seed=0)
    X = whole.values.copy()
    X[:, 3] = np.nan
    model = small().fit(X, whole.label)
    later = X.copy()
    later[:, 3] = 1e6
    assert model.predict_both(X)[0].tolist() == model.predict_both(later)[0].tolist()


def test_medians_by_hand() -> None:
    X = np.array([[1, np.nan, 4], [3, np.nan, np.nan], [8, np.nan, 6]], np.float32)
    assert column_medians(X).tolist() == [3, 0, 5]


def test_three_classes_give_a_share_and_a_spread_for_each() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 2)).astype(np.float32)
    y = np.array(["basalt", "granite", "shale"])[np.digitize(X[:, 0], (-0.5, 0.5))]
    model = small().fit(X, y)
    mean, spread = model.predict_both(X)
    assert mean.shape == spread.shape == (300, 3)
    np.testing.assert_allclose(mean.sum(axis=1), 1, atol=1e-12)
    assert (model.predict(X) == y).mean() > 0.95


def test_the_seed_decides_the_model() -> None:
    whole = table(seed=0)
    first, again, other = (small(seed).fit(whole.values, whole.label, groups=whole.group).predict_both(whole.values)[0] for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two classes"):
        small().fit(np.zeros((4, 1)), np.ones(4))


def test_rows_are_drawn_as_often_as_they_weigh() -> None:
    codes, groups = np.array([1, 1, 1, 1, 0, 0]), np.array([7, 7, 8, 9, -1, -2])
    weights = np.array([2.5, 0.5, 1.0, 0.25, 1.0, 1.0])
    random = np.random.RandomState(0)
    times = sum(np.bincount(resampled(codes, groups, random, weights), minlength=6) for _ in range(4000)) / 4000
    assert times == pytest.approx(weights, abs=0.07)


def test_a_deposit_spread_over_cells_is_in_one_of_them_in_each_draw() -> None:
    codes, groups = np.repeat([1, 0], [12, 4]), np.array([3] * 9 + [5] * 3 + [-1, -2, -3, -4])
    weights = np.repeat([1 / 9, 1 / 3, 1.0], [9, 3, 4])
    random, seen = np.random.RandomState(1), set()
    for _ in range(200):
        taken = np.bincount(resampled(codes, groups, random, weights), minlength=16)
        of_groups = taken[:9].sum(), taken[9:12].sum()
        assert sum(of_groups) == 2  # two groups drawn with replacement, one row for each time a group is drawn
        seen |= set(np.flatnonzero(taken[:12]).tolist())
    assert seen == set(range(12))


def test_weights_of_one_change_nothing_and_small_ones_leave_a_row_of_each_class() -> None:
    whole = table(seed=0)
    codes, ones = whole.label.astype(np.int64), np.ones(len(whole))
    plain = resampled(codes, whole.group, np.random.RandomState(3))
    assert resampled(codes, whole.group, np.random.RandomState(3), ones).tolist() == plain.tolist()
    drawn = resampled(codes, whole.group, np.random.RandomState(3), np.where(codes == 1, 1e-6, 1.0))
    assert codes[drawn].sum() == 1
    with pytest.raises(ValueError, match="the rows of one class all weigh 0, so it cannot be learned"):
        resampled(codes, whole.group, np.random.RandomState(3), 1.0 - codes)


def test_a_deposit_that_weighs_little_moves_the_model_little() -> None:
    """Of two kinds of deposit, high in one layer or in the other, the model believes the kind that weighs."""
    random = np.random.default_rng(0)
    values = random.normal(size=(500, 2)).astype(np.float32)
    label = np.repeat([1, 1, 0], [50, 50, 400])
    values[:50, 0] += 4
    values[50:100, 1] += 4
    weight = np.repeat([1.0, 0.02, 1.0], [50, 50, 400])
    probe = np.array([[4, 0], [0, 4]], np.float32)
    for model in (BaggedForest(random_state=0), StandardizedLogistic(random_state=0)):
        even = model.fit(values, label).predict_proba(probe)[:, 1]
        odd = model.fit(values, label, sample_weight=weight).predict_proba(probe)[:, 1]
        assert abs(even[0] - even[1]) < 0.15
        assert odd[0] - odd[1] > 0.4


@pytest.mark.parametrize("threads", [2, 3, 9])
def test_a_forest_grown_on_more_threads_is_the_same_forest(threads: int) -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=300) > 1).astype(int)
    alone = BaggedForest(bags=2, trees_per_bag=7, random_state=5).fit(X, y).trees_
    with allowed(threads):
        together = BaggedForest(bags=2, trees_per_bag=7, random_state=5).fit(X, y).trees_
    for name in ("children", "feature", "threshold", "value", "tree_start"):
        assert np.array_equal(getattr(alone, name), getattr(together, name))
