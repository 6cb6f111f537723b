"""Length within an ellipse, against shapely's polygons of it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely import affinity

from tests.features.driver import around, centres

LINES = [shapely.LineString(np.random.default_rng(i).uniform((-2000, -3000), (4000, 4000), (4, 2))) for i in range(5)]


@pytest.mark.parametrize(("strike_deg", "ratio"), [(0.0, 3.0), (30.0, 2.5), (120.0, 4.0), (90.0, 1.0)])
def test_the_length_is_that_within_shapelys_ellipse(strike_deg: float, ratio: float) -> None:
    radius_m = 900.0
    found = around("aligned_density_of", LINES, radius_m=radius_m, strike_deg=strike_deg, ratio=ratio)
    x, y = centres()
    circle = shapely.Point(0, 0).buffer(1, quad_segs=400)
    ellipse = affinity.rotate(affinity.scale(circle, radius_m / ratio, radius_m), -strike_deg, origin=(0, 0))
    area_km2 = np.pi * radius_m**2 / ratio / 1e6
    rng = np.random.default_rng(0)
    for row, col in zip(rng.integers(0, x.shape[0], 60), rng.integers(0, x.shape[1], 60), strict=True):
        here = affinity.translate(ellipse, x[row, col], y[row, col])
        length = sum(line.intersection(here).length for line in LINES)
        assert found[row, col] == pytest.approx(length / 1000 / area_km2, abs=2e-3)


def test_lines_that_run_elsewhere_do_not_count_when_only_the_strike_is_asked_for() -> None:
    north, east = shapely.LineString([(0, -2000), (0, 3000)]), shapely.LineString([(-2000, 500), (3000, 500)])
    both = around("aligned_density_of", [north, east], radius_m=900, strike_deg=10, within_deg=20)
    one = around("aligned_density_of", [north], radius_m=900, strike_deg=10, within_deg=20)
    assert np.array_equal(both, one)
    assert one.max() > 0
