"""Ratio of two layers."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Layer, feature

EPOCH = 1


@feature(summary="Band ratio", units="1", reference="Rowan et al. (1974)", scale="ratio")
def band_ratio(*, numerator: Layer, denominator: Layer) -> Array:
    """Numerator over denominator, 1 where they are equal; (y, x) float32. Cancels most of the light and shade
    of relief.

    NaN where either is missing, where the denominator is 0 or negative, and where the ratio is too large for
    float32. For Sentinel-2: swir16 over swir22 rises over AlOH clays and white mica, red over blue over
    ferric iron.
    """
    above, below = numerator.values, denominator.values
    ratio = np.full(above.shape, np.nan, dtype=np.float32)
    with np.errstate(over="ignore"):
        np.divide(above, below, out=ratio, where=below > 0)
    ratio[~np.isfinite(ratio)] = np.nan
    return ratio
