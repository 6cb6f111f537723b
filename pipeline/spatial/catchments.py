"""Whose ground a stream sample tells of: the catchment above it, down to the next samples upstream."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Whole
from pipeline.spatial import drainage
from pipeline.spatial.assays import Points


def spread(points: Points, terrain: Whole, *, snap_m: float) -> Array:
    """The value of the first sample met downstream of each square; (y, x) float64, NaN where there is none.

    A sample stands on the square within `snap_m` of it that drains most: samples are taken from channels, and their coordinates and the
    terrain's are not the same. Of several on one square the mean.
    """
    flow = drainage.flow(terrain)
    rows, cols = terrain.values.shape
    total, count = np.zeros(rows * cols), np.zeros(rows * cols)
    area = np.nan_to_num(flow.upstream_km2, nan=-1.0)
    for x, y, value in zip(points.x, points.y, points.values, strict=True):
        outlet = _outlet(x, y, terrain, area, snap_m)
        if outlet is not None:
            total[outlet] += value
            count[outlet] += 1
    held = np.where(count > 0, total / np.where(count > 0, count, 1.0), np.nan)
    down = flow.ways.idxs_ds.reshape(-1)
    for square in flow.ways.idxs_seq:  # from the mouths upward: what lies below is known already
        if np.isnan(held[square]):
            held[square] = held[down[square]]
    found: Array = held.reshape(rows, cols)
    found[np.isnan(terrain.values)] = np.nan
    return found


def _outlet(x: float, y: float, terrain: Whole, area: Array, snap_m: float) -> int | None:
    """The square that drains most among those whose centre lies within reach, or the sample's own; None off the terrain."""
    row, col = round((terrain.y[0] - y) / terrain.cell_m), round((x - terrain.x[0]) / terrain.cell_m)
    half = int(np.ceil(snap_m / terrain.cell_m))
    r = np.arange(max(row - half, 0), min(row + half + 1, area.shape[0]))
    c = np.arange(max(col - half, 0), min(col + half + 1, area.shape[1]))
    if not (r.size and c.size and 0 <= row < area.shape[0] and 0 <= col < area.shape[1]):
        return None
    away = np.hypot(terrain.x[c][None, :] - x, terrain.y[r][:, None] - y)
    near = np.where((away <= snap_m) | ((r == row)[:, None] & (c == col)[None, :]), area[np.ix_(r, c)], -1.0)
    at = int(near.argmax())
    return None if near.flat[at] < 0 else int(r[at // c.size] * area.shape[1] + c[at % c.size])
