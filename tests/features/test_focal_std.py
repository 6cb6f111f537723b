from __future__ import annotations

import math

import numpy as np

from tests.features.driver import COLS, ROWS, centres, over


def test_one_odd_cell_in_nine_spreads_as_it_should() -> None:
    values = np.full((ROWS, COLS), 40.0)
    values[20, 20] += 9.0
    spread = over("focal_std", values, radius_m=100.0)
    assert spread[21, 21] == np.float32(9 * math.sqrt(8) / 9)
    assert spread[22, 22] == 0


def test_the_spread_of_a_slope_is_that_of_whole_numbers() -> None:
    x, _ = centres()
    width, fall = 11, 0.5 * 100
    expected = fall * math.sqrt((width**2 - 1) / 12)  # of 0, 1, ... 10 times the fall per cell
    assert np.allclose(over("focal_std", 0.5 * x, radius_m=500.0)[5:-5, 5:-5], expected, rtol=1e-6, atol=0)


def test_a_lone_cell_has_no_spread_and_a_missing_one_no_answer() -> None:
    values = np.full((ROWS, COLS), np.nan)
    values[30, 30] = 4
    spread = over("focal_std", values, radius_m=300.0)
    assert spread[30, 30] == 0
    assert np.isnan(np.delete(spread.ravel(), 30 * COLS + 30)).all()
