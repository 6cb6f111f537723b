"""Minimum noise fraction: clear patterns before strong ones, and an independent computation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from scipy.ndimage import gaussian_filter

from pipeline.errors import ConfigError, DataError
from pipeline.recipe import Ground
from pipeline.registry import declared, find
from tests.features.driver import COLS, ROWS, Region, checked, empty_region, fitted, run

NAMES = ("a", "b", "c")


def ground() -> tuple[Region, np.ndarray, np.ndarray]:
    """Three bands of two smooth patterns, the weak one in a quiet band, the strong one drowned in noise; the patterns."""
    rng = np.random.default_rng(8)
    weak, strong = (gaussian_filter(rng.normal(size=(ROWS, COLS)), 6) for _ in range(2))
    weak, strong = weak / weak.std(), strong / strong.std()
    noise = rng.normal(size=(3, ROWS, COLS)) * np.array([0.1, 6.0, 0.5])[:, None, None]
    bands = np.stack([weak, 5 * strong, 0.3 * weak]) + noise
    region = empty_region()
    for name, band in zip(NAMES, bands, strict=True):
        region = region.with_layer(name, band.astype(np.float32))
    return region, weak, strong


def test_the_clear_pattern_comes_before_the_strong_and_noisy_one() -> None:
    region, weak, strong = ground()
    first, second = run("mnf", {"of": NAMES, "components": 2}, region)
    assert abs(np.corrcoef(first.ravel(), weak.ravel())[0, 1]) > 0.98
    assert abs(np.corrcoef(second.ravel(), strong.ravel())[0, 1]) > 0.6
    principal = run("pca", {"of": NAMES, "components": 1}, region)[0]
    assert abs(np.corrcoef(first.ravel(), weak.ravel())[0, 1]) > abs(np.corrcoef(principal.ravel(), weak.ravel())[0, 1])


def test_the_axes_agree_with_scipys_generalised_eigenproblem() -> None:
    region, _, _ = ground()
    bands = np.stack([region.layers[name] for name in NAMES]).astype(float)
    whole = np.cov(bands.reshape(3, -1), ddof=0)
    noise = np.cov((bands[:, :, :-1] - bands[:, :, 1:]).reshape(3, -1), ddof=0) / 2
    expected, vectors = scipy.linalg.eigh(whole, noise)
    held = fitted("mnf", {"of": NAMES}, region)["axes"].value
    assert held["variance"] == pytest.approx(expected[::-1], rel=1e-4)
    for found, axis in zip(held["weights"], vectors.T[::-1], strict=True):
        assert min(np.abs(found - axis).max(), np.abs(found + axis).max()) < 1e-4 * np.abs(axis).max()


def test_on_every_component_the_noise_has_unit_deviation() -> None:
    region, _, _ = ground()
    for block in run("mnf", {"of": NAMES}, region):
        assert np.std(np.diff(block, axis=1)) / np.sqrt(2) == pytest.approx(1, rel=0.02)


def test_a_copy_of_a_layer_and_more_components_than_layers_are_refused() -> None:
    region, _, _ = ground()
    with pytest.raises(DataError, match="mnf: the noise of these layers does not fill all their directions"):
        run("mnf", {"of": ("a", "twin"), "components": 1}, region.with_layer("twin", region.layers["a"]))
    with pytest.raises(ConfigError, match="4 components of 3 layers do not exist; give at most 3, or more layers"):
        declared(find("features", "mnf")).check(checked("mnf", {"of": NAMES, "components": 4}), Ground("EPSG:6933", (0, 0, 1, 1), 1.0))
