"""Cubic B-splines of one column: where their knots lie, their values, and what their bends cost."""

from __future__ import annotations

import numpy as np

from pipeline.learning.draws import Floats, Ints

DEGREE = 3


def knots(values: Floats, *, count: int) -> Floats:
    """`count` knots that rise from the least to the greatest of `values` (n,), with equal shares of them between; (count,).

    At equal steps where many equal values would make knots meet, and so, from that value on, where all are one. NaN is left out; 0 to 1 for none.
    """
    held = values[~np.isnan(values)]
    if not held.size:
        return np.linspace(0.0, 1.0, count)
    found = np.quantile(held, np.linspace(0, 1, count))
    if (np.diff(found) > 0).all():
        return np.asarray(found, np.float64)
    low, high = float(held.min()), float(held.max())
    found = np.linspace(low, high, count)
    # the step between neighbours in float64 may be too small to divide
    return np.asarray(found if (np.diff(found) > 0).all() else low + max(1.0, abs(low)) * np.arange(count), np.float64)


def basis(x: Floats, at: Floats) -> tuple[Ints, tuple[Floats, ...]]:
    """The four splines that are not 0 at each of `x` (n,), given knots `at`: number of the first (n,), and their values, (n,) each.

    There are len(at) + 2 splines, which add up to 1; outside the knots the values are those of the nearest. Each row is worked out alone.
    De Boor (1978); the recursion as in Piegl and Tiller (1997), A2.2.
    """
    x = np.clip(x, at[0], at[-1])
    first = np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(at) - 2)
    padded = np.concatenate((np.repeat(at[0], DEGREE), at, np.repeat(at[-1], DEGREE)))
    span = first + DEGREE
    left = [x - padded[span + 1 - j] for j in range(DEGREE + 1)]
    right = [padded[span + j] - x for j in range(DEGREE + 1)]
    found = [np.ones(len(x))]
    for j in range(1, DEGREE + 1):
        saved = np.zeros(len(x))
        for r in range(j):
            part = found[r] / (right[r + 1] + left[j - r])
            found[r] = saved + right[r + 1] * part
            saved = left[j - r] * part
        found.append(saved)
    return first.astype(np.int64), tuple(found)


def design(x: Floats, at: Floats) -> Floats:
    """The values of all splines at `x` (n,); (n, len(at) + 2)."""
    first, values = basis(x, at)
    whole = np.zeros((len(x), len(at) + DEGREE - 1))
    for r, held in enumerate(values):
        whole[np.arange(len(x)), first + r] = held
    return whole


def penalty(count: int) -> Floats:
    """What coefficients b of splines over `count` knots cost: b' P b; (count + 2, count + 2), 0 for a constant.

    The squared first differences, scaled so that a steady rise from end to end costs what the weight of a column of deviation 1 would,
    and the squared second differences, which make a hump as high as the rise cost about ten times that. Eilers and Marx (1996).
    """
    splines = count + DEGREE - 1
    rise, bend = np.diff(np.eye(splines), axis=0), np.diff(np.eye(splines), n=2, axis=0)
    return np.asarray((splines - 1) / 12 * rise.T @ rise + (splines - 1) ** 3 / 100 * bend.T @ bend)


def loosened(cost: Floats) -> Floats:
    """T (m, m - 1) such that b = T g costs the sum of squares of g, over all b but constants: what lets a ridge fit a penalty."""
    values, vectors = np.linalg.eigh(cost)
    return np.asarray(vectors[:, 1:] / np.sqrt(values[1:]))  # rising: the first is that of the constant
