"""Sums over rectangular windows of whole numbers, at a cost independent of the window's size.

Running sums of integers are exact, so a window's sum is the same whatever block it was cut from; continuous values need
the joined moments of `focal` instead.
"""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array

Sides = tuple[int, int]


def sums(values: Array, *, rows: Sides, cols: Sides) -> Array:
    """Sum of the cells from `rows[0]` above to `rows[1]` below, and `cols[0]` left to `cols[1]` right: (y, x) int64.

    `values` (y, x) are whole numbers or bool. Cells outside the block add nothing. A side may be negative, so long as the window is not empty.
    """
    return _along(_along(values, rows).T, cols).T


def square(values: Array, half: int) -> Array:
    """Sum over the cells up to `half` away along rows and columns: (y, x) int64."""
    return sums(values, rows=(half, half), cols=(half, half))


def _along(values: Array, sides: Sides) -> Array:
    before, after = sides
    n = values.shape[0]
    total = np.zeros((n + 1, values.shape[1]), dtype=np.int64)
    np.cumsum(values, axis=0, dtype=np.int64, out=total[1:])
    at = np.arange(n)
    high: Array = total[np.clip(at + after + 1, 0, n)] - total[np.clip(at - before, 0, n)]
    return high
