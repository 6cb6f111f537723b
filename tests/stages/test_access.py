"""The ground travelled over is the same whatever tiles it was gathered from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.grid import Grid
from pipeline.recipe import Fit, Layer, Layers, Vector
from pipeline.spatial import terrain, travel
from pipeline.stages import access

ROWS, COLS, CELL_M, CELLS = 23, 31, 100.0, 4
RNG = np.random.default_rng(2)
DEM = (200 * RNG.random((ROWS, COLS))).astype(np.float32)
DEM[5, 6] = np.nan
REGION = np.where(RNG.random((ROWS, COLS)) < 0.8, 1.0, np.nan).astype(np.float32)
REGION[8:12, 8:12] = np.nan  # a square without a cell of the region


def padded(values: Any, window: Any) -> Any:
    whole = np.pad(values, 1, constant_values=np.nan)
    return whole[window.r0 + 1 : window.r1 + 1, window.c0 + 1 : window.c1 + 1]


def gathered(tile: int) -> list[dict[str, Any]]:
    grid = Grid.covering((0, 0, COLS * CELL_M, ROWS * CELL_M), crs="EPSG:6933", cell_m=CELL_M, tile=tile)
    parts = []
    for index in grid.tiles():
        window = grid.window(index, 1)
        region, dem = (Layer.of(padded(values, window), cell_m=CELL_M, halo=1) for values in (REGION, DEM))
        parts.append(access.slow_ground(region=region, elevation=Layers((dem,)), at=window, cells=CELLS))
    return parts


def slowness(parts: list[dict[str, Any]]) -> Any:
    held, slow = np.zeros((6, 8), np.int64), np.zeros((6, 8), np.int64)
    for part in parts:
        np.add.at(held, (part["row"], part["col"]), part["held"])
        np.add.at(slow, (part["row"], part["col"]), part["slow"])
    return np.where(held > 0, slow / access.FIXED / np.maximum(held, 1), np.nan)


def test_squares_hold_the_mean_slowness_of_their_cells_in_the_region() -> None:
    found = slowness(gathered(64))
    steep = terrain.slope_degrees(np.pad(DEM, 1, constant_values=np.nan), cell_m=CELL_M)[1:-1, 1:-1]
    slow = np.where(np.isnan(steep), 1.0, travel.slowness(np.nan_to_num(steep)))
    for r in range(6):
        for c in range(8):
            cut = np.s_[r * CELLS : (r + 1) * CELLS, c * CELLS : (c + 1) * CELLS]
            cells = slow[cut][~np.isnan(REGION[cut])]
            assert found[r, c] == pytest.approx(cells.mean(), abs=1e-5) if cells.size else np.isnan(found[r, c])
    assert np.isnan(found[2, 2])
    assert np.nanmax(found) > 1.2


@pytest.mark.parametrize("tile", [16, 17, 19])
def test_tiles_that_cut_squares_give_the_same_hours_to_the_last_bit(tile: int) -> None:
    pieces = Fit([{"best": [150.0, 2250.0]}, {"best": [2950.0, 50.0]}])
    port = Vector(np.array([shapely.Point(3050.0, 2250.0)], object), {})
    said = {
        "pieces": pieces, "shape": [6, 8], "corner": [0.0, ROWS * CELL_M], "step_m": CELLS * CELL_M, "ground_km_h": 5.0, "network": {}, "to": {"port": "ports"},
        "ports": port,
    }  # fmt: skip
    one, two = (access.travelled(parts=gathered(side), **said) for side in (tile, 64))
    assert one == two
    assert all(0.1 < there["port"] < 3 for there in one)
