"""Fits through the real shell: on sampled cells, on a whole survey, on a vector table; the same rasters for any tile."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from pipeline import load, open_cube, plan, run
from tests import tiny

FEATURES = {
    "copper": {"use": "kriged", "of": "assays", "column": "cu_ppm", "reach_m": 20_000},
    "signal": {"use": "analytic_signal", "of": "alteration"},
    "odd": {"use": "anomaly_mad", "of": "alteration"},
}


def mapped(root: Path, tile: int) -> dict[str, np.ndarray]:
    loaded = load("tiny", settings=(f"region.tile={tile}",), root=root)
    run(plan(loaded))
    cube = open_cube("tiny", settings=(f"region.tile={tile}",), root=root)
    return {name: cube[name].values for name in ("copper", "copper_variance", "signal", "odd", "prospectivity")}


def test_fitted_features_map_the_same_at_any_tile_and_mean_what_they_say(tmp_path: Path) -> None:
    root = tiny.make(tmp_path / "r")
    rng = np.random.default_rng(8)
    x, y = rng.uniform(0, 60_000, 120), rng.uniform(0, 50_000, 120)
    copper = 40 + 30 * np.sin(x / 9000) * np.cos(y / 8000) + rng.normal(0, 1, 120)
    points = [shapely.Point(a, b) for a, b in zip(x, y, strict=True)]
    gpd.GeoDataFrame({"cu_ppm": copper}, geometry=points, crs=tiny.CRS).to_file(root / "assays.gpkg", layer="assays")
    sources = {"dem": {"use": "raster", "path": "dem.tif"}, "alteration": {"use": "raster", "path": "alteration.tif"}}
    sources |= {"assays": {"use": "vector", "path": "assays.gpkg"}}
    sources |= {"occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}}}
    tiny.write(root, sources=sources, features=FEATURES)
    small, large = mapped(root, 32), mapped(root, 64)
    for name, values in small.items():
        assert np.array_equal(values, large[name], equal_nan=True), name
    # near a sample the kriged surface is the sample, away from it the field it was drawn from
    cols, rows = np.floor(x / 500).astype(int), np.floor((50_000 - y) / 500).astype(int)
    assert np.corrcoef(small["copper"][rows, cols], copper)[0, 1] > 0.98
    assert (small["copper_variance"] >= 0).all()
    assert (small["signal"] >= 0).all()
    assert abs(np.median(small["odd"])) < 0.05
