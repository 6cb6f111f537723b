"""Length and orientation of lines within a circle around each cell centre."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from pipeline.recipe import Array, Cells, Vector
from pipeline.spatial.segments import segments

UNITS_PER_M = 2.0**20  # lengths are added as whole numbers of 2^-20 m: integer sums know no order


def density(of: Vector, at: Cells, *, radius_m: float) -> Array:
    """Kilometres of line per square kilometre of the circle of `radius_m` around each cell centre: (y, x)
    float32.

    Every segment is cut by the circle exactly. The area is the whole circle's, also where it leaves the
    region. Polygons count with their outlines (an outline drawn for both its neighbours counts twice), points
    not at all.
    """
    parts = segments(of.geometry)
    km = _lengths(parts, np.ones(len(parts)), at, radius_m) / UNITS_PER_M / 1e3
    return (km / (math.pi * (radius_m / 1e3) ** 2)).astype(np.float32)


def orientation(of: Vector, at: Cells, *, radius_m: float) -> tuple[Array, Array]:
    """Mean of the cosine and of the sine of twice the azimuth of the lines in the circle, by length: two (y, x) float32 blocks.

    The azimuth is clockwise from north: 1, 0 for lines running north, -1, 0 for east, 0, 1 for north-east, 0, -1 for north-west. Both are 0
    where there is no line. Doubling makes the two ends of a line one direction (Krumbein 1939).
    """
    parts = segments(of.geometry)
    east, north = parts[:, 2] - parts[:, 0], parts[:, 3] - parts[:, 1]
    squared = np.maximum(east * east + north * north, np.finfo(float).tiny)
    length = np.maximum(_lengths(parts, np.ones(len(parts)), at, radius_m), 1)
    along_north = _lengths(parts, (north * north - east * east) / squared, at, radius_m)
    along_north_east = _lengths(parts, 2.0 * east * north / squared, at, radius_m)
    return (along_north / length).astype(np.float32), (along_north_east / length).astype(np.float32)


def _lengths(parts: Array, weights: Array, at: Cells, radius_m: float) -> Array:
    """Length inside each cell's circle, each segment times its weight, in units of 2^-20 m: (y, x) int64."""
    total = np.zeros((at.y.size, at.x.size + 1), dtype=np.int64)
    _add_lengths(at.x, at.y, at.cell_m, parts, weights, float(radius_m), total)
    return total[:, :-1]


@njit(cache=True, nogil=True)
def _add_lengths(x, y, cell_m, parts, weights, radius, total):  # type: ignore[no-untyped-def]
    """Add to each cell the weighted length inside its circle, in units of 2^-20 m; `total` has one column to spare.

    Per row and segment, the cells whose circle holds all of it are one run: it is added at the run's start,
    taken away behind its end, and summed along the row at last. So the cost goes with the rim of the circle,
    not its area.
    """
    cols = len(x)
    rim = np.zeros((len(y), cols), dtype=np.int64)
    for i in range(len(parts)):
        ax, ay, bx, by = parts[i, 0], parts[i, 1], parts[i, 2], parts[i, 3]
        length = math.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
        if length == 0.0:
            continue
        scale = weights[i] * UNITS_PER_M
        whole = np.int64(round(length * scale))
        first = max(0, math.floor((y[0] - max(ay, by) - radius) / cell_m) - 1)
        last = min(len(y) - 1, math.ceil((y[0] - min(ay, by) + radius) / cell_m) + 1)
        for r in range(first, last + 1):
            low, high, full_low, full_high = _row_slice(y[r], ax, ay, bx, by, length, radius)
            if low > high:
                continue
            c0 = max(0, math.floor((low - x[0]) / cell_m))
            c1 = min(cols - 1, math.ceil((high - x[0]) / cell_m))
            f0, f1 = c1 + 1, c1
            if full_low <= full_high:
                f0 = max(c0, math.ceil((full_low - x[0]) / cell_m))
                f1 = min(c1, math.floor((full_high - x[0]) / cell_m))
            while f0 <= f1 and not _holds(x[f0], y[r], ax, ay, bx, by, radius):
                f0 += 1
            while f0 <= f1 and not _holds(x[f1], y[r], ax, ay, bx, by, radius):
                f1 -= 1
            if f0 <= f1:
                total[r, f0] += whole
                total[r, f1 + 1] -= whole
            else:
                f0, f1 = c1 + 1, c1
            for c in range(c0, f0):
                rim[r, c] += _inside(x[c], y[r], ax, ay, bx, by, length, radius, scale)
            for c in range(f1 + 1, c1 + 1):
                rim[r, c] += _inside(x[c], y[r], ax, ay, bx, by, length, radius, scale)
    for r in range(len(y)):
        running = np.int64(0)
        for c in range(cols):
            running += total[r, c]
            total[r, c] = running + rim[r, c]


@njit(cache=True, nogil=True)
def _row_slice(y, ax, ay, bx, by, length, radius):  # type: ignore[no-untyped-def]
    """Where a row meets the ground within `radius` of a segment (low, high), and of both its ends (full_low,
    full_high)."""
    low, high, full_low, full_high = np.inf, -np.inf, -np.inf, np.inf
    for ex, ey in ((ax, ay), (bx, by)):
        if abs(y - ey) <= radius:
            w = math.sqrt((radius - (y - ey)) * (radius + (y - ey)))
            low, high = min(low, ex - w), max(high, ex + w)
            full_low, full_high = max(full_low, ex - w), min(full_high, ex + w)
        else:
            full_low, full_high = np.inf, -np.inf
    nx, ny = -(by - ay) / length * radius, (bx - ax) / length * radius
    for side in (-1.0, 1.0):
        sy, ey = ay + side * ny, by + side * ny
        if sy != ey and min(sy, ey) <= y <= max(sy, ey):
            edge = ax + side * nx + (y - sy) / (ey - sy) * (bx - ax)
            low, high = min(low, edge), max(high, edge)
    return low, high, full_low, full_high


@njit(cache=True, nogil=True)
def _holds(px, py, ax, ay, bx, by, radius):  # type: ignore[no-untyped-def]
    """Whether both ends of a segment, hence all of it, lie within `radius` of a point."""
    return max((ax - px) ** 2 + (ay - py) ** 2, (bx - px) ** 2 + (by - py) ** 2) <= radius * radius


@njit(cache=True, nogil=True)
def _inside(px, py, ax, ay, bx, by, length, radius, scale):  # type: ignore[no-untyped-def]
    """Length of a segment within `radius` of a point, times `scale`, as a whole number."""
    if _holds(px, py, ax, ay, bx, by, radius):
        return np.int64(round(length * scale))
    ux, uy = (bx - ax) / length, (by - ay) / length
    along, across = (px - ax) * ux + (py - ay) * uy, (px - ax) * uy - (py - ay) * ux
    if abs(across) >= radius:
        return np.int64(0)
    half = math.sqrt((radius - across) * (radius + across))
    cut = min(length, along + half) - max(0.0, along - half)
    return np.int64(round(cut * scale)) if cut > 0.0 else np.int64(0)
