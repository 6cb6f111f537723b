"""Areas with names: who holds how much of a shape, how far they are, and what is left without them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.spatial import areas

WEST, EAST = shapely.box(0, 0, 40, 100), shapely.box(40, 0, 100, 100)
BOTH = np.array([WEST, EAST], object)


def test_areas_are_named_by_the_column_that_is_called_so_else_by_the_first_that_holds_words() -> None:
    said = {"code": np.array([7, 8]), "holder": np.array(["A", None], object), "name": np.array(["Kech", ""], object)}
    assert areas.names(said, 2) == ["Kech", "unnamed"]
    del said["name"]
    assert areas.names(said, 2) == ["A", "unnamed"]
    assert areas.names({"code": np.array([7, 8])}, 2) == ["unnamed", "unnamed"]


def test_a_shape_knows_what_it_shares_with_each_area_and_who_holds_most() -> None:
    tree = shapely.STRtree(BOTH)
    held = areas.shared(shapely.box(30, 0, 60, 10), BOTH, tree)
    assert held == {0: 100.0, 1: 200.0}
    assert areas.in_order(["west", "east"], held) == ["east", "west"]
    assert areas.in_order(["one", "one"], held) == ["one"]
    assert areas.shared(shapely.box(-9, 0, 0, 5), BOTH, tree) == {}  # an edge in common is no ground in common


def test_the_nearest_is_measured_from_the_edge() -> None:
    assert areas.nearest_m(shapely.box(110, 0, 120, 10), BOTH, shapely.STRtree(BOTH)) == 10.0
    assert areas.nearest_m(shapely.box(30, 0, 60, 10), BOTH, shapely.STRtree(BOTH)) == 0.0
    assert areas.nearest_m(WEST, np.empty(0, object), shapely.STRtree([])) is None


def test_what_is_left_without_forbidden_ground_is_exact_and_may_come_in_pieces() -> None:
    shape, strip = shapely.box(0, 0, 10, 4), np.array([shapely.box(4, -1, 6, 5)], object)
    (left,) = areas.without([shape], strip, 0)
    assert left.geom_type == "MultiPolygon" and left.area == 32.0
    (near,) = areas.without([shape], np.array([shapely.LineString([(5, -9), (5, 9)])], object), 2.0)
    assert near.area == pytest.approx(24.0)
    (whole,) = areas.without([shape], np.array([shapely.LineString([(5, -9), (5, 9)])], object), 0)
    assert whole.equals(shape)
    (none,) = areas.without([shape], np.array([shapely.box(-1, -1, 11, 5)], object), 0)
    assert none.is_empty
