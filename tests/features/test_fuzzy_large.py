from __future__ import annotations

import numpy as np

from pipeline.features.fuzzy_large import fuzzy_large
from pipeline.features.fuzzy_small import fuzzy_small
from pipeline.recipe import Layer

COPPER_PPM = np.array([[50, 100, 200, np.nan]], dtype=np.float32)


def test_twice_the_threshold_of_copper_belongs_by_32_parts_in_33() -> None:
    share = fuzzy_large(of=Layer.of(COPPER_PPM), midpoint=100, spread=5)  # 2 ** 5 = 32
    assert np.allclose(share, [[1 / 33, 1 / 2, 32 / 33, np.nan]], rtol=1e-7, atol=0, equal_nan=True)


def test_large_and_small_of_one_midpoint_share_a_cell_between_them() -> None:
    values = Layer.of(np.random.default_rng(4).gamma(2, 50, (9, 9)).astype(np.float32))
    both = fuzzy_large(of=values, midpoint=80, spread=3) + fuzzy_small(of=values, midpoint=80, spread=3)
    assert np.allclose(both, 1, rtol=0, atol=1e-7)
