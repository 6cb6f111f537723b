"""Channels of a terrain: where enough ground drains through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from pipeline.recipe import Array, Vector, Whole


@dataclass(frozen=True)
class Flow:
    """Where water goes: `ways` the library's flow directions, `upstream_km2` (y, x) the ground that drains through each square, itself
    included, NaN where there is no terrain."""

    ways: Any
    upstream_km2: Array


def flow(of: Whole) -> Flow:
    """Flow directions of eight, and what each square drains: pits spill over their lowest rim, and all water leaves over the border.

    The ways are those of the flood that fills from the border inward, always from the lowest square on: Wang and Liu (2006), by pyflwdir.
    They never lead up on filled ground, and need not be the steepest way down. Water from outside the region is not counted.
    """
    import pyflwdir

    known = np.isfinite(of.values)
    height = np.where(known, of.values, -9999.0).astype(np.float32)
    ways = pyflwdir.from_dem(height, nodata=-9999.0, transform=_transform(of), latlon=False, outlets="edge")
    cells = ways.upstream_area(unit="cell").astype(np.float64)
    area = np.where(known & (cells > 0), cells * (of.cell_m / 1000) ** 2, np.nan)
    return Flow(ways, area)


def channels(of: Whole, *, least_km2: float) -> Vector:
    """Channels that drain at least `least_km2`, as LineStrings downstream with columns order (Strahler 1957) and upstream_km2 at their end.

    One line per reach between junctions, so none is drawn twice.
    """
    if not np.isfinite(of.values).any() or np.nanmin(of.values) == np.nanmax(of.values):
        return Vector(np.empty(0, object), {"order": np.empty(0), "upstream_km2": np.empty(0)})
    found = flow(of)
    mask = np.nan_to_num(found.upstream_km2) >= least_km2
    order = found.ways.stream_order(mask=mask) if mask.any() else np.zeros(mask.shape, np.int8)
    lines, orders, areas = [], [], []
    for reach in found.ways.streams(mask=mask, strord=order) if mask.any() else ():
        coordinates = np.asarray(reach["geometry"]["coordinates"], np.float64)
        if len(np.unique(coordinates, axis=0)) < 2:  # a reach of one square at the border
            continue
        last = coordinates[-2] if len(coordinates) > 2 else coordinates[0]  # its end lies in the next reach
        row, col = round((of.y[0] - last[1]) / of.cell_m), round((last[0] - of.x[0]) / of.cell_m)
        lines.append(shapely.LineString(coordinates))
        orders.append(float(reach["properties"]["strord"]))
        areas.append(float(found.upstream_km2[row, col]))
    at = sorted(range(len(lines)), key=lambda i: tuple(lines[i].coords[0]))
    columns = {"order": np.array(orders)[at] if at else np.empty(0), "upstream_km2": np.array(areas)[at] if at else np.empty(0)}
    return Vector(np.array([lines[i] for i in at], object), columns)


def _transform(of: Whole) -> Any:
    from affine import Affine

    return Affine(of.cell_m, 0.0, of.x[0] - of.cell_m / 2, 0.0, -of.cell_m, of.y[0] + of.cell_m / 2)
