from __future__ import annotations

import numpy as np

from tests.features.driver import COLS, ROWS, centres, over

INNER = (slice(1, -1), slice(1, -1))


def test_the_gradient_of_a_plane_is_in_units_per_km() -> None:
    x, y = centres()
    assert np.allclose(over("horizontal_gradient", 3e-3 * x + 4e-3 * y)[INNER], 5.0, rtol=1e-4, atol=0)


def test_the_gradient_over_a_faulted_slab_is_highest_at_the_fault() -> None:
    x, _ = centres()
    fault_m, depth_m = 1250.0, 400.0
    slab = 20 * (0.5 + np.arctan((x - fault_m) / depth_m) / np.pi)  # gravity of a semi-infinite sheet, mGal
    gradient = over("horizontal_gradient", slab)[INNER]
    expected = 20 / np.pi / depth_m / (1 + ((x - fault_m) / depth_m) ** 2) * 1000
    assert set(np.argmax(gradient, axis=1) + 1) == {35}
    assert x[0, 35] == fault_m
    assert np.allclose(gradient, expected[INNER], rtol=0.07, atol=0.05)


def test_a_missing_corner_does_not_hide_a_cell_and_a_missing_side_does() -> None:
    values = np.zeros((ROWS, COLS))
    values[20, 20] = np.nan
    gradient = over("horizontal_gradient", values)
    assert gradient[21, 21] == 0
    assert np.isnan(gradient[[20, 20, 19, 21, 20], [19, 21, 20, 20, 20]]).all()
