from __future__ import annotations

import numpy as np

from tests.features.driver import centres, over

INNER = (slice(1, -1), slice(1, -1))


def test_the_flank_of_a_hill_faces_away_from_its_top() -> None:
    x, y = centres()
    hill = -(x**2 + y**2) / 8192.0
    expected = y / np.hypot(x, y)
    assert np.allclose(over("aspect_north", hill)[INNER], expected[INNER], rtol=0, atol=2e-4)


def test_ground_that_falls_to_the_north_faces_north() -> None:
    x, y = centres()
    assert np.all(over("aspect_north", -0.125 * y)[INNER] == 1)
    assert np.all(over("aspect_north", 0.125 * y)[INNER] == -1)
    assert np.all(over("aspect_north", 0.125 * x)[INNER] == 0)


def test_flat_ground_faces_nowhere() -> None:
    x, _ = centres()
    assert np.all(over("aspect_north", 0 * x + 12.5)[INNER] == 0)
