from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from pipeline.recipe import Array
from pipeline.spatial import extremes


def rough(shape: tuple[int, int]) -> Array:
    rng = np.random.default_rng(21)
    values = rng.normal(-50, 30, shape).astype(np.float32)
    values[rng.random(shape) < 0.15] = np.nan
    return values


@pytest.mark.parametrize("half", [1, 2, 5, 7, 40])
@pytest.mark.parametrize("shape", [(33, 46), (15, 15), (1, 22), (9, 1)])
def test_extremes_equal_scipys_filters_with_missing_cells_set_aside(half: int, shape: tuple[int, int]) -> None:
    values = rough(shape)
    width = 2 * half + 1
    high = ndimage.maximum_filter(np.nan_to_num(values, nan=-np.inf), width, mode="constant", cval=-np.inf)
    low = ndimage.minimum_filter(np.nan_to_num(values, nan=np.inf), width, mode="constant", cval=np.inf)
    gone = np.isnan(values)
    assert np.array_equal(extremes.largest(values, half=half), np.where(gone, np.nan, high), equal_nan=True)
    assert np.array_equal(extremes.smallest(values, half=half), np.where(gone, np.nan, low), equal_nan=True)


def test_infinities_count_as_missing() -> None:
    values = np.array([[1, np.inf, 2, -np.inf, 3]], dtype=np.float32)
    assert np.array_equal(extremes.largest(values, half=1), np.array([[1, np.nan, 2, np.nan, 3]], dtype=np.float32), equal_nan=True)
