"""Merit by hand, and how often a target stays on top by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.learning import merit
from pipeline.learning.draws import derive, uniform

WEIGHTS = {"prospectivity": 0.5, "confidence": 0.2, "access": 0.2, "footprint": 0.1}


def test_confidence_is_the_mean_of_what_is_known() -> None:
    assert merit.confidence(applicability=0.6, mean=0.8, spread=0.2, inferred=0.25) == pytest.approx((0.6 + 0.75 + 0.75) / 3)
    assert merit.confidence(applicability=None, mean=0.8, spread=0.2, inferred=None) == 0.75
    assert merit.confidence(applicability=None, mean=0.1, spread=0.2, inferred=None) == 0.0
    assert merit.confidence(applicability=1.0, mean=0.0, spread=0.0, inferred=None) == 0.5


def test_access_halves_every_half_h_hours_and_is_nothing_where_no_way_leads() -> None:
    goals = {"port": (10.0, 3.0), "road": (2.0, 1.0)}
    assert merit.access({"port": 20.0, "road": 2.0}, goals) == pytest.approx((3 * 0.25 + 0.5) / 4)
    assert merit.access({"port": None, "road": 0.0}, goals) == pytest.approx(0.25)


def test_merit_is_the_weighted_mean_of_what_is_known_of_any_target() -> None:
    parts = np.array([[1.0, 0.5, 0.25, 0.0], [0.8, 0.9, 1.0, 1.0]])
    assert merit.merit(parts, WEIGHTS) == pytest.approx([0.65, 0.88])
    parts[:, 2] = np.nan
    assert merit.merit(parts, WEIGHTS) == pytest.approx([0.6 / 0.8, 0.68 / 0.8])
    assert merit.merit(np.empty((0, 4)), WEIGHTS).shape == (0,)
    assert merit.relative(np.array([1.0, 4.0])).tolist() == [0.25, 1.0]
    assert merit.relative(np.zeros(2)).tolist() == [0.0, 0.0]


def test_equal_merits_go_by_the_order_given() -> None:
    assert merit.places(np.array([0.5, 0.7, 0.5]), np.array([1.0, 0.0, 2.0])).tolist() == [3, 1, 2]


def test_the_share_of_draws_on_top_is_that_of_a_plain_loop() -> None:
    parts = np.random.default_rng(3).uniform(size=(17, 4))
    order = -np.arange(17.0)
    found = merit.staying(parts, WEIGHTS, order=order, seed=5)
    held = np.zeros(17)
    for draw in range(merit.DRAWS):
        weight = {}
        for name, said in WEIGHTS.items():
            part = uniform(np.array([draw]), seed=derive(5, "merit", name), stream="weights")[0]
            weight[name] = said * (0.7 + 0.6 * part)
            assert 0.7 * said <= weight[name] <= 1.3 * said
        worth = sum(weight[name] * parts[:, i] for i, name in enumerate(merit.PARTS)) / sum(weight.values())
        held[sorted(range(17), key=lambda i: (-worth[i], i))[: merit.TOP]] += 1
    assert found == pytest.approx(held / merit.DRAWS)
    assert 0 < np.mean((found > 0) & (found < 1)) < 1  # some always stay or never do, others hang on the weights
    assert found.sum() == pytest.approx(merit.TOP)


def test_with_ten_targets_or_fewer_all_stay() -> None:
    assert merit.staying(np.random.default_rng(1).uniform(size=(10, 4)), WEIGHTS, order=np.zeros(10), seed=1).tolist() == [1.0] * 10
