from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.features.rock_diversity import rock_diversity
from pipeline.recipe import MISSING, Layer


def test_a_window_of_three_to_one_has_shannons_entropy_of_three_to_one() -> None:
    rock = np.array([[8, 8], [8, 3]], dtype=np.int32)
    by_hand = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert rock_diversity(of=Layer.of(rock, cell_m=100.0), radius_m=100.0) == pytest.approx(by_hand, rel=1e-6)


def test_missing_cells_are_no_class() -> None:
    rock = np.array([[8, MISSING], [8, 3]], dtype=np.int32)
    diversity = rock_diversity(of=Layer.of(rock, cell_m=100.0), radius_m=100.0)
    by_hand = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert np.isnan(diversity[0, 1])
    assert diversity[1, 0] == pytest.approx(by_hand, rel=1e-6)
