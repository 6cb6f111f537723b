from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.spatial.segments import points, polygons, segments


def shapes() -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """A line with heights, a square with a hole, nested collections, an empty and a missing geometry."""
    line = shapely.LineString([(0, 0, 5), (3, 4, 9), (3, 10, 2)])
    holed = shapely.box(0, 0, 10, 10) - shapely.box(4, 4, 6, 6)
    inner = shapely.GeometryCollection([shapely.Point(1, 2), shapely.LineString([(7, 7), (8, 7)])])
    nested = shapely.GeometryCollection([inner, shapely.MultiPoint([(3, 3), (4, 4)])])
    return np.array([line, holed, nested, shapely.LineString(), None], dtype=object)


def test_segments_add_up_to_the_length_of_lines_and_outlines() -> None:
    found = segments(shapes())
    lengths = np.hypot(found[:, 2] - found[:, 0], found[:, 3] - found[:, 1])
    assert lengths.sum() == pytest.approx((5 + 6) + (40 + 8) + 1)
    assert len(found) == 2 + 8 + 1


def test_no_segment_joins_two_geometries() -> None:
    apart = np.array([shapely.LineString([(0, 0), (1, 0)]), shapely.LineString([(5, 5), (6, 5)])], dtype=object)
    assert segments(apart).tolist() == [[0, 0, 1, 0], [5, 5, 6, 5]]


def test_points_and_polygons_are_found_inside_collections() -> None:
    assert points(shapes()).tolist() == [[1, 2, 1, 2], [3, 3, 3, 3], [4, 4, 4, 4]]
    assert [p.area for p in polygons(shapes())] == [96]


def test_nothing_gives_nothing() -> None:
    nothing = np.array([], dtype=object)
    assert segments(nothing).shape == points(nothing).shape == (0, 4)
    assert len(polygons(nothing)) == 0
