"""A smooth surface across the holes of a grid, for filters that cannot take a hole."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array

SWEEPS = 40  # relaxations on each level: more of them changes a filled cell by less than the error of filling it at all


def filled(values: Array) -> Array:
    """The grid (y, x) as float64 with every missing cell given a value; known cells keep theirs to the last bit.

    A membrane stretched over the holes (Laplace's equation, no flow across the grid's edge), which invents no high and no low:
    every filled cell lies between the extremes of the known ones. Solved from coarse to fine: means over 2 x 2 cells until no hole is
    left, then each level starts from the one above and is relaxed a fixed number of times, so the cost grows with the cells and the
    answer depends on nothing else. All zeros where nothing is known.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(values.shape)
    if known.all():
        return values.astype(np.float64)
    coarse = filled(_halved(values))
    guess = coarse[np.arange(values.shape[0])[:, None] // 2, np.arange(values.shape[1])[None, :] // 2]
    field = np.where(known, values, guess)
    for _ in range(SWEEPS):
        around = np.pad(field, 1, mode="edge")
        mean = (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]) / 4
        field = np.where(known, values, mean)
    return field


def _halved(values: Array) -> Array:
    """Means of the known cells of 2 x 2, NaN where none is."""
    rows, cols = -(-values.shape[0] // 2), -(-values.shape[1] // 2)
    even = np.full((2 * rows, 2 * cols), np.nan)
    even[: values.shape[0], : values.shape[1]] = values
    quads = even.reshape(rows, 2, cols, 2).swapaxes(1, 2).reshape(rows, cols, 4)
    count = np.isfinite(quads).sum(axis=2)
    total = np.where(np.isfinite(quads), quads, 0.0).sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
