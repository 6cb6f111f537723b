from __future__ import annotations

import numpy as np

from pipeline.features.glcm_contrast import glcm_contrast
from pipeline.recipe import Fit, Layer


def test_a_chessboard_of_two_ends_of_the_scale_has_the_contrast_of_its_sides() -> None:
    board = np.where(np.indices((20, 20)).sum(axis=0) % 2, 90.0, 10.0).astype(np.float32)
    contrast = glcm_contrast(of=Layer.of(board, cell_m=30.0), scale=Fit({"ends": np.array([10.0, 90.0])}), radius_m=90.0, levels=8)
    assert np.all(contrast == np.float32(49 / 2))  # 7 levels apart east and south, alike along the diagonals


def test_levels_follow_the_fit_and_not_the_tile() -> None:
    part = np.array([[0.0, 10.0], [0.0, 10.0]], dtype=np.float32)
    contrast = glcm_contrast(of=Layer.of(part), scale=Fit({"ends": np.array([0.0, 100.0])}), radius_m=1.0, levels=10)
    assert np.all(contrast == np.float32(3 / 4))  # one level apart in three of four directions
