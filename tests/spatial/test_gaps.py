from __future__ import annotations

import numpy as np
import pytest

from pipeline.spatial.gaps import filled


def test_known_cells_keep_their_bits_and_filled_ones_lie_between_them() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 100, (61, 45))
    values[rng.random(values.shape) < 0.4] = values[:, 30:] = np.nan
    known = np.isfinite(values)
    found = filled(values)
    assert np.array_equal(found[known], values[known])
    assert found.min() == values[known].min() and found.max() == values[known].max()


def test_a_hole_in_a_harmonic_surface_is_filled_with_that_surface() -> None:
    y, x = np.mgrid[-24.0:25.0, -24.0:25.0]
    harmonic = 3 * x - y + (x**2 - y**2) / 10  # each cell the mean of its four neighbours: Laplace's equation on the grid
    for hole, most in ((slice(20, 25), 0.02), (slice(15, 34), 1.0)):
        values = harmonic.copy()
        values[hole, hole] = np.nan
        assert np.abs(filled(values) - harmonic).max() < most
    assert np.ptp(harmonic) > 200


def test_a_single_known_cell_is_everywhere_and_none_is_zero() -> None:
    values = np.full((13, 6), np.nan)
    assert np.array_equal(filled(values), np.zeros((13, 6)))
    values[9, 2] = 4.5
    assert filled(values) == pytest.approx(4.5)
