from __future__ import annotations

import numpy as np
import pytest

from pipeline.learning.nulls import NULLS, best_layer, coordinates, distance_to_known, random
from pipeline.learning.scores import roc_auc
from pipeline.learning.table import SampleTable
from tests.learning.places import table


def at(x: list[float], y: list[float], label: list[int]) -> SampleTable:
    n = len(x)
    return SampleTable(np.zeros((n, 1)), ("flat",), np.array(label), np.arange(n), np.arange(n), np.array(x), np.array(y))


def test_distance_is_to_the_nearest_positive_of_the_training_side() -> None:
    train = at([0, 100, 3], [0, 0, 4], [1, 1, 0])
    test = at([3, 97, 103], [4, 4, 4], [1, 0, 1])
    assert distance_to_known(train, test, seed=0) == pytest.approx([-5, -5, -5])
    assert distance_to_known(train, at([50], [0], [0]), seed=0) == pytest.approx([-50])


def test_coordinates_find_deposits_that_lie_in_one_corner() -> None:
    places = np.random.default_rng(0).uniform(0, 100, (600, 2))
    corner = at(*places.T.tolist(), (places.max(axis=1) < 40).astype(int).tolist())  # type: ignore[arg-type]
    train, test = corner.subset(np.arange(300)), corner.subset(np.arange(300, 600))
    assert roc_auc(test.label, coordinates(train, test, seed=1)) > 0.97


def test_the_random_null_belongs_to_the_cell() -> None:
    whole = table(seed=0)
    draws = random(whole, whole, seed=5)
    assert random(whole, whole.subset(np.array([7, 3])), seed=5).tolist() == draws[[7, 3]].tolist()
    assert 0.4 < roc_auc(whole.label, draws) < 0.6


def test_only_the_best_layer_looks_at_the_evidence() -> None:
    whole = table(seed=0)
    other = SampleTable(np.zeros_like(whole.values), whole.names, whole.label, whole.group, whole.cell, whole.x, whole.y)
    for name, null in NULLS.items():
        alike = null(whole, whole, seed=2).tolist() == null(other, other, seed=2).tolist()
        assert alike == (name != "best_layer")


@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_layer_is_chosen_with_its_sign_on_the_training_side(sign: int) -> None:
    train, test = table(seed=0), table(seed=1)
    turned = np.array([sign, 1, 1, 1], np.float32)
    one, other = (SampleTable(t.values * turned, t.names, t.label, t.group, t.cell, t.x, t.y) for t in (train, test))
    score = best_layer(one, other, seed=0)
    held = np.isfinite(test.values[:, 0])
    assert score[held].tolist() == test.values[held, 0].tolist()
    assert set(score[~held].tolist()) == {float(np.float32(np.nanmedian(train.values[:, 0])))}


def test_a_table_whose_layers_say_nothing_gives_a_constant_best_layer() -> None:
    whole = table(seed=0)
    blank = SampleTable(np.zeros_like(whole.values), whole.names, whole.label, whole.group, whole.cell, whole.x, whole.y)
    assert set(best_layer(blank, blank, seed=0).tolist()) == {0.0}
