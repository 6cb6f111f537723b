from __future__ import annotations

import numpy as np
import pytest

from pipeline.features.local_moran import local_moran, moments
from pipeline.recipe import Array, Cells, Fit, Layer, Sample
from pipeline.registry import declared

CELL_M = 100.0


def at(shape: tuple[int, int]) -> Cells:
    y, x = (np.arange(n) * CELL_M + CELL_M / 2 for n in shape)
    return Cells(x, -y, np.arange(shape[0] * shape[1]).reshape(shape), CELL_M, 0, shape[0] * shape[1])


def index(values: Array, radius_m: float) -> tuple[Array, Array]:
    fit = Fit(moments(of=Sample(values.ravel())))
    return local_moran(of=Layer.of(values, cell_m=CELL_M), whole=fit, radius_m=radius_m, at=at(values.shape))


def test_the_index_is_anselins_formula_cell_by_cell() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(300, 20, (12, 15)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    ours, around = index(values, 200.0)
    z = values.astype(np.float64) - np.nanmean(values.astype(np.float64))
    m2 = np.nanmean(z**2)
    for r, c in np.ndindex(values.shape):
        window = z[max(r - 2, 0) : r + 3, max(c - 2, 0) : c + 3]
        weight = 1 / (np.isfinite(window).sum() - 1)
        by_hand = z[r, c] / m2 * weight * (np.nansum(window) - z[r, c])
        assert ours[r, c] == pytest.approx(by_hand, rel=1e-4, abs=1e-5, nan_ok=True)
        if np.isfinite(z[r, c]):
            assert around[r, c] == pytest.approx(weight * (np.nansum(window) - z[r, c]) / np.sqrt(m2), rel=1e-4, abs=1e-5)


def test_the_mean_of_the_indices_is_the_global_index() -> None:
    x, y = np.meshgrid(np.arange(20), np.arange(20))
    values = (np.sin(x / 3) + np.cos(y / 4)).astype(np.float32)
    ours, _ = index(values, 100.0)
    z = values - values.mean(dtype=np.float64)
    total = 0.0
    for r, c in np.ndindex(values.shape):
        window = z[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2]
        total += z[r, c] * (window.sum() - z[r, c]) / (window.size - 1)
    assert ours.mean(dtype=np.float64) == pytest.approx(total / (z**2).sum(), rel=1e-6)


def test_high_among_high_and_low_among_low_agree_and_a_stray_cell_does_not() -> None:
    values = np.zeros((9, 18), dtype=np.float32)
    values[:, 9:] = 10
    values[4, 4] = 10
    ours, around = index(values, 100.0)
    assert ours[4, 14] > 0 and around[4, 14] > 0
    assert ours[4, 1] > 0 and around[4, 1] < 0
    assert ours[4, 4] < 0 and around[4, 4] < 0


def test_a_lone_cell_has_no_surroundings_and_a_layer_without_variance_is_not_scaled() -> None:
    values = np.full((5, 5), np.nan, dtype=np.float32)
    values[2, 2] = 4
    assert np.isnan(index(values, 100.0)[0]).all()
    assert moments(of=Sample(np.full(9, 4, dtype=np.float32)))["moments"].tolist() == [4, 1]
    assert moments(of=Sample(np.full(9, np.nan, dtype=np.float32)))["moments"].tolist() == [0, 1]


def test_outputs_are_the_index_and_its_surroundings() -> None:
    assert declared(local_moran).outputs("magnetic_moran", {}) == ("magnetic_moran", "magnetic_moran_around")
