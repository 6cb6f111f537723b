"""Principal components of layers: axes from a sample of cells, scores cell by cell.

Sums run in float64 over batches of fixed size and scores over the layers one by one, so that neither the tile nor
the number of threads can change a bit of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.errors import DataError
from pipeline.recipe import Array

BATCH = 65_536  # rows of a sum: any fixed number does, it bounds the float64 copy


def moments(columns: Sequence[Array], *, names: str) -> tuple[Array, Array]:
    """Mean (n,) and population covariance (n, n), float64, of the rows in which all n columns hold a value.

    DataError where fewer than n + 1 rows do, for then some axis rests on no data at all; `names` says what the columns are.
    """
    sound = np.all([np.isfinite(column) for column in columns], axis=0)
    count, wide = int(sound.sum()), len(columns)
    if count <= wide:
        raise DataError(
            f"principal components of {wide} layers need more than {wide} cells where all of them hold a value, and {count} of the "
            f"sampled ones do ({names}); check that the layers overlap, or leave out the one that is mostly missing"
        )
    rows = np.flatnonzero(sound)
    batches = [rows[start : start + BATCH] for start in range(0, count, BATCH)]
    mean = np.zeros(wide)
    for batch in batches:
        mean += [column[batch].astype(np.float64).sum() for column in columns]
    mean /= count
    covariance = np.zeros((wide, wide))
    for batch in batches:
        off = np.stack([column[batch].astype(np.float64) for column in columns]) - mean[:, None]
        covariance += off @ off.T
    return mean, covariance / count


def axes(covariance: Array) -> Array:
    """The principal axes as rows of unit length, largest variance first: (n, n) float64; the sign is as it falls."""
    _, vectors = np.linalg.eigh(covariance)
    return np.ascontiguousarray(vectors.T[::-1])


def by_noise(covariance: Array, noise: Array) -> tuple[Array, Array]:
    """Axes (n, n) as rows, on each of which the noise has unit variance, the clearest signal first; and the variances on them (n,).

    The variance on an axis is signal and noise over noise, 1 for noise alone. DataError where the noise leaves some direction empty:
    layers that repeat each other have no noise of their own. Green and others (1988), as two rotations: Roger (1994).
    """
    shares, directions = np.linalg.eigh(noise)
    if shares[0] <= 1e-10 * max(shares[-1], np.finfo(float).tiny):
        raise DataError(
            "mnf: the noise of these layers does not fill all their directions (one layer is smooth, constant, or a copy of others); leave it out"
        )
    white = directions / np.sqrt(shares)
    variance, turned = np.linalg.eigh(white.T @ covariance @ white)
    return np.ascontiguousarray((white @ turned).T[::-1]), variance[::-1]


def upright(found: Array) -> Array:
    """The same axes with a stated sign: the first layer with at least half the largest weight has a positive one.

    Not the largest weight itself: an axis that sets two layers against each other has two nearly equal ones of opposite
    sign, and noise would choose between them.
    """
    heavy = np.abs(found) >= 0.5 * np.abs(found).max(axis=1, keepdims=True)
    leading = found[np.arange(len(found)), np.argmax(heavy, axis=1)]
    return np.where(leading < 0, -1.0, 1.0)[:, None] * found


def directed(found: Array, *, high: int, low: int) -> Array:
    """The axis that sets layer `high` against layer `low` most: (n,), turned so that `high` counts positive.

    Of all axes the one whose weights of the two have the most negative product. There is always one with opposite signs,
    or the two meet in no axis: rows of an orthogonal matrix have the product 0 in sum.
    """
    chosen: Array = found[np.argmin(found[:, high] * found[:, low])]
    return -chosen if chosen[high] < 0 else chosen


def score(values: Sequence[Array], axis: Array, mean: Array) -> Array:
    """Where cells lie along an axis, 0 at the mean: float32 of the shape of one layer, NaN where one of them is missing."""
    total = np.zeros(values[0].shape)
    for layer, weight, middle in zip(values, axis, mean, strict=True):
        total += weight * (layer.astype(np.float64) - middle)
    with np.errstate(over="ignore"):
        rounded: Array = total.astype(np.float32)
    rounded[~np.isfinite(rounded)] = np.nan
    return rounded
