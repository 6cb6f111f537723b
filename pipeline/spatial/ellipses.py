"""Length of lines within an ellipse around each cell centre: a window that respects strike."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from pipeline.recipe import Array, Cells, Vector
from pipeline.spatial.linework import UNITS_PER_M
from pipeline.spatial.segments import segments


def density(of: Vector, at: Cells, *, radius_m: float, ratio: float, strike_deg: float, within_deg: float) -> Array:
    """Kilometres of line per square kilometre of the ellipse around each cell centre: (y, x) float32.

    It reaches `radius_m` along `strike_deg` (clockwise from grid north) and a `ratio` times less across. Only segments whose own azimuth lies
    within `within_deg` of the strike count. Every segment is cut by the ellipse exactly; lengths are added as whole numbers of 2^-20 m.
    """
    parts = segments(of.geometry)
    azimuth = np.degrees(np.arctan2(parts[:, 2] - parts[:, 0], parts[:, 3] - parts[:, 1]))
    parts = parts[np.abs((azimuth - strike_deg + 90.0) % 180.0 - 90.0) <= within_deg]
    total = np.zeros((at.y.size, at.x.size), np.int64)
    _add(at.x, at.y, at.cell_m, np.ascontiguousarray(parts), math.radians(strike_deg), float(radius_m), radius_m / ratio, total)
    km = total / UNITS_PER_M / 1e3
    return (km / (math.pi * radius_m / 1e3 * radius_m / ratio / 1e3)).astype(np.float32)


@njit(cache=True, nogil=True)
def _add(x, y, cell_m, parts, strike, along, across, total):  # type: ignore[no-untyped-def]
    """In the frame of the ellipse, scaled to a circle of 1, the part of a segment inside is that between two roots."""
    sine, cosine = math.sin(strike), math.cos(strike)
    for i in range(len(parts)):
        ax, ay, bx, by = parts[i, 0], parts[i, 1], parts[i, 2], parts[i, 3]
        length = math.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
        if length == 0.0:
            continue
        du = ((bx - ax) * sine + (by - ay) * cosine) / along
        dv = ((bx - ax) * cosine - (by - ay) * sine) / across
        square = du * du + dv * dv
        r0 = max(0, math.floor((y[0] - max(ay, by) - along) / cell_m))
        r1 = min(len(y) - 1, math.ceil((y[0] - min(ay, by) + along) / cell_m))
        c0 = max(0, math.floor((min(ax, bx) - along - x[0]) / cell_m))
        c1 = min(len(x) - 1, math.ceil((max(ax, bx) + along - x[0]) / cell_m))
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                u = ((ax - x[c]) * sine + (ay - y[r]) * cosine) / along
                v = ((ax - x[c]) * cosine - (ay - y[r]) * sine) / across
                half = u * du + v * dv
                root = half * half - square * (u * u + v * v - 1.0)
                if root <= 0.0:
                    continue
                root = math.sqrt(root)
                low, high = max(0.0, (-half - root) / square), min(1.0, (-half + root) / square)
                if high > low:
                    total[r, c] += np.int64(round((high - low) * length * UNITS_PER_M))
