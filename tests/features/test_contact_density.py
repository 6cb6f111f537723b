from __future__ import annotations

import numpy as np
import pytest

from pipeline.features.contact_density import contact_density
from pipeline.recipe import MISSING, Layer


def test_a_contact_through_the_middle_is_its_length_over_the_windows_area() -> None:
    rock = np.repeat(np.array([[1, 1, 1, 2, 2, 2]], dtype=np.int32), 5, axis=0)
    density = contact_density(of=Layer.of(rock, cell_m=200.0), radius_m=400.0)
    assert density[2, 2] == pytest.approx(1.0 / 1.0, rel=1e-6)  # 5 cells of 0.2 km in 5 x 5 cells, 1 km2
    assert density[2, 0] == pytest.approx(0.5 / 0.6, rel=1e-6)  # on the rim of 5 x 3 cells half of it counts


def test_the_rim_of_the_known_ground_is_no_contact() -> None:
    rock = np.full((5, 5), 3, dtype=np.int32)
    rock[2, 2] = MISSING
    assert np.nanmax(contact_density(of=Layer.of(rock, cell_m=100.0), radius_m=100.0)) == 0
