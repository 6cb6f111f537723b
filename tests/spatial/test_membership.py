from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.spatial import membership

GAPS = np.array([[np.nan, np.inf, -np.inf]], dtype=np.float32)


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def test_a_line_is_straight_between_its_ends_and_level_beyond_them() -> None:
    rising = membership.linear(row(-5, 10, 15, 20, 40), zero_at=10, one_at=30)
    assert rising.tolist() == [[0.0, 0.0, 0.25, 0.5, 1.0]]
    falling = membership.linear(row(-5, 10, 15, 20, 40), zero_at=30, one_at=10)
    assert falling.tolist() == [[1.0, 1.0, 0.75, 0.5, 0.0]]


def test_large_and_small_are_what_the_formula_gives_by_hand() -> None:
    # spread 2 and midpoint 4: (8 / 4) ** 2 = 4, (2 / 4) ** 2 = 1 / 4, (12 / 4) ** 2 = 9
    values = row(2, 4, 8, 12)
    assert np.allclose(membership.large(values, midpoint=4, spread=2), [[1 / 5, 1 / 2, 4 / 5, 9 / 10]], rtol=1e-7, atol=0)
    assert np.allclose(membership.small(values, midpoint=4, spread=2), [[4 / 5, 1 / 2, 1 / 5, 1 / 10]], rtol=1e-7, atol=0)


def test_large_and_small_reach_their_limits_at_zero_and_far_away() -> None:
    values = row(-3, 0, 3e38)
    assert membership.large(values, midpoint=1e-3, spread=10).tolist() == [[0.0, 0.0, 1.0]]
    assert membership.small(values, midpoint=1e-3, spread=10).tolist() == [[1.0, 1.0, 0.0]]


def test_gaussian_and_near_are_one_at_the_midpoint_and_a_half_at_their_half_width() -> None:
    width = 8.0
    values = row(100, 100 + width, 100 - width, 100 + 2 * width)
    bell = membership.gaussian(values, midpoint=100, spread=math.log(2) / width**2)
    assert np.allclose(bell, [[1, 1 / 2, 1 / 2, 1 / 16]], rtol=1e-6, atol=0)
    tail = membership.near(values, midpoint=100, spread=1 / width**2)
    assert np.allclose(tail, [[1, 1 / 2, 1 / 2, 1 / 5]], rtol=1e-7, atol=0)


def test_the_logistic_curve_is_fixed_by_its_two_ends() -> None:
    values = row(-50, 20, 40, 60, 130)
    curve = membership.logistic(values, least_at=20, most_at=60)
    by_hand = [1 / (1 + math.exp(-2 * math.log(99) / 40 * (v - 40))) for v in (-50, 20, 40, 60, 130)]
    assert curve[0, 1:4] == pytest.approx([0.01, 0.5, 0.99], rel=1e-6)
    assert np.allclose(curve, [by_hand], rtol=0, atol=1e-7)
    falling = membership.logistic(values, least_at=60, most_at=20)
    assert np.allclose(falling, 1 - np.array([by_hand]), rtol=0, atol=1e-7)


def test_a_logistic_curve_with_one_end_is_a_step() -> None:
    assert membership.logistic(row(6, 7, 8), least_at=7, most_at=7).tolist() == [[0.0, 0.5, 1.0]]


def test_missing_and_infinite_cells_belong_to_nothing() -> None:
    for curve in (membership.large, membership.small, membership.gaussian, membership.near):
        assert np.isnan(curve(GAPS, midpoint=3, spread=2)).all()
    assert np.isnan(membership.linear(GAPS, zero_at=0, one_at=1)).all()
    assert np.isnan(membership.logistic(GAPS, least_at=0, most_at=1)).all()
    assert np.isnan(membership.logistic(GAPS, least_at=1, most_at=1)).all()
