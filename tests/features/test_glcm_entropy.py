from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.features.glcm_entropy import glcm_entropy
from pipeline.recipe import Fit, Layer


def test_a_chessboard_has_two_kinds_of_pairs_in_every_direction() -> None:
    board = np.where(np.indices((20, 20)).sum(axis=0) % 2, 90.0, 10.0).astype(np.float32)
    entropy = glcm_entropy(of=Layer.of(board, cell_m=30.0), scale=Fit({"ends": np.array([10.0, 90.0])}), radius_m=600.0, levels=8)
    assert entropy == pytest.approx(math.log(2), rel=1e-5)  # 361 pairs along a diagonal do not halve


def test_pure_noise_nears_the_entropy_of_all_pairs_equally_common() -> None:
    noise = np.random.default_rng(2).uniform(0, 4, (120, 120)).astype(np.float32)
    entropy = glcm_entropy(of=Layer.of(noise, cell_m=30.0), scale=Fit({"ends": np.array([0.0, 4.0])}), radius_m=1200.0, levels=4)
    assert entropy[60, 60] == pytest.approx(2 * math.log(4), rel=2e-3)
