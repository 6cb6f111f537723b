from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from tests.features.driver import around, centres


def test_one_crossing_counts_within_the_radius_and_nowhere_else() -> None:
    lines = [shapely.LineString([(-3000, 0), (3000, 0)]), shapely.LineString([(0, -3000), (0, 3000)])]
    density = around("intersection_density", lines, radius_m=1000.0)
    x, y = centres()
    inside = np.hypot(x, y) <= 1000
    assert density[inside] == pytest.approx(1 / math.pi, rel=1e-6)
    assert np.all(density[~inside] == 0)


def test_a_grid_of_lines_has_the_density_of_its_meshes() -> None:
    span = np.arange(-12000, 12001, 250.0)
    lines = [shapely.LineString([(x, -2e4), (x, 2e4)]) for x in span] + [shapely.LineString([(-2e4, y), (2e4, y)]) for y in span]
    density = around("intersection_density", lines, radius_m=3000.0)
    # one crossing in 250 m by 250 m is 16 per km2; a circle holds up to 3 % more or fewer of them as it lies on the grid
    assert np.abs(density / 16 - 1).max() < 0.03
    assert density.mean() == pytest.approx(16, rel=2e-3)
