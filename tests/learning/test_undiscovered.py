from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from pipeline.learning.undiscovered import at_least_one, count_distribution, count_interval, number_distribution


def test_the_published_distributions_come_out() -> None:
    """Distributions A and B of tables 3 and 4 of Root, Menzie and Scott (1992), as the tests of USGS's MapMark4 quote them."""
    assert number_distribution(1, 2, 4) == pytest.approx([0.067, 0.233, 0.300, 0.200, 0.200], abs=0.0005)
    assert number_distribution(0, 2, 2) == pytest.approx([0.2, 0.2, 0.6], abs=1e-12)


@pytest.mark.parametrize("numbers", [(0, 0, 1), (0, 0, 9), (1, 7, 20), (3, 3, 3), (5, 5, 8)])
def test_the_chances_add_up_and_the_numbers_are_reached_about_as_often_as_said(numbers: tuple[int, int, int]) -> None:
    chance = number_distribution(*numbers)
    assert len(chance) == numbers[2] + 1
    assert chance.sum() == pytest.approx(1)
    assert (chance >= 0).all()
    for n, said in zip(numbers, (0.9, 0.5, 0.1), strict=True):
        assert chance[n:].sum() >= said - 1e-12
        assert chance[n + 1 :].sum() <= said + 1e-12


def test_the_chance_of_one_or_more_is_mixed_over_the_number() -> None:
    # half the ground, and 0 or 2 deposits: 0.5 * 0 + 0.5 * (1 - 0.25)
    assert at_least_one(np.array([0.5, 0, 0.5]), 0.5) == pytest.approx(0.375)
    assert at_least_one(np.array([0.5, 0, 0.5]), 0.0) == 0
    assert at_least_one(np.array([0.5, 0, 0.5]), 1.0) == pytest.approx(0.5)
    # a Poisson number thinned is Poisson: 1 - exp(-share * mean)
    assert at_least_one(poisson.pmf(np.arange(200), 8.0), 0.1) == pytest.approx(1 - np.exp(-0.8))


@pytest.mark.parametrize("share", [0.01, 0.2, 0.9])
def test_counts_chances_and_intervals_of_a_piece_of_ground_agree_with_a_monte_carlo(share: float) -> None:
    numbers = number_distribution(3, 8, 20)
    rng, draws = np.random.default_rng(11), 200_000
    count = rng.binomial(rng.choice(len(numbers), draws, p=numbers), share)
    chance = count_distribution(numbers, share)
    seen = np.bincount(count, minlength=len(chance)) / draws
    assert chance.sum() == pytest.approx(1.0)
    assert np.abs(chance - seen).max() < 5 * np.sqrt(0.25 / draws)
    assert at_least_one(numbers, share) == pytest.approx(np.mean(count > 0), abs=5 * np.sqrt(0.25 / draws))
    low, high = count_interval(chance)
    assert np.mean(count < low) <= 0.05 + 0.003 and np.mean(count > high) <= 0.05 + 0.003
    assert np.mean(count <= low) >= 0.05 - 0.003 and np.mean(count >= high) >= 0.05 - 0.003
