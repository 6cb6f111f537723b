"""Presence against background: truth by known intensities, by MaxEnt's own conditions, and by weighted logistic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.errors import DataError
from pipeline.learning import model_files, response_terms
from pipeline.learning.forests import resampled
from pipeline.learning.presence_background import PresenceBackground
from tests.learning.places import table
from tests.learning.weighing import DRAWN


@parametrize_with_checks([PresenceBackground(bags=2, random_state=0)], expected_failed_checks=lambda _: DRAWN)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def ground(intensity: Any, *, presences: int, seed: int) -> tuple[Any, Any]:
    """Background uniform on 0..1, and presences drawn there with the given intensity."""
    random = np.random.default_rng(seed)
    many = random.random(400_000)
    chance = intensity(many)
    drawn = random.choice(many, presences, replace=False, p=chance / chance.sum())
    return np.concatenate((drawn, np.arange(4000) / 3999))[:, None], np.repeat([1, 0], [presences, 4000])


def test_a_known_intensity_is_recovered() -> None:
    X, y = ground(lambda x: np.exp(3 * x), presences=2000, seed=0)
    model = PresenceBackground(bags=4, kinds=("linear",), multiplier=0.01, random_state=0).fit(X, y)
    # presences stand in the background too; among 80 000 rows of it they do not matter
    X, y = np.vstack((X, *[X[2000:]] * 19)), np.append(y, np.zeros(76_000))
    model = PresenceBackground(bags=4, kinds=("linear",), multiplier=0.01, random_state=0).fit(X, y)
    assert model.coef_.mean() == pytest.approx(3.0, abs=0.2)


def test_it_is_the_limit_of_logistic_regression_as_the_background_grows_heavy() -> None:
    whole = table(seed=0, signal=1.0)
    X = np.nan_to_num(whole.values.astype(np.float64))
    ours = PresenceBackground(bags=1, kinds=("linear",), multiplier=1e-9, random_state=4).fit(X, whole.label, groups=whole.group)
    rows = resampled(whole.label.astype(np.int64), whole.group, np.random.RandomState(4))
    drawn = X[rows]
    scaled = (drawn - drawn.min(axis=0)) / np.ptp(drawn, axis=0)
    present = whole.label[rows] == 1
    # each presence once as such and, weighed up a million times, as ground like every other row
    both, label = np.vstack((scaled[present], scaled)), np.repeat([1, 0], [present.sum(), len(rows)])
    theirs = LogisticRegression(C=1e9, tol=1e-12, max_iter=100_000).fit(both, label, sample_weight=np.where(label == 1, 1.0, 1e6))
    # theirs bears no penalty, ours the least there is, which pulls a coefficient by 0.001 over the variance of its term, here 0.03
    assert np.abs(theirs.coef_[0]).max() > 3
    assert ours.coef_[0] == pytest.approx(theirs.coef_[0], abs=0.05)


def test_each_term_expects_on_the_ground_what_the_presences_show_within_its_penalty() -> None:
    # the dual of the L1 penalty: |mean over the fitted distribution - mean over the presences| <= penalty, equal where the term is used
    whole = table(seed=0)
    X = np.nan_to_num(whole.values.astype(np.float64))
    model = PresenceBackground(bags=1, random_state=4).fit(X, whole.label, groups=whole.group)
    rows = resampled(whole.label.astype(np.int64), whole.group, np.random.RandomState(4))
    low, high = X[rows].min(axis=0), X[rows].max(axis=0)
    values = np.stack([response_terms.value(term, (X[rows] - low) / (high - low)) for term in model.terms_], axis=1)
    mass = np.exp(values @ model.coef_[0])
    present = whole.label[rows] == 1
    gap = values[present].mean(axis=0) - mass @ values / mass.sum()
    once = np.unique(rows[present], return_index=True)[1]
    cost = response_terms.penalties(model.terms_, values[present][once], deposits=len(once), multiplier=1.0)
    used = model.coef_[0] != 0
    assert (np.abs(gap) <= cost + 1e-4).all()
    assert gap[used] == pytest.approx(np.sign(model.coef_[0][used]) * cost[used], abs=1e-4)
    assert 0 < used.sum() < len(used) / 2


def test_it_learns_near_but_not_in() -> None:
    X, y = ground(lambda x: np.exp(-(((x - 0.4) / 0.12) ** 2)), presences=100, seed=1)
    score, _ = PresenceBackground(bags=5, random_state=0).fit(X, y).predict_both(np.array([[0.05], [0.4], [0.9]]))
    assert score[1] > 0.5
    assert max(score[0], score[2]) < 0.1


@pytest.mark.parametrize("sign", [1, -1])
def test_the_answer_keeps_to_the_signs_and_is_free_without(sign: int) -> None:
    # presences in the middle of the first layer: free, the answer rises and falls
    random = np.random.default_rng(0)
    X = np.vstack((random.normal(0.5, 0.05, (60, 1)), random.random((800, 1))))
    X = np.hstack((X, random.random((860, 1))))
    y = np.repeat([1, 0], [60, 800])
    asked = np.column_stack((np.linspace(0, 1, 50), np.full(50, 0.3)))
    kinds = ("linear", "quadratic", "hinge", "product")
    free = np.diff(PresenceBackground(bags=2, kinds=kinds, random_state=0).fit(X, y).predict_proba(asked)[:, 1])
    kept = np.diff(PresenceBackground(bags=2, kinds=kinds, signs=(sign, 0), random_state=0).fit(X, y).predict_proba(asked)[:, 1])
    assert free.min() < -0.01 and free.max() > 0.01
    assert (sign * kept >= -1e-12).all()
    with pytest.raises(ValueError, match="signs names 1 columns"):
        PresenceBackground(signs=(1,)).fit(X, y)


def test_which_way_a_term_may_count_by_hand() -> None:
    found = response_terms.terms(np.array([False, False, True]), kinds=("linear", "hinge", "product"), knots=1)
    rising, falling = response_terms.allowed(found, (1, -1, 0))
    told = {(int(kind), int(one), int(other)): (bool(up), bool(down)) for (kind, one, other, _), up, down in zip(found, rising, falling, strict=True)}
    assert told[response_terms.LINEAR, 0, 0] == told[response_terms.BELOW, 1, 0] == (True, False)
    assert told[response_terms.BELOW, 0, 0] == told[response_terms.LINEAR, 1, 0] == (False, True)
    assert told[response_terms.PRODUCT, 0, 1] == (False, False)  # it would rise along the one and fall along the other
    assert told[response_terms.PRODUCT, 0, 2] == (True, False) and told[response_terms.CLASS, 2, 0] == (True, True)


def test_terms_by_hand() -> None:
    scaled = np.array([[0.25, 1.0], [0.75, 0.5]])
    by_hand = {
        (response_terms.LINEAR, 0, 0, 0.0): [0.25, 0.75],
        (response_terms.QUADRATIC, 0, 0, 0.0): [0.0625, 0.5625],
        (response_terms.ABOVE, 0, 0, 0.5): [0.0, 0.5],
        (response_terms.BELOW, 0, 0, 0.5): [0.5, 0.0],
        (response_terms.PRODUCT, 0, 1, 0.0): [0.25, 0.375],
        (response_terms.CLASS, 1, 0, 0.0): [1.0, 0.5],
    }
    for term, wanted in by_hand.items():
        assert response_terms.value(np.array(term), scaled).tolist() == wanted
    found = response_terms.terms(np.array([False, True]), kinds=("linear", "hinge", "product"), knots=1)
    assert found.tolist() == [[0, 0, 0, 0], [2, 0, 0, 0.5], [3, 0, 0, 0.5], [5, 1, 0, 0], [4, 0, 1, 0]]


def test_penalties_by_hand() -> None:
    # 4 presences 0, 0, 1, 1: deviation sqrt(1/3) = 0.57735; among 4 presences linear and quadratic cost 1.3 - 0.5 x 4/10 = 1.1 of it,
    # a hinge 0.5, a class 0.65 - 0.15 x 4/10 = 0.59; all over sqrt(4)
    found = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0.5], [5, 1, 0, 0]], np.float64)
    presence = np.repeat([[0.0], [1.0]], 2, axis=0) * np.ones(4)
    deviation = np.sqrt(1 / 3)
    wanted = np.array([1.1, 1.1, 0.5, 0.59]) * deviation / 2
    assert response_terms.penalties(found, presence, deposits=4, multiplier=1.0) == pytest.approx(wanted)
    assert response_terms.penalties(found, presence, deposits=4, multiplier=3.0) == pytest.approx(3 * wanted)
    # the four are cells of one deposit: 1.3 - 0.5/10, 0.5 and 0.65 - 0.15/10 over sqrt(1), and a hinge's deviation is at least 1
    one = np.array([1.25 * deviation, 1.25 * deviation, 0.5, 0.635 * deviation])
    assert response_terms.penalties(found, presence, deposits=1, multiplier=1.0) == pytest.approx(one)
    # presences that are all alike: only the hinge keeps more than the least, 1/sqrt(4) x 0.5 / 2; a lone one is taken to deviate by 1
    assert response_terms.penalties(found, presence * 0, deposits=4, multiplier=1.0) == pytest.approx([0.001, 0.001, 0.125, 0.001])
    assert response_terms.penalties(found, presence[:1], deposits=1, multiplier=1.0) == pytest.approx([1.25, 1.25, 0.5, 0.635])


def test_cells_of_one_deposit_teach_less_than_as_many_deposits() -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(320, 3)), np.repeat([1, 0], [20, 300])
    X[:20, 0] += 2
    one = PresenceBackground(kinds=("linear",), random_state=0).fit(X, y, groups=np.append(np.zeros(20), 1 + np.arange(300)))
    many = PresenceBackground(kinds=("linear",), random_state=0).fit(X, y)
    assert np.abs(one.coef_).mean() < 0.7 * np.abs(many.coef_).mean()
    assert not one.coef_[:, 1:].any()  # what tells nothing is left alone


def test_few_presences_teach_few_kinds() -> None:
    assert [response_terms.affordable(n) for n in (9, 10, 14, 15)] == [
        ("linear",), ("linear", "quadratic"), ("linear", "quadratic"), ("linear", "quadratic", "hinge"),
    ]  # fmt: skip
    X, y = np.random.default_rng(0).normal(size=(140, 2)), np.repeat([1, 0], [40, 100])
    groups = np.append(np.arange(40) // 5, -1 - np.arange(100))  # 40 cells, 8 deposits
    assert set(PresenceBackground(bags=2, random_state=0).fit(X, y, groups=groups).terms_[:, 0]) == {response_terms.LINEAR}


def test_the_scale_is_that_of_cloglog() -> None:
    # one class of rock on half of the ground, presences in proportion to it: nothing is learnt, r = 1/n everywhere and H = ln n,
    # so every cell is 1 - 1/e
    X, y = np.tile([0.0, 1.0], 200)[:, None], np.repeat([1, 0], [100, 300])
    score, _ = PresenceBackground(bags=2, multiplier=1000.0, random_state=0).fit(X, y).predict_both(X)
    assert score == pytest.approx(np.full(400, 1 - np.exp(-1)))


def test_outside_the_range_the_answer_is_that_of_its_end_and_missing_is_the_median() -> None:
    whole = table(seed=0)
    X = np.nan_to_num(whole.values.astype(np.float64))
    model = PresenceBackground(bags=3, random_state=0).fit(X, whole.label)
    ends = np.repeat(np.median(X, axis=0)[None], 4, axis=0)
    ends[:, 0] = [X[:, 0].min(), X[:, 0].max(), -1e6, 1e6]
    score, spread = model.predict_both(ends)
    assert (score[:2], spread[:2]) == (pytest.approx(score[2:], rel=1e-12), pytest.approx(spread[2:], rel=1e-12))
    one = PresenceBackground(bags=1, random_state=0).fit(X, whole.label)
    filled, missing = one.median_.copy(), np.full((1, 4), np.nan)
    assert one.predict_both(missing)[0] == one.predict_both(filled)[0]


def test_the_last_bit_does_not_depend_on_the_batch_or_the_file() -> None:
    whole = table(seed=0)
    model = PresenceBackground(bags=4, kinds=("linear", "hinge", "product"), random_state=0).fit(whole.values, whole.label, groups=whole.group)
    mean, spread = model.predict_both(whole.values)
    back: Any = model_files.load(model_files.dump(model))
    for part in (slice(0, 1), slice(3, 260), slice(255, 257), slice(459, 460), slice(None, None, -1)):
        again = back.predict_both(whole.values[part])
        assert again[0].tobytes() == mean[part].tobytes() and again[1].tobytes() == spread[part].tobytes()
    assert spread.max() > 0.01


def test_columns_without_values_or_variation_change_nothing() -> None:
    whole = table(seed=0)
    X = np.column_stack((whole.values, np.full(460, np.nan), np.full(460, 7.5)))
    ours = PresenceBackground(bags=3, random_state=0).fit(X, whole.label).predict_both(X)[0]
    alone = PresenceBackground(bags=3, random_state=0).fit(whole.values, whole.label).predict_both(whole.values)[0]
    np.testing.assert_allclose(ours, alone, atol=1e-3)


def test_three_classes_one_class_and_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="Only binary classification"):
        PresenceBackground().fit(np.zeros((3, 1)), [0, 1, 2])
    with pytest.raises(ValueError, match="needs samples of two classes; got 1 class"):
        PresenceBackground().fit(np.zeros((3, 1)), [1, 1, 1])
    with pytest.raises(ValueError, match="expected one group for each of the 3 rows"):
        PresenceBackground().fit(np.zeros((3, 1)), [0, 1, 1], groups=np.zeros(2))
    with pytest.raises(ValueError, match=r"kinds \('step',\): expected some of linear, quadratic, hinge, product"):
        PresenceBackground(kinds=("step",)).fit(np.zeros((3, 1)), [0, 1, 1])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("coef_", np.zeros((2, 9)), "coef_ is not"),
        ("level_", np.full(2, np.nan), r"level_ is not \(2,\) finite numbers; the file is damaged"),
        ("level_", np.zeros(0), "coef_ is not"),
        ("terms_", np.zeros(4), "terms_ is not a table"),
        ("terms_", np.full((20, 4), 9.0), "a term of an unknown kind or column"),
        ("terms_", np.full((20, 4), 0.5), "a term of an unknown kind or column"),
        ("terms_", np.repeat([[2.0, 0, 0, 1]], 20, axis=0), "a knot or a range that is none"),
        ("high_", np.full((2, 4), -1e9), "a knot or a range that is none"),
        ("classes_", np.arange(3), "no bags, or not two classes"),
    ],
)
def test_fitted_arrays_that_do_not_fit_are_refused(name: str, value: Any, says: str) -> None:
    whole = table(seed=0)
    model = PresenceBackground(bags=2, kinds=("linear", "hinge"), knots=2, random_state=0).fit(whole.values, whole.label)
    model.checked()
    assert model.terms_.shape == (20, 4)
    setattr(model, name, value)
    with pytest.raises(DataError, match=f"model: {says}"):
        model.checked()
