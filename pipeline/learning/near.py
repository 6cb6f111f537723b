"""The nearest of some thousands of points in some dozens of dimensions, for millions of rows.

Sixty-four rows are asked about together, then sixteen of them. The box they fill tells which points can be nearest to none of them: where rows are alike,
as neighbouring cells of a map are, that is nearly all. A tree over the points, the usual way, must open most of its boxes in so many dimensions.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats
from pipeline.learning.sixteen import LANES, lower, squared

GROUPS = 4  # sixteen rows, four by four cells, asked about together, and four such squares
_SLACK = 1e-4  # of a squared distance: far beyond what float32 sums of some dozens of terms can be off by


def nearest(rows: Floats, points: Floats, chosen: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Euclidean distance of each row, (n, d), to the nearest of the points, (m, d), and to the nearest of those `chosen`, (m,); (n,) float64 each.

    Which point is nearest is judged in float32, its distance is computed in float64: of two points that differ by less than a millionth either may be
    taken, the same one in any company. Infinite where there is no point. One thread; releases the interpreter lock.
    """
    found = np.full((2, len(rows)), np.inf)
    each = np.ascontiguousarray(rows, np.float64)
    low = each.astype(np.float32)
    for kind, held in enumerate((points[~chosen], points[chosen])):
        if len(held):
            whole = np.ascontiguousarray(held, np.float64)
            _find(each, low, whole, whole.astype(np.float32), np.ascontiguousarray(held.T, np.float32), found[kind])
    return np.minimum(found[0], found[1]), found[1]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _find(rows, low_rows, points, low_points, across, found) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    count, size = low_rows.shape
    block = np.empty((GROUPS, size, LANES), np.float32)
    least, middle = np.empty(len(points), np.float32), np.empty(len(points), np.float32)
    close, kept = np.empty(len(points), np.int32), np.empty((size, len(points)), np.float32)
    distance, reach = np.empty(LANES, np.float32), np.empty((GROUPS, LANES), np.float32)
    best, which = np.empty(LANES, np.float32), np.empty(LANES, np.int32)
    for first in range(0, count, GROUPS * LANES):
        for i in range(GROUPS * LANES):
            row = min(first + i, count - 1)  # lanes left over repeat the last row
            for k in range(size):
                block[i // LANES, k, i % LANES] = low_rows[row, k]
        _bounds(block, 0, GROUPS, across, len(points), least, middle)
        seed, most = np.argmin(middle), np.float32(0)
        for group in range(GROUPS):
            squared(block[group], low_points, np.uint64(seed), reach[group])
            most = max(most, reach[group].max())
        many = _within(least, most * np.float32(1 + _SLACK), close)
        for k in range(size):
            for i in range(many):
                kept[k, i] = across[k, close[i]]
        for group in range(GROUPS):
            at = first + group * LANES
            if at >= count:
                break
            _bounds(block, group, group + 1, kept, many, least, middle)
            squared(block[group], low_points, np.uint64(close[np.argmin(middle[:many])]), distance)
            for lane in range(LANES):
                distance[lane] = min(distance[lane], reach[group, lane])
            limit = distance.max() * np.float32(1 + _SLACK)
            _nearest_of(block[group], low_points, close, least, many, limit, distance, best, which)
            for lane in range(min(LANES, count - at)):
                total = 0.0
                for k in range(size):
                    total += (rows[at + lane, k] - points[which[lane], k]) ** 2
                found[at + lane] = np.sqrt(total)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _bounds(block, first, last, across, count, least, middle) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """For each of `count` points its squared distance to the box some groups of rows fill, which none of them is nearer than, and to its middle."""
    for j in range(count):
        least[j] = 0
        middle[j] = 0
    for k in range(across.shape[0]):
        low = high = block[first, k, 0]
        for group in range(first, last):
            for lane in range(LANES):
                low, high = min(low, block[group, k, lane]), max(high, block[group, k, lane])
        centre, half = (low + high) / np.float32(2), (high - low) / np.float32(2)
        for j in range(count):
            off = abs(across[k, j] - centre)
            outside = max(off - half, np.float32(0))
            least[j] += outside * outside
            middle[j] += off * off


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _within(least, reach, close) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put the places of those within reach into `close`, in order; how many they are."""
    many = 0
    for j in range(len(least)):
        close[many] = j
        many += least[j] <= reach
    return many


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _nearest_of(block, points, close, least, many, reach, distance, best, which) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """For each lane, which of the points is nearest, the first of those that are equally near; each point asked draws the bound in."""
    for lane in range(LANES):
        best[lane] = np.inf
        which[lane] = close[0]
    for i in range(many):
        if least[i] > reach:
            continue
        j = close[i]
        squared(block, points, np.uint64(j), distance)
        if lower(distance, best, which, np.int32(j)):
            top = best[0]
            for lane in range(1, LANES):
                top = max(top, best[lane])
            reach = min(reach, top * np.float32(1 + _SLACK))
