from __future__ import annotations

import numpy as np

from pipeline.features.glcm_homogeneity import glcm_homogeneity
from pipeline.recipe import Fit, Layer


def test_a_chessboard_is_half_alike() -> None:
    board = np.where(np.indices((20, 20)).sum(axis=0) % 2, 90.0, 10.0).astype(np.float32)
    alike = glcm_homogeneity(of=Layer.of(board, cell_m=30.0), scale=Fit({"ends": np.array([10.0, 90.0])}), radius_m=90.0, levels=8)
    assert np.all(alike == np.float32((1 + 1 / 50) / 2))  # 7 levels apart east and south, alike along the diagonals


def test_missing_cells_make_no_pair() -> None:
    values = np.array([[1.0, np.nan, 50.0, 1.0, np.nan]], dtype=np.float32)
    alike = glcm_homogeneity(of=Layer.of(values, cell_m=30.0), scale=Fit({"ends": np.array([0.0, 64.0])}), radius_m=30.0, levels=64)
    apart = np.float32(1 / (1 + 49**2))
    assert np.array_equal(alike, np.array([[np.nan, np.nan, apart, apart, np.nan]], dtype=np.float32), equal_nan=True)
