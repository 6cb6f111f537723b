"""From a measured value to a degree of membership, 0 to 1: the curves of fuzzy evidence.

Every function takes a (y, x) block in the layer's units and gives a float32 block of the same shape. Missing cells and
infinities give NaN. Arithmetic is float64, one rounding at the end, cell by cell.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.recipe import Array


def linear(values: Array, *, zero_at: float, one_at: float) -> Array:
    """0 at `zero_at` and beyond, 1 at `one_at` and beyond, straight between; falls where `one_at` is the smaller."""
    return _rounded(np.clip((_known(values) - zero_at) / (one_at - zero_at), 0.0, 1.0))


def large(values: Array, *, midpoint: float, spread: float) -> Array:
    """1 / (1 + (value / midpoint) ** -spread): 1/2 at the midpoint, near 1 far above it; 0 at and below 0."""
    with np.errstate(divide="ignore", over="ignore"):  # far below the midpoint the power is infinite and the membership 0
        return _rounded(1.0 / (1.0 + (midpoint / np.maximum(_known(values), 0.0)) ** spread))


def small(values: Array, *, midpoint: float, spread: float) -> Array:
    """1 / (1 + (value / midpoint) ** spread): 1/2 at the midpoint, near 0 far above it; 1 at and below 0."""
    with np.errstate(over="ignore"):  # far above it likewise
        return _rounded(1.0 / (1.0 + (np.maximum(_known(values), 0.0) / midpoint) ** spread))


def gaussian(values: Array, *, midpoint: float, spread: float) -> Array:
    """exp(-spread * (value - midpoint) ** 2): 1 at the midpoint, 1/2 a distance of sqrt(ln 2 / spread) away."""
    return _rounded(np.exp(-spread * (_known(values) - midpoint) ** 2))


def near(values: Array, *, midpoint: float, spread: float) -> Array:
    """1 / (1 + spread * (value - midpoint) ** 2): 1 at the midpoint, 1/2 a distance of 1 / sqrt(spread) away."""
    return _rounded(1.0 / (1.0 + spread * (_known(values) - midpoint) ** 2))


def logistic(values: Array, *, least_at: float, most_at: float) -> Array:
    """1 / (1 + exp(-s (value - i))) with s and i such that it is 0.01 at `least_at` and 0.99 at `most_at`.

    A step where both are the same: 0 below, 1/2 at, 1 above.
    """
    span, away = most_at - least_at, _known(values) - 0.5 * (least_at + most_at)
    if span == 0:
        return _rounded(0.5 + 0.5 * np.sign(away))
    slope = 2.0 * math.log(99.0) / span
    return _rounded(0.5 + 0.5 * np.tanh(0.5 * slope * away))  # the same curve, and no exponential can overflow


def _known(values: Array) -> Array:
    wide = values.astype(np.float64)
    wide[~np.isfinite(wide)] = np.nan
    return wide


def _rounded(answer: Array) -> Array:
    return answer.astype(np.float32)
