from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from pipeline.recipe import Array
from tests.features.driver import around, centres


def cell(values: Array, x_m: float, y_m: float) -> float:
    """The value of the cell with this centre."""
    x, y = centres()
    return float(values[(x == x_m) & (y == y_m)][0])


def test_a_line_right_through_counts_with_the_circles_diameter() -> None:
    line = shapely.LineString([(-1e5, 1050.0), (1e5, 1050.0)])
    density = around("density_of", [line], radius_m=1000.0)
    assert cell(density, 550, 1050) == pytest.approx(2 / math.pi, rel=1e-6)
    assert cell(density, 550, 1650) == pytest.approx(1.6 / math.pi, rel=1e-6)  # a chord 600 m off: 2 x 800 m
    assert cell(density, 550, 2050) == 0  # it touches the circle
    assert cell(density, 550, 2150) == 0


def test_short_lines_count_whole_and_lines_that_end_inside_count_in_part() -> None:
    short = shapely.LineString([(50, 50), (350, 450)])
    ending = shapely.LineString([(50, 1050), (5050, 1050)])
    density = around("density_of", [short, ending], radius_m=500.0)
    area_km2 = math.pi * 0.25
    assert cell(density, 150, 250) == pytest.approx(0.5 / area_km2, rel=1e-6)
    assert cell(density, 50, 1050) == pytest.approx(0.5 / area_km2, rel=1e-6)
    assert cell(density, -250, 1050) == pytest.approx(0.2 / area_km2, rel=1e-6)


def test_a_polygon_counts_with_its_outline_and_two_lines_twice() -> None:
    density = around("density_of", [shapely.box(-150, -50, 250, 150)], radius_m=1000.0)
    assert cell(density, 50, 50) == pytest.approx(1.2 / math.pi, rel=1e-6)
    line = shapely.LineString([(-300, 33), (470, -120)])
    once = around("density_of", [line], radius_m=700.0)
    assert once.max() > 0
    assert np.allclose(around("density_of", [line, line], radius_m=700.0), 2 * once, rtol=1e-6, atol=0)


def test_evenly_spaced_lines_have_the_density_of_their_spacing() -> None:
    lines = [shapely.LineString([(x, -1e5), (x, 1e5)]) for x in np.arange(-20000, 20000, 50.0)]
    density = around("density_of", lines, radius_m=2000.0)
    assert np.abs(density / 20 - 1).max() < 0.005  # one line per 50 m is 20 km per km2
