"""A real STAC API, asked as the real ones are: pages, seasons, cloud limits, declared hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.asset import Place
from pipeline.errors import DataError, MissingError
from pipeline.grid import Grid, Window
from pipeline.sources import _catalogue, aster, copernicus_dem, landsat, sentinel2
from tests import tiny
from tests.fakes import aster as fake_aster
from tests.fakes import copernicus_dem as fake_dem
from tests.fakes import landsat as fake_landsat
from tests.fakes import sentinel2 as fake_sentinel2
from tests.servers import catalogue, files

pytestmark = catalogue.needed
GRID = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=1000, tile=32)
LON, LAT = tiny.to_lonlat(30_000, 25_000)
SIDE_M = 30_000
HERE = ("127.0.0.1",)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[catalogue.Catalogue, files.Files]]:
    with files.running(tmp_path_factory.mktemp("www")) as www, catalogue.running() as stac:
        folder, url = www.folder, www.url
        stac.add(fake_sentinel2.write(folder, url, fake_sentinel2.takes(LON, LAT, SIDE_M), pixel_m=1500, keys=("red", "nir")))
        stac.add(fake_landsat.write(folder, url, fake_landsat.scenes(LON, LAT, SIDE_M), pixel_m=1500, keys=("red",)))
        stac.add(fake_aster.write(folder, url, fake_aster.scenes(LON, LAT, SIDE_M), pixel_m=1000))
        stac.add(fake_dem.write(folder, url, (65.4, 27.9, 66.3, 28.6), pixels=60))
        yield stac, www


def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "cache", GRID)


def sentinel(served: Any, **said: Any) -> Any:
    return sentinel2.sentinel2(**{"years": (2023,), "bands": ("red", "nir"), "api": served[0].url, "hosts": HERE} | said)


def test_a_season_is_found_page_by_page_without_what_must_not_be_used(served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sentinel(served).acquire(place(tmp_path))
    assert len(whole.assets) == 13 and whole.synthetic and whole.together
    names = [asset.id for asset in whole.assets]
    assert names == sorted(names)
    assert not any(word in name for name in names for word in ("20230111", "20230809", "_20230512_"))  # winter, cloudy, processed again since
    assert "13 of 13 scenes are read, 1 more were processed again since" in whole.notices
    assert [info.suffix for info in whole.layers] == ["red", "nir", "clear_looks"]
    monkeypatch.setattr(_catalogue, "PAGE", 2)
    assert sentinel(served).acquire(place(tmp_path / "paged")).assets == whole.assets or [a.id for a in whole.assets] == names
    paged = sentinel(served).acquire(place(tmp_path / "paged"))
    assert [(a.id, a.version, a.bounds) for a in paged.assets] == [(a.id, a.version, a.bounds) for a in whole.assets]


def test_dates_clouds_and_names_choose_the_scenes(served: Any, tmp_path: Path) -> None:
    def found(**said: Any) -> list[str]:
        return [asset.id for asset in sentinel(served, **said).acquire(place(tmp_path)).assets]

    assert all("20230511" in name or "20230516" in name for name in found(season=("05-01", "05-31")))
    assert any("20230111" in name for name in found(season=("11-01", "02-15"), years=(2022,)))
    assert any("20230809" in name for name in found(max_cloud_percent=95))
    assert len(found(max_looks=1)) == 3
    left = found(leave_out=("S2B_T42RTS_20230516T060631_20240101_L2A",))
    assert len(left) == 12
    with pytest.raises(DataError, match=r"no scene of the years 1999, 05-01 to 10-31, with at most 20 % cloud touches the region"):
        found(years=(1999,))


def test_every_product_is_found_by_its_own_names(served: Any, tmp_path: Path) -> None:
    stac, www = served
    said = {"api": stac.url, "hosts": HERE}
    scenes = landsat.landsat(**said, bands=("red",), sas_url=www.sas_url).acquire(place(tmp_path))
    assert len(scenes.assets) == 6
    squares = copernicus_dem.copernicus_dem(**said).acquire(place(tmp_path))
    assert len(squares.assets) == 4 and [info.units for info in squares.layers] == ["m"]
    best = aster.aster(**said, bands=("green", "swir1"), sas_url=www.sas_url).acquire(place(tmp_path))
    assert [a.id for a in best.assets] == ["AST_L1T_00306122004062011_20150409135350", "AST_L1T_00307012005062140_20150409135350"]
    assert [info.suffix for info in best.layers] == ["green", "swir1", "scene", "clear_looks"]
    assert {info.units for info in best.layers} == {"radiance", "1"}


def test_where_no_square_of_the_model_is_is_told(served: Any, tmp_path: Path) -> None:
    sea = Grid.covering(tiny.BOUNDS, crs=tiny.CRS.replace("lon_0=65.5", "lon_0=-30"), cell_m=1000, tile=32)
    with pytest.raises(DataError, match="no square of the elevation model touches the region"):
        copernicus_dem.copernicus_dem(api=served[0].url, hosts=HERE).acquire(Place(tmp_path, tmp_path / "cache", sea))


def test_a_host_that_is_not_declared_is_not_asked(served: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"host '127\.0\.0\.1' is not declared"):
        sentinel(served, hosts=("earth-search.aws.element84.com",)).acquire(place(tmp_path))


def test_when_the_catalogue_is_gone_its_last_answer_serves(served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sentinel(served).acquire(place(tmp_path))

    def gone(*_: Any) -> Any:
        raise _catalogue._UnreachedError("no route to host")

    monkeypatch.setattr(_catalogue, "_asked", gone)
    after = sentinel(served).acquire(place(tmp_path))
    assert [a.id for a in after.assets] == [a.id for a in before.assets] and "its last answer is used" in after.notices[0]


def test_offline_the_last_answer_is_used_and_what_lies_on_no_shelf_is_named(served: Any, tmp_path: Path) -> None:
    quiet = Place(tmp_path, tmp_path / "cache", GRID, offline=True)
    with pytest.raises(MissingError, match=r"offline, and not on the shelf: http://127.* on sentinel-2-c1-l2a"):
        sentinel(served).acquire(quiet)
    before = sentinel(served).acquire(place(tmp_path))
    served[1].forget()
    after = sentinel(served).acquire(quiet)
    assert [a.id for a in after.assets] == [a.id for a in before.assets]
    with pytest.raises(MissingError, match="offline, and not on the shelf"):
        sentinel(served).read_all(after.assets, Window(GRID, 0, 0, *GRID.shape))
    assert not served[1].asked


def test_each_scene_says_where_it_comes_from(served: Any, tmp_path: Path) -> None:
    first = sentinel(served).acquire(place(tmp_path)).assets[0]
    assert first.origin == f"{served[0].url}/collections/sentinel-2-c1-l2a/items/{first.id}"
    assert first.named == "2024-01-01T00:00:00Z"
