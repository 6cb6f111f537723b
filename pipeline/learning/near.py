"""The nearest of some thousands of points in some dozens of dimensions, for millions of rows.

Sixty-four rows are asked about together, then sixteen of them. The box they fill tells which points can be nearest to none of them: where rows are alike,
as neighbouring cells of a map are, that is nearly all. A tree over the points, the usual way, must open most of its boxes in so many dimensions.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats, Ints
from pipeline.learning.sixteen import LANES, apart, ends, further, lower, squared

GROUPS = 4  # sixteen rows, four by four cells, asked about together, and four such squares
STEP = 8  # dimensions between two looks whether a point can still be the nearest
_SLACK = 1e-4  # of a squared distance: far beyond what float32 sums of some dozens of terms can be off by


def nearest(
    values: npt.NDArray[Any], points: Floats, chosen: npt.NDArray[np.bool_], *, centre: Floats | None = None, scale: Floats | None = None
) -> tuple[Floats, Floats]:
    """Euclidean distance of each row of `(values - centre) * scale`, (n, d), to the nearest of the points, (m, d), and to the nearest of those `chosen`,
    (m,); (n,) float64 each. What is not finite stands at the centre; without `centre` and `scale`, (d,), values are taken as they are.

    Which point is nearest is judged in float32, its distance is computed in float64: of two points that are as far but for a millionth of where the row
    lies either may be taken, the same one in any company. Infinite where there is no point. One thread; releases the interpreter lock.
    """
    found = np.full((2, len(values)), np.inf)
    find = _Finder(values, points, centre, scale)
    for kind, held in enumerate((points[~chosen], points[chosen])):
        if len(held):
            find(held, found[kind], np.empty(0, np.int64))
    return np.minimum(found[0], found[1]), found[1]


def nearest_place(values: npt.NDArray[Any], points: Floats, *, centre: Floats | None = None, scale: Floats | None = None) -> Ints:
    """Which of the points, (m, d) with m above 0, is nearest to each row, (n,) int64; as `nearest` otherwise."""
    found, place = np.empty(len(values)), np.empty(len(values), np.int64)
    _Finder(values, points, centre, scale)(points, found, place)
    return place


class _Finder:
    """Rows laid out to be asked about: what tells all `points` apart comes first."""

    def __init__(self, values: npt.NDArray[Any], points: Floats, centre: Floats | None, scale: Floats | None) -> None:
        self.size = size = values.shape[1]
        self.wide = np.argsort(-np.ptp(points, axis=0), kind="stable") if len(points) else np.arange(size)
        self.columns = np.ascontiguousarray(values.T[self.wide])
        self.centre, self.scale = (
            np.full(size, plain) if given is None else np.asarray(given, np.float64)[self.wide] for given, plain in ((centre, 0.0), (scale, 1.0))
        )

    def __call__(self, among: Floats, found: Floats, place: Ints) -> None:
        """Put the distance to the nearest `among` some of the points into `found`, (n,), and which it is into `place`, (n,) or none."""
        whole = np.ascontiguousarray(among[:, self.wide], np.float64)
        across = np.full((self.size, -(-len(whole) // LANES) * LANES), np.inf, np.float32)
        across[:, : len(whole)] = whole.T
        _find(self.columns, self.centre, self.scale, whole, whole.astype(np.float32), across, found, place)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _find(columns, centre, scale, points, low_points, across, found, place) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    size, count = columns.shape
    room = across.shape[1]  # a multiple of LANES, the last columns infinitely far
    exact, block = np.empty((GROUPS, size, LANES)), np.empty((GROUPS, size, LANES), np.float32)
    low, high = np.empty((GROUPS + 1, size), np.float32), np.empty((GROUPS + 1, size), np.float32)  # of each sixteen rows, and of all
    least, close, kept = np.empty(room, np.float32), np.empty(room, np.int32), np.empty((size, room), np.float32)
    distance, reach = np.empty(LANES, np.float32), np.empty((GROUPS, LANES), np.float32)
    best, which, seeds = np.empty(LANES, np.float32), np.zeros(LANES, np.int32), np.zeros(GROUPS, np.int32)
    for first in range(0, count, GROUPS * LANES):
        _place(columns, first, centre, scale, exact, block)
        _boxes(block, low, high)
        most = _reached(block, low_points, seeds, distance, reach)  # what is nearest to the rows before cannot be far
        for j in range(0, room, LANES):
            apart(across, np.uint64(j), low[GROUPS], high[GROUPS], least)
        many = _within(least[: len(points)], most * np.float32(1 + _SLACK), close)
        for k in range(size):
            for i in range(many):
                kept[k, i] = across[k, close[i]]
        for group in range(min(GROUPS, (count - first + LANES - 1) // LANES)):
            for j in range(0, many, LANES):
                apart(kept, np.uint64(j), low[group], high[group], least)
            squared(block[group], low_points, np.uint64(which[0]), distance)
            for lane in range(LANES):
                reach[group, lane] = min(distance[lane], reach[group, lane]) * np.float32(1 + _SLACK)
            _nearest_of(block[group], low_points, close, least, many, reach[group], distance, best, which)
            seeds[group] = which[0]
            at = first + group * LANES
            _measured(exact[group], points, which, found[at:])
            for lane in range(min(LANES, len(place) - at)):  # none, where places are not asked for
                place[at + lane] = which[lane]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _boxes(block, low, high) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """The box that each sixteen rows fill, and behind them that of all."""
    groups, size, _ = block.shape
    for group in range(groups):
        for k in range(size):
            ends(block[group], np.uint64(k), low[group], high[group])
    low[groups], high[groups] = low[0], high[0]
    for group in range(1, groups):
        for k in range(size):
            low[groups, k], high[groups, k] = min(low[groups, k], low[group, k]), max(high[groups, k], high[group, k])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _reached(block, points, seeds, distance, reach) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put into `reach` how far each row is from the nearest of a few points, squared; the largest of them."""
    reach[:] = np.inf
    for group in range(len(block)):
        for seed in seeds:
            squared(block[group], points, np.uint64(seed), distance)
            for lane in range(LANES):
                reach[group, lane] = min(reach[group, lane], distance[lane])
    return reach.max()


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _measured(rows, points, which, found) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """The distance of each lane to its point, of as many as `found` has room for."""
    total = np.zeros(LANES)
    for k in range(rows.shape[0]):
        for lane in range(LANES):
            total[lane] += (rows[k, lane] - points[which[lane], k]) ** 2
    for lane in range(min(LANES, len(found))):
        found[lane] = np.sqrt(total[lane])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _place(columns, first, centre, scale, exact, block) -> Any:  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put the next rows where they stand among the points into `exact` and, rounded, into `block`; lanes left over repeat the last row."""
    size, count = columns.shape
    for k in range(size):
        for group in range(GROUPS):
            for lane in range(LANES):
                value = np.float64(columns[k, min(first + group * LANES + lane, count - 1)])
                exact[group, k, lane] = (value - centre[k]) * scale[k] if np.isfinite(value) else 0.0
                block[group, k, lane] = exact[group, k, lane]


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
    """For each lane, which of the points is nearest, the first of those that are equally near. `reach` is what each need look no further than; points
    found draw it in."""
    size = block.shape[0]
    for lane in range(LANES):
        best[lane] = np.inf
        which[lane] = close[0]
    limit = reach.max()
    for i in range(many):
        if least[i] > limit:
            continue
        j, at, may = close[i], 0, True
        while may and at < size:
            may = further(block, points, np.uint64(j), np.uint64(at), np.uint64(min(at + STEP, size)), reach, distance)
            at += STEP
        if may and lower(distance, best, which, np.int32(j)):
            for lane in range(LANES):
                reach[lane] = min(reach[lane], best[lane] * np.float32(1 + _SLACK))
            limit = reach.max()
