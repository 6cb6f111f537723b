"""Outlines: which cell centres lie inside, judged cell by cell."""

from __future__ import annotations

import numpy as np
import shapely

from pipeline.spatial import outline


def test_cells_inside_a_circle_are_those_nearer_than_its_radius() -> None:
    x, y = np.arange(0.5, 100), np.arange(99.5, 0, -1)
    circle = shapely.Point(40, 60).buffer(25, quad_segs=512)
    found = outline.inside(np.array([circle]), x, y)
    distance = np.hypot(x[None, :] - 40, y[:, None] - 60)
    clear = np.abs(distance - 25) > 0.01
    assert np.array_equal(found[clear], (distance < 25)[clear])


def test_holes_and_other_parts_count_and_lines_do_not() -> None:
    x, y = np.arange(0.5, 10), np.arange(9.5, 0, -1)
    ring = shapely.Polygon([(0, 0), (6, 0), (6, 6), (0, 6)], [[(2, 2), (4, 2), (4, 4), (2, 4)]])
    found = outline.inside(np.array([ring, shapely.box(8, 8, 10, 10), shapely.LineString([(0, 9), (9, 9)])], object), x, y)
    assert found.sum() == 36 - 4 + 4


def test_a_window_wholly_inside_is_all_inside_like_cell_by_cell() -> None:
    x, y = np.arange(0.5, 10), np.arange(9.5, 0, -1)
    assert outline.inside(np.array([shapely.box(-5, -5, 50, 50)]), x, y).all()


def test_projected_bounds_hold_every_point_of_the_rectangle() -> None:
    from pyproj import Transformer

    crs = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +datum=WGS84 +units=m"
    west, south, east, north = outline.projected_bounds((60.9, 24.9, 70.2, 32.0), "EPSG:4326", crs)
    lon, lat = np.meshgrid(np.linspace(60.9, 70.2, 300), np.linspace(24.9, 32.0, 300))
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    assert west <= x.min() + 1 and x.max() - 1 <= east and south <= y.min() + 1 and y.max() - 1 <= north
