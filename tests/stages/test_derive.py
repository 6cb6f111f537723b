"""What binding a feature to its inputs refuses, before any tile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from pipeline import flow, load, look, plan
from pipeline.errors import ConfigError
from tests import tiny

ELEVATION = {"elevation": {"use": "value", "of": "dem"}}


def planned(root: Path, features: dict[str, Any], **dem: Any) -> None:
    """Plan the tiny region with these features and a DEM of which more is said."""
    tiny.make(root)
    sources = {
        "dem": {"use": "raster", "path": "dem.tif", "units": "m", **dem},
        "faults": {"use": "vector", "path": "faults.gpkg"},
        "occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}},
    }
    tiny.write(root, sources=sources, features=features)
    plan(load("tiny", root=root))


def test_a_derivative_finer_than_its_source_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"slope: looks 500 m around each cell, and 'dem' resolves 3700 m: it would describe the interpolation; take a wider"):
        planned(tmp_path, {"slope": {"of": "dem"}}, native_m=3700)


def test_a_window_as_wide_as_its_source_resolves_and_a_look_at_it_are_no_derivatives(tmp_path: Path) -> None:
    planned(tmp_path, {"relief": {"use": "focal_std", "of": "dem", "radius_m": 4000}, "elevation": {"use": "value", "of": "dem"}}, native_m=3700)


def test_a_layer_where_lines_are_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'dem' is a layer, and near reads lines, points or polygons"):
        planned(tmp_path, {**ELEVATION, "near": {"use": "distance_to", "of": "dem", "reach_m": 1000}})


def test_an_unknown_vector_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown vector 'fault'; did you mean 'faults'"):
        planned(tmp_path, {"near": {"use": "distance_to", "of": "fault", "reach_m": 1000}})


def test_lines_drawn_of_a_raster_are_read_like_a_vector_source_at_any_tile_and_published(tmp_path: Path) -> None:
    drawn = {"valleys": {"use": "drainage", "of": "dem", "least_km2": 10}, "near": {"use": "distance_to", "of": "valleys", "reach_m": 5000}}
    density = []
    for tile in (16, 64):
        root = tmp_path / str(tile)
        planned(root, {**ELEVATION, **drawn})
        settings = (f"region.tile={tile}",)
        outcome = flow.run(plan(load("tiny", settings=settings, root=root)))
        density.append(look.open_cube("tiny", settings=settings, root=root)["near"].to_numpy())
    assert density[0].tobytes() == density[1].tobytes()
    lines = gpd.read_file(outcome.outputs / "targets.gpkg", layer="valleys")
    assert set(lines.columns) == {"order", "upstream_km2", "geometry"}
    x, y = tiny.BOUNDS[0] + (np.arange(120) + 0.5) * 500, tiny.BOUNDS[3] - (np.arange(100) + 0.5) * 500
    row, col = 37, 55
    assert density[0][row, col] == pytest.approx(min(lines.distance(gpd.points_from_xy([x[col]], [y[row]])[0]).min(), 5000), rel=1e-6)


def test_lines_where_a_layer_is_read_are_refused(tmp_path: Path) -> None:
    said = {"valleys": {"use": "drainage", "of": "dem", "least_km2": 10}, "steep": {"use": "slope", "of": "valleys"}}
    with pytest.raises(ConfigError, match="steep reads layers, and 'valleys' is lines; density_of and distance_to make a layer of them"):
        planned(tmp_path, {**ELEVATION, **said})
