from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import gstools
import numpy as np
import pytest
from pykrige.ok import OrdinaryKriging

from pipeline.errors import DataError
from pipeline.recipe import Cells, Vector
from pipeline.spatial import assays, compositions, gridding, kriging
from pipeline.spatial.assays import Points

DATA = Path(os.environ.get("PROSPECT_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data")
DAWADIMI = DATA / "dawadimi_saudi" / "geochem_points.geojson"
MODELS = ("spherical", "exponential")


def scattered(seed: int, count: int, side: float = 5000.0) -> Points:
    rng = np.random.default_rng(seed)
    return Points(np.sort(rng.uniform(0, side, count)), rng.uniform(0, side, count), rng.normal(10, 2, count))


def at_places(x: Any, y: Any) -> Cells:
    """A window of these columns and rows."""
    return Cells(np.asarray(x, float), np.asarray(y, float), np.zeros((len(y), len(x)), dtype=np.int64), 1.0, 0, 1)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("nugget", [0.0, 0.7])
def test_with_every_point_a_neighbour_it_is_pykriges_ordinary_kriging(model: Any, nugget: float) -> None:
    held, at = scattered(1, 50), at_places(np.arange(50.0, 5000, 190), np.arange(4950.0, 0, -170))
    value, variance = kriging.surface(held, at, np.array([nugget, 2.6, 1700.0]), model=model, neighbours=50, reach_m=1e5)
    length = {"spherical": 1700.0, "exponential": 3 * 1700.0}[model]  # pykrige says the practical range, where 95 % of the sill is reached
    said = {"nugget": nugget, "psill": 2.6, "range": length}
    theirs = OrdinaryKriging(held.x, held.y, held.values, variogram_model=model, variogram_parameters=said)
    expected, its_variance = theirs.execute("grid", at.x, at.y)
    assert np.abs(value - expected).max() < 1e-6 * np.ptp(held.values)
    assert np.abs(variance - its_variance).max() < 1e-6 * (2.6 + nugget)


@pytest.mark.parametrize("model", MODELS)
def test_it_gives_back_its_data_with_variance_0_which_rises_away_from_them(model: Any) -> None:
    held, variogram = scattered(2, 40), np.array([0.0, 4.0, 2500.0])
    rows = np.argsort(-held.y)
    here = np.argsort(rows), np.arange(40)  # where the window of all their rows and columns meets each sample
    value, variance = kriging.surface(held, at_places(held.x, held.y[rows]), variogram, model=model, neighbours=12, reach_m=4000.0)
    assert np.array_equal(value[here], held.values.astype(np.float32))
    assert np.all(variance[here] == 0)
    # a hair beside each sample the equations themselves are solved, and must say nearly the same
    value, variance = kriging.surface(held, at_places(held.x + 0.01, held.y[rows]), variogram, model=model, neighbours=12, reach_m=4000.0)
    assert np.abs(value[here] - held.values).max() < 1e-3
    assert 0 < variance[here].max() < 1e-3
    lonely = Points(np.array([0.0, 9000.0]), np.zeros(2), np.array([5.0, 6.0]))
    _, away = kriging.surface(lonely, at_places(np.arange(0.0, 4000, 250), [0.0]), variogram, model=model, neighbours=2, reach_m=1e5)
    assert np.all(np.diff(away[0]) >= 0) and away[0, 9] > 2


def test_one_sample_in_reach_gives_its_value_and_twice_its_semivariance() -> None:
    held = Points(np.array([0.0]), np.array([0.0]), np.array([7.5]))
    value, variance = kriging.surface(
        held, at_places([500.0, 2000.0], [0.0]), np.array([1.0, 3.0, 1000.0]), model="spherical", neighbours=4, reach_m=600.0
    )
    assert value[0, 0] == 7.5
    assert variance[0, 0] == 2 * (1 + 3 * (1.5 * 0.5 - 0.5 * 0.5**3))
    assert np.isnan(value[0, 1]) and np.isnan(variance[0, 1])


def test_samples_a_micrometre_apart_do_not_upset_the_equations() -> None:
    held = Points(np.array([0.0, 1e-6, 900.0]), np.zeros(3), np.array([3.0, 3.2, 8.0]))
    value, variance = kriging.surface(
        held, at_places([450.0], [300.0]), np.array([0.0, 1.0, 2000.0]), model="spherical", neighbours=3, reach_m=5000.0
    )
    assert 3 < value[0, 0] < 8 and 0 < variance[0, 0] < 1


@pytest.mark.parametrize("model", MODELS)
def test_the_variogram_of_a_field_drawn_from_one_is_found_again(model: Any) -> None:
    held = scattered(5, 900, 40_000.0)
    h = np.hypot(held.x[:, None] - held.x, held.y[:, None] - held.y) / 3000.0
    covariance = 4.0 * (np.exp(-h) if model == "exponential" else np.where(h < 1, 1 - 1.5 * h + 0.5 * h**3, 0)) + np.eye(900)
    draw = np.linalg.cholesky(covariance)
    fields = [draw @ np.random.default_rng(seed).normal(0, 1, 900) for seed in range(8)]
    found = [kriging.variogram(Points(held.x, held.y, field), model=model, reach_m=6000.0)["variogram"] for field in fields]
    nugget, sill, length = np.median(found, axis=0)
    assert abs(nugget - 1) < 0.5
    assert abs(sill - 4) < 1
    assert abs(length - 3000) < 700


def test_the_variogram_scales_with_values_and_places() -> None:
    held = scattered(6, 200)
    field = gstools.SRF(gstools.Spherical(dim=2, var=1.0, len_scale=1500.0), seed=1)((held.x, held.y))
    plain = kriging.variogram(Points(held.x, held.y, field), model="spherical", reach_m=2000.0)["variogram"]
    scaled = kriging.variogram(Points(10 * held.x, 10 * held.y, 1e4 * field + 5), model="spherical", reach_m=20_000.0)["variogram"]
    assert np.allclose(scaled, plain * [1e8, 1e8, 10], rtol=1e-3, atol=1e3)


def test_too_few_samples_or_pairs_are_refused_with_the_way_out() -> None:
    with pytest.raises(DataError, match="a variogram needs 30 samples with a value, and 29 are there; use inverse_distance or nearest_sample"):
        kriging.variogram(scattered(1, 29), model="spherical", reach_m=500.0)
    with pytest.raises(
        DataError, match=r"only \d of 15 distances up to 20 m are held by 30 pairs of samples or more, and a variogram needs 4; give a longer"
    ):
        kriging.variogram(scattered(1, 60), model="spherical", reach_m=10.0)


@pytest.mark.real
@pytest.mark.skipif(not DAWADIMI.is_file(), reason="no benchmark folder")
@pytest.mark.parametrize("columns", [("Cu_ppm_icp",), ("Cu_ppm_icp", "Zn_ppm_icp")])
def test_real_samples_held_out_are_told_better_than_by_the_mean_and_by_the_nearest(columns: tuple[str, ...]) -> None:
    frame = gpd.read_file(DAWADIMI).to_crs("EPSG:32638")
    table = Vector(np.asarray(frame.geometry.array), {name: frame[name].to_numpy() for name in columns})
    logs = assays.measured(table, columns[0], detection="half", transform="log")
    points = assays.located(table, compositions.ilr(assays.parts(table, columns, detection="half"))[:, 0] if len(columns) > 1 else logs)
    out = np.arange(points.values.size) % 5 == 2
    known = Points(points.x[~out], points.y[~out], points.values[~out])
    fit = kriging.variogram(known, model="spherical", reach_m=15_000.0)["variogram"]
    kriged, nearest = [], []
    for x, y in zip(points.x[out], points.y[out], strict=True):
        at = at_places([x], [y])
        value, _ = kriging.surface(known, at, fit, model="spherical", neighbours=16, reach_m=15_000.0)
        kriged.append(value[0, 0])
        nearest.append(gridding.nearest(known, at, reach_m=15_000.0)[0, 0])
    truth = points.values[out]
    error, by_nearest = (np.sqrt(np.mean((np.array(told) - truth) ** 2)) for told in (kriged, nearest))
    assert error < 0.8 * truth.std()
    assert error < by_nearest
