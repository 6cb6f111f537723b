from __future__ import annotations

import numpy as np

from pipeline.features.fuzzy_gaussian import fuzzy_gaussian
from pipeline.features.fuzzy_near import fuzzy_near
from pipeline.recipe import Layer


def test_membership_halves_one_width_away_and_keeps_a_longer_tail_than_the_bell() -> None:
    values = Layer.of(np.array([[10, 12, 8, 16, np.nan]], dtype=np.float32))
    near = fuzzy_near(of=values, midpoint=10, spread=1 / 4)
    assert np.allclose(near, [[1, 1 / 2, 1 / 2, 1 / 10, np.nan]], rtol=1e-7, atol=0, equal_nan=True)
    assert fuzzy_gaussian(of=values, midpoint=10, spread=np.log(2) / 4)[0, 3] < near[0, 3]
