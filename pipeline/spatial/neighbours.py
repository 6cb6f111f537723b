"""The nearest points of every cell centre, exactly, ties included, so that a cell's neighbours never depend on its tile."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numba import njit

from pipeline.recipe import Array, Cells
from pipeline.spatial.assays import Points

BLOCK = 16  # cells on a side that share a short list of candidates; any number gives the same answer
STRIP = 128  # rows whose neighbours are held at once, against memory


def strips(points: Points, at: Cells, *, neighbours: int, reach_m: float) -> Iterator[tuple[slice, Array]]:
    """Rows of the window, and for each of their cells the numbers of its nearest points, nearest first: (rows, x, neighbours) int32.

    -1 where fewer than `neighbours` lie within `reach_m`. Of points equally far the one with the smaller x, then y, comes first,
    so a sampling grid laid on the cells cannot make the choice depend on what else the tile sees.
    """
    for top in range(0, at.y.size, STRIP):
        rows = slice(top, min(top + STRIP, at.y.size))
        index = np.full((rows.stop - rows.start, at.x.size, neighbours), -1, dtype=np.int32)
        _nearest(at.x, at.y[rows], points.x, points.y, float(reach_m), index)
        yield rows, index


@njit(cache=True, nogil=True)
def _nearest(x, y, px, py, reach, index):  # type: ignore[no-untyped-def]
    """Fill the numbers of the nearest points.

    A point farther from the centre of a block than the last of the nearest there plus the block's diagonal is among the
    nearest of none of its cells.
    """
    count, wanted = len(px), index.shape[2]
    held = np.empty(count)
    near = np.empty(count, dtype=np.int64)
    away = np.empty(wanted)
    for top in range(0, len(y), BLOCK):
        bottom = min(top + BLOCK, len(y)) - 1
        for left in range(0, len(x), BLOCK):
            right = min(left + BLOCK, len(x)) - 1
            cx, cy = 0.5 * (x[left] + x[right]), 0.5 * (y[top] + y[bottom])
            half = 0.5 * math.hypot(x[right] - x[left], y[top] - y[bottom])
            for i in range(count):
                held[i] = math.hypot(px[i] - cx, py[i] - cy)
            limit = reach + half
            if count > wanted:
                limit = min(limit, np.partition(held, wanted - 1)[wanted - 1] + 2.0 * half)
            limit += 1e-3  # a millimetre more than geometry asks for, against rounding
            listed = 0
            for i in range(count):
                if held[i] <= limit:
                    near[listed] = i
                    listed += 1
            for r in range(top, bottom + 1):
                for c in range(left, right + 1):
                    _choose(x[c], y[r], px, py, near[:listed], reach, away, index[r, c])


@njit(cache=True, nogil=True)
def _choose(x, y, px, py, near, reach, away, chosen):  # type: ignore[no-untyped-def]
    """Sort the candidates, which come in the order of their numbers, into the list of the nearest."""
    found = 0
    for i in near:
        squared = (px[i] - x) ** 2 + (py[i] - y) ** 2
        if squared > reach * reach or (found == len(chosen) and squared >= away[found - 1]):
            continue
        place = min(found, len(chosen) - 1)
        while place > 0 and away[place - 1] > squared:
            away[place], chosen[place] = away[place - 1], chosen[place - 1]
            place -= 1
        away[place], chosen[place] = squared, i
        found = min(found + 1, len(chosen))
