"""Smallest and largest value in a square window, at a cost independent of its size.

The lines of the block are cut into segments one window long; running extremes are kept from each segment's start and,
backwards, from its end, and any window is the end of one and the start of the next (van Herk 1992, Gil and Werman 1993). An
extreme is one of the values, so no cut changes it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.recipe import Array


def largest(values: Array, *, half: int) -> Array:
    """Largest of the known cells up to `half` away along rows and columns: (y, x) float32.

    NaN where the cell itself is missing; NaN and infinities count as missing.
    """
    known = np.isfinite(values)
    highest = np.where(known, values, -np.inf).astype(np.float32)
    _along_rows(highest, half)
    _along_rows(highest.T, half)
    return np.where(known, highest, np.float32(np.nan))


def smallest(values: Array, *, half: int) -> Array:
    """Smallest of them, likewise."""
    return -largest(-values, half=half)


@njit(cache=True, nogil=True)
def _along_rows(values, half):  # type: ignore[no-untyped-def]
    """Replace each cell by the largest of the window along its row."""
    rows, cols = values.shape
    width = 2 * half + 1
    fore, back = np.empty(cols, dtype=values.dtype), np.empty(cols, dtype=values.dtype)
    for r in range(rows):
        for c in range(cols):
            fore[c] = values[r, c] if c % width == 0 else max(fore[c - 1], values[r, c])
        for c in range(cols - 1, -1, -1):
            last = c == cols - 1 or c % width == width - 1
            back[c] = values[r, c] if last else max(back[c + 1], values[r, c])
        for c in range(cols):
            low, high = max(c - half, 0), min(c + half, cols - 1)
            if low // width != high // width:
                values[r, c] = max(back[low], fore[high])
            else:  # a window cut by the block's edge lies in one segment, at its start or at its end
                values[r, c] = fore[high] if low % width == 0 else back[low]
