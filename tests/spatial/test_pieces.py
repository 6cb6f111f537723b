"""Pieces joined over seams are the pieces of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rasterio.features
import shapely
from affine import Affine
from scipy import ndimage

from pipeline.spatial import pieces

CELL = 100.0


def tiled(mask: Any, values: Any, tile: int, least_cells: int = 1, more: Any = None) -> list[dict[str, Any]]:
    rows, cols = mask.shape
    down, across = -(-rows // tile), -(-cols // tile)
    parts = []
    for r in range(down):
        for c in range(across):
            cut = np.s_[r * tile : (r + 1) * tile, c * tile : (c + 1) * tile]
            where = Affine(CELL, 0, c * tile * CELL, 0, -CELL, 5000 - r * tile * CELL)
            further = {name: layer[cut] for name, layer in (more or {}).items()}
            parts.append(
                pieces.describe(mask[cut], values[cut], values[cut] / 3, 40 * values[cut], tile=(r, c), transform=where, least_cells=least_cells, more=further)
            )
    return parts


@pytest.fixture(scope="module")
def ground() -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    values = ndimage.gaussian_filter(rng.normal(size=(41, 53)), 2).astype(np.float32)
    values = (values - values.min()) / np.ptp(values)
    return values > 0.55, values


@pytest.mark.parametrize("tile", [5, 16, 41, 64])
def test_pieces_equal_those_of_an_independent_labelling_of_the_whole(ground: tuple[Any, Any], tile: int) -> None:
    mask, values = ground
    found = sorted(pieces.joined(tiled(mask, values, tile), least_cells=1), key=lambda p: (p.cells, p.mean))
    labels, count = ndimage.label(mask)
    expected = sorted(((labels == i).sum(), values[labels == i].mean(dtype=float), values[labels == i].max()) for i in range(1, count + 1))
    assert [p.cells for p in found] == [cells for cells, _, _ in expected]
    assert np.allclose([p.mean for p in found], [mean for _, mean, _ in expected], atol=1e-8)
    assert [p.highest for p in found] == [highest for _, _, highest in expected]
    assert np.allclose([p.spread for p in found], [mean / 3 for _, mean, _ in expected], atol=1e-8)
    assert np.allclose([p.amount for p in found], [40 * mean * cells for cells, mean, _ in expected], atol=1e-6)


def test_polygons_equal_those_gdal_draws_of_the_whole(ground: tuple[Any, Any]) -> None:
    mask, values = ground
    drawn = rasterio.features.shapes(mask.astype("uint8"), mask=mask, connectivity=4, transform=Affine(CELL, 0, 0, 0, -CELL, 5000))
    expected = sorted(shapely.normalize(shapely.from_geojson(str(g).replace("'", '"').replace("(", "[").replace(")", "]"))).wkt for g, _ in drawn)
    found = [p.polygon for p in pieces.joined(tiled(mask, values, 9), least_cells=1)]
    assert len(found) == len(expected)
    for polygon in found:
        assert any(shapely.equals(polygon, shapely.from_wkt(text)) for text in expected)


def test_sums_are_the_same_to_the_last_bit_for_any_tile(ground: tuple[Any, Any]) -> None:
    mask, values = ground
    answers = [sorted((p.cells, p.mean, p.highest, p.spread) for p in pieces.joined(tiled(mask, values, t), least_cells=1)) for t in (7, 13, 64)]
    assert answers[0] == answers[1] == answers[2]


def test_no_high_ground_gives_no_piece() -> None:
    mask = np.zeros((8, 8), bool)
    assert list(pieces.joined(tiled(mask, mask.astype(np.float32), 4), least_cells=1)) == []


@pytest.mark.parametrize("tile", [5, 16, 41])
def test_small_pieces_are_left_out_however_seams_cut_them(ground: tuple[Any, Any], tile: int) -> None:
    mask, values = ground
    mask = mask | (np.random.default_rng(9).uniform(size=mask.shape) > 0.9)
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())[1:]
    assert (sizes < 6).any()
    found = pieces.joined(tiled(mask, values, tile, least_cells=6), least_cells=6)
    assert sorted(p.cells for p in found) == sorted(sizes[sizes >= 6])


@pytest.mark.parametrize("tile", [5, 16, 64])
def test_a_piece_knows_its_best_cell_and_the_means_of_further_layers_over_cells_that_have_a_value(ground: tuple[Any, Any], tile: int) -> None:
    mask, values = ground
    steps = np.round(values, 1)  # many cells share the highest value
    holed = np.where(np.random.default_rng(2).uniform(size=mask.shape) < 0.5, np.nan, values**2)
    parts = tiled(mask, steps, tile, more={"square": holed, "nothing": np.full(mask.shape, np.nan)})
    labels, count = ndimage.label(mask)
    expected = []
    for i in range(1, count + 1):
        row, col = next(zip(*np.nonzero((labels == i) & (steps == steps[labels == i].max())), strict=True))
        inside = holed[labels == i]
        expected.append(((col + 0.5) * CELL, 5000 - (row + 0.5) * CELL, np.nanmean(inside) if np.isfinite(inside).any() else -1))
    found = list(pieces.joined(parts, least_cells=1))
    told = [(*p.best, -1 if p.means["square"] is None else p.means["square"]) for p in found]
    assert np.allclose(sorted(told), sorted(expected), atol=1e-8)
    assert {p.means["nothing"] for p in found} == {None}


@pytest.mark.parametrize("tile", [5, 16, 64])
def test_a_piece_knows_the_lowest_and_highest_of_a_layer_over_its_cells_that_have_a_value(ground: tuple[Any, Any], tile: int) -> None:
    mask, values = ground
    holed = np.where(np.random.default_rng(2).uniform(size=mask.shape) < 0.3, np.nan, 1000 * values - 300)
    rows, cols = mask.shape
    parts = []
    for r in range(-(-rows // tile)):
        for c in range(-(-cols // tile)):
            cut = np.s_[r * tile : (r + 1) * tile, c * tile : (c + 1) * tile]
            where = Affine(CELL, 0, c * tile * CELL, 0, -CELL, 5000 - r * tile * CELL)
            layers = {"height": holed[cut], "nothing": np.full(holed[cut].shape, np.nan)}
            parts.append(pieces.describe(mask[cut], values[cut], values[cut], tile=(r, c), transform=where, least_cells=1, ranges=layers))
    labels, count = ndimage.label(mask)
    inside = [holed[labels == i] for i in range(1, count + 1)]
    expected = sorted((np.nanmin(v), np.nanmax(v)) for v in inside if np.isfinite(v).any())
    found = list(pieces.joined(parts, least_cells=1))
    assert sorted(p.ranges["height"] for p in found if p.ranges["height"]) == expected
    assert {p.ranges["nothing"] for p in found} == {None}
