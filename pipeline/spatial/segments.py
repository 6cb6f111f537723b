"""Geometries of any kind as straight segments, the form in which lengths and distances are exact."""

from __future__ import annotations

import numpy as np
import shapely

from pipeline.recipe import Array


def segments(geometry: Array) -> Array:
    """Every segment of the lines, and of the outlines and holes of the polygons: (n, 4) float64, x0 y0 x1 y1
    in metres.

    Collections are taken apart, missing and empty geometries give none, heights are ignored; points give
    none.
    """
    parts = _parts(geometry)
    dimensions = shapely.get_dimensions(parts)
    lines = np.concatenate([parts[dimensions == 1], shapely.get_rings(parts[dimensions == 2])])
    xy, line = shapely.get_coordinates(lines, return_index=True)
    joined = line[:-1] == line[1:]
    return np.ascontiguousarray(np.hstack([xy[:-1][joined], xy[1:][joined]]))


def points(geometry: Array) -> Array:
    """Every point among the geometries as a segment of no length: (n, 4) float64, x y x y in metres."""
    parts = _parts(geometry)
    xy = shapely.get_coordinates(parts[shapely.get_dimensions(parts) == 0])
    return np.hstack([xy, xy])


def polygons(geometry: Array) -> Array:
    """Every polygon among the geometries, one by one: (n,) of shapely polygons."""
    parts = _parts(geometry)
    found: Array = parts[shapely.get_dimensions(parts) == 2]
    return found


def _parts(geometry: Array) -> Array:
    parts = shapely.get_parts(np.asarray(geometry, dtype=object))
    while np.any(shapely.get_type_id(parts) > shapely.GeometryType.POLYGON):
        parts = shapely.get_parts(parts)  # a collection may hold collections
    return parts[~shapely.is_empty(parts)]
