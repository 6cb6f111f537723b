from __future__ import annotations

import numpy as np

from pipeline.features.proportion_of import proportion_of
from pipeline.recipe import MISSING, Layer


def test_missing_cells_are_left_out_of_the_share() -> None:
    rock = np.array([[4, 4, 1], [1, 1, MISSING], [9, 9, 9]], dtype=np.int32)
    share = proportion_of(of=Layer.of(rock, cell_m=100.0), codes=(4, 9), radius_m=100.0)
    expected = [[2 / 4, 2 / 5, 1 / 3], [4 / 6, 5 / 8, np.nan], [2 / 4, 3 / 5, 2 / 3]]
    assert np.allclose(share, expected, rtol=1e-7, atol=0, equal_nan=True)


def test_the_radius_is_in_metres() -> None:
    rock = np.zeros((9, 9), dtype=np.int32)
    rock[4, 4] = 1
    share = proportion_of(of=Layer.of(rock, cell_m=30.0), codes=(1,), radius_m=60.0)
    assert share[4, 2] == np.float32(1 / 25)
    assert share[4, 1] == 0
