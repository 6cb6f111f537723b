"""Straight scarps come back where they are and as they run, whatever their direction; noise gives few."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Ground, Vector
from pipeline.registry import declared, find
from tests.features.driver import CELL_M, COLS, ROWS, centres, checked, drawn, empty_region

SAID = {"of": "height", "scales_m": (150.0,), "least_m": 1500.0}
NOISE_M = 4.0


def scarp(azimuth_deg: float, *, height_m: float = 40.0, seed: int = 0) -> tuple[Array, shapely.LineString]:
    """A step across the middle of noisy ground, up to one side; and the line it follows."""
    x, y = centres()
    across = np.array([np.cos(np.radians(azimuth_deg)), -np.sin(np.radians(azimuth_deg))])
    away = (x - x.mean()) * across[0] + (y - y.mean()) * across[1]
    ground = height_m * np.tanh(away / 100) + np.random.default_rng(seed).normal(0, NOISE_M, (ROWS, COLS))
    along = 1e4 * np.array([np.sin(np.radians(azimuth_deg)), np.cos(np.radians(azimuth_deg))])
    middle = np.array([x.mean(), y.mean()])
    return ground.astype(np.float32), shapely.LineString([middle - along, middle + along])


def found(values: Array, **more: object) -> Vector:
    return drawn("lineaments", {**SAID, **more}, empty_region().with_layer("height", values))


@pytest.mark.parametrize("azimuth_deg", [0.0, 20.0, 45.0, 77.0, 90.0, 135.0, 160.0])
def test_a_scarp_is_found_where_it_is_and_as_it_runs(azimuth_deg: float) -> None:
    values, line = scarp(azimuth_deg)
    lines = found(values)
    on_it = shapely.distance(lines.geometry, line) < CELL_M
    assert lines.columns["length_m"][on_it].sum() > 0.6 * min(ROWS, COLS) * CELL_M
    turned = np.abs((lines.columns["azimuth_deg"][on_it] - azimuth_deg + 90) % 180 - 90)
    assert turned.max() < 6
    assert (shapely.hausdorff_distance(lines.geometry[on_it], line.intersection(shapely.box(-1e5, -1e5, 1e5, 1e5))) > 0).all()
    ends = [shapely.Point(p) for g in lines.geometry[on_it] for p in g.coords]
    assert max(p.distance(line) for p in ends) < 1.5 * CELL_M


def test_a_scarp_up_to_the_east_and_one_up_to_the_west_are_found_alike() -> None:
    values, _ = scarp(30.0)
    one, other = found(values), found(-values)
    assert shapely.equals_exact(one.geometry, other.geometry, tolerance=1e-6).all()


def test_noise_alone_gives_few() -> None:
    noise = np.random.default_rng(1).normal(0, NOISE_M, (ROWS, COLS)).astype(np.float32)
    values, _ = scarp(60.0)
    assert found(noise).columns["length_m"].sum() < 0.3 * found(values).columns["length_m"].sum()


def test_a_coarser_scale_adds_only_what_the_finer_did_not_tell() -> None:
    values, line = scarp(100.0)
    lines = found(values, scales_m=(150.0, 400.0))
    on_it = shapely.distance(lines.geometry, line) < CELL_M
    assert set(lines.columns["scale_m"][on_it]) == {150.0}


def test_a_scale_finer_than_the_squares_is_refused() -> None:
    with pytest.raises(ConfigError, match="a scale of 150 m is finer than half a square of 500 m; take coarser scales_m or a smaller step_m"):
        declared(find("features", "lineaments")).check(checked("lineaments", {**SAID, "step_m": 500}), Ground("EPSG:6933", (0, 0, 1, 1), 100.0))
