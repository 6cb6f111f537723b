from __future__ import annotations

import numpy as np

from pipeline.features.distance_to_class import distance_to_class
from pipeline.recipe import MISSING, Layer


def test_distances_run_from_centre_to_centre_up_to_the_reach() -> None:
    rock = np.ones((5, 7), dtype=np.int32)
    rock[0, 0] = 4
    rock[4, 0] = MISSING
    away = distance_to_class(of=Layer.of(rock, cell_m=100.0), codes=(4, 6), reach_m=450.0)
    assert away[0, :6].tolist() == [0, 100, 200, 300, 400, 450]
    assert away[3, 2] == np.float32(100 * np.sqrt(13))
    assert np.isnan(away[4, 0])
