"""What the classes of a categorical layer do around a cell: their shares, their boundaries, their variety.

All take a (y, x) int32 block with MISSING where there is none, and give float32 of the same shape, NaN where the cell
itself is missing. Windows are squares of cells. Everything is counted in whole numbers, so tiles cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from pipeline.recipe import MISSING, Array
from pipeline.spatial import boxes

NAT = 2**30  # an n ln n of 1: windows of 10^8 cells stay below 2^63


def share(values: Array, *, codes: Sequence[int], half: int) -> Array:
    """Of the known cells in the window, the share that is of the codes: 0 to 1."""
    known = values != MISSING
    of_them = np.isin(values, codes) & known
    return _own(boxes.square(of_them, half) / np.maximum(boxes.square(known, half), 1), known)


def boundary_km_per_km2(values: Array, *, half: int, cell_m: float) -> Array:
    """Length of the edges between cells of different classes over the area of the known cells in the window.

    An edge is half its one cell's and half its other's, so edges on the window's rim count half and the density has no bias at
    any radius. Edges beside a missing cell are no contact.
    """
    known = values != MISSING
    halves = np.zeros(values.shape, dtype=np.int8)
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        contact = (values[a] != values[b]) & known[a] & known[b]
        halves[a] += contact
        halves[b] += contact
    length_km = boxes.square(halves, half) * (0.5 * cell_m / 1e3)
    area_km2 = np.maximum(boxes.square(known, half), 1) * (cell_m / 1e3) ** 2
    return _own(length_km / area_km2, known)


def shannon(values: Array, *, half: int) -> Array:
    """Shannon's entropy of the classes of the known cells in the window, in nats: 0 for one class, ln n for n equally common ones.

    The cost goes with the number of classes in the block, not with the window.
    """
    known = values != MISSING
    codes, index = np.unique(values, return_inverse=True)
    lowest = int(codes[0] == MISSING)  # the lowest int32 there is, so always first
    counts = np.arange((2 * half + 1) ** 2 + 1)
    table = np.rint(counts * np.log(np.maximum(counts, 1)) * NAT).astype(np.int64)
    entropy = _entropies(index.reshape(values.shape) - lowest, len(codes) - lowest, half, table)
    return _own(entropy / NAT, known)


def _own(answer: Array, known: Array) -> Array:
    return np.where(known, answer, np.nan).astype(np.float32)


@njit(cache=True, nogil=True)
def _entropies(index, classes, half, table):  # type: ignore[no-untyped-def]
    """Entropy, times NAT, of the classes 0, 1 ... in each window, -1 being none: the histogram of a window is that of its neighbour
    with one column's histogram taken away and one added (Perreault and Hebert 2007). In that order: the other way round a full
    window holds a column more for a moment than the table has an answer for."""
    rows, cols = index.shape
    columns = np.zeros((cols, classes), dtype=np.int64)
    entropy = np.zeros((rows, cols))
    for r in range(-half, rows):
        for sign, row in ((1, r + half), (-1, r - half - 1)):
            if 0 <= row < rows:
                _count(columns, index[row], sign)
        if r < 0:
            continue
        window, cells, added = np.zeros(classes, dtype=np.int64), np.int64(0), np.int64(0)
        for c in range(-half, cols):
            for sign, column in ((-1, c - half - 1), (1, c + half)):
                if not 0 <= column < cols:
                    continue
                for k in range(classes):
                    n = columns[column, k]
                    if n:
                        added += table[window[k] + sign * n] - table[window[k]]
                        window[k] += sign * n
                        cells += sign * n
            if c >= 0 and cells > 0:
                entropy[r, c] = (table[cells] - added) / cells
    return entropy


@njit(cache=True, nogil=True)
def _count(columns, row, sign):  # type: ignore[no-untyped-def]
    """Add a row of classes to the columns' histograms, or take it away."""
    for c in range(len(row)):
        if row[c] >= 0:
            columns[c, row[c]] += sign
