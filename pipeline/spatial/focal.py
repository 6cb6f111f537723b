"""Count, mean and spread of the valid cells in a square window, at a cost independent of its size.

An integral image subtracts large sums from each other, so it needs fixed-point numbers and a range known
beforehand. Here nothing is subtracted. The lines of the grid are cut into segments one window long, at
positions fixed on the map, and running moments are kept from each segment's start and, backwards, from each
segment's end. Any window is the end of one segment and the start of the next, so its moments are one backward
and one forward value joined: first along x, then along y (the scheme of van Herk 1992 and Gil and Werman 1993
for maxima). Every number depends only on the cells of the window and on where the window lies on the map,
never on the tile; no range is needed, and values of 1e5 that differ by 1e-2 keep their spread, because
moments are joined as in Chan, Golub and LeVeque (1983), with no difference of squares.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.recipe import Array, Cells
from pipeline.spatial.windows import half_cells


def moments(values: Array, at: Cells, *, radius_m: float) -> tuple[Array, Array, Array]:
    """Count (int32), mean and population standard deviation (float64) of the valid cells in each window.

    `values` (y, x) lies on the cells `at`; the window is the square of cells up to `radius_m` away along rows
    and columns. NaN and infinities count as missing; where the window holds no valid cell mean and deviation
    are NaN.
    """
    half = half_cells(radius_m, at.cell_m)
    valid = np.isfinite(values)
    count, middle = valid.astype(np.int32), np.where(valid, values, 0.0).astype(np.float64)
    squares = np.zeros_like(middle)
    first_row, first_col = round(-at.y[0] / at.cell_m - 0.5), round(at.x[0] / at.cell_m - 0.5)
    _along_rows(count, middle, squares, half, first_col % (2 * half + 1))
    _along_rows(count.T, middle.T, squares.T, half, first_row % (2 * half + 1))
    empty = count == 0
    middle[empty] = np.nan
    return count, middle, np.sqrt(squares / np.where(empty, np.nan, count))


def mean(values: Array, at: Cells, *, radius_m: float) -> Array:
    """Mean of the valid cells in the window, (y, x) float32; NaN where the cell itself is missing."""
    _, middle, _ = moments(values, at, radius_m=radius_m)
    return _own(middle, values)


def deviation(values: Array, at: Cells, *, radius_m: float) -> Array:
    """Their population standard deviation, (y, x) float32; NaN where the cell itself is missing."""
    _, _, spread = moments(values, at, radius_m=radius_m)
    return _own(spread, values)


def departure(values: Array, at: Cells, *, radius_m: float) -> Array:
    """The cell minus the mean of the other valid cells: (y, x) float32; NaN also where there is no other."""
    count, middle, _ = moments(values, at, radius_m=radius_m)
    found = np.empty(values.shape, np.float32)
    _departed(values, count, middle, found)
    return found


def _own(answer: Array, values: Array) -> Array:
    """One rounding to float32, and missing stays missing."""
    found = np.empty(values.shape, np.float32)
    _rounded(answer, values, found)
    return found


@njit(cache=True, nogil=True)
def _rounded(answer, values, found):  # type: ignore[no-untyped-def]
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            found[i, j] = answer[i, j] if np.isfinite(values[i, j]) else np.nan


@njit(cache=True, nogil=True)
def _departed(values, count, mean, found):  # type: ignore[no-untyped-def]
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            there = np.isfinite(values[i, j]) and count[i, j] > 1
            # from the mean that includes the cell
            found[i, j] = (values[i, j] - mean[i, j]) * (count[i, j] / (count[i, j] - 1.0)) if there else np.nan


@njit(cache=True, nogil=True)
def _along_rows(count, mean, squares, half, phase):  # type: ignore[no-untyped-def]
    """Replace each cell's count, mean and sum of squared deviations by those of the window along its row.

    `phase` is the place of the first column within its segment, counted on the map.
    """
    rows, cols = count.shape
    width = 2 * half + 1
    fore, back = np.empty((3, cols)), np.empty((3, cols))
    for r in range(rows):
        held = (0.0, 0.0, 0.0)
        for c in range(cols):
            if (phase + c) % width == 0:
                held = (0.0, 0.0, 0.0)
            held = _joined(held, (float(count[r, c]), mean[r, c], squares[r, c]))
            fore[0, c], fore[1, c], fore[2, c] = held
        held = (0.0, 0.0, 0.0)
        for c in range(cols - 1, -1, -1):
            if (phase + c) % width == width - 1:
                held = (0.0, 0.0, 0.0)
            held = _joined(held, (float(count[r, c]), mean[r, c], squares[r, c]))
            back[0, c], back[1, c], back[2, c] = held
        for c in range(cols):
            low, high = max(c - half, 0), min(c + half, cols - 1)
            ends = (back[0, low], back[1, low], back[2, low])
            begins = (fore[0, high], fore[1, high], fore[2, high])
            if (phase + low) // width != (phase + high) // width:
                whole = _joined(ends, begins)
            elif low == 0 or (phase + low) % width == 0:
                whole = begins
            else:  # the block ends before the window does
                whole = ends
            count[r, c], mean[r, c], squares[r, c] = int(whole[0]), whole[1], whole[2]


@njit(cache=True, nogil=True)
def _joined(a, b):  # type: ignore[no-untyped-def]
    """Moments of two sets of cells taken together."""
    if b[0] == 0.0:
        return a
    if a[0] == 0.0:
        return b
    n = a[0] + b[0]
    apart = b[1] - a[1]
    return (n, a[1] + apart * (b[0] / n), a[2] + b[2] + apart * apart * (a[0] * (b[0] / n)))
