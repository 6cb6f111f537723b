from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from pipeline.recipe import Array
from pipeline.spatial import terrain
from tests.spatial.gdaldem import gdaldem

CELL_M = 90.0


@pytest.fixture
def rugged() -> Array:
    """Steep random ground in whole metres, which GDAL's float32 sums hold exactly, with gaps."""
    rng = np.random.default_rng(4)
    values = np.round(1500 + ndimage.gaussian_filter(rng.normal(0, 900, (60, 80)), 2)).astype(np.float32)
    values[10, 20] = values[30:35, 40:52] = np.nan
    return values


def same_where_known(ours: Array, theirs: Array, tolerance: float) -> None:
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    assert np.nanmax(np.abs(ours - theirs)) <= tolerance


def test_slope_is_what_gdaldem_gives(rugged: Array, tmp_path: Path) -> None:
    theirs = gdaldem("slope", rugged, cell_m=CELL_M, folder=tmp_path)
    assert np.nanmax(theirs) > 45
    same_where_known(terrain.slope_degrees(rugged, cell_m=CELL_M), theirs, 2e-5)


def test_downslope_is_the_sine_and_cosine_of_the_aspect_gdaldem_gives(rugged: Array, tmp_path: Path) -> None:
    azimuth = np.radians(gdaldem("aspect", rugged, cell_m=CELL_M, folder=tmp_path))
    east, north = terrain.downslope(rugged, cell_m=CELL_M)
    same_where_known(east, np.sin(azimuth), 1e-6)
    same_where_known(north, np.cos(azimuth), 1e-6)


def test_roughness_is_what_gdaldem_gives(rugged: Array, tmp_path: Path) -> None:
    same_where_known(terrain.roughness(rugged), gdaldem("roughness", rugged, cell_m=CELL_M, folder=tmp_path), 0.0)


def test_horn_agrees_with_a_convolution_by_his_weights(rugged: Array) -> None:
    weights = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / (8 * CELL_M)
    east, north = terrain.horn(rugged, cell_m=CELL_M)
    for ours, kernel in ((east, weights), (north, -weights.T)):
        theirs = ndimage.correlate(rugged.astype(np.float64), kernel, mode="constant", cval=np.nan)
        known = ~np.isnan(ours)
        assert known.sum() > 4000
        assert not known[10, 20]  # a missing cell among valid ones has no gradient
        assert np.allclose(ours[known], theirs[known], rtol=0, atol=1e-12)


def test_gradient_agrees_with_numpy(rugged: Array) -> None:
    north, east = np.gradient(rugged.astype(np.float64), CELL_M)
    inner = np.hypot(east, north)[1:-1, 1:-1] * 1000
    ours = terrain.gradient_per_km(rugged, cell_m=CELL_M)[1:-1, 1:-1]
    known = ~np.isnan(ours)
    assert known.sum() > 4000
    assert np.allclose(ours[known], inner[known], rtol=1e-6, atol=0)


def test_an_infinite_height_is_missing_not_a_cliff() -> None:
    values = np.zeros((5, 5), dtype=np.float32)
    values[1, 1] = np.inf
    slope = terrain.slope_degrees(values, cell_m=CELL_M)
    assert np.isnan(slope[2, 2])
    assert slope[3, 3] == 0
