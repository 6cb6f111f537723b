"""EMIT granules: the lookup table's ground, names of materials to layers, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from pipeline.asset import Place
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid, Window
from pipeline.sources.emit_minerals import Minerals, emit_minerals
from tests import tiny
from tests.fakes import emit_minerals as fake

GRID = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=1000, tile=32)
WHOLE = Window(GRID, 0, 0, *GRID.shape)
LON, LAT = tiny.to_lonlat(30_000, 25_000)


def source(tmp_path: Path, **minerals: tuple[str, ...]) -> tuple[Minerals, Place]:
    return emit_minerals(path="emit", minerals=minerals or {"kaolinite": ("kaolinite",), "goethite": ("goethite",)}), Place(tmp_path, tmp_path / "cache", GRID)


def test_band_depths_lie_where_the_lookup_table_puts_them(tmp_path: Path) -> None:
    (tmp_path / "emit").mkdir()
    fake.write(tmp_path / "emit", LON, LAT)
    minerals, place = source(tmp_path)
    acquired = minerals.acquire(place)
    assert [info.suffix for info in acquired.layers] == ["goethite", "kaolinite", "looks"] and acquired.synthetic
    goethite, kaolinite, looks = minerals.read_all(acquired.assets, WHOLE)
    lon, lat = tiny.to_lonlat(*np.meshgrid(WHOLE.x(), WHOLE.y()))
    inner = binary_erosion(looks == 1, np.ones((3, 3))) & (np.abs(lon - LON) > 0.02)  # at an edge a pixel stands for what is beyond
    east = lon > LON
    assert inner.sum() > 500
    for band, mine in ((goethite, east), (kaolinite, ~east)):
        assert np.abs(band - fake.depth(lon, lat))[inner & mine].max() < 0.02
        assert (band[inner & ~mine] == 0).all()
        assert np.array_equal(np.isnan(band), looks == 0)


def test_looks_are_averaged_and_any_tile_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "emit").mkdir()
    fake.write(tmp_path / "emit", LON, LAT)
    fake.write(tmp_path / "emit", LON + 0.1, LAT, pixels=90, material=42)
    minerals, place = source(tmp_path, clay=("kaolinite", "muscovite"), kaolinite=("kaolinite",))
    assets = minerals.acquire(place).assets
    clay, kaolinite, looks = minerals.read_all(assets, WHOLE)
    assert set(np.unique(looks)) == {0, 1, 2}
    both = np.isfinite(clay)
    assert (clay[both] >= kaolinite[both]).all() and (clay[both] > kaolinite[both]).any()
    cut = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=1000, tile=23)
    for index in cut.tiles():
        at = cut.window(index)
        part = minerals.read_all(tuple(a for a in assets if a.touches(at.bounds)), at)
        assert np.array_equal(part[0], clay[at.r0 : at.r1, at.c0 : at.c1], equal_nan=True)


def test_granules_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "emit"
    folder.mkdir()
    minerals, place = source(tmp_path)
    with pytest.raises(DataError, match=r"holds no EMIT_L2B_MIN_\*.nc that touches the region"):
        minerals.acquire(place)
    cut = fake.write(folder, LON, LAT)
    whole = cut.read_bytes()
    cut.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(DataError, match="is no EMIT mineral granule or is cut short"):
        minerals.acquire(place)
    cut.write_bytes(whole)
    with pytest.raises(DataError, match="none of its 5 materials is named pyrophyllite; correct `minerals:` pyro"):
        source(tmp_path, pyro=("pyrophyllite",))[0].acquire(place)
    fake.write(folder, LON, LAT, deepest=3.5)
    with pytest.raises(DataError, match=r"holds a band depth of 3\.5, no absorption is deeper than 1"):
        minerals.acquire(place)
    with pytest.raises(ConfigError, match="`minerals:` of emit_minerals is empty"):
        emit_minerals(path="emit", minerals={})
