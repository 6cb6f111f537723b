from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from pipeline.learning.undiscovered import at_least_one, number_distribution


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
