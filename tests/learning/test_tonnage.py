"""Contained metal against a Monte Carlo that draws every deposit by itself."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.learning import tonnage
from pipeline.learning.undiscovered import count_distribution, number_distribution

ORE, GRADE = {"p90": 20.0, "p50": 140.0, "p10": 900.0}, {"p90": 0.3, "p50": 0.5, "p10": 0.9}


def test_a_log_normal_keeps_the_median_and_the_width_between_the_other_two() -> None:
    mean, sd = tonnage.log_normal(**ORE)
    drawn = np.exp(np.random.default_rng(1).normal(mean, sd, 400_000))
    assert np.median(drawn) == pytest.approx(140, rel=0.01)
    assert np.quantile(drawn, 0.9) / np.quantile(drawn, 0.1) == pytest.approx(45, rel=0.02)


def test_the_metal_of_one_deposit_is_ore_times_grade_with_their_correlation() -> None:
    rng = np.random.default_rng(2)
    (ore, ore_sd), (grade, grade_sd) = tonnage.log_normal(**ORE), tonnage.log_normal(**GRADE)
    a, b = rng.normal(size=(2, 400_000))
    metal = np.exp(ore + ore_sd * a) * 1e6 * np.exp(grade + grade_sd * (-0.4 * a + np.sqrt(1 - 0.16) * b)) / 100
    mean, sd = tonnage.metal_t(ORE, GRADE, -0.4)
    assert np.log(metal).mean() == pytest.approx(mean, abs=0.01)
    assert np.log(metal).std() == pytest.approx(sd, rel=0.01)


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_metal_in_a_target_agrees_with_a_monte_carlo(share: float) -> None:
    numbers = number_distribution(2, 5, 12)
    chance = count_distribution(numbers, share)
    mean, sd = tonnage.metal_t(ORE, GRADE, 0.0)
    held = tonnage.sums(mean, sd, most=tonnage.likely(chance), seed=9)
    expected, low, high = tonnage.contained(chance, held, mean, sd)
    rng = np.random.default_rng(7)
    draws = 200_000
    count = rng.binomial(rng.choice(len(numbers), draws, p=numbers), share)
    total = np.zeros(draws)
    for i in range(int(count.max())):
        total[count > i] += np.exp(rng.normal(mean, sd, int((count > i).sum())))
    assert expected == pytest.approx(total.mean(), rel=0.05)
    for found, tail in ((low, 0.05), (high, 0.95)):
        near = np.quantile(total, [max(tail - 0.01, 0), min(tail + 0.01, 1)])
        assert near[0] <= found <= near[1]
    assert (tonnage.sums(mean, sd, most=3, seed=9) == held[:3]).all()


def test_a_target_that_holds_nothing_holds_no_metal() -> None:
    assert tonnage.contained(np.array([1.0, 0.0]), tonnage.sums(1.0, 1.0, most=0, seed=1), 1.0, 1.0) == (0.0, 0.0, 0.0)
