from __future__ import annotations

import math

import numpy as np

from pipeline.features.fuzzy_gaussian import fuzzy_gaussian
from pipeline.recipe import Layer


def test_depths_around_two_kilometres_belong_and_fall_off_as_a_bell() -> None:
    depth_km = Layer.of(np.array([[2.0, 1.5, 2.5, 3.0, np.nan]], dtype=np.float32))
    share = fuzzy_gaussian(of=depth_km, midpoint=2, spread=math.log(2) / 0.25)
    assert np.allclose(share, [[1, 1 / 2, 1 / 2, 1 / 16, np.nan]], rtol=1e-6, atol=0, equal_nan=True)
