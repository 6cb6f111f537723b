"""Exact distance from every cell centre to the nearest cell or cell edge of a class, as far as the block reaches.

Meijster, Roerdink and Hesselink (2000): steps to the nearest mark along each column, then the lower envelope of
parabolas along each row. All in whole numbers, at a cost per cell that no distance changes; a mark inside the reach lies inside the
halo, and what lies beyond is capped, so tiles cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from pipeline.recipe import MISSING, Array

FAR = 2**30  # steps, where a column holds no mark; its square fits an int64 and no reach is as long


def to_cells(values: Array, *, codes: Sequence[int], cell_m: float, reach_m: float) -> Array:
    """Metres from each cell centre to the nearest centre of a cell of the codes, `reach_m` where none is nearer: (y, x) float32.

    `values` (y, x) int32; NaN where the cell itself is missing.
    """
    marks = np.isin(values, codes) & (values != MISSING)
    return _metres(_squared(marks, 1), cell_m, reach_m, values)


def to_contact(values: Array, *, a: Sequence[int], b: Sequence[int], cell_m: float, reach_m: float) -> Array:
    """Metres from each cell centre to the nearest edge between a cell of codes `a` and one of codes `b`, capped at `reach_m`: (y, x) float32.

    Half a cell beside the edge itself. `values` (y, x) int32; NaN where the cell itself is missing.
    """
    of_a, of_b = (np.isin(values, codes) & (values != MISSING) for codes in (a, b))
    # On a lattice of half cells, the point of an edge nearest to any centre is its middle or one of its ends: three marks tell all.
    rows, cols = values.shape
    lattice = np.zeros((2 * rows + 1, 2 * cols + 1), dtype=bool)
    upright = (of_a[:, :-1] & of_b[:, 1:]) | (of_b[:, :-1] & of_a[:, 1:])
    level = (of_a[:-1] & of_b[1:]) | (of_b[:-1] & of_a[1:])
    for step in (0, 1, 2):
        lattice[step : step + 2 * rows : 2, 2:-1:2] |= upright
        lattice[2:-1:2, step : step + 2 * cols : 2] |= level
    return _metres(_squared(lattice, 2), cell_m / 2.0, reach_m, values)


def _metres(squared: Array, step_m: float, reach_m: float, values: Array) -> Array:
    away = np.minimum(np.sqrt(squared) * step_m, reach_m)
    return np.where(values != MISSING, away, np.nan).astype(np.float32)


def _squared(marks: Array, stride: int) -> Array:
    """Squared steps to the nearest mark, at every cell or, with stride 2, at the odd rows and columns; FAR squared or more where there is none."""
    first = stride - 1
    down = np.ascontiguousarray(_down_columns(marks)[first::stride])
    squared: Array = _along_rows(down, first, stride)
    return squared


@njit(cache=True, nogil=True)
def _down_columns(marks):  # type: ignore[no-untyped-def]
    """Steps to the nearest mark in the same column; FAR where there is none."""
    rows, cols = marks.shape
    steps = np.empty((rows, cols), dtype=np.int64)
    for c in range(cols):
        steps[0, c] = 0 if marks[0, c] else FAR
    for r in range(1, rows):
        for c in range(cols):
            steps[r, c] = 0 if marks[r, c] else min(steps[r - 1, c] + 1, FAR)
    for r in range(rows - 2, -1, -1):
        for c in range(cols):
            steps[r, c] = min(steps[r, c], steps[r + 1, c] + 1)
    return steps


@njit(cache=True, nogil=True)
def _along_rows(steps, first, stride):  # type: ignore[no-untyped-def]
    """Least of steps squared plus columns away squared, at every `stride`-th column from `first`."""
    rows, cols = steps.shape
    least = np.empty((rows, (cols - first + stride - 1) // stride), dtype=np.int64)
    site, begin = np.empty(cols, dtype=np.int64), np.empty(cols, dtype=np.int64)
    for r in range(rows):
        g = steps[r]
        top, site[0], begin[0] = 0, 0, 0
        for u in range(1, cols):
            while top >= 0 and _at(g, begin[top], site[top]) > _at(g, begin[top], u):
                top -= 1
            if top < 0:
                top, site[0], begin[0] = 0, u, 0
                continue
            i = site[top]
            meet = 1 + (u * u - i * i + g[u] * g[u] - g[i] * g[i]) // (2 * (u - i))
            if meet < cols:
                top += 1
                site[top], begin[top] = u, meet
        for k in range(least.shape[1] - 1, -1, -1):
            c = first + k * stride
            while begin[top] > c:
                top -= 1
            least[r, k] = _at(g, c, site[top])
    return least


@njit(cache=True, nogil=True)
def _at(g, column, site):  # type: ignore[no-untyped-def]
    """The parabola of a site at a column."""
    return (column - site) * (column - site) + g[site] * g[site]
