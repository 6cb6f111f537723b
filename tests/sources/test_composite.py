"""The composite is the median of clear looks, whatever the tile: held against one made the plain way, of whole files on the whole grid."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING
from pipeline.sources import _composite, _scenes, aster, copernicus_dem, landsat, sentinel2
from pipeline.sources._looks import Looks
from pipeline.warp import read_onto
from tests import plainly, tiny
from tests.fakes import aster as fake_aster
from tests.fakes import copernicus_dem as fake_dem
from tests.fakes import landsat as fake_landsat
from tests.fakes import sentinel2 as fake_sentinel2
from tests.servers import files

LON, LAT = tiny.to_lonlat(30_000, 25_000)
SIDE_M = 36_000
DAYS = ("2023-05-11", "2023-06-20")
HERE = ("127.0.0.1",)


def grid(tile: int = 32) -> Grid:
    return Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=1000, tile=tile)


WHOLE = Window(grid(), 0, 0, *grid().shape)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[files.Files]:
    with files.running(tmp_path_factory.mktemp("www")) as running:
        yield running


def assets(source: Looks, items: list[dict[str, Any]], folder: Path, sas_url: str = "") -> tuple[_scenes.Scene, ...]:
    """What `acquire` would read of the items, without asking a catalogue."""
    fit = [item for item in items if source.suitable(item) and item["properties"]["eo:cloud_cover"] <= source.max_cloud_percent]
    fresh, _ = _scenes.newest(fit, source.sensor.product)
    made = _scenes.scenes(fresh, source.sensor.product, source.roles, grid(), _scenes.From(HERE, sas_url, str(folder / "downloads")))
    return tuple(_scenes.best(made, source.max_looks))


@pytest.fixture(scope="module")
def s2_items(served: files.Files) -> list[dict[str, Any]]:
    takes = [take for take in fake_sentinel2.takes(LON, LAT, SIDE_M, days=DAYS) if "05-01" <= take.day[5:] <= "10-31"]
    return fake_sentinel2.write(served.folder, served.url, takes, pixel_m=400, keys=("green", "red", "nir"))


@pytest.fixture(scope="module")
def s2(s2_items: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> tuple[Looks, tuple[_scenes.Scene, ...]]:
    source = sentinel2.sentinel2(years=(2023,), bands=("red", "nir"), hosts=HERE)
    return source, assets(source, s2_items, tmp_path_factory.mktemp("cache"))


def whole(path: Path, items: list[dict[str, Any]], roles: tuple[str, ...], mask: str, clear: Any, light: Any) -> tuple[list[Any], Any]:
    return plainly.median(path, items, roles, grid(), mask, clear, light)


def test_sentinel2_is_the_median_of_its_clear_looks(s2: Any, s2_items: list[dict[str, Any]], served: files.Files) -> None:
    source, scenes = s2
    used = [item for item in s2_items if item["id"] in {s.id for s in scenes}]
    assert len(used) == 3 * len(DAYS) + 1  # neither the older processing nor the cloudy one
    (red, nir), count = whole(served.folder, used, ("red", "nir"), "scl", lambda c: c in (2, 4, 5, 6, 7, 11), plainly.sentinel2_light)
    got = source.read_all(scenes, WHOLE)
    assert np.array_equal(got[0], red, equal_nan=True) and np.array_equal(got[1], nir, equal_nan=True) and np.array_equal(got[2], count)
    assert count.min() == 0 and count.max() >= 3 and np.isfinite(red).mean() > 0.5  # there was something to get wrong
    # where no look is clear there is nothing, elsewhere something, but for the swath's very edge, where mask and band have pixels of two sizes
    assert np.isnan(red[count == 0]).all() and np.isnan(red[count > 0]).mean() < 0.01


def test_sentinel2_sees_the_ground_it_was_painted_with(s2: Any) -> None:
    from tests.fakes.scenery import ground

    red = s2[0].read_all(s2[1], WHOLE)[0]
    lon, lat = tiny.to_lonlat(*np.meshgrid(WHOLE.x(), WHOLE.y()))
    far = np.abs(red - ground(lon, lat, 1))
    assert np.nanmedian(far) < 0.02  # noise of 0.01, cells of 1 km: an offset left in or taken off twice would be 0.1


@pytest.mark.parametrize("tile", [33, 60])
def test_any_tile_size_gives_the_same_picture(s2: Any, tile: int) -> None:
    source, scenes = s2
    whole = source.read_all(scenes, WHOLE)
    cut = grid(tile)
    for index in cut.tiles():
        at = cut.window(index)
        near = tuple(s for s in scenes if s.touches(at.bounds))
        for one, all_of in zip(source.read_all(near, at), whole, strict=True):
            assert np.array_equal(one, all_of[at.r0 : at.r1, at.c0 : at.c1], equal_nan=True)


def test_pieces_cover_a_window_once_and_keep_to_the_lattice() -> None:
    big = Grid.covering((0.0, 0.0, 3_000_000.0, 2_000_000.0), crs=tiny.CRS, cell_m=1000, tile=1500)
    at = big.window((1, 1))
    seen = np.zeros(at.shape, int)
    for piece, where in _composite.pieces(at):
        seen[where] += 1
        assert max(piece.shape) <= _composite.PIECE and seen[where].shape == piece.shape
        assert piece.r0 % _composite.PIECE == 0 or piece.r0 == at.r0
    assert (seen == 1).all()


def test_what_is_held_grows_with_the_looks_of_a_piece_and_not_with_the_tile(s2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, scenes = s2
    held: list[int] = []
    monkeypatch.setattr(_composite, "PIECE", 40)
    whole = _composite.median(scenes, ("red",), WHOLE, clear=source._clear, value=_watched(source._value, held), masks=source.masks)
    assert np.array_equal(whole[0], source.read_all(scenes, WHOLE)[0], equal_nan=True)
    assert max(held) <= 40 * 40


def test_memory_beyond_the_answer_is_that_of_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_composite, "PIECE", 64)
    big = Grid.covering((0.0, 0.0, 640_000.0, 640_000.0), crs=tiny.CRS, cell_m=1000, tile=640)
    said = {"path": "", "version": "", "size": 0, "taken": "", "cloud": 0.0, "place": "", "epsg": None, "bands": {}, "hosts": ()}
    scenes = [_scenes.Scene(id=f"s{i}", look=f"look {i}", **said) for i in range(12)]

    def peak(side: int) -> int:
        window = Window(big, 0, 0, side, side)
        tracemalloc.start()
        try:
            answer = _composite.median(
                scenes, ("red", "nir"), window, clear=lambda _, __, at: np.ones(at.shape, bool), value=lambda _, __, at: np.ones(at.shape, np.float32),
                masks=_composite.Masks("nir"),
            )  # fmt: skip
            return tracemalloc.get_traced_memory()[1] - sum(layer.nbytes for layer in answer)
        finally:
            tracemalloc.stop()

    peak(64)  # what numpy loads once
    assert peak(640) < 1.5 * peak(64)


def _watched(value: Any, held: list[int]) -> Any:
    def watched(scene: Any, role: str, window: Window) -> Any:
        held.append(window.shape[0] * window.shape[1])
        return value(scene, role, window)

    return watched


def test_vegetation_and_water_are_left_out_by_their_limits(s2: Any, s2_items: list[dict[str, Any]], tmp_path: Path) -> None:
    red, nir, count = s2[0].read_all(s2[1], WHOLE)
    masked = sentinel2.sentinel2(years=(2023,), bands=("red", "nir"), max_ndvi=0.1, max_ndwi=0.05, hosts=HERE)
    scenes = assets(masked, s2_items, tmp_path)
    assert "green" in masked.roles and masked.bands == ("red", "nir")
    got = masked.read_all(scenes, WHOLE)
    green = sentinel2.sentinel2(years=(2023,), bands=("green",), hosts=HERE).read_all(scenes, WHOLE)[0]
    out = ((nir - red) / (nir + red) > 0.1) | ((green - nir) / (green + nir) > 0.05)
    assert 0.05 < out.mean() < 0.9
    assert np.array_equal(got[0], np.where(out, np.nan, red).astype(np.float32), equal_nan=True)
    assert np.array_equal(got[-1], count)  # the looks were clear all the same


def test_landsat_is_the_median_of_its_clear_looks(served: files.Files, tmp_path: Path) -> None:
    items = fake_landsat.write(served.folder, served.url, fake_landsat.scenes(LON, LAT, SIDE_M), pixel_m=500, keys=("red", "lwir11"))
    source = landsat.landsat(years=(2023,), bands=("red", "lwir11"), hosts=HERE, sas_url=served.sas_url)
    scenes = assets(source, items, tmp_path, served.sas_url)
    assert len(scenes) == 6 and not any("_RT" in s.id or s.id.startswith("LE07") for s in scenes)
    used = [item for item in items if item["id"] in {s.id for s in scenes}]
    (red, warm), count = whole(served.folder, used, ("red", "lwir11"), "qa_pixel", lambda c: c & 31 == 0, plainly.landsat_light)
    got = source.read_all(scenes, WHOLE)
    assert np.array_equal(got[0], red, equal_nan=True) and np.array_equal(got[1], warm, equal_nan=True) and np.array_equal(got[2], count)
    assert 280 < np.nanmedian(warm) < 320 and count.max() >= 4


def test_aster_takes_each_cell_whole_from_its_best_scene(served: files.Files, tmp_path: Path) -> None:
    items = fake_aster.write(served.folder, served.url, fake_aster.scenes(LON, LAT, SIDE_M), pixel_m=500)
    source = aster.aster(bands=("green", "swir1"), hosts=HERE, sas_url=served.sas_url)
    gains = aster.gains_in(fake_aster.GAINS.join(("<PSAName>ASTERGains</PSAName><PSAValue>", "</PSAValue>")))
    scenes = assets(source, [item | {"gains": gains} for item in items], tmp_path, served.sas_url)
    clearer, other = sorted(scenes, key=lambda s: s.cloud)
    assert (clearer.cloud, other.cloud) == (1.0, 3.0)  # the older processing and the scene of 2009 are gone

    def onto(scene: _scenes.Scene, stem: str, unit: float) -> Any:
        item = next(i for i in items if i["id"] == scene.id)
        path = served.folder / item["assets"][stem]["href"].split("/", 3)[3]
        return ((read_onto(path, band=1, window=WHOLE, resampling="bilinear", nodata=0)[0] - 1) * unit).astype(np.float32)

    first, second = ([onto(s, "VNIR", 0.676), onto(s, "SWIR", 0.2174)] for s in (clearer, other))
    here = np.isfinite(first).all(axis=0)
    there = ~here & np.isfinite(second).all(axis=0)
    green, swir, codes, count = source.read_all(scenes, WHOLE)
    assert here.any() and there.any()
    assert np.allclose(green, np.where(here, first[0], np.where(there, second[0], np.nan)), rtol=1e-6, equal_nan=True)
    assert np.allclose(swir, np.where(here, first[1], np.where(there, second[1], np.nan)), rtol=1e-6, equal_nan=True)
    expected = np.where(here, _composite.code_of(clearer), np.where(there, _composite.code_of(other), MISSING))
    assert np.array_equal(codes, expected)
    assert np.array_equal(count, np.isfinite(first[0]).astype(np.float32) + np.isfinite(second[0]))


def test_degree_squares_join_without_a_gap(served: files.Files, tmp_path: Path) -> None:
    items = fake_dem.write(served.folder, served.url, (65.4, 27.9, 66.3, 28.6), pixels=240)
    assert len(items) == 4
    squares = _scenes.scenes(items, copernicus_dem.PRODUCT, ("data",), grid(), _scenes.From(HERE, "", str(tmp_path / "downloads")))
    (height,) = copernicus_dem.copernicus_dem(hosts=HERE).read_all(tuple(squares), WHOLE)
    assert np.isfinite(height).all()
    lon, lat = tiny.to_lonlat(*np.meshgrid(WHOLE.x(), WHOLE.y()))
    assert np.abs(height - fake_dem.height(lon, lat)).max() < 25  # a cell is some 2.4 by 2.2 pixels, the relief's finest wave 25 of them
    for index in grid(23).tiles():
        at = grid(23).window(index)
        (part,) = copernicus_dem.copernicus_dem(hosts=HERE).read_all(tuple(s for s in squares if s.touches(at.bounds)), at)
        assert np.array_equal(part, height[at.r0 : at.r1, at.c0 : at.c1])
