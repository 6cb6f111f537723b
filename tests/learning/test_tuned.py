from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.learning.blocks import square_blocks
from pipeline.learning.forests import BaggedForest
from pipeline.learning.scores import roc_auc
from pipeline.learning.tuned import Tuned, candidates
from tests.learning.places import table
from tests.learning.weighing import DRAWN

GRID = {"min_samples_leaf": (1, 2, 5), "max_features": ("sqrt", 0.5)}


@parametrize_with_checks(
    [Tuned(model=BaggedForest(bags=2, trees_per_bag=5), grid={"min_samples_leaf": (1, 3)}, folds=2, random_state=0)],
    expected_failed_checks=lambda _: DRAWN,
)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


class Layer(ClassifierMixin, BaseEstimator):
    """Ranks by one layer of X and learns nothing; notes how it was fitted."""

    fits: list[Any] = []  # noqa: RUF012  # clones must share it

    def __init__(self, layer: int = 0, bags: int = 9, random_state: Any = None) -> None:
        self.layer = layer
        self.bags = bags
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, blocks: Any = None) -> Layer:
        self.classes_ = np.unique(y)
        self.fits.append((self.layer, self.bags, len(X), groups, blocks))
        return self

    def predict_proba(self, X: Any) -> Any:
        share = 1 / (1 + np.exp(-np.nan_to_num(X[:, self.layer].astype(float))))
        return np.column_stack((1 - share, share))

    def predict_both(self, X: Any) -> Any:
        return self.predict_proba(X)[:, 1], np.zeros(len(X))


def test_the_settings_that_rank_held_out_ground_best_win_and_the_whole_is_fitted_with_them() -> None:
    whole = table(seed=0)  # only layer 0 tells
    Layer.fits.clear()
    tuned = Tuned(model=Layer(layer=2), grid={"layer": (0, 1, 2, 3)}, folds=4, random_state=0).fit(whole.values, whole.label, groups=whole.group)
    assert tuned.tried_[0] == {"layer": 2} and sorted(t["layer"] for t in tuned.tried_) == [0, 1, 2, 3]
    assert tuned.tried_[tuned.choice_] == {"layer": 0} and tuned.model_.layer == 0
    best = tuned.scores_[tuned.choice_]
    # Two normals 3 deviations apart, one value in twenty missing: about 0.97. The other layers: about a half.
    assert 0.93 < best < 1 and (np.delete(tuned.scores_, tuned.choice_) < 0.65).all()
    # Four candidates in four folds with three bags, then the chosen one on every row with all nine.
    assert [fit[1] for fit in Layer.fits] == [3] * 16 + [9]
    assert Layer.fits[-1][0] == 0 and Layer.fits[-1][2] == len(whole) and all(fit[2] < len(whole) for fit in Layer.fits[:-1])


def test_the_mean_auc_is_over_whole_blocks_none_of_them_taught() -> None:
    whole = table(seed=0)
    blocks = square_blocks(whole.x, whole.y, block_m=20_000)
    Layer.fits.clear()
    Tuned(model=Layer(), grid={"layer": (0, 1)}, folds=4, random_state=0).fit(whole.values, whole.label, groups=whole.group, blocks=blocks)
    inner, last = Layer.fits[:4], Layer.fits[-1]
    taught = [set(fit[4].tolist()) for fit in inner]
    assert all(len(fit[3]) == len(fit[4]) == fit[2] for fit in inner)
    assert sum(len(np.unique(blocks)) - len(part) for part in taught) == len(np.unique(blocks))  # each block is held out once
    assert all(fit[2] == np.isin(blocks, list(part)).sum() for fit, part in zip(inner, taught, strict=True))
    assert last[4].tolist() == blocks.tolist()


def test_the_budget_bounds_what_is_tried_and_the_seed_chooses() -> None:
    model = BaggedForest()
    first, again, other = (candidates(model, GRID, budget=4, random=np.random.RandomState(seed)) for seed in (0, 0, 3))
    assert len(first) == 4 and first == again != other
    assert first[0] == other[0] == {"min_samples_leaf": 2, "max_features": "sqrt"}
    assert all(first.count(settings) == 1 for settings in first)
    assert len(candidates(model, GRID, budget=100, random=np.random.RandomState(0))) == 6
    assert candidates(model, GRID, budget=1, random=np.random.RandomState(0)) == first[:1]


def test_with_nothing_to_choose_from_nothing_is_held_out() -> None:
    whole = table(seed=0)
    model = BaggedForest(bags=3, trees_per_bag=4)
    alone = Tuned(model=model, grid=GRID, random_state=0).fit(whole.values, whole.label, groups=np.where(whole.label == 1, 7, whole.group))
    assert np.isnan(alone.scores_).all() and alone.choice_ == 0 and len(alone.tried_) == 6
    single = Tuned(model=model, grid=GRID, budget=1, random_state=0).fit(whole.values, whole.label)
    plain = BaggedForest(bags=3, trees_per_bag=4, random_state=np.random.RandomState(0).randint(2**31 - 1)).fit(whole.values, whole.label)
    assert single.predict_both(whole.values)[0].tobytes() == plain.predict_both(whole.values)[0].tobytes()


def test_the_default_tuned_forest_ranks_a_planted_rule_nearly_as_well_as_can_be() -> None:
    train, test = table(seed=0, signal=1.5), table(seed=1, signal=1.5)
    model = Tuned(budget=3, random_state=0).fit(train.values, train.label, groups=train.group)
    # Two normals 1.5 deviations apart give at best Phi(1.5 / sqrt 2) = 0.856.
    assert 0.78 < roc_auc(test.label, model.predict_proba(test.values)[:, 1]) < 0.90


@pytest.mark.parametrize(("y", "words"), [(np.ones(9), "got 1 class"), (np.arange(9) % 3, "Only binary classification is supported")])
def test_one_class_or_three_are_refused(y: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Tuned().fit(np.zeros((9, 1)), y)
