from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from pipeline.errors import ConfigError
from tests.features.driver import COLS, ROWS, centres, over


def test_a_lone_peak_stands_its_whole_height_above_its_neighbours() -> None:
    values = np.full((ROWS, COLS), 500.0)
    values[40, 30] += 240.0
    position = over("topographic_position", values, radius_m=200.0)
    assert position[40, 30] == 240
    assert position[40, 31] == position[42, 28] == -10  # one of 24 neighbours stands 240 above
    assert position[40, 33] == 0


def test_an_even_slope_is_neither_ridge_nor_valley() -> None:
    x, y = centres()
    position = over("topographic_position", 0.25 * x - 0.5 * y, radius_m=600.0)
    assert np.abs(position[6:-6, 6:-6]).max() < 1e-6


def test_position_equals_a_window_by_window_computation_with_gaps() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(1000, 50, (ROWS, COLS)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan

    def alone(window: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(window[24] - np.nanmean(np.delete(window, 24)))

    theirs = ndimage.generic_filter(values.astype(np.float64), alone, size=7, mode="constant", cval=np.nan)
    ours = over("topographic_position", values, radius_m=350.0)
    assert np.array_equal(np.isnan(ours), np.isnan(values))
    assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-4, equal_nan=True)


def test_a_cell_without_neighbours_has_no_position() -> None:
    values = np.full((ROWS, COLS), np.nan)
    values[10, 10] = 5
    assert np.isnan(over("topographic_position", values, radius_m=300.0)).all()


def test_a_radius_below_one_cell_is_refused() -> None:
    with pytest.raises(ConfigError, match="radius_m 99 is smaller than one cell of 100 m"):
        over("topographic_position", np.zeros((ROWS, COLS)), radius_m=99.0)
