"""Travel against what can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.spatial import travel

STEP = 1000.0


def ground(rows: int = 20, cols: int = 30, km_h: float = 10.0, **changes: Any) -> travel.Terrain:
    """Flat ground from (0, 0) eastwards and northwards."""
    return travel.Terrain(**({"slowness": np.ones((rows, cols)), "x_m": 0.0, "y_m": rows * STEP, "step_m": STEP, "km_h": km_h} | changes))


def centre(row: int, col: int, rows: int = 20) -> list[float]:
    return [(col + 0.5) * STEP, (rows - row - 0.5) * STEP]


def points(*xy: Any) -> Any:
    return np.array([shapely.Point(p) for p in xy], object)


def lines(*paths: Any) -> Any:
    return np.array([shapely.LineString(path) for path in paths], object)


def octile(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Kilometres between the centres of two cells of ground by steps to one of eight neighbours."""
    down, across = abs(a[0] - b[0]), abs(a[1] - b[1])
    return max(down, across) + (np.sqrt(2) - 1) * min(down, across)


def test_over_flat_ground_the_way_is_the_shortest_over_eight_neighbours() -> None:
    starts = [(0, 0), (3, 7), (19, 29), (10, 10)]
    found = travel.hours(np.array([centre(*s) for s in starts]), {"port": points(centre(10, 20))}, terrain=ground(), lines=[])
    assert found["port"] == pytest.approx([octile(s, (10, 20)) / 10 for s in starts], abs=1e-6)


def test_slow_ground_is_walked_around_when_that_is_quicker() -> None:
    slow = np.ones((20, 30))
    slow[5:, 15] = 50.0  # a wall with a gap in the north
    found = travel.hours(np.array([centre(10, 14)]), {"port": points(centre(10, 16))}, terrain=ground(slowness=slow), lines=[])
    around = octile((10, 14), (4, 15)) + octile((4, 15), (10, 16))
    assert found["port"][0] == pytest.approx(around / 10, rel=0.2)  # the corners of the wall slow two diagonals a little
    assert found["port"][0] < 0.5 * (0.5 * 51 + 0.5 * 51) / 10


def test_a_railway_carries_at_its_speed_and_costs_getting_on_and_off() -> None:
    y = centre(10, 0)[1]
    rail = travel.Line(lines([(500, y), (90_500, y)]), 60.0, 0.5)  # its end lies 60 km beyond the ground
    found = travel.hours(np.array([centre(10, 5)]), {"port": points((90_500, y))}, terrain=ground(), lines=[rail])
    assert found["port"][0] == pytest.approx(85 / 60 + 2 * 0.5, abs=1e-6)


def test_a_port_off_the_ground_and_off_the_track_is_reached_straight_from_the_nearest_point_of_it() -> None:
    y = centre(10, 0)[1]
    road = travel.Line(lines([(500, y), (60_500, y)]), 50.0, 0.0)
    found = travel.hours(np.array([centre(10, 5)]), {"port": points((60_500, y - 8000))}, terrain=ground(), lines=[road])
    assert found["port"][0] == pytest.approx(55 / 50 + 8 / 10, abs=1e-6)


def test_lines_that_cross_meet_and_lines_of_two_kinds_are_changed_over_the_ground() -> None:
    x, y = centre(10, 15)
    cross = travel.Line(lines([(500, y), (29_500, y)], [(x, 500), (x, 19_500)]), 100.0, 0.0)
    found = travel.hours(np.array([centre(10, 2)]), {"mine": points(centre(18, 15))}, terrain=ground(km_h=1.0), lines=[cross])
    assert found["mine"][0] == pytest.approx((13 + 8) / 100, abs=1e-6)
    apart = [travel.Line(lines([(500, y), (29_500, y)]), 100.0, 0.25), travel.Line(lines([(x, 500), (x, 19_500)]), 100.0, 0.0)]
    found = travel.hours(np.array([centre(10, 2)]), {"mine": points(centre(18, 15))}, terrain=ground(km_h=1.0), lines=apart)
    assert found["mine"][0] == pytest.approx((13 + 8) / 100 + 2 * 0.25, abs=1e-6)


def test_a_new_line_shortens_the_way_and_no_line_lengthens_it() -> None:
    rng = np.random.default_rng(1)
    places = rng.uniform((0, 0), (30_000, 20_000), (12, 2))
    goal = {"port": points((40_000, 10_000))}
    old = travel.Line(lines([(2000, 3000), (28_000, 3000), (40_000, 10_000)]), 40.0, 1.0)
    new = travel.Line(lines([(2000, 18_000), (28_000, 12_000), (40_000, 10_000)]), 40.0, 1.0)
    before, after = (travel.hours(places, goal, terrain=ground(), lines=ways)["port"] for ways in ([old], [old, new]))
    assert (after <= before + 1e-9).all() and (after < before - 0.1).any()


def test_what_no_way_leads_to_is_infinitely_far_and_islands_are_told_apart() -> None:
    slow = np.ones((20, 30))
    slow[:, 15] = np.nan
    there = {"port": points(centre(10, 20)), "nothing": np.empty(0, object)}
    found = travel.hours(np.array([centre(10, 5), centre(3, 25)]), there, terrain=ground(slowness=slow), lines=[])
    assert np.isinf(found["port"][0]) and found["port"][1] == pytest.approx(octile((3, 25), (10, 20)) / 10, abs=1e-6)
    assert np.isinf(found["nothing"]).all()
    assert travel.hours(np.empty((0, 2)), there, terrain=ground(), lines=[])["port"].shape == (0,)


def test_a_road_is_reached_at_its_nearest_point_and_polygons_at_their_edge() -> None:
    y = centre(10, 0)[1]
    road = travel.Line(lines([(500, y), (29_500, y)]), 50.0, 0.0)
    goals = {"road": road.geometry, "lake": np.array([shapely.box(20_500, y + 3000, 24_500, y + 5000)], object)}
    found = travel.hours(np.array([centre(6, 8), centre(10, 8)]), goals, terrain=ground(), lines=[road])
    assert found["road"] == pytest.approx([0.4, 0.0], abs=1e-6)
    assert found["lake"][1] == pytest.approx(12 / 50 + 3 / 10, abs=0.01)


def test_slowness_is_one_on_the_flat_and_that_of_toblers_decline_on_a_slope() -> None:
    assert travel.slowness(np.array([0.0, np.degrees(np.arctan(0.2)), 89.0])) == pytest.approx([1.0, np.exp(0.7), travel.STEEPEST])
