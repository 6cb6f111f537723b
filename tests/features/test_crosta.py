"""The directed components on a made scene of grey rock, clay, iron stain and plants under uneven light."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.features.crosta import LANDSAT_ROLES, ROLES, SETS, crosta, directed_axes
from pipeline.recipe import Array, Fit, Sample, Samples
from tests.features.minerals import bands, seen

CELLS = 5000
SENSORS = (("sentinel2", ROLES), ("landsat", LANDSAT_ROLES))


def scene(sensor: str, roles: tuple[str, ...], seed: int = 4) -> tuple[dict[str, float | Array], Array, Array]:
    """Reflectance of cells by role, and each cell's shares of kaolinite and hematite, most of them small."""
    rng = np.random.default_rng(seed)
    clay, stain = rng.beta(0.5, 6, (2, CELLS)) * 0.5
    light = rng.uniform(0.6, 1.1, CELLS)
    grey, kaolinite, hematite = (seen(mineral, sensor) for mineral in ("grey", "kaolinite", "hematite"))
    by_role: dict[str, float | Array] = {}
    for role in roles:
        mixed = (1 - clay - stain) * grey[role] + clay * kaolinite[role] + stain * hematite[role]
        by_role[role] = (light * mixed + rng.normal(0, 0.001, CELLS)).astype(np.float32)
    return by_role, clay, stain


def fit_of(by_role: dict[str, float | Array], roles: tuple[str, ...]) -> dict[str, Array]:
    return directed_axes(of=Samples(Sample(np.asarray(by_role[role])) for role in roles))


@pytest.mark.parametrize(("sensor", "roles"), SENSORS)
def test_hydroxyl_is_bright_over_clay_and_iron_over_hematite(sensor: str, roles: tuple[str, ...]) -> None:
    by_role, clay, stain = scene(sensor, roles)
    hydroxyl, iron = crosta(of=bands(by_role, roles), axes=Fit(fit_of(by_role, roles)))
    for block, wanted, other in ((hydroxyl, clay, stain), (iron, stain, clay)):
        follows = np.corrcoef(block[0], wanted)[0, 1]
        assert follows > 0.8
        assert follows > 2 * abs(np.corrcoef(block[0], other)[0, 1])


@pytest.mark.parametrize(("sensor", "roles"), SENSORS)
def test_the_axis_is_one_of_the_covariance_with_opposite_signs(sensor: str, roles: tuple[str, ...]) -> None:
    by_role, _, _ = scene(sensor, roles)
    fit = fit_of(by_role, roles)
    for name, (places, high, low) in SETS.items():
        rows = np.stack([np.asarray(by_role[roles[i]], dtype=np.float64) for i in places])
        weights, mean = fit[f"{name}_weights"], fit[f"{name}_mean"]
        assert np.allclose(mean, rows.mean(axis=1), rtol=1e-9)
        turned = np.cov(rows) @ weights
        assert np.allclose(turned, (weights @ turned) * weights, rtol=0, atol=1e-12)  # an axis is only stretched
        assert weights[high] > 0 > weights[low]
        assert np.linalg.norm(weights) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_the_direction_does_not_hang_on_the_sample(seed: int) -> None:
    by_role, _, _ = scene("sentinel2", ROLES, seed=seed)
    reference, _, _ = scene("sentinel2", ROLES, seed=100)
    ours, theirs = fit_of(by_role, ROLES), fit_of(reference, ROLES)
    for name in SETS:
        assert ours[f"{name}_weights"] @ theirs[f"{name}_weights"] > 0.95


def test_both_answers_are_missing_where_any_band_is() -> None:
    by_role, _, _ = scene("sentinel2", ROLES)
    fit = Fit(fit_of(by_role, ROLES))
    holed = {role: np.array(values) for role, values in by_role.items()}
    for i, role in enumerate(ROLES):
        holed[role][i] = np.nan
    for block in crosta(of=bands(dict(holed), ROLES), axes=fit):
        assert np.isnan(block[0, : len(ROLES)]).all()
        assert np.isfinite(block[0, len(ROLES) :]).all()
