"""Splines against scipy, and their penalty against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import BSpline

from pipeline.learning import splines

AT = np.array([-1.0, 0.2, 0.5, 2.0, 7.0])


def test_the_basis_is_scipys() -> None:
    x = np.concatenate((np.random.default_rng(0).uniform(-1, 7, 500), AT))
    padded = np.concatenate(([-1.0] * 3, AT, [7.0] * 3))
    theirs = BSpline.design_matrix(x, padded, 3).toarray()
    ours = splines.design(x, AT)
    assert ours.shape == (505, 7)
    np.testing.assert_allclose(ours, theirs, atol=1e-14)


def test_outside_the_knots_the_basis_is_that_of_the_end() -> None:
    assert splines.design(np.array([-9.0, 99.0]), AT).tolist() == [[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]]


def test_a_row_of_the_basis_is_its_own() -> None:
    x = np.random.default_rng(0).normal(size=300)
    whole = splines.design(x, AT)
    for part in (slice(0, 1), slice(7, 130), slice(None, None, -1)):
        assert splines.design(x[part], AT).tobytes() == np.ascontiguousarray(whole[part]).tobytes()


def test_knots_part_the_values_equally_or_else_their_range() -> None:
    skewed = np.append(np.arange(101.0) ** 2, np.nan)
    assert splines.knots(skewed, count=5).tolist() == [0, 625, 2500, 5625, 10_000]
    tied = np.append(np.zeros(90), np.arange(1.0, 11))  # most of the ground lies on the contact
    assert splines.knots(tied, count=5).tolist() == [0, 2.5, 5, 7.5, 10]
    assert splines.knots(np.full(3, 7.0), count=3).tolist() == [7, 14, 21]
    assert splines.knots(np.full(3, np.nan), count=3).tolist() == [0, 0.5, 1]


def test_the_penalty_of_a_level_a_rise_and_a_hump_by_hand() -> None:
    cost = splines.penalty(99)
    steps = np.linspace(0, 1, 101)
    assert np.ones(101) @ cost @ np.ones(101) == pytest.approx(0, abs=1e-13 * np.abs(cost).sum())  # of numbers in the millions, added in an order of the machine's
    # evenly spread from 0 to 1 a column has the variance 1/12: the rise costs what it would cost as the weight of the scaled column
    assert steps @ cost @ steps == pytest.approx(1 / 12)
    hump = np.sin(np.pi * steps)
    assert hump @ cost @ hump == pytest.approx(np.pi**2 / 24 + np.pi**4 / 200, rel=0.01)


def test_loosened_coefficients_cost_their_sum_of_squares() -> None:
    cost = splines.penalty(5)
    loose = splines.loosened(cost)
    assert loose.shape == (7, 6)
    np.testing.assert_allclose(loose.T @ cost @ loose, np.eye(6), atol=1e-12)
    np.testing.assert_allclose(loose.sum(axis=0), 0, atol=1e-12)  # no constant among them
