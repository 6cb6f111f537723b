"""Weights of rows: what every model that learns makes of them, and which take none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from pipeline.learning.boosting import BaggedBoosting
from pipeline.learning.extra_trees import BaggedExtraTrees
from pipeline.learning.fitted import fitted
from pipeline.learning.forests import BaggedForest, PlainForest
from pipeline.learning.fuzzy import FuzzyOverlay
from pipeline.learning.least_alike import LeastAlike, most_alike
from pipeline.learning.logistic import StandardizedLogistic
from pipeline.learning.presence_background import PresenceBackground
from pipeline.learning.spline_logistic import SplineLogistic
from pipeline.learning.stack import Stack
from pipeline.learning.table import SampleTable
from pipeline.learning.tuned import Tuned
from pipeline.learning.unlabelled import ElkanNoto, PositiveUnlabelledForest
from pipeline.learning.weights_of_evidence import WeightsOfEvidence

FOREST = BaggedForest(bags=4, trees_per_bag=10, random_state=0)
MODELS = [
    FOREST,
    BaggedExtraTrees(bags=4, trees_per_bag=10, random_state=0),
    BaggedBoosting(bags=3, trees_per_bag=40, random_state=0),
    StandardizedLogistic(bags=4, random_state=0),
    SplineLogistic(bags=3, random_state=0),
    PresenceBackground(bags=3, random_state=0),
    PositiveUnlabelledForest(bags=20, random_state=0),
    ElkanNoto(bags=4, trees_per_bag=10, folds=2, random_state=0),
    Stack(members=(FOREST, StandardizedLogistic(bags=3)), folds=2, random_state=0),
    Tuned(model=FOREST, grid={"min_samples_leaf": (1, 3)}, folds=2, budget=2, random_state=0),
    WeightsOfEvidence(),
    LeastAlike(model=FOREST, share=0.1),
]
PROBE = np.array([[4, 0], [0, 4]], np.float32)


def two_kinds() -> tuple[Any, Any]:
    """Deposits high in one layer, as many high in the other, and ground high in neither."""
    values = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    values[:50, 0] += 4
    values[50:100, 1] += 4
    return values, np.repeat([1, 0], [100, 400])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_of_two_kinds_of_deposit_a_model_believes_the_one_that_weighs(model: Any) -> None:
    values, label = two_kinds()
    even = clone(model).fit(values, label).predict_proba(PROBE)[:, 1]
    ones = clone(model).fit(values, label, sample_weight=np.ones(500)).predict_proba(PROBE)[:, 1]
    odd = clone(model).fit(values, label, sample_weight=np.repeat([1.0, 0.02, 1.0], [50, 50, 400])).predict_proba(PROBE)[:, 1]
    assert ones.tolist() == even.tolist()
    assert odd[0] / odd[1] > 2 * even[0] / even[1]


@pytest.mark.parametrize("model", [PlainForest(trees=20, random_state=0), FuzzyOverlay()], ids=lambda model: type(model).__name__)
def test_the_forest_of_published_scores_and_the_map_of_knowledge_take_no_weights(model: Any) -> None:
    values, label = two_kinds()
    cell = np.arange(500)
    rows = SampleTable(values=values, names=("a", "b"), label=label, group=cell, cell=cell, x=cell, y=cell, weight=np.repeat([1.0, 0.02, 1.0], [50, 50, 400]))
    assert not has_fit_parameter(model, "sample_weight")
    plain, weighed = clone(model).fit(values, label), fitted(clone(model), rows)
    assert weighed.predict_proba(PROBE).tolist() == plain.predict_proba(PROBE).tolist()


def test_a_deposit_in_any_of_nine_cells_weighs_in_the_evidence_as_one() -> None:
    values, label = two_kinds()
    nine = np.repeat(np.arange(500), np.where(label == 1, 9, 1))
    share = np.where(label == 1, 1 / 9, 1.0)[nine]
    once = WeightsOfEvidence().fit(values, label, groups=np.arange(500))
    spread = WeightsOfEvidence().fit(values[nine], label[nine], groups=nine, sample_weight=share)
    assert spread.cut_.tolist() == once.cut_.tolist()
    for name in ("deposits_", "background_", "weight_", "variance_", "counted_", "expected_"):
        np.testing.assert_allclose(getattr(spread, name), getattr(once, name), rtol=1e-9, err_msg=name)
    few = WeightsOfEvidence().fit(values[nine], label[nine], groups=nine, sample_weight=np.where(label[nine] == 1, share * 0.05, 1.0))
    assert (few.weight_ == 0).all()
    assert all("no cut leaves 5 deposits on a side" in why for why in few.refused_)
    with pytest.raises(ValueError, match="the rows of one class all weigh 0, so it cannot be learned"):
        WeightsOfEvidence().fit(values, label, sample_weight=1.0 - label)


def test_a_model_within_keeps_the_blocks_of_the_background_that_is_left() -> None:
    values, label = two_kinds()
    blocks, kept = np.arange(500) % 7, Stack(members=(FOREST, StandardizedLogistic(bags=3)), folds=2, random_state=0)
    chosen: Any = LeastAlike(model=kept, share=0.2).fit(values, label, groups=np.arange(500), blocks=blocks)
    left = ~most_alike(values, label, share=0.2)
    by_hand = clone(kept).fit(values[left], label[left], groups=np.arange(500)[left], blocks=blocks[left])
    assert chosen.model_.weight_.tolist() == by_hand.weight_.tolist()
