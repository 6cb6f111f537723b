from __future__ import annotations

import numpy as np

from tests.features.driver import centres, over

INNER = (slice(1, -1), slice(1, -1))


def test_the_flank_of_a_hill_faces_away_from_its_top() -> None:
    x, y = centres()
    hill = -(x**2 + y**2) / 8192.0
    expected = x / np.hypot(x, y)
    assert np.allclose(over("aspect_east", hill)[INNER], expected[INNER], rtol=0, atol=2e-4)


def test_ground_that_falls_to_the_east_faces_east() -> None:
    x, y = centres()
    assert np.all(over("aspect_east", -0.125 * x)[INNER] == 1)
    assert np.all(over("aspect_east", 0.125 * x)[INNER] == -1)
    assert np.all(over("aspect_east", 0.125 * y)[INNER] == 0)


def test_flat_ground_faces_nowhere() -> None:
    x, _ = centres()
    assert np.all(over("aspect_east", 0 * x + 12.5)[INNER] == 0)
