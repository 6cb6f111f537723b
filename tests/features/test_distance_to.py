from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.features.distance_to import distance_to
from pipeline.recipe import Vector
from tests.features.driver import around, centres, empty_region


def test_distances_to_a_point_are_those_of_pythagoras() -> None:
    x, y = centres()
    away = np.hypot(x - 1000, y - 2000)
    assert np.array_equal(around("distance_to", [shapely.Point(1000, 2000)], reach_m=9e3), away.astype(np.float32))


def test_a_fault_is_felt_sideways_and_round_its_ends() -> None:
    fault = shapely.LineString([(-250.0, -1250.0), (-250.0, 1750.0)])
    away = around("distance_to", [fault], reach_m=5e3)
    x, y = centres()
    assert (x[40, 33], y[40, 33]) == (1050, 650)
    assert away[40, 33] == 1300
    assert (x[71, 23], y[71, 23]) == (50, -2450)
    assert away[71, 23] == np.float32(np.hypot(300, 1200))


def test_ground_inside_a_polygon_is_at_no_distance_and_the_reach_is_a_ceiling() -> None:
    away = around("distance_to", [shapely.box(-1000, -1000, 1000, 1000)], reach_m=1500.0)
    x, y = centres()
    inside = (np.abs(x) < 1000) & (np.abs(y) < 1000)
    assert np.all(away[inside] == 0)
    assert np.all(away[~inside] >= 50)
    assert away.max() == 1500
    assert away[(x == 1950) & (y == 50)] == 950


def test_no_geometry_at_all_gives_the_ceiling() -> None:
    at = empty_region().cells((0, 0), 0)
    away = distance_to(of=Vector(np.array([], dtype=object), {}), reach_m=2500.0, at=at)
    assert away == pytest.approx(2500)
