"""The grid is a value whose tiles have the coordinates of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.grid import Grid
from tests.tiny import CRS


def test_a_tile_has_the_coordinates_of_the_whole_grid_to_the_last_bit() -> None:
    grid = Grid.covering((12_345.6, -7_001, 99_999, 54_321), crs=CRS, cell_m=30, tile=128)
    whole = grid.geobox.coordinates
    for tile in grid.tiles():
        window = grid.window(tile)
        assert np.array_equal(window.x(), whole["x"].values[window.c0 : window.c1])
        assert np.array_equal(window.y(), whole["y"].values[window.r0 : window.r1])


def test_the_origin_is_a_multiple_of_the_cell_and_the_bounds_are_covered() -> None:
    grid = Grid.covering((12_345.6, -7_001, 99_999, 54_321), crs=CRS, cell_m=250, tile=64)
    assert grid.x_m % 250 == 0 and grid.y_m % 250 == 0
    west, south, east, north = grid.bounds
    assert 12_095.6 < west <= 12_345.6 and 99_999 <= east < 100_249
    assert -7_251 < south <= -7_001 and 54_321 <= north < 54_571


def test_tiles_cover_every_cell_once() -> None:
    grid = Grid.covering((0, 0, 5_300, 2_900), crs=CRS, cell_m=100, tile=16)
    seen = np.zeros(grid.shape, int)
    for tile in grid.tiles():
        window = grid.window(tile)
        seen[window.r0 : window.r1, window.c0 : window.c1] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("halo", [0, 1, 15, 16, 17, 40])
def test_near_tiles_are_those_that_hold_a_cell_within_the_halo(halo: int) -> None:
    grid = Grid.covering((0, 0, 5_300, 2_900), crs=CRS, cell_m=100, tile=16)
    owner = {}
    for tile in grid.tiles():
        w = grid.window(tile)
        owner.update({(r, c): tile for r in range(w.r0, w.r1) for c in range(w.c0, w.c1)})
    for tile in grid.tiles():
        w = grid.window(tile, halo)
        expected = {owner[r, c] for r in range(w.r0, w.r1) for c in range(w.c0, w.c1) if (r, c) in owner}
        assert set(grid.near(tile, halo)) == expected


def test_a_cell_keeps_its_number_whatever_the_tile_size() -> None:
    small, large = (Grid.covering((0, 0, 5_300, 2_900), crs=CRS, cell_m=100, tile=t) for t in (16, 64))
    assert small.window((1, 2)).cells()[0, 0] == 16 * small.cols + 32 == large.window((0, 0)).cells()[16, 32]


def test_an_albers_grid_is_equal_area_and_mercator_is_not() -> None:
    assert Grid.covering((0, 0, 9e5, 5e5), crs=CRS, cell_m=1000, tile=256).area_distortion() < 1e-6
    assert Grid.covering((6.8e6, 2.9e6, 7.7e6, 3.4e6), crs="EPSG:3857", cell_m=1000, tile=256).area_distortion() > 0.2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crs": "EPSG:4326"}, "not a projected CRS in metres"),
        ({"crs": "EPSG:99999999"}, "not understood by PROJ"),
        ({"cell_m": 0.1}, "exact in binary"),
        ({"cell_m": -30}, "exact in binary"),
        ({"bounds": (10, 0, 10, 5)}, "empty or not finite"),
        ({"bounds": (0, 0, float("nan"), 5)}, "empty or not finite"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_in_words(changes: dict[str, object], words: str) -> None:
    said: dict[str, object] = {"bounds": (0, 0, 1000, 1000), "crs": CRS, "cell_m": 100, "tile": 32} | changes
    bounds = said.pop("bounds")
    with pytest.raises(ConfigError, match=words):
        Grid.covering(bounds, **said)  # type: ignore[arg-type]
