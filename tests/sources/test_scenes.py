"""Scenes of catalogues: which are read, how their counts become light, and what is refused."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import shapely.affinity

from pipeline.asset import Place
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid, Window
from pipeline.sources import _catalogue, _looks, _scenes, _signing, _stored, aster, copernicus_dem, landsat, sentinel2
from tests import tiny
from tests.fakes import aster as fake_aster
from tests.fakes import copernicus_dem as fake_dem
from tests.fakes import landsat as fake_landsat
from tests.fakes import sentinel2 as fake
from tests.servers import files

GRID = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=1000, tile=32)
WHOLE = Window(GRID, 0, 0, *GRID.shape)
LON, LAT = tiny.to_lonlat(30_000, 25_000)
SIDE_M = 30_000
HERE = ("127.0.0.1",)
S2 = sentinel2.SENSOR.product


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[files.Files]:
    with files.running(tmp_path_factory.mktemp("www")) as running:
        yield running


@pytest.fixture(scope="module")
def items(served: files.Files) -> list[dict[str, Any]]:
    takes = fake.takes(LON, LAT, SIDE_M, days=("2023-05-11",))
    return fake.write(served.folder, served.url, takes, pixel_m=1000, keys=("red", "nir"))


def s2_scenes(found: list[Any], folder: Path, roles: tuple[str, ...] = ("red", "scl"), **source: Any) -> list[_scenes.Scene]:
    said = {"hosts": HERE, "sas_url": "", "folder": str(folder / "downloads")} | source
    return _scenes.scenes(found, S2, roles, GRID, _scenes.From(**said))


def said_of(**properties: Any) -> dict[str, Any]:
    return {"id": "S2A_T41RPL", "properties": properties}


@pytest.mark.parametrize(
    ("properties", "asset", "offset"),
    [
        ({"s2:processing_baseline": "05.10"}, {}, -0.1),
        ({"s2:processing_baseline": "04.00"}, {"raster:bands": [{"offset": -0.1}]}, -0.1),
        ({"s2:processing_baseline": "03.01"}, {"raster:bands": [{"offset": -0.1}]}, 0.0),
        ({"s2:processing_baseline": "05.10", "earthsearch:boa_offset_applied": True}, {"raster:bands": [{"offset": -0.1}]}, 0.0),
        ({"s2:processing_baseline": "05.10", "earthsearch:boa_offset_applied": False}, {}, -0.1),
        ({"processing:version": "05.00"}, {}, -0.1),
        ({}, {"raster:bands": [{"offset": -0.1}]}, -0.1),
        ({}, {"raster:offset": 0}, 0.0),
    ],
)
def test_a_thousand_is_taken_off_once_from_baseline_four_on(properties: dict[str, Any], asset: dict[str, Any], offset: float) -> None:
    assert sentinel2.scaling(said_of(**properties), "red", asset) == (1e-4, offset)


def test_reflectance_whose_offset_nobody_tells_is_refused() -> None:
    with pytest.raises(DataError, match="says neither its processing baseline nor its offset"):
        sentinel2.scaling(said_of(), "red", {})
    assert sentinel2.scaling(said_of(), "scl", {}) == (1.0, 0.0)


def test_scene_classes_of_cloud_shadow_and_no_data_are_out() -> None:
    assert np.flatnonzero(sentinel2.clear(np.arange(12), "scl")).tolist() == [2, 4, 5, 6, 7, 11]
    with pytest.raises(DataError, match="the file is not a classification"):
        sentinel2.clear(np.array([5, 77]), "scl")


def test_words_of_qa_pixel_with_cloud_shadow_cirrus_or_fill_are_out() -> None:
    words = np.array([fake_landsat.CLEAR, fake_landsat.CLOUD, fake_landsat.SHADE, fake_landsat.FILL, 21826, 54596])  # then dilated cloud, cirrus
    assert landsat.clear(words, "qa").tolist() == [True, False, False, False, False, False]


def test_landsat_counts_become_reflectance_and_kelvin() -> None:
    assert landsat.scaling({}, "red", {}) == (0.0000275, -0.2)
    assert landsat.scaling({}, "lwir11", {}) == (0.00341802, 149.0)
    assert landsat.scaling({}, "qa_pixel", {}) == (1.0, 0.0)


def test_of_a_take_processed_twice_the_last_is_kept(items: list[dict[str, Any]]) -> None:
    kept, gone = _scenes.newest(items, S2)
    assert gone == 1
    assert {item["id"] for item in items} - {item["id"] for item in kept} == {"S2A_T41RPL_20230511T060631_20230512_L2A"}
    again, _ = _scenes.newest(items[::-1], S2)
    assert [item["id"] for item in again] == [item["id"] for item in kept]


def test_a_take_in_two_parts_is_kept_whole(items: list[dict[str, Any]]) -> None:
    whole = next(item for item in items if item["id"].startswith("S2A_T41RPL_20230511T060631_2024"))
    west, south, east, north = whole["bbox"]
    parts = []
    for name, box, seconds in (("a", (west, south, east, (south + north) / 2), 31), ("b", (west, (south + north) / 2 - 0.01, east, north), 45)):
        part = copy.deepcopy(whole) | {"id": name, "geometry": shapely.geometry.mapping(shapely.box(*box))}
        part["properties"]["datetime"] = f"2023-05-11T06:06:{seconds}Z"
        parts.append(part)
    assert _scenes.newest(parts, S2) == (parts, 0)


def test_a_pass_a_minute_later_is_another_take(items: list[dict[str, Any]]) -> None:
    later = copy.deepcopy(items[0]) | {"id": "later"}
    later["properties"]["datetime"] = "2023-05-11T06:09:31Z"
    assert _scenes.newest([items[0], later], S2)[1] == 0


def test_the_least_cloudy_looks_of_each_place_are_read_and_order_does_not_matter(items: list[dict[str, Any]], tmp_path: Path) -> None:
    found = []
    for i, cloud in enumerate((9, 3, 3, 7)):
        for item in items[:2]:
            one = copy.deepcopy(item) | {"id": f"{item['id']}-{i}"}
            one["properties"] |= {"eo:cloud_cover": cloud, "datetime": f"2023-06-{20 - i}T06:00:00Z"}
            found.append(one)
    scenes = s2_scenes(found, tmp_path)
    chosen = [s.id for s in _scenes.best(scenes, 2)]
    assert chosen == [s.id for s in _scenes.best(scenes[::-1], 2)]
    assert [name.rsplit("-", 1)[1] for name in chosen] == ["1", "2", "1", "2"]
    assert [s.id.rsplit("-", 1)[1] for s in _scenes.best(scenes, 1)] == ["2", "2"]  # as clear, and earlier


def test_a_scene_names_its_pass_so_that_neighbours_are_one_look(items: list[dict[str, Any]], tmp_path: Path) -> None:
    looks = {s.place: s.look for s in s2_scenes(items[:3], tmp_path)}
    assert looks == {"41RPL": "2023-05-11 sentinel-2a", "41RPM": "2023-05-11 sentinel-2a", "42RTS": "2023-05-11 sentinel-2a"}


def test_the_day_of_a_pass_is_the_suns() -> None:
    noon = dt.datetime(2023, 5, 11, 23, 30, tzinfo=dt.UTC)
    assert _scenes.solar_day(noon, 170) == "2023-05-12"
    assert _scenes.solar_day(noon, -170) == "2023-05-11"


def test_a_version_changes_with_what_was_processed_and_not_with_the_host(items: list[dict[str, Any]], tmp_path: Path) -> None:
    def version(change: Any) -> str:
        item = copy.deepcopy(items[0])
        change(item)
        return s2_scenes([item], tmp_path)[0].version

    def elsewhere(item: dict[str, Any]) -> None:
        item["assets"]["red"]["href"] = "https://mirror.example/red.tif?sig=1"

    same = version(lambda _: None)
    assert version(elsewhere) == same
    assert version(lambda item: item["properties"].update(updated="2025-01-01T00:00:00Z")) != same
    assert version(lambda item: item["assets"]["red"].update({"file:checksum": "1220ab"})) != same
    assert version(lambda item: item["properties"].update({"earthsearch:boa_offset_applied": not item["properties"].get("earthsearch:boa_offset_applied")})) != same


def test_an_item_without_dates_is_known_by_its_addresses(items: list[dict[str, Any]], tmp_path: Path) -> None:
    item = copy.deepcopy(items[0])
    for word in ("updated", "created", "s2:generation_time"):
        del item["properties"][word]
    before = s2_scenes([item], tmp_path)[0].version
    item["assets"]["red"]["href"] = "https://mirror.example/other.tif"
    assert s2_scenes([item], tmp_path)[0].version != before


def test_bounds_hold_every_cell_a_scene_gives_and_little_more(items: list[dict[str, Any]], tmp_path: Path) -> None:
    for scene in s2_scenes(items[:3], tmp_path):
        values = _stored.onto(scene, "red", window=WHOLE, resampling="bilinear", dtype="uint16")
        rows, cols = np.nonzero(np.isfinite(values))
        assert scene.bounds is not None
        xmin, ymin, xmax, ymax = scene.bounds
        assert xmin <= WHOLE.x()[cols].min() and WHOLE.x()[cols].max() <= xmax
        assert ymin <= WHOLE.y()[rows].min() and WHOLE.y()[rows].max() <= ymax
        assert xmax - xmin < SIDE_M + 20_000


def test_without_a_grid_of_its_files_a_scene_is_where_its_outline_is(items: list[dict[str, Any]], tmp_path: Path) -> None:
    bare = copy.deepcopy(items[0])
    for asset in bare["assets"].values():
        del asset["proj:transform"]
    (told,), (exact,) = s2_scenes([bare], tmp_path), s2_scenes([items[0]], tmp_path)
    assert told.bounds is not None and exact.bounds is not None
    assert np.allclose(told.bounds, exact.bounds, atol=15_000)
    far = bare | {"geometry": shapely.geometry.mapping(shapely.box(10, 10, 11, 11))}
    assert s2_scenes([far], tmp_path) == []
    strange = bare | {"geometry": shapely.geometry.mapping(shapely.box(-120, -95, -110, -89))}
    assert s2_scenes([strange], tmp_path) == []


def test_what_an_item_lacks_is_named(items: list[dict[str, Any]], tmp_path: Path) -> None:
    item = copy.deepcopy(items[0])
    del item["assets"]["scl"]
    with pytest.raises(DataError, match=r"the item has no asset SCL or scl; it is not of the collection"):
        s2_scenes([item], tmp_path)
    item = copy.deepcopy(items[0])
    item["properties"]["datetime"] = "yesterday"
    with pytest.raises(DataError, match="datetime 'yesterday' is no date"):
        s2_scenes([item], tmp_path)
    item = copy.deepcopy(items[0])
    item["properties"]["proj:epsg"] = 99999
    with pytest.raises(DataError, match="'EPSG:99999' is not understood by PROJ; the catalogue is damaged"):
        s2_scenes([item], tmp_path)


def test_a_bucket_is_read_by_its_https_address(items: list[dict[str, Any]], tmp_path: Path) -> None:
    item = copy.deepcopy(items[0])
    item["assets"]["red"]["href"] = "s3://copernicus-dem-30m/a/b.tif"
    (scene,) = s2_scenes([item], tmp_path)
    assert scene.bands["red"].href == "https://copernicus-dem-30m.s3.amazonaws.com/a/b.tif" and scene.bands["red"].href in scene.addresses


def moved(asset: dict[str, Any], by_m: float) -> None:
    asset["proj:transform"] = [*asset["proj:transform"][:2], asset["proj:transform"][2] + by_m, *asset["proj:transform"][3:]]


def test_an_outline_that_lies_elsewhere_than_its_files_is_refused(items: list[dict[str, Any]], tmp_path: Path) -> None:
    for change in (lambda item: item["properties"].update({"proj:epsg": 32642}), lambda item: moved(item["assets"]["red"], 100_000)):
        item = copy.deepcopy(items[0])
        change(item)
        with pytest.raises(DataError, match="the item's outline and the grid of its files do not lie together"):
            s2_scenes([item], tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda item: item["properties"].update({"proj:epsg": 32241}), "the file says EPSG:32641, its catalogue EPSG:32241; one of them lies"),
        (lambda item: moved(item["assets"]["red"], 5000), "lies elsewhere than its catalogue says"),
        (lambda item: item["assets"]["red"].update({"proj:shape": [29, 30]}), "lies elsewhere than its catalogue says"),
        (lambda item: item["assets"]["red"].update({"href": item["assets"]["scl"]["href"]}), "is stored as uint8, the product as uint16"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_its_catalogue_says_is_refused(items: list[dict[str, Any]], tmp_path: Path, change: Any, words: str) -> None:
    item = copy.deepcopy(items[0])
    change(item)
    (scene,) = s2_scenes([item], tmp_path)
    with pytest.raises(DataError, match=words):
        _stored.onto(scene, "red", window=WHOLE, resampling="bilinear", dtype="uint16")


@pytest.mark.parametrize(("east_deg", "lies"), [(0.0, False), (0.002, False), (0.1, True), (-0.1, True)])
def test_an_outline_that_is_all_a_catalogue_says_is_held_against_the_file(items: list[dict[str, Any]], tmp_path: Path, east_deg: float, lies: bool) -> None:
    item = copy.deepcopy(items[0])
    for asset in item["assets"].values():
        del asset["proj:transform"]
    item["geometry"] = shapely.geometry.mapping(shapely.affinity.translate(shapely.geometry.shape(item["geometry"]), xoff=east_deg))
    (scene,) = s2_scenes([item], tmp_path)

    def read() -> Any:
        return _stored.onto(scene, "red", window=WHOLE, resampling="bilinear", dtype="uint16")

    if not lies:
        assert np.isfinite(read()).any()
        return
    with pytest.raises(DataError, match=r"covers 6\d.\d+ to .* N, its catalogue says 6\d.* N; one of them lies: leave the scene out with `leave_out:`"):
        read()


def test_a_file_with_too_few_bands_is_refused(items: list[dict[str, Any]], tmp_path: Path) -> None:
    product = _scenes.Product({"swir1": ("red:4",)}, lambda *_: (1.0, 0.0), S2.place, S2.processed)
    (scene,) = _scenes.scenes([items[0]], product, ("swir1",), GRID, _scenes.From(HERE, "", str(tmp_path)))
    with pytest.raises(DataError, match="has 1 bands, number 4 is wanted"):
        _stored.onto(scene, "swir1", window=WHOLE, resampling="bilinear", dtype="uint16")


def test_seasons_are_intervals_of_each_year() -> None:
    assert _looks.periods((2023, 2022), ("05-01", "10-31")) == ("2022-05-01T00:00:00Z/2022-10-31T23:59:59Z", "2023-05-01T00:00:00Z/2023-10-31T23:59:59Z")
    assert _looks.periods((2023,), ("11-01", "02-15")) == ("2023-11-01T00:00:00Z/2024-02-15T23:59:59Z",)
    with pytest.raises(ConfigError, match="02-30 is not a day of every year"):
        _looks.periods((2023,), ("01-01", "02-30"))


def test_bands_are_checked_by_name() -> None:
    with pytest.raises(ConfigError, match="there is no band 'swir15'; did you mean 'swir16'"):
        sentinel2.sentinel2(bands=("swir15",))
    with pytest.raises(ConfigError, match="`bands:` of landsat is empty"):
        landsat.landsat(bands=())
    assert sentinel2.sentinel2(bands=("nir", "red", "nir")).bands == ("red", "nir")


def test_aster_without_its_short_wave_detectors_is_refused() -> None:
    with pytest.raises(ConfigError, match="its SWIR bands are of no use since April 2008"):
        aster.aster(years=(2010, 2011))
    assert aster.aster(years=(2010,), bands=("red", "nir")).bands == ("red", "nir")
    source = aster.aster(years=(2004,))
    (good, _, late, _) = (
        {"id": s.name, "assets": dict.fromkeys(fake_aster.FILES), "properties": {"datetime": f"{s.when}Z"}} for s in fake_aster.scenes(LON, LAT, SIDE_M)
    )
    assert source.suitable(good) and not source.suitable(late)
    assert aster.aster(years=(2009,), bands=("tir1",)).suitable(late)
    night = good | {"properties": good["properties"] | {"view:sun_elevation": -30}}
    assert not source.suitable(night) and aster.aster(bands=("tir1",)).suitable(night)


def test_aster_counts_become_radiance_by_the_gain_of_their_band() -> None:
    gains = aster.gains_in(f"<PSA><PSAName>ASTERGains</PSAName>\n<PSAValue>{fake_aster.GAINS}</PSAValue></PSA>")
    assert gains["01"] == "high" and gains["3N"] == "normal" and gains["06"] == "high"
    item = {"id": "AST_L1T_0", "gains": gains}
    assert aster.scaling(item, "green", {}) == (0.676, -0.676)
    assert aster.scaling(item, "swir3", {}) == (0.0313, -0.0313)
    assert aster.scaling(item, "tir2", {}) == (0.006780, -0.006780)
    with pytest.raises(DataError, match="its metadata names no gain of band 01"):
        aster.scaling({"id": "AST_L1T_0", "gains": {}}, "green", {})


def test_heights_no_land_has_are_refused(served: files.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (item, *_) = fake_dem.write(served.folder, served.url, (65.2, 28.2, 65.8, 28.8), pixels=60)
    source = copernicus_dem.copernicus_dem(hosts=HERE)
    where = _scenes.From(HERE, "", str(tmp_path / "downloads"))
    good = _scenes.scenes([item], copernicus_dem.PRODUCT, ("data",), GRID, where)
    (height,) = source.read_all(tuple(good), WHOLE)
    assert 400 < np.nanmin(height) < np.nanmax(height) < 1400
    monkeypatch.setattr(copernicus_dem, "HIGHEST_M", 1000.0)
    with pytest.raises(DataError, match=r"holds 1\d+\.\d+ m, land lies between -500 and 1000"):
        source.read_all(tuple(good), WHOLE)


def test_addresses_of_blob_storage_are_signed_once_and_read(served: files.Files, items: list[dict[str, Any]], tmp_path: Path) -> None:
    served.signed.add(fake.BUCKET)
    try:
        (scene,) = s2_scenes([items[0]], tmp_path, sas_url=served.sas_url)
        assert np.isfinite(_stored.onto(scene, "red", window=WHOLE, resampling="bilinear", dtype="uint16")).any()
        (bare,) = s2_scenes([items[0]], tmp_path / "other")
        with pytest.raises(DataError, match="403"):
            _stored.onto(bare, "red", window=WHOLE, resampling="bilinear", dtype="uint16")
    finally:
        served.signed.clear()
    asked = [path for path in served.asked if path.startswith(files.TOKENS)]
    assert asked == [f"{files.TOKENS}/{fake.BUCKET}/{fake.COLLECTION}"] and served.asked[asked[0]] == 1


def test_a_signature_that_ran_out_is_renewed(served: files.Files, items: list[dict[str, Any]], tmp_path: Path) -> None:
    served.signed.add(fake.BUCKET)
    try:
        (scene,) = s2_scenes([items[0]], tmp_path, sas_url=served.sas_url)
        _signing.signed(scene.bands["red"].href, sas_url=served.sas_url, hosts=HERE)
        served.tokens.clear()  # none given so far is good any more
        assert np.isfinite(_stored.onto(scene, "red", window=WHOLE, resampling="bilinear", dtype="uint16")).any()
    finally:
        served.signed.clear()


def test_what_is_no_blob_storage_is_not_signed() -> None:
    assert _signing.signed("https://e84.s3.amazonaws.com/a.tif", sas_url=_signing.SAS_URL, hosts=("e84.s3.amazonaws.com",)) == "https://e84.s3.amazonaws.com/a.tif"


def test_a_signature_is_asked_of_declared_hosts_only(served: files.Files) -> None:
    url = "https://landsateuwest.blob.core.windows.net/landsat-c2/a.tif"
    with pytest.raises(DataError, match=r"host '127\.0\.0\.1' is not declared"):
        _signing.signed(url, sas_url=served.sas_url, hosts=("landsateuwest.blob.core.windows.net",))
    with pytest.raises(DataError, match="only https addresses are fetched"):
        _signing.signed(url, sas_url="http://sas.example/token", hosts=("sas.example",))
    with pytest.raises(DataError, match="gives no signature"):
        _signing.signed(url, sas_url=f"{served.url}/nothing", hosts=HERE)
    one = _signing.signed(url, sas_url=served.sas_url, hosts=HERE)
    assert "sig=" in one and one == _signing.signed(url, sas_url=served.sas_url, hosts=HERE)
    assert one != _signing.signed(url, True, sas_url=served.sas_url, hosts=HERE)


def test_a_catalogue_that_gives_no_answer_is_told_or_its_last_answer_used(tmp_path: Path, served: files.Files) -> None:
    question = _catalogue.Question(served.url, "sentinel-2-c1-l2a", (65.0, 28.0, 66.0, 29.0))
    with pytest.raises(DataError, match="gives no answer"):
        _catalogue.answer(question, hosts=HERE, cache=tmp_path)
    (tmp_path / "catalogues").mkdir()
    (tmp_path / "catalogues" / f"{question.key}.json").write_text('[{"id": "a"}]')
    found, notices = _catalogue.answer(question, hosts=HERE, cache=tmp_path)
    assert found == [{"id": "a"}] and "its last answer is used" in notices[0]


def test_a_question_goes_round_the_whole_grid() -> None:
    west, south, east, north = _catalogue.surroundings(GRID)
    lon, lat = tiny.to_lonlat(np.array([0, 60_000, 0, 60_000]), np.array([0, 0, 50_000, 50_000]))
    assert west < lon.min() and east > lon.max() and south < lat.min() and north > lat.max()
    assert east - west < 1.1 * (lon.max() - lon.min())


def test_a_place_of_work_is_where_downloads_go(items: list[dict[str, Any]], tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "cache", GRID)
    (scene,) = s2_scenes(items[:1], place.cache)
    _stored.onto(scene, "red", window=WHOLE, resampling="bilinear", dtype="uint16")
    assert list((place.cache / "downloads").rglob("*"))
