from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from pipeline.errors import ConfigError
from tests.features.driver import CELL_M, COLS, ROWS, centres, over


@pytest.mark.parametrize("radius_m", [100.0, 350.0, 2000.0, 9000.0])
def test_relief_is_the_difference_of_two_rank_filters(radius_m: float) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(900, 200, (ROWS, COLS)).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = np.nan
    wide, width = values.astype(np.float64), 2 * int(radius_m // CELL_M) + 1
    high = ndimage.maximum_filter(np.where(np.isnan(wide), -np.inf, wide), width, mode="constant", cval=-np.inf)
    low = ndimage.minimum_filter(np.where(np.isnan(wide), np.inf, wide), width, mode="constant", cval=np.inf)
    expected = np.where(np.isnan(wide), np.nan, high - low).astype(np.float32)
    assert np.array_equal(over("local_relief", values, radius_m=radius_m), expected, equal_nan=True)


def test_the_relief_of_an_even_slope_is_its_fall_across_the_window() -> None:
    x, _ = centres()
    assert np.all(over("local_relief", 0.5 * x, radius_m=600.0)[:, 6:-6] == 0.5 * 1200)


def test_a_spike_lifts_its_square_and_nothing_else() -> None:
    values = np.zeros((ROWS, COLS))
    values[40, 30] = 250
    lifted = over("local_relief", values, radius_m=399.0) == 250
    assert lifted.sum() == 49
    assert lifted[37:44, 27:34].all()


def test_a_lone_cell_has_no_relief() -> None:
    values = np.full((ROWS, COLS), np.nan)
    values[4, 4] = 12
    found = over("local_relief", values, radius_m=300.0)
    assert found[4, 4] == 0
    assert np.isnan(np.delete(found.ravel(), 4 * COLS + 4)).all()


def test_a_radius_without_neighbours_is_refused() -> None:
    with pytest.raises(ConfigError, match="holds no neighbour; give at least 100"):
        over("local_relief", np.zeros((ROWS, COLS)), radius_m=99.0)
