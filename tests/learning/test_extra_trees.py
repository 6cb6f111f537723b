from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.learning.extra_trees import BaggedExtraTrees
from pipeline.learning.forests import BaggedForest
from pipeline.learning.scores import roc_auc
from tests.learning.places import table
from tests.learning.weighing import DRAWN


@parametrize_with_checks([BaggedExtraTrees(bags=2, trees_per_bag=5, random_state=0)], expected_failed_checks=lambda _: DRAWN)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_cuts_fall_anywhere_between_two_classes_and_not_midway() -> None:
    # Nothing lies between 0 and 1: a forest cuts at 0.5, extra trees at any place between, uniformly.
    X, y = np.repeat(np.array([[0.0], [1.0]], np.float32), 20, axis=0), np.repeat((0, 1), 20)
    midway, anywhere = (kind(bags=20, trees_per_bag=25, random_state=0).fit(X, y).trees_.threshold for kind in (BaggedForest, BaggedExtraTrees))
    assert set(midway.tolist()) == {0.0, 0.5}
    cuts = anywhere[anywhere != 0]
    assert len(cuts) == 500 and cuts.min() < 0.02 and cuts.max() > 0.98
    np.testing.assert_allclose(np.quantile(cuts, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.08)


def test_between_the_classes_the_answer_is_a_ramp() -> None:
    X, y = np.repeat(np.array([[0.0], [1.0]], np.float32), 20, axis=0), np.repeat((0, 1), 20)
    asked = np.array([[0.25], [0.5], [0.75]], np.float32)
    share = BaggedExtraTrees(random_state=0).fit(X, y).predict_both(asked)[0]
    # The chance that a uniform cut lies below the value.
    np.testing.assert_allclose(share, [0.25, 0.5, 0.75], atol=0.08)


def test_a_tree_takes_every_row_of_its_bag() -> None:
    # A tree with pure leaves is right about every row it was given; those it was not given, the bag had not drawn either.
    random = np.random.default_rng(0)
    X, y = random.normal(size=(60, 2)).astype(np.float32), np.arange(60) % 2
    model = BaggedExtraTrees(bags=1, trees_per_bag=30, min_samples_leaf=1, random_state=0).fit(X, y)
    # 1 - 1/e of the rows are in the bag: all 30 trees agree on those. Were rows drawn again, hardly any row would be in all of them.
    assert (np.abs(model.predict_both(X)[0] - y) == 0).mean() > 0.55


def test_extra_trees_rank_a_planted_rule_nearly_as_well_as_can_be() -> None:
    train, test = table(seed=0, signal=1.5), table(seed=1, signal=1.5)
    auc = roc_auc(test.label, BaggedExtraTrees(random_state=0).fit(train.values, train.label).predict_proba(test.values)[:, 1])
    # Two normals 1.5 deviations apart give at best Phi(1.5 / sqrt 2) = 0.856.
    assert 0.78 < auc < 0.90
