from __future__ import annotations

import numpy as np

from tests.features.driver import COLS, ROWS, over


def test_a_peak_is_felt_as_far_as_the_radius_in_a_square() -> None:
    values = np.full((ROWS, COLS), 3.0)
    values[30, 40] = 8.5
    values[31, 40] = np.nan
    highest = over("focal_max", values, radius_m=400.0)
    felt = np.zeros((ROWS, COLS), dtype=bool)
    felt[26:35, 36:45] = True
    felt[31, 40] = False
    assert np.array_equal(highest == 8.5, felt)
    assert np.isnan(highest[31, 40])
    assert (highest == 3).sum() == ROWS * COLS - 81
