from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.learning.blocks import square_blocks
from pipeline.learning.forests import BaggedForest
from pipeline.learning.inner import held_out
from pipeline.learning.logistic import StandardizedLogistic
from pipeline.learning.scores import roc_auc
from pipeline.learning.stack import Stack, weights
from tests.learning.places import table
from tests.learning.weighing import DRAWN

MEMBERS = (BaggedForest(bags=3, trees_per_bag=10), StandardizedLogistic(bags=3))


class Column(ClassifierMixin, BaseEstimator):
    """Gives a column of X as its score, and the same spread everywhere; learns nothing."""

    def __init__(self, column: int = 0, spread: float = 0.0, random_state: Any = None) -> None:
        self.column = column
        self.spread = spread
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Column:
        self.n_features_in_ = X.shape[1]
        self.classes_ = np.unique(y)
        return self

    def predict_both(self, X: Any) -> Any:
        return X[:, self.column].astype(float), np.full(len(X), self.spread)

    def predict_proba(self, X: Any) -> Any:
        return np.column_stack((1 - X[:, self.column], X[:, self.column]))


class Rote(Column):
    """Knows by heart the rows it was taught and says a half of any other."""

    def fit(self, X: Any, y: Any) -> Rote:
        self.known_ = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        share = np.array([self.known_.get(row.tobytes(), 0.5) for row in X], float)
        return np.column_stack((1 - share, share))

    def predict_both(self, X: Any) -> Any:
        return self.predict_proba(X)[:, 1], np.zeros(len(X))


@parametrize_with_checks([Stack(members=MEMBERS, folds=2, random_state=0)], expected_failed_checks=lambda _: DRAWN)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def told_and_noise(rows: int = 400, seed: int = 0) -> tuple[Any, Any]:
    """Two layers that tell, each in its own way, and one that does not, as shares."""
    random = np.random.default_rng(seed)
    y = (random.random(rows) < 0.3).astype(np.int64)
    odds = random.normal(size=(rows, 3)) + np.column_stack((2.0 * y - 1, 1.2 * y, 0 * y))
    return expit(odds).astype(np.float32), y


def test_with_little_penalty_the_weights_are_those_of_scikit_learns_logistic_regression() -> None:
    X, y = told_and_noise()
    X = X[:, :2].astype(float)
    found, constant = weights(X, y, facts=100, C=1e7)
    plain = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10).fit(logit(X), y)
    assert plain.coef_.min() > 0
    np.testing.assert_allclose([*found, constant], [*plain.coef_[0], plain.intercept_[0]], atol=2e-4)


def test_a_strong_penalty_makes_the_stack_an_average() -> None:
    X, y = told_and_noise()
    np.testing.assert_allclose(weights(X.astype(float), y, facts=100, C=1e-9)[0], 1 / 3, atol=1e-5)


def test_a_member_that_is_wrong_gets_nothing_rather_than_a_weight_below_nothing() -> None:
    X, y = told_and_noise()
    X[:, 2] = 1 - X[:, 0]
    free = LogisticRegression(C=10.0).fit(logit(X[:, 1:].astype(float)), y)
    assert free.coef_[0, 1] < -0.5
    assert weights(X[:, 1:].astype(float), y, facts=100, C=10.0)[0][1] == 0.0


def test_what_is_known_by_heart_earns_nothing() -> None:
    X, y = told_and_noise()
    stack = Stack(members=(Rote(), Column(0)), random_state=0).fit(X, y)
    # Out of fold the rote member says a half of everything: its log-odds are 0, and only the ridge, at a half, gives it a weight.
    assert stack.weight_[0] == pytest.approx(0.5, abs=1e-3)
    assert stack.weight_[1] > 1.2
    rote = held_out(Rote(), X, y, np.arange(400) % 4, groups=None, blocks=None, bags=1)
    assert set(rote.tolist()) == {0.5}


def test_a_member_that_knows_only_its_surroundings_is_seen_through_by_blocks_and_not_by_rows() -> None:
    # Deposits come in ten clusters; the evidence tells nothing but the place. A forest finds the neighbours of what it was taught.
    random = np.random.default_rng(0)
    place = np.vstack([np.repeat(random.uniform(0, 100, (10, 2)), 10, axis=0) + random.normal(0, 1, (100, 2)), random.uniform(0, 100, (600, 2))])
    y = np.repeat((1, 0), (100, 600))
    layer = random.normal(0.8 * y, 1.0)
    X = np.column_stack((place, expit(layer))).astype(np.float32)
    blocks = square_blocks(place[:, 0], place[:, 1], block_m=20)
    members = (BaggedForest(bags=4, trees_per_bag=10, max_features=1.0), Column(2))
    by_row, by_block = (Stack(members=members, random_state=0).fit(X, y, blocks=given).weight_ for given in (None, blocks))
    assert by_row[0] > 0.5 and by_row[0] > 2 * by_block[0]
    assert by_block[1] > by_block[0]


def test_the_spread_is_that_of_a_bag_of_a_member_drawn_by_weight() -> None:
    X = np.array([[0.2, 0.6, 0.0], [0.5, 0.5, 0.0]], np.float32)
    stack = Stack(members=(Column(0, spread=0.1), Column(1, spread=0.2)), random_state=0).fit(*told_and_noise())
    stack.weight_, stack.intercept_ = np.array([1.5, 0.5]), 0.25
    mean, spread = stack.predict_both(X)
    # Shares 3/4 and 1/4. First row: centre 0.3, variance 0.75 (0.01 + 0.01) + 0.25 (0.04 + 0.09) = 0.0475; second: 0.0075 + 0.01 = 0.0175.
    np.testing.assert_allclose(spread, np.sqrt([0.0475, 0.0175]), atol=1e-7)
    # Log-odds of 0.2 and 0.6 are -ln 4 and ln 1.5; of a half, 0.
    np.testing.assert_allclose(mean, [1 / (1 + np.exp(1.5 * np.log(4) - 0.5 * np.log(1.5) - 0.25)), 1 / (1 + np.exp(-0.25))], atol=1e-7)


def test_one_deposit_leaves_equal_weights() -> None:
    whole = table(seed=0)
    stack = Stack(members=MEMBERS, random_state=0).fit(whole.values, whole.label, groups=np.where(whole.label == 1, 7, whole.group))
    assert stack.weight_.tolist() == [0.5, 0.5] and stack.intercept_ == 0.0


def test_the_default_stack_ranks_a_planted_rule_nearly_as_well_as_can_be() -> None:
    train, test = table(seed=0, signal=1.5), table(seed=1, signal=1.5)
    auc = roc_auc(test.label, Stack(random_state=0).fit(train.values, train.label, groups=train.group).predict_proba(test.values)[:, 1])
    # Two normals 1.5 deviations apart give at best Phi(1.5 / sqrt 2) = 0.856.
    assert 0.80 < auc < 0.90


def test_the_seed_decides_and_the_batch_does_not() -> None:
    whole = table(seed=0)
    first, again, other = (Stack(members=MEMBERS, random_state=seed).fit(whole.values, whole.label, groups=whole.group) for seed in (1, 1, 2))
    mean, spread = first.predict_both(whole.values)
    assert again.predict_both(whole.values)[0].tobytes() == mean.tobytes() != other.predict_both(whole.values)[0].tobytes()
    for part in (slice(0, 1), slice(3, 260), slice(459, 460)):
        one = first.predict_both(whole.values[part])
        assert one[0].tobytes() == mean[part].tobytes() and one[1].tobytes() == spread[part].tobytes()


@pytest.mark.parametrize(("y", "words"), [(np.ones(9), "got 1 class"), (np.arange(9) % 3, "Only binary classification is supported")])
def test_one_class_or_three_are_refused(y: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Stack().fit(np.zeros((9, 1)), y)
