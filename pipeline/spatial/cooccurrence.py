"""Texture from the grey levels of neighbours: contrast, homogeneity and entropy of Haralick, Shanmugam and Dinstein (1973).

The co-occurrence matrix of a window counts the pairs of neighbouring cells both of which lie in it, each pair both ways,
over its sum, for one direction: east, south-east, south, south-west. Each measure is taken per direction and averaged
over those that have a pair. Everything is counted and added in whole numbers (fixed-point where a term is none), so tiles cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit

from pipeline.recipe import Array
from pipeline.spatial import boxes

STEPS = ((0, 1), (1, 1), (1, 0), (1, -1))
ONE = 2**40  # a homogeneity of 1: windows of 8 million pairs stay below 2^63
NAT = 2**30  # an n ln n of 1: windows of 10^8 pairs stay below 2^63


def contrast(levels: Array, *, half: int) -> Array:
    """Mean squared difference in level between neighbours: (y, x) float32, 0 where all are equal.

    `levels` (y, x) int16, -1 where missing; NaN where the cell itself is, or no pair lies in the window. So are the others.
    """
    squares = np.arange(int(levels.max(initial=0)) + 1, dtype=np.int64) ** 2
    return _averaged(levels, half, squares, 1)


def homogeneity(levels: Array, *, half: int) -> Array:
    """Mean of 1 / (1 + squared difference in level) over neighbours, their inverse difference moment: 0 to 1, 1 where all are equal."""
    squares = np.arange(int(levels.max(initial=0)) + 1, dtype=np.int64) ** 2
    return _averaged(levels, half, np.rint(ONE / (1 + squares)).astype(np.int64), ONE)


def entropy(levels: Array, *, half: int, halo: int) -> Array:
    """-sum p ln p over the entries of the co-occurrence matrix, in nats, 0 where all cells are equal: (y, x) float32.

    The one measure here that needs the matrix itself: it slides along each row, so the cost grows with the radius. The outermost
    `halo` cells, which the shell trims, are left NaN.
    """
    counts = np.arange(2 * (2 * half + 1) ** 2 + 1)
    table = np.rint(counts * np.log(np.maximum(counts, 1)) * NAT).astype(np.int64)
    total, directions = np.zeros(levels.shape), np.zeros(levels.shape, dtype=np.int8)
    for down, right in STEPS:
        _add_entropy(levels, half, halo, down, right, int(levels.max(initial=0)) + 1, table, total, directions)
    return _mean_of(total / NAT, directions, levels)


def _averaged(levels: Array, half: int, terms: Array, unit: int) -> Array:
    """Mean over the directions of the mean over their pairs of a term of the difference in level."""
    total, directions = np.zeros(levels.shape), np.zeros(levels.shape, dtype=np.int8)
    for (down, right), (valid, difference) in zip(STEPS, _pairs(levels), strict=True):
        sides = {"rows": (half, half - down), "cols": (half - max(0, -right), half - max(0, right))}
        pairs = boxes.sums(valid, **sides)
        added = boxes.sums(np.where(valid, terms[difference], 0), **sides)
        total += added / (np.maximum(pairs, 1) * unit)
        directions += pairs > 0
    return _mean_of(total, directions, levels)


def _pairs(levels: Array) -> Iterator[tuple[Array, Array]]:
    """For each direction, whether a cell and its neighbour are known, and their difference in level: (y, x) bool and int16."""
    rows, cols = levels.shape
    for down, right in STEPS:
        here = np.s_[: rows - down, max(0, -right) : cols - max(0, right)]
        there = np.s_[down:, max(0, right) : cols - max(0, -right)]
        valid, difference = np.zeros(levels.shape, dtype=bool), np.zeros(levels.shape, dtype=np.int16)
        valid[here] = (levels[here] >= 0) & (levels[there] >= 0)
        difference[here] = np.abs(levels[here] - levels[there])
        difference[~valid] = 0
        yield valid, difference


def _mean_of(total: Array, directions: Array, levels: Array) -> Array:
    known = (levels >= 0) & (directions > 0)
    return np.where(known, total / np.maximum(directions, 1), np.nan).astype(np.float32)


@njit(cache=True, nogil=True)
def _add_entropy(levels, half, halo, down, right, top, table, total, directions):  # type: ignore[no-untyped-def]
    """Add one direction's entropy, times NAT, to each cell's total, and 1 to its directions where it has a pair."""
    rows, cols = levels.shape
    west, east = half - max(0, -right), half - max(0, right)  # where pairs of a window may begin
    for r in range(halo, rows - halo):
        upper, lower = max(r - half, 0), min(r + half, rows - 1) - down
        counts = np.zeros((top, top), dtype=np.int64)
        held, added = np.int64(0), np.int64(0)
        for c in range(halo - west - east, cols - halo):
            for sign, column in ((1, c + east), (-1, c - west - 1)):
                if not (0 <= column < cols and 0 <= column + right < cols) or column < halo - west:
                    continue
                for row in range(upper, lower + 1):
                    a, b = levels[row, column], levels[row + down, column + right]
                    if a < 0 or b < 0:
                        continue
                    a, b = min(a, b), max(a, b)
                    added -= _terms(counts[a, b], a == b, table)
                    counts[a, b] += sign
                    added += _terms(counts[a, b], a == b, table)
                    held += sign
            if c >= halo and held > 0:
                total[r, c] += (table[2 * held] - added) / (2.0 * held)
                directions[r, c] += 1


@njit(cache=True, nogil=True)
def _terms(count, same, table):  # type: ignore[no-untyped-def]
    """The n ln n of the matrix entries a kind of pair fills: one of twice the count on the diagonal, two of the count off it."""
    return table[2 * count] if same else 2 * table[count]
