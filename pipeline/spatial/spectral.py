"""Arithmetic of bands: ratios that are missing where light is, one rounding to float32 at the end.

A ratio of two bands cancels what dims both alike, sun angle and shade (Rowan et al. 1974), so it needs bands
without an additive part: surface reflectance, not the radiance at the sensor, to which the air adds its own.
"""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Bands


def light(of: Bands) -> tuple[Array, ...]:
    """The bands in the order of their roles, (y, x) float64; NaN where one is negative or infinite.

    Negative reflectance is left over from the correction for the atmosphere, mostly in deep shadow; the product of
    two such ratios would look like sound ground.
    """
    bands = tuple(layer.values.astype(np.float64) for layer in of.values())
    for band in bands:
        band[~((band >= 0) & (band < np.inf))] = np.nan
    return bands


def over(above: Array, below: Array) -> Array:
    """Above over below, (y, x) float64; NaN where below is not positive or one of them is missing."""
    ratio: Array = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio


def normalized(a: Array, b: Array) -> Array:
    """(a - b) / (a + b), -1 to 1, (y, x) float32; NaN where one is missing or both are 0."""
    return index(over(a - b, a + b))


def index(values: Array) -> Array:
    """The finished index as float32; NaN where it is too large for one."""
    with np.errstate(over="ignore"):
        rounded: Array = values.astype(np.float32)
    rounded[~np.isfinite(rounded)] = np.nan
    return rounded
