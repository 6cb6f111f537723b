"""Outlines of cells made smooth for the eye, and still of the same cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from pipeline.recipe import Array

ROUNDS = 3  # a corner becomes nine points; a fourth round moves nothing by more than a hundredth of a cell
STRAIGHT = 0.05  # of a cell: points nearer than this to the line through their neighbours are dropped


def smoothed(polygon: Any, *, cell_m: float) -> Any:
    """A polygon of whole cells (metres, edges along the grid) with its corners cut; it holds the centres of the cells it was made of, and of no other.

    Corner cutting after Chaikin (1974) on points at every corner of a cell, so that no edge moves by more than a quarter of a cell however long it is.
    One outline has one answer, wherever its rings begin.
    """
    parts = [_cut(part, cell_m) for part in shapely.get_parts(polygon)]
    return shapely.normalize(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts))


def _cut(polygon: Any, cell_m: float) -> Any:
    whole = shapely.normalize(shapely.Polygon(_ring(polygon.exterior, cell_m), [_ring(hole, cell_m) for hole in polygon.interiors]))
    # ring by ring (Douglas and Peucker 1973): cut rings keep several times STRAIGHT from each other. To search a large outline as a whole for
    # crossings takes a hundred times as long, and some kilobytes for each of its points
    rings = [shapely.simplify(ring, STRAIGHT * cell_m, preserve_topology=False) for ring in (whole.exterior, *whole.interiors)]
    cut = shapely.Polygon(rings[0], rings[1:])
    return cut if shapely.is_valid(cut) else shapely.simplify(whole, STRAIGHT * cell_m)


def _ring(ring: Any, cell_m: float) -> Array:
    points = shapely.get_coordinates(shapely.segmentize(ring, cell_m))[:-1]
    for _ in range(ROUNDS):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], axis=1).reshape(-1, 2)
    return np.concatenate([points, points[:1]])
