from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from pipeline.recipe import Array, Cells, Vector
from pipeline.spatial.linework import density
from pipeline.spatial.segments import segments

CELL_M = 100.0


def cells(rows: int, cols: int) -> Cells:
    x, y = -2e6 + (np.arange(cols) + 0.5) * CELL_M, 1e6 - (np.arange(rows) + 0.5) * CELL_M
    return Cells(x, y, np.zeros((rows, cols), dtype=np.int64), CELL_M, 0, rows * cols)


def brute_force(geometry: Array, at: Cells, radius_m: float) -> Array:
    """Every circle with every segment, by the roots of the quadratic in the position along the segment."""
    x, y = np.meshgrid(at.x, at.y)
    total = np.zeros(x.shape)
    for ax, ay, bx, by in segments(geometry):
        dx, dy, ex, ey = bx - ax, by - ay, ax - x, ay - y
        a, b, c = dx * dx + dy * dy, dx * ex + dy * ey, ex * ex + ey * ey - radius_m**2
        root = np.sqrt(np.maximum(b * b - a * c, 0))
        total += math.sqrt(a) * np.maximum(np.minimum((root - b) / a, 1) - np.maximum((-root - b) / a, 0), 0)
    return total / 1e3 / (math.pi * (radius_m / 1e3) ** 2)


def wiggles(seed: int, count: int, step_m: float) -> Array:
    rng = np.random.default_rng(seed)
    starts = np.array([-2e6, 1e6 - 6000]) + rng.uniform(-2000, 8000, (count, 2))
    return np.array(
        [shapely.LineString(s + np.cumsum(rng.normal(0, step_m, (20, 2)), axis=0)) for s in starts],
        dtype=object,
    )


@pytest.mark.parametrize("step_m", [3.0, 90.0, 4000.0])
@pytest.mark.parametrize("radius_m", [40.0, 170.0, 1500.0, 20000.0])
def test_density_equals_brute_force_for_short_and_long_segments(step_m: float, radius_m: float) -> None:
    geometry, at = wiggles(1, 12, step_m), cells(64, 57)
    ours = density(Vector(geometry, {}), at, radius_m=radius_m)
    theirs = brute_force(geometry, at, radius_m)
    assert theirs.max() > 0
    assert np.allclose(ours, theirs, rtol=1e-6, atol=theirs.max() * 1e-7)


def test_density_agrees_with_circles_cut_by_geos() -> None:
    geometry, at, radius_m = wiggles(2, 10, 300.0), cells(40, 40), 800.0
    ours = density(Vector(geometry, {}), at, radius_m=radius_m)
    for r, c in ((3, 5), (20, 20), (33, 9), (12, 38)):
        circle = shapely.Point(at.x[c], at.y[r]).buffer(radius_m, quad_segs=5000)
        km = shapely.length(shapely.intersection(circle, geometry)).sum() / 1e3
        assert ours[r, c] == pytest.approx(km / (math.pi * 0.64), rel=1e-5)


def test_the_order_of_the_lines_does_not_change_a_bit() -> None:
    geometry, at = wiggles(3, 40, 200.0), cells(50, 50)
    forward = density(Vector(geometry, {}), at, radius_m=900.0)
    assert density(Vector(geometry[::-1], {}), at, radius_m=900.0).tobytes() == forward.tobytes()


def test_a_point_and_a_line_of_no_length_add_nothing() -> None:
    nothing = np.array([shapely.Point(-2e6, 1e6), shapely.LineString([(-2e6, 1e6), (-2e6, 1e6)])], dtype=object)
    assert np.all(density(Vector(nothing, {}), cells(5, 5), radius_m=500.0) == 0)
