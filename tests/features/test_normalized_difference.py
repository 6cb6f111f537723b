from __future__ import annotations

import numpy as np

from pipeline.features.normalized_difference import normalized_difference
from pipeline.recipe import Layer


def test_hand_computed_differences() -> None:
    a = np.array([[0.3, 0.5, 0.0, 0.4, 0.0, -0.01, np.nan]], dtype=np.float32)
    b = np.array([[0.1, 0.5, 0.2, 0.0, 0.0, 0.40, 0.2]], dtype=np.float32)
    expected = [[0.5, 0.0, -1.0, 1.0, np.nan, np.nan, np.nan]]
    index = normalized_difference(a=Layer.of(a), b=Layer.of(b))
    assert np.allclose(index, expected, rtol=1e-6, atol=0, equal_nan=True)


def test_swapping_the_layers_changes_the_sign_only() -> None:
    a, b = np.random.default_rng(1).uniform(0, 0.6, (2, 30, 30)).astype(np.float32)
    forward = normalized_difference(a=Layer.of(a), b=Layer.of(b))
    assert np.array_equal(forward, -normalized_difference(a=Layer.of(b), b=Layer.of(a)))
    assert np.abs(forward).max() <= 1
