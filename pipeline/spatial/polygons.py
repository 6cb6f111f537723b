"""Polygons of a map to cells."""

from __future__ import annotations

import numpy as np
import shapely

from pipeline.recipe import Array, Cells


def number(geometry: Array, at: Cells) -> Array:
    """The index, among `geometry`, of the polygon that holds each cell's centre: (y, x) int64, -1 where none does; a centre on an edge is outside.

    Where polygons overlap the smallest wins, for maps draw the small unit upon the large one; of equal ones the first by its bounds. Every
    cell is judged alone, so tiles cannot differ. What is no polygon holds nothing.
    """
    found = np.full((at.y.size, at.x.size), -1, np.int64)
    kept = np.flatnonzero(shapely.get_dimensions(geometry) == 2)
    bounds = shapely.bounds(geometry[kept])
    order = np.lexsort((*(-bounds.T), -shapely.area(geometry[kept])))
    for index in kept[order]:  # the smallest last, upon the others
        west, south, east, north = shapely.bounds(geometry[index])
        cols = slice(int(np.searchsorted(at.x, west)), int(np.searchsorted(at.x, east, "right")))
        rows = slice(int(np.searchsorted(-at.y, -north)), int(np.searchsorted(-at.y, -south, "right")))
        x, y = np.meshgrid(at.x[cols], at.y[rows])
        if x.size:
            shapely.prepare(geometry[index])
            found[rows, cols][shapely.contains_xy(geometry[index], x, y)] = index
    return found
