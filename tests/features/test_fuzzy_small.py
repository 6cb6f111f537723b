from __future__ import annotations

import numpy as np

from pipeline.features.fuzzy_small import fuzzy_small
from pipeline.recipe import Layer


def test_half_of_the_influence_of_a_fault_is_left_at_the_midpoint() -> None:
    distance = Layer.of(np.array([[0, 1000, 2000, 4000, np.nan]], dtype=np.float32))
    share = fuzzy_small(of=distance, midpoint=2000, spread=3)
    assert np.allclose(share, [[1, 8 / 9, 1 / 2, 1 / 9, np.nan]], rtol=1e-7, atol=0, equal_nan=True)
