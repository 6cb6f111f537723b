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


def test_ruggedness_is_what_gdaldem_gives(rugged: Array, tmp_path: Path) -> None:
    theirs = gdaldem("TRI", rugged, cell_m=CELL_M, folder=tmp_path)
    assert np.nanmax(theirs) > 200
    known = ~np.isnan(theirs)
    ours = terrain.ruggedness(rugged)
    assert np.array_equal(~np.isnan(ours), known)
    assert np.allclose(ours[known], theirs[known], rtol=1e-6, atol=0)


def test_illumination_is_what_gdaldem_gives_in_steps_of_its_bytes(rugged: Array, tmp_path: Path) -> None:
    theirs = gdaldem("hillshade", rugged, cell_m=CELL_M, folder=tmp_path)
    ours = terrain.illumination(rugged, cell_m=CELL_M, azimuth_degree=315, altitude_degree=45)
    known = ~np.isnan(ours)
    assert known.sum() > 4000
    assert (ours[known] == 0).any()
    assert np.abs(1 + 254 * ours[known] - theirs[known]).max() <= 0.51


@pytest.mark.parametrize("azimuth_degree", [0.0, 90.0, 212.0])
def test_ground_that_faces_the_sun_is_fully_lit(azimuth_degree: float) -> None:
    y, x = np.mgrid[0:-500:-CELL_M, 0:500:CELL_M]
    fall, away = np.tan(np.radians(30)), np.radians(azimuth_degree)
    slope = -fall * (np.sin(away) * x + np.cos(away) * y)  # falls by 30 degrees towards the sun's azimuth
    lit = terrain.illumination(slope, cell_m=CELL_M, azimuth_degree=azimuth_degree, altitude_degree=60)
    assert np.allclose(lit[1:-1, 1:-1], 1, rtol=0, atol=1e-6)
    behind = terrain.illumination(slope, cell_m=CELL_M, azimuth_degree=(azimuth_degree + 180) % 360, altitude_degree=20)
    assert np.all(behind[1:-1, 1:-1] == 0)


def test_curvatures_of_a_quadratic_surface_are_its_directional_derivatives() -> None:
    y, x = np.mgrid[2000:-2000:-CELL_M, -2000:2000:CELL_M]
    xx, yy, xy, east, north = 3e-4, -5e-4, 2e-4, 0.3, -0.2
    surface = 0.5 * xx * x**2 + 0.5 * yy * y**2 + xy * x * y + east * x + north * y
    uphill = np.stack([xx * x + xy * y + east, yy * y + xy * x + north])
    uphill /= np.hypot(*uphill)
    hessian = np.array([[xx, xy], [xy, yy]])
    contour = np.stack([-uphill[1], uphill[0]])
    inner = (slice(1, -1), slice(1, -1))
    for ours, direction in ((terrain.profile_curvature, uphill), (terrain.plan_curvature, contour)):
        expected = -1000 * np.einsum("iyx,ij,jyx->yx", direction, hessian, direction)
        assert np.allclose(ours(surface, cell_m=CELL_M)[inner], expected[inner], rtol=0, atol=1e-5)
    assert np.allclose(terrain.total_curvature(surface, cell_m=CELL_M)[inner], -1000 * (xx + yy), rtol=0, atol=1e-5)


def test_a_dome_of_one_kilometre_radius_bends_by_one_per_km_both_ways_at_its_top_too() -> None:
    y, x = np.mgrid[4:-5:-1, -4:5:1] * 10.0
    dome = -(x**2 + y**2) / 2000.0
    assert np.allclose(terrain.profile_curvature(dome, cell_m=10)[1:-1, 1:-1], 1, rtol=0, atol=1e-6)
    assert np.allclose(terrain.plan_curvature(dome, cell_m=10)[1:-1, 1:-1], 1, rtol=0, atol=1e-6)
    assert np.allclose(terrain.total_curvature(-dome, cell_m=10)[1:-1, 1:-1], -2, rtol=0, atol=1e-6)
