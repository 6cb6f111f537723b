from __future__ import annotations

import numpy as np

from pipeline.features.band_ratio import band_ratio
from pipeline.recipe import Layer


def test_a_ratio_needs_a_positive_denominator() -> None:
    above = np.array([[0.3, 0.3, 0.3, np.nan, 0.0, -0.1]], dtype=np.float32)
    below = np.array([[0.2, 0.0, -0.2, 0.2, 0.2, 0.2]], dtype=np.float32)
    ratio = band_ratio(numerator=Layer.of(above), denominator=Layer.of(below))
    expected = [1.5, np.nan, np.nan, np.nan, 0.0, -0.5]
    assert np.allclose(ratio, [expected], rtol=1e-7, atol=0, equal_nan=True)


def test_shade_that_dims_both_bands_cancels() -> None:
    rng = np.random.default_rng(1)
    above, below = rng.uniform(0.1, 0.5, (2, 20, 20)).astype(np.float32)
    lit = band_ratio(numerator=Layer.of(above), denominator=Layer.of(below))
    shaded = band_ratio(numerator=Layer.of(above / 4), denominator=Layer.of(below / 4))
    assert np.array_equal(lit, shaded)


def test_a_ratio_too_large_for_float32_is_missing() -> None:
    tiny, large = np.full((1, 1), 1e-30, np.float32), np.full((1, 1), 1e30, np.float32)
    assert np.isnan(band_ratio(numerator=Layer.of(large), denominator=Layer.of(tiny)))
