"""Worms run over contacts, and lean down the dip with height: against harmonica's prisms."""

from __future__ import annotations

import itertools

import harmonica
import numpy as np
import pytest
import shapely

from pipeline.recipe import Array, Vector
from tests.features.driver import CELL_M, COLS, ROWS, centres, drawn, empty_region

HEIGHTS = (200.0, 500.0, 1000.0)


def step(dip_m: float = 0.0) -> tuple[Array, float]:
    """Gravity (mGal) over dense ground in the east, whose western side leans so many metres to the east over 2 km of depth; and its x at the top."""
    x, y = centres()
    edge = float(x.mean())
    depths = np.linspace(50, 2050, 21)
    prisms = [[edge + dip_m * (top - 50) / 2000, edge + 3e5, -3e5, 3e5, -bottom, -top] for top, bottom in itertools.pairwise(depths)]
    field = harmonica.prism_gravity((x, y, np.zeros_like(x)), prisms, np.full(len(prisms), 300.0), field="g_z")
    return field.astype(np.float32), edge


def found(values: Array, **more: object) -> Vector:
    said = {"of": "height", "heights_m": HEIGHTS, "least_m": 3000.0, "strongest": 0.5, **more}
    return drawn("worms", said, empty_region().with_layer("height", values))


def mean_x(lines: Vector, height_m: float) -> float:
    """Of the strongest line of a height, away from its ends."""
    at = np.flatnonzero(lines.columns["height_m"] == height_m)
    line = lines.geometry[at[np.argmax(lines.columns["gradient"][at])]]
    points = np.array([line.interpolate(share, normalized=True).coords[0] for share in np.linspace(0.2, 0.8, 20)])
    return float(points[:, 0].mean())


def test_over_a_vertical_contact_the_worm_stands_at_every_height() -> None:
    values, edge = step()
    lines = found(values)
    for height_m in HEIGHTS:
        assert mean_x(lines, height_m) == pytest.approx(edge, abs=CELL_M)
    strong = lines.columns["gradient"] > 0.5 * lines.columns["gradient"].max()
    turned = np.minimum(lines.columns["azimuth_deg"][strong], 180 - lines.columns["azimuth_deg"][strong])
    assert turned.max() < 3  # north and south


def test_over_a_dipping_contact_it_moves_down_the_dip_with_height() -> None:
    values, edge = step(dip_m=2000.0)
    lines = found(values)
    places = [mean_x(lines, height_m) for height_m in HEIGHTS]
    assert edge - CELL_M < places[0] < places[-1]
    assert places[-1] - places[0] > CELL_M


def test_the_gradient_is_the_fields_own_in_units_per_km() -> None:
    values, edge = step()
    lines = found(values, heights_m=(1.0,))
    row = ROWS // 2
    col = int(np.argmin(np.abs(centres()[0][0] - edge)))
    slope = np.abs(np.gradient(values[row].astype(float), CELL_M / 1000))[col - 2 : col + 3].max()
    assert lines.columns["gradient"].max() == pytest.approx(slope, rel=0.15)  # smoothed over a square


def test_noise_alone_gives_few_long_lines() -> None:
    noise = np.random.default_rng(2).normal(0, 1, (ROWS, COLS)).astype(np.float32)
    values, _ = step()
    assert shapely.length(found(noise).geometry).sum() < 0.7 * shapely.length(found(values + 0.001 * noise).geometry).sum()
