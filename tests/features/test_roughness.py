from __future__ import annotations

import numpy as np
from scipy import ndimage

from tests.features.driver import CELL_M, COLS, ROWS, centres, over

INNER = (slice(1, -1), slice(1, -1))


def test_the_roughness_of_a_plane_is_its_fall_across_the_diagonal() -> None:
    x, y = centres()
    assert np.all(over("roughness", 0.5 * x - 0.25 * y)[INNER] == 2 * CELL_M * (0.5 + 0.25))


def test_a_step_counts_beside_it_and_nowhere_else() -> None:
    step = np.zeros((ROWS, COLS))
    step[:, 40:] = 30
    rough = over("roughness", step)[INNER]
    assert np.all(rough[:, 38:40] == 30)
    assert np.all(np.delete(rough, [38, 39], axis=1) == 0)


def test_roughness_is_the_range_of_a_rank_filter() -> None:
    values = np.random.default_rng(8).normal(0, 100, (ROWS, COLS)).astype(np.float32)
    theirs = ndimage.maximum_filter(values, 3) - ndimage.minimum_filter(values, 3)
    assert np.array_equal(over("roughness", values)[INNER], theirs[INNER])
