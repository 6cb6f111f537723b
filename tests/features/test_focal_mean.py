from __future__ import annotations

import numpy as np

from tests.features.driver import COLS, ROWS, centres, over


def test_the_mean_of_a_plane_is_the_plane() -> None:
    x, y = centres()
    plane = 0.5 * x + 0.25 * y
    assert np.allclose(over("focal_mean", plane, radius_m=500.0)[5:-5, 5:-5], plane[5:-5, 5:-5], rtol=0, atol=1e-4)


def test_missing_cells_are_left_out_and_stay_missing() -> None:
    values = np.zeros((ROWS, COLS))
    values[20, 20:23] = 1.0, np.nan, 6.0
    mean = over("focal_mean", values, radius_m=100.0)
    assert np.isnan(mean[20, 21])
    assert mean[20, 20] == np.float32(1 / 8)
    assert mean[21, 21] == np.float32(7 / 8)
    assert mean[19, 19] == np.float32(1 / 9)


def test_the_edge_of_the_grid_shortens_the_window() -> None:
    values = np.zeros((ROWS, COLS))
    values[0, 0] = 8.0
    mean = over("focal_mean", values, radius_m=100.0)
    assert mean[0, 0] == 2
    assert mean[1, 0] == np.float32(8 / 6)
