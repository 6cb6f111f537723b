from __future__ import annotations

from dataclasses import replace

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


def test_distance_is_to_where_a_deposit_was_reported() -> None:
    train = at([0, 100, 3], [0, 0, 4], [1, 1, 0])
    train.scored[1] = False  # another cell the first deposit may lie in
    assert distance_to_known(train, at([100], [0], [0]), seed=0) == pytest.approx([-100])
    train.scored[:] = False
    assert distance_to_known(train, at([99], [0], [0]), seed=0) == pytest.approx([-1])


def test_nine_cells_of_a_ninth_each_count_as_one_deposit() -> None:
    # one layer ranks the surely placed deposits, the other the nine cells of a badly placed one
    label = np.array([1] * 3 + [1] * 9 + [0] * 12)
    sure, unsure = np.r_[[9.0] * 3, [0.0] * 9, np.arange(12) / 2], np.r_[[0.0] * 3, [9.0] * 9, np.arange(12) / 2]
    n = len(label)
    whole = SampleTable(np.stack([sure, unsure], axis=1), ("sure", "unsure"), label, np.arange(n), np.arange(n), np.zeros(n), np.zeros(n))
    heavy, light = whole, replace(whole, weight=np.r_[[1.0] * 3, [1 / 9] * 9, [1.0] * 12])
    asked = replace(whole, values=np.array([[1.0, 0.0]] * n))
    assert (best_layer(heavy, asked, seed=0) == 0).all() and (best_layer(light, asked, seed=0) == 1).all()
    # coordinates: three deposits in the west against nine ninths in the east, background in both
    x = np.r_[[1.0] * 3, [9.0] * 9, [1.0] * 6, [9.0] * 6]
    here = at([1, 9], [0, 0], [0, 0])
    east = replace(whole, x=x)
    assert np.diff(coordinates(east, here, seed=1))[0] > 0 > np.diff(coordinates(replace(east, weight=light.weight), here, seed=1))[0]


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
