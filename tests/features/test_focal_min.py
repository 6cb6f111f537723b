from __future__ import annotations

import numpy as np

from tests.features.driver import COLS, ROWS, centres, over


def test_the_lowest_of_a_slope_is_its_foot_at_the_windows_edge() -> None:
    x, _ = centres()
    lowest = over("focal_min", 0.25 * x, radius_m=700.0)
    assert np.array_equal(lowest[:, 7:], (0.25 * (x - 700)).astype(np.float32)[:, 7:])
    assert np.all(lowest[:, :7] == np.float32(0.25 * x[0, 0]))


def test_missing_cells_are_never_the_lowest() -> None:
    values = np.full((ROWS, COLS), 5.0)
    values[10, 10] = np.nan
    lowest = over("focal_min", values, radius_m=100.0)
    assert np.isnan(lowest[10, 10])
    assert np.nanmin(lowest) == 5
