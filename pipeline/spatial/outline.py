"""Outlines: the bounds of one in another CRS, and which cells lie inside."""

from __future__ import annotations

import numpy as np
import shapely
from pyproj import Transformer

from pipeline.recipe import Array

Bounds = tuple[float, float, float, float]


def projected_bounds(bounds: Bounds, source_crs: str, target_crs: str) -> Bounds:
    """Bounds in another CRS that hold every point of the rectangle's densified edge; metres, (xmin, ymin, xmax, ymax)."""
    return Transformer.from_crs(source_crs, target_crs, always_xy=True).transform_bounds(*bounds, densify_pts=101)


def inside(geometry: Array, x: Array, y: Array) -> Array:
    """Whether each cell centre lies in any of the polygons: (y, x) bool; a centre on an edge is outside.

    `x` (columns,), `y` (rows,) are centres in metres; every cell is judged alone, so tiles cannot differ.
    """
    polygons = [g for g in geometry if shapely.get_dimensions(g) == 2]
    answer = np.zeros((y.size, x.size), dtype=bool)
    box = shapely.box(x.min(), y.min(), x.max(), y.max())
    for polygon in polygons:
        if not shapely.intersects(polygon, box):
            continue
        if shapely.contains_properly(polygon, box):
            return np.ones_like(answer)
        shapely.prepare(polygon)
        xx, yy = np.meshgrid(x, y)
        answer |= shapely.contains_xy(polygon, xx, yy)
    return answer
