"""Where applicability is low the map must be worse: told of worlds whose true intensity is known, taught on half of their deposits."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.applicability import binned, halves
from benchmarks.kept import kept

pytestmark = pytest.mark.world


def test_held_out_error_rises_as_applicability_falls() -> None:
    """Ranks of cells against those of the written rule, over a small world, three systems and the halves that can teach each."""
    cases = np.array([binned(*found) for seed, _, world in kept((1,)) for found in halves(world, seed)])
    low, high = np.nanmean(cases[:, :2], axis=(0, 1)), np.nanmean(cases[:, 2:], axis=(0, 1))
    print(f"applicability below a half: error of rank {low[1]:.3f}, correlation with the truth {low[3]:.2f}; above: {high[1]:.3f}, {high[3]:.2f}")
    assert len(cases) > 8
    assert low[1] > high[1]
    assert low[3] < high[3] - 0.1
