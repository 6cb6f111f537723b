"""Normalized difference of two layers."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Layer, feature

EPOCH = 1


@feature(summary="Normalized difference", units="1", reference="Rouse et al. (1974)")
def normalized_difference(*, a: Layer, b: Layer) -> Array:
    """(a - b) / (a + b), from -1 (only b) through 0 (equal) to 1 (only a); (y, x) float32.

    NaN where either is missing or both are 0, and where either is negative: a negative reflectance is left
    over from the correction for the atmosphere, mostly in deep shadow, and would throw the answer out of its
    range.
    """
    first, second = a.values.astype(np.float64), b.values.astype(np.float64)
    both = first + second
    sound = (first >= 0) & (second >= 0) & (both > 0) & np.isfinite(both)
    index = np.full(both.shape, np.nan)
    np.divide(first - second, both, out=index, where=sound)
    return index.astype(np.float32)
