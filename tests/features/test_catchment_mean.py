"""A stream sample speaks for the ground that drains to it, and no farther than the next sample upstream."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Ground
from pipeline.registry import declared, find
from pipeline.spatial import drainage
from tests.features.driver import CELL_M, COLS, ROWS, Region, _whole, centres, checked, empty_region, run

SAID = {"of": "samples", "terrain": "height", "column": "cu", "snap_m": 250.0}


def ground(samples: list[tuple[float, float]], values: list[float]) -> Region:
    """Hills that drain to the south-west, with samples."""
    x, y = centres()
    height = 1000 + 0.05 * (x + y) + 30 * np.sin(x / 900) * np.cos(y / 800) + np.random.default_rng(1).normal(0, 0.5, (ROWS, COLS))
    region = empty_region().with_layer("height", height.astype(np.float32))
    return region.with_geometry("samples", [shapely.Point(p) for p in samples], {"cu": np.array(values)})


def walked(region: Region, outlets: dict[int, float]) -> Array:
    """For each square, the value of the first outlet met by walking down."""
    down = drainage.flow(_whole(region, "height")).ways.idxs_ds.reshape(-1)
    found = np.full(ROWS * COLS, np.nan)
    for start in range(ROWS * COLS):
        at = start
        while at not in outlets and down[at] != at:
            at = down[at]
        found[start] = outlets.get(at, np.nan)
    return found.reshape(ROWS, COLS)


def channel_squares(region: Region, count: int) -> list[int]:
    """Squares that drain much, far from one another, the most draining first."""
    area = drainage.flow(_whole(region, "height")).upstream_km2
    chosen: list[int] = []
    for square in np.argsort(-area.ravel()):
        row, col = divmod(int(square), COLS)
        if 6 < row < ROWS - 6 and 6 < col < COLS - 6 and all(max(abs(row - s // COLS), abs(col - s % COLS)) > 8 for s in chosen):
            chosen.append(int(square))
        if len(chosen) == count:
            break
    return chosen


def place(square: int) -> tuple[float, float]:
    x, y = centres()
    return float(x.flat[square]), float(y.flat[square])


def test_each_square_says_what_the_first_sample_downstream_of_it_says() -> None:
    outlets = channel_squares(ground([], []), 5)
    values = [10.0, 20.0, 30.0, 40.0, 50.0]
    region = ground([place(square) for square in outlets], values)
    found = run("catchment_mean", {**SAID, "snap_m": 1.0}, region)[0]
    expected = walked(region, dict(zip(outlets, values, strict=True)))
    assert np.array_equal(found, expected.astype(np.float32), equal_nan=True)
    assert 0 < np.isfinite(found).sum() < found.size


def test_a_sample_beside_the_channel_stands_in_it() -> None:
    outlet = channel_squares(ground([], []), 1)[0]
    x, y = place(outlet)
    area = drainage.flow(_whole(ground([], []), "height")).upstream_km2
    near = [outlet + r * COLS + c for r in (-2, -1, 0, 1, 2) for c in (-2, -1, 0, 1, 2) if np.hypot(r, c) * CELL_M <= 250]
    most = max(near, key=lambda square: area.flat[square])
    found = run("catchment_mean", SAID, ground([(x, y)], [7.0]))[0]
    assert np.array_equal(found, walked(ground([], []), {most: 7.0}).astype(np.float32), equal_nan=True)


def test_two_samples_of_one_square_count_as_their_mean_and_one_off_the_terrain_not_at_all() -> None:
    outlet = channel_squares(ground([], []), 1)[0]
    x, y = place(outlet)
    found = run("catchment_mean", {**SAID, "snap_m": 1.0}, ground([(x, y), (x + 20, y), (1e7, 1e7)], [4.0, 8.0, 99.0]))[0]
    assert set(found[np.isfinite(found)]) == {6.0}


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="'samples' has no column 'cuu'; it has cu, zn"):
        declared(find("features", "catchment_mean")).check(
            checked("catchment_mean", {**SAID, "column": "cuu"}), Ground("EPSG:6933", (0, 0, 1, 1), 1.0, {"samples": ("cu", "zn")})
        )
