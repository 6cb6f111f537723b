"""Where a surface changes most: thin edges of its gradient, joined to lines."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage

from pipeline.recipe import Array

TRUNCATE = 4.0  # deviations of a Gaussian beyond which it is nothing


def edges(values: Array, *, sigma: float) -> tuple[Array, Array]:
    """The gradient's size per cell at a scale of `sigma` cells, and whether the cell is a crest of it along its direction; (y, x) each.

    NaN is smoothed around by normalised convolution; within three deviations of a gap or of the border no crest is told, for what lies
    beyond is not known. Canny (1986), for the crests; Knutsson and Westin (1993), for the gaps.
    """
    known = np.isfinite(values)
    gaps = ~known
    margin = int(np.ceil(3 * sigma))
    near_gap = ndimage.maximum_filter(np.pad(gaps, margin, constant_values=True), size=2 * margin + 1)[margin:-margin, margin:-margin]
    weight = ndimage.gaussian_filter(known.astype(float), sigma, mode="constant", truncate=TRUNCATE)
    level = float(np.nanmean(values)) if known.any() else 0.0
    mean = ndimage.gaussian_filter(np.where(known, values - level, 0.0), sigma, mode="constant", truncate=TRUNCATE) / np.where(weight > 0, weight, 1.0)
    down, across = np.gradient(mean, axis=0), np.gradient(mean, axis=1)
    size = np.hypot(down, across)
    crest = _crest(size, down, across) & ~near_gap
    size[near_gap] = 0.0
    return size, crest


def traced(mask: Array, *, least: int) -> list[Array]:
    """The chains of eight-connected cells of a thin mask, (n, 2) of row and column each, of at least `least` cells.

    Thinned to one cell, cut where three or more meet, walked from an end; rings are cut at their first cell. In the order of their
    first cells, so the same mask gives the same chains.
    """
    from skimage.morphology import skeletonize

    thin = skeletonize(mask)
    around = ndimage.convolve(thin.astype(np.int8), np.ones((3, 3), np.int8), mode="constant") - thin
    thin &= around <= 2  # a chain has no forks
    label, count = ndimage.label(thin, np.ones((3, 3)))
    rows, cols = np.nonzero(thin)
    part = label[rows, cols]
    order = np.argsort(part, kind="stable")
    bounds = np.searchsorted(part[order], np.arange(1, count + 2))
    cells = np.column_stack([rows, cols])[order]
    chains = [_walked(cells[a:b]) for a, b in itertools.pairwise(bounds) if b - a >= least]
    return sorted(chains, key=lambda chain: (int(chain[0, 0]), int(chain[0, 1])))


def azimuth(dx: Array, dy: Array) -> Array:
    """Direction of lines in degrees clockwise from grid north, 0 to below 180; a line has no head."""
    found: Array = np.degrees(np.arctan2(dx, dy)) % 180.0
    return found


def _crest(size: Array, down: Array, across: Array) -> Array:
    """Whether each cell is no lower than its neighbours before and behind it along the gradient, and higher than one; between cells linearly."""
    length = np.where(size > 0, size, 1.0)
    row, col = np.mgrid[: size.shape[0], : size.shape[1]].astype(float)
    ahead = ndimage.map_coordinates(size, [row + down / length, col + across / length], order=1, mode="nearest")
    behind = ndimage.map_coordinates(size, [row - down / length, col - across / length], order=1, mode="nearest")
    found: Array = (size > 0) & (size >= ahead) & (size >= behind) & ((size > ahead) | (size > behind))
    return found


def _walked(cells: Array) -> Array:
    """The cells of one chain in the order of walking it."""
    left = {(int(r), int(c)) for r, c in cells}

    def beside(at: tuple[int, int]) -> list[tuple[int, int]]:
        # straight steps first, so that a corner is walked through and not cut
        steps = [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
        return [(at[0] + r, at[1] + c) for r, c in steps if (at[0] + r, at[1] + c) in left]

    ends = sorted(cell for cell in left if len(beside(cell)) == 1)
    at = ends[0] if ends else min(left)
    path = [at]
    left.remove(at)
    while near := beside(at):
        at = near[0]
        path.append(at)
        left.remove(at)
    return np.array(path)
