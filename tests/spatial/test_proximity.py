from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.recipe import Array, Cells, Vector
from pipeline.spatial.proximity import distance

CELL_M = 50.0


def cells(rows: int, cols: int) -> Cells:
    x, y = 1e6 + (np.arange(cols) + 0.5) * CELL_M, 3e6 - (np.arange(rows) + 0.5) * CELL_M
    return Cells(x, y, np.zeros((rows, cols), dtype=np.int64), CELL_M, 0, rows * cols)


def brute_force(geometry: Array, at: Cells, reach_m: float) -> Array:
    """GEOS's distance from every centre to every geometry."""
    centres = shapely.points(*np.meshgrid(at.x, at.y))
    nearest = np.min([np.asarray(shapely.distance(centres, g)) for g in geometry], axis=0)
    capped: Array = np.minimum(nearest, reach_m).astype(np.float32)
    return capped


def scattered(seed: int, count: int) -> Array:
    """Wiggly lines, polygons with and without holes, multipart shapes and points, in and around the cells."""
    rng = np.random.default_rng(seed)
    made: list[Any] = []
    for kind in range(count):
        at = np.array([1e6, 3e6 - 4000]) + rng.uniform(-1500, 5500, 2)
        path = at + np.cumsum(rng.normal(0, 150, (30, 2)), axis=0)
        disc = shapely.Point(at).buffer(rng.uniform(30, 600), quad_segs=5)
        made.append(
            [
                shapely.LineString(path),
                shapely.MultiLineString([path[:10], path[15:]]),
                disc,
                disc - shapely.affinity.scale(disc, 0.5, 0.7),
                shapely.GeometryCollection([shapely.Point(at), shapely.LineString(path[:3] + 900)]),
                shapely.MultiPoint(path[::7]),
            ][kind % 6]
        )
    return np.array(made, dtype=object)


@pytest.mark.parametrize(("seed", "count"), [(0, 1), (1, 6), (2, 13), (3, 60)])
def test_distances_equal_brute_force_to_the_last_bit(seed: int, count: int) -> None:
    geometry, at = scattered(seed, count), cells(83, 78)
    ours = distance(Vector(geometry, {}), at, reach_m=1200.0)
    assert ours.tobytes() == brute_force(geometry, at, 1200.0).tobytes()


def test_the_inside_of_a_polygon_is_at_no_distance_and_its_hole_is() -> None:
    at = cells(40, 40)
    outer, hole = (
        shapely.Point(1e6 + 1000, 3e6 - 1000).buffer(900, 64),
        shapely.Point(1e6 + 1000, 3e6 - 1000).buffer(400, 64),
    )
    ours = distance(Vector(np.array([outer - hole]), {}), at, reach_m=1e4)
    assert ours[6, 20] == 0
    from_centre = np.hypot(at.x[20] - 1e6 - 1000, at.y[20] - 3e6 + 1000)
    assert ours[20, 20] == pytest.approx(400 - from_centre, abs=0.1)


def test_single_rows_columns_and_cells_work() -> None:
    geometry = scattered(5, 12)
    for rows, cols in ((1, 1), (1, 30), (30, 1)):
        at = cells(rows, cols)
        assert distance(Vector(geometry, {}), at, reach_m=5e3).tobytes() == brute_force(geometry, at, 5e3).tobytes()


def test_without_geometry_every_cell_is_at_the_cap() -> None:
    assert np.all(distance(Vector(np.array([], dtype=object), {}), cells(3, 4), reach_m=750.0) == 750)
