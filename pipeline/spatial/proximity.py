"""Distance from cell centres to geometries."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from pipeline.recipe import Array, Cells, Vector
from pipeline.spatial.outline import inside
from pipeline.spatial.segments import points, polygons, segments

BLOCK = 16  # cells on a side that share a short list of candidates; any number gives the same answer


def distance(of: Vector, at: Cells, *, reach_m: float) -> Array:
    """Metres from each cell centre to the nearest geometry: (y, x) float32, 0 inside polygons, `reach_m`
    where none is nearer.

    Exact and judged cell by cell: the length of the shortest straight line in the plane of the grid, not a
    raster transform.
    """
    parts = np.concatenate([segments(of.geometry), points(of.geometry)])
    answer = np.full((at.y.size, at.x.size), float(reach_m))
    _nearest(at.x, at.y, parts, answer)
    for polygon in polygons(of.geometry):
        west, south, east, north = polygon.bounds
        cols, rows = _span(at.x, west, east), _span(at.y[::-1], south, north)
        rows = slice(at.y.size - rows.stop, at.y.size - rows.start)
        if cols.start < cols.stop and rows.start < rows.stop:
            answer[rows, cols][inside(np.array([polygon]), at.x[cols], at.y[rows])] = 0.0
    return answer.astype(np.float32)


def _span(centres: Array, low: float, high: float) -> slice:
    return slice(int(np.searchsorted(centres, low, "left")), int(np.searchsorted(centres, high, "right")))


@njit(cache=True, nogil=True)
def _nearest(x, y, parts, answer):  # type: ignore[no-untyped-def]
    """Lower each answer to the distance of the nearest part.

    A part farther from the centre of a block than the nearest one plus the block's diagonal is nearest to
    none of its cells, so each block tries a short list only.
    """
    held = np.empty(len(parts))
    near = np.empty(len(parts), dtype=np.int64)
    for top in range(0, len(y), BLOCK):
        bottom = min(top + BLOCK, len(y)) - 1
        for left in range(0, len(x), BLOCK):
            right = min(left + BLOCK, len(x)) - 1
            cx, cy = 0.5 * (x[left] + x[right]), 0.5 * (y[top] + y[bottom])
            half = 0.5 * math.hypot(x[right] - x[left], y[top] - y[bottom])
            least = np.inf
            for i in range(len(parts)):
                held[i] = _to_part(cx, cy, parts, i)
                least = min(least, held[i])
            limit = least + 2.0 * half + 1e-3  # a millimetre more than geometry asks for, against rounding
            count = 0
            for i in range(len(parts)):
                if held[i] <= limit:
                    near[count] = i
                    count += 1
            for r in range(top, bottom + 1):
                for c in range(left, right + 1):
                    best = answer[r, c]
                    for k in range(count):
                        best = min(best, _to_part(x[c], y[r], parts, near[k]))
                    answer[r, c] = best


@njit(cache=True, nogil=True)
def _to_part(px, py, parts, i):  # type: ignore[no-untyped-def]
    """Distance of a point from segment `i`, which may have no length."""
    ax, ay, bx, by = parts[i, 0], parts[i, 1], parts[i, 2], parts[i, 3]
    dx, dy, qx, qy = bx - ax, by - ay, px - ax, py - ay
    squared, along = dx * dx + dy * dy, qx * dx + qy * dy
    if along <= 0.0 or squared == 0.0:
        return math.sqrt(qx * qx + qy * qy)
    if along >= squared:
        return math.sqrt((px - bx) ** 2 + (py - by) ** 2)
    return abs(qx * dy - qy * dx) / math.sqrt(squared)
