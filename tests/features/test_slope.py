from __future__ import annotations

import numpy as np
import pytest

from tests.features.driver import centres, over

INNER = (slice(1, -1), slice(1, -1))


@pytest.mark.parametrize(("east", "north"), [(0.0, 0.0), (1.0, 0.0), (0.0, -0.25), (0.3, 0.4), (80.0, -60.0)])
def test_the_slope_of_a_plane_is_the_same_everywhere(east: float, north: float) -> None:
    x, y = centres()
    slope = over("slope", east * x + north * y)[INNER]
    assert slope == pytest.approx(np.degrees(np.arctan(np.hypot(east, north))), abs=1e-4)


def test_the_slope_of_a_paraboloid_grows_as_its_radius() -> None:
    x, y = centres()
    focal_m = 4096.0
    expected = np.degrees(np.arctan(np.hypot(x, y) / focal_m))  # Horn's differences are exact for a quadratic
    assert np.allclose(over("slope", (x**2 + y**2) / (2 * focal_m))[INNER], expected[INNER], rtol=0, atol=1e-4)


def test_a_cone_is_equally_steep_away_from_its_tip() -> None:
    x, y = centres()
    away = np.hypot(x, y)[INNER] > 2500
    slope = over("slope", -0.5 * np.hypot(x, y))[INNER]
    assert np.abs(slope[away] - np.degrees(np.arctan(0.5))).max() < 0.02
