"""From values at points to cells, without a model of space: inverse distance and the nearest sample."""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.recipe import Array, Cells
from pipeline.spatial import neighbours as nearby
from pipeline.spatial.assays import Points


def inverse_distance(points: Points, at: Cells, *, power: float, neighbours: int, reach_m: float) -> Array:
    """Mean of the nearest values weighted by distance to the minus `power`: (y, x) float32, the value itself at a sample."""
    answer = np.full((at.y.size, at.x.size), np.nan)
    for rows, index in nearby.strips(points, at, neighbours=neighbours, reach_m=reach_m):
        _weighted(at.x, at.y[rows], points.x, points.y, points.values, index, float(power), answer[rows])
    return answer.astype(np.float32)


def nearest(points: Points, at: Cells, *, reach_m: float) -> Array:
    """The value of the nearest sample: (y, x) float32."""
    answer = np.full((at.y.size, at.x.size), np.nan)
    for rows, index in nearby.strips(points, at, neighbours=1, reach_m=reach_m):
        first = index[:, :, 0]
        if points.values.size:
            answer[rows] = np.where(first >= 0, points.values[first], np.nan)
    return answer.astype(np.float32)


@njit(cache=True, nogil=True)
def _weighted(x, y, px, py, values, index, power, answer):  # type: ignore[no-untyped-def]
    for r in range(len(y)):
        for c in range(len(x)):
            first = index[r, c, 0]
            if first < 0:
                continue
            least = (px[first] - x[c]) ** 2 + (py[first] - y[r]) ** 2
            if least == 0.0:
                answer[r, c] = values[first]
                continue
            total, above = 0.0, 0.0
            for i in index[r, c]:
                if i < 0:
                    break
                # against the nearest, so that no power of a distance leaves the range of numbers
                weight = (least / ((px[i] - x[c]) ** 2 + (py[i] - y[r]) ** 2)) ** (0.5 * power)
                total += weight
                above += weight * (values[i] - values[first])
            answer[r, c] = values[first] + above / total
