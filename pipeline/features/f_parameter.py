"""F-parameter of gamma-ray spectrometry."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Layer, feature

EPOCH = 1


@feature(summary="F-parameter", units="input", reference="Efimov (1978)")
def f_parameter(*, potassium: Layer, uranium: Layer, thorium: Layer) -> Array:
    """Potassium times uranium over thorium; (y, x) float32, in potassium's units when uranium and thorium share theirs; NaN where one
    is missing and where thorium is 0 or negative.

    Efimov (1978): potassium high against the Th/U ratio, uranium high against Th/K; both rise in potassic alteration. With K in
    percent, U and Th in ppm common rocks stay below about 1.3 and altered ones reach 2 to 5 (Gnojek and Prichystal 1985). Noise
    of the uranium channel comes through: smooth it first.
    """
    k, u, th = (layer.values.astype(np.float64) for layer in (potassium, uranium, thorium))
    answer = np.full(k.shape, np.nan)
    np.divide(k * u, th, out=answer, where=th > 0)
    with np.errstate(over="ignore"):
        rounded: Array = answer.astype(np.float32)
    rounded[~np.isfinite(rounded)] = np.nan
    return rounded
