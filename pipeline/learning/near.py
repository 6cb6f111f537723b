"""The nearest of some thousands of points in some dozens of dimensions, for millions of rows.

Sixty-four rows are asked about together. The box they fill tells which points can be nearest to none of them: where rows are alike, as neighbouring cells of
a map are, that is nearly all. A tree over the points, the usual way, must open most of its boxes in so many dimensions.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats

LANES = 64
_SLACK = 1e-4  # of a squared distance: far beyond what float32 sums of some dozens of terms can be off by


def nearest(rows: Floats, points: Floats, chosen: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Euclidean distance of each row, (n, d), to the nearest of the points, (m, d), and to the nearest of those `chosen`, (m,); (n,) float64 each.

    Which point is nearest is judged in float32, its distance is computed in float64: of two points that differ by less than a millionth either may be
    taken, the same one in any company. Infinite where there is no point. One thread; releases the interpreter lock.
    """
    order = np.argsort(~chosen, kind="stable")  # those chosen first, so that one pass serves both
    held = np.ascontiguousarray(points[order], np.float64)
    found = np.full((2, len(rows)), np.inf)
    if len(held):
        each = np.ascontiguousarray(rows, np.float64)
        _find(each, each.astype(np.float32), held, held.astype(np.float32), np.ascontiguousarray(held.T, np.float32), int(chosen.sum()), found)
    return np.minimum(found[0], found[1]), found[1]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _find(rows, low_rows, points, low_points, across, chosen, found) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    count, size = low_rows.shape
    block = np.empty((size, LANES), np.float32)
    least, most = np.empty(len(points), np.float32), np.empty(len(points), np.float32)
    distance, best = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    which = np.empty(LANES, np.int64)
    for first in range(0, count, LANES):
        for lane in range(LANES):
            row = min(first + lane, count - 1)  # lanes left over repeat the last row
            for k in range(size):
                block[k, lane] = low_rows[row, k]
        _bounds(block, across, least, most)
        for kind in range(2):  # the rest, then those chosen
            start, stop = (chosen, len(points)) if kind == 0 else (0, chosen)
            if start == stop:
                continue
            _nearest_of(block, low_points, least, most, start, stop, distance, best, which)
            for lane in range(min(LANES, count - first)):
                total = 0.0
                for k in range(size):
                    total += (rows[first + lane, k] - points[which[lane], k]) ** 2
                found[kind, first + lane] = np.sqrt(total)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _bounds(block, across, least, most) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """Bounds of the squared distance from each point to any lane: of the box the lanes fill."""
    least[:] = 0
    most[:] = 0
    for k in range(block.shape[0]):
        low, high = block[k].min(), block[k].max()
        for j in range(across.shape[1]):
            below, above = across[k, j] - low, across[k, j] - high
            outside = max(-below, above, np.float32(0))
            farthest = max(abs(below), abs(above))
            least[j] += outside * outside
            most[j] += farthest * farthest


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _nearest_of(block, points, least, most, start, stop, distance, best, which) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """For each lane, which of points `start` to `stop` is nearest: those that the bounds leave, in their order."""
    reach = most[start:stop].min() * np.float32(1 + _SLACK)
    best[:] = np.float32(np.inf)
    which[:] = start
    for j in range(start, stop):
        if least[j] > reach:
            continue
        distance[:] = 0
        for k in range(block.shape[0]):
            at = points[j, k]
            for lane in range(LANES):
                off = block[k, lane] - at
                distance[lane] += off * off
        for lane in range(LANES):
            if distance[lane] < best[lane]:
                best[lane] = distance[lane]
                which[lane] = j
