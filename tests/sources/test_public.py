"""The sources of public data against a real server on this machine: what each gives, and one clear error for what is not it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from pipeline import registry
from pipeline.asset import Acquired, Place
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING
from tests import tiny
from tests.fakes import (
    active_faults,
    boundaries,
    emag2,
    gravity,
    lab_depth,
    licences,
    macrostrat,
    osm,
    porphyry_tracts,
    south_asia_geology,
    usgs_mrds,
    usgs_porphyry,
    wdpa,
)
from tests.servers.folder import Folder, serving

GRID = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=tiny.CELL_M, tile=32)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    root = tmp_path_factory.mktemp("public")
    for fake in (active_faults, boundaries, emag2, gravity, lab_depth, licences, osm, porphyry_tracts, south_asia_geology, usgs_mrds, usgs_porphyry, wdpa):
        fake.make(root)
    with serving(root, {macrostrat.ADDRESS: macrostrat.service}) as of:
        of.services[boundaries.ADDRESS] = boundaries.service(of.url)
        yield of


@pytest.fixture
def place(server: Folder, tmp_path: Path) -> Place:
    return Place(server.root, tmp_path / "cache", GRID)


def acquired(place: Place, use: str, **said: Any) -> tuple[Any, Acquired]:
    function = registry.find("sources", use)
    source = function(**registry.parameters(function).model_validate(said).model_dump())
    return source, source.acquire(place)


def tabled(place: Place, use: str, **said: Any) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    source, given = acquired(place, use, **said)
    frame, notices = source.table(given.assets, place)
    return frame, (*given.notices, *notices)


def layer(place: Place, use: str, **said: Any) -> tuple[np.ndarray, Acquired]:
    source, given = acquired(place, use, **said)
    source.check_values(given.assets, GRID)
    whole = source.read(given.assets, "", Window(GRID, 0, 0, GRID.rows, GRID.cols))
    tile = source.read(given.assets, "", GRID.window((1, 1)))
    assert np.array_equal(tile, whole[32:64, 32:64], equal_nan=True), "a tile differs from the whole"
    return whole, given


def refused(place: Place, match: str, use: str, **said: Any) -> None:
    source, given = acquired(place, use, **said)
    with pytest.raises(DataError, match=match):
        source.check_values(given.assets, GRID) if given.layers else source.table(given.assets, place)


def test_emag2_is_turned_to_the_region_and_given_the_crs_it_does_not_say(server: Folder, place: Place) -> None:
    values, given = layer(place, "emag2", url=server.url(emag2.NAME))
    lon, lat = tiny.to_lonlat(*np.meshgrid(GRID.x_m + (np.arange(GRID.cols) + 0.5) * 500, GRID.y_m - (np.arange(GRID.rows) + 0.5) * 500))
    assert np.abs(values - emag2.anomaly(lon, lat)).max() < 2  # (8^2 + 6^2) (2')^2 / 8 of 100 nT: what bilinear loses at most of these waves
    (info,) = given.layers
    assert (info.units, info.native_m, info.dtype) == ("nT", 3704.0, "float32")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"step": 1 / 60}, "its pixels are 0.0166667 wide, those of EMAG2 are 0.0333333 degrees"),
        ({"times": 1e4}, r"can hold -30000 to 30000; it is another product, in other units"),
    ],
)
def test_what_is_not_emag2_is_refused(tmp_path: Path, change: dict[str, float], match: str) -> None:
    emag2.make(tmp_path, **change)
    with serving(tmp_path) as server, pytest.raises(DataError, match=match):
        layer(Place(tmp_path, tmp_path / "cache", GRID), "emag2", url=server.url(emag2.NAME))


def test_gravity_is_the_users_file_in_milligal(place: Place, tmp_path: Path) -> None:
    values, given = layer(place, "gravity", path=gravity.NAME)
    assert -230 < values.min() < values.max() < -130
    assert given.layers[0].units == "mGal"
    gravity.make(tmp_path, times=10)
    refused(Place(tmp_path, tmp_path / "c", GRID), r"WGM2012 \(bouguer\) can hold -800 to 800", "gravity", path=gravity.NAME)


def test_lithosphere_thickness_in_metres_is_refused_until_it_is_scaled(place: Place, tmp_path: Path) -> None:
    values, _ = layer(place, "lab_depth", path=lab_depth.NAME, licence="CC BY", citation="a model")
    assert 60 <= values.min() < values.max() <= 180
    lab_depth.make(tmp_path, times=1000)
    metres = Place(tmp_path, tmp_path / "c", GRID)
    refused(metres, "a model of lithosphere thickness can hold 5 to 450", "lab_depth", path=lab_depth.NAME, licence="CC BY", citation="a model")
    scaled, _ = layer(metres, "lab_depth", path=lab_depth.NAME, licence="CC BY", citation="a model", scale=0.001)
    assert np.abs(scaled - values).max() < 1e-3


def test_active_faults_of_both_catalogues(server: Folder, place: Place) -> None:
    frame, _ = tabled(place, "active_faults", url=server.url(active_faults.NAME), slip_type=["Sinistral"])
    assert sorted(frame["name"]) == ["Chaman Fault", "Ghazaband Fault"]
    assert list(frame.columns) == ["name", "slip_type", "catalogue", "geometry"]
    assert len(tabled(place, "active_faults", catalogue="himatibet", url=server.url(active_faults.HIMATIBET))[0]) == 3
    with pytest.raises(DataError, match="has no column 'name', which the gem catalogue of active faults has"):
        acquired(place, "active_faults", url=server.url(active_faults.HIMATIBET))
    refused(place, "holds polygons, the himatibet catalogue of active faults holds lines", "active_faults", catalogue="himatibet",
            url=server.url(boundaries.FILE.format(level="ADM1")))  # fmt: skip


def test_the_general_map_comes_as_classes_of_the_systems_legend(server: Folder, place: Place) -> None:
    values, given = layer(place, "south_asia_geology", url=server.url(south_asia_geology.POLYGONS))
    assert set(np.unique(values)) == {MISSING, 1, 6, 7}, "Q, Ti and Kv, and water; the unknown code lies east of the region"
    assert (values[:, 0] == 1).all() and given.layers[0].dtype == "int32"
    assert "units that no class is said for are missing in the layer: zz" in given.notices
    own, _ = layer(place, "south_asia_geology", url=server.url(south_asia_geology.POLYGONS), classes={42: ["ti"]})
    assert set(np.unique(own)) == {42, MISSING}


def test_the_general_map_gives_its_units_and_lines_too(server: Folder, place: Place) -> None:
    frame, _ = tabled(place, "south_asia_geology", gives="units", url=server.url(south_asia_geology.POLYGONS))
    assert sorted(frame["glg"]) == sorted(south_asia_geology.UNITS)
    faults, _ = tabled(place, "south_asia_geology", gives="lines", url=server.url(south_asia_geology.LINES), where={"TYPE": ["fault"]})
    assert len(faults) == 1
    with pytest.raises(DataError, match="none of its 4 units near the region has a class; say them under `classes:`"):
        acquired(place, "south_asia_geology", url=server.url(south_asia_geology.POLYGONS), classes={1: ["nothing"]})
    with pytest.raises(ConfigError, match="`classes:` is for `gives: classes`, and it gives units"):
        acquired(place, "south_asia_geology", gives="units", classes={1: ["Q"]})


def test_macrostrat_is_asked_at_few_points_and_tells_classes_by_rock_and_age(server: Folder, place: Place) -> None:
    before = len(server.asked)
    values, _ = layer(place, "macrostrat", step_km=10, url=server.url(macrostrat.ADDRESS))
    assert set(np.unique(values)) == {1, 5, 7}
    assert len(server.asked) - before == 3, "one question a polygon, of some 35 points"
    frame, _ = tabled(place, "macrostrat", gives="units", step_km=10, url=server.url(macrostrat.ADDRESS))
    assert sorted(frame["lithology"]) == ["alluvium", "granite", "limestone, shale"]
    assert frame["oldest_ma"].max() == 174.0


def test_macrostrat_says_what_is_wrong_with_a_region_or_an_answer(server: Folder, place: Place, tmp_path: Path) -> None:
    wide = Place(tmp_path, tmp_path / "cache", Grid.covering((-1e6, -1e6, 1e6, 1e6), crs=tiny.CRS, cell_m=1000, tile=512))
    with pytest.raises(DataError, match=r"points would be asked for, the limit is 2000; use a wider `step_km:`"):
        acquired(wide, "macrostrat", url=server.url(macrostrat.ADDRESS))
    odd = b'{"type":"Feature","geometry":{"type":"Point","coordinates":[65.6,28.1]},"properties":{"map_id":1}}'
    for body, match in [
        (b"{}", "its answer is no GeoJSON of map units"),
        (b'{"type": "FeatureCollection", "features": []}', "knows no geological map of scale medium"),
        (b'{"type":"FeatureCollection","features":[' + odd + b"]}", "its units have no 'name'; the service changed"),
    ]:
        server.services["ill/"] = lambda _, __, body=body: (200, "application/json", body)  # type: ignore[misc]
        with pytest.raises(DataError, match=match):
            acquired(Place(tmp_path, tmp_path / str(len(body)), GRID), "macrostrat", url=server.url("ill/"))


def test_boundaries_come_by_the_file_the_record_names_with_its_licence(server: Folder, place: Place) -> None:
    frame, notices = tabled(place, "boundaries", country="PAK", url=server.url(boundaries.ADDRESS))
    assert sorted(frame["name"]) == ["A", "B", "C", "D"]
    assert "licence of PAK-ADM2-1: Creative Commons Attribution 4.0 (a survey)" in notices
    with pytest.raises(DataError, match="the server answers 404"):
        acquired(place, "boundaries", country="XXX", url=server.url(boundaries.ADDRESS))
    for body, match in [(b"[]", r"its record names no file \(gjDownloadURL\)"), (b"{", "its record is no JSON")]:
        server.services["odd"] = lambda _, __, body=body: (200, "application/json", body)  # type: ignore[misc]
        with pytest.raises(DataError, match=match):
            acquired(place, "boundaries", country="PAK", url=server.url("odd"))


@pytest.mark.parametrize(("what", "count", "kind"), [("roads", 1, "LineString"), ("rail", 1, "LineString"), ("settlements", 2, "Point")])
@pytest.mark.parametrize("raw", [False, True])
def test_openstreetmap_gives_one_theme_near_the_region(server: Folder, place: Place, what: str, count: int, kind: str, raw: bool) -> None:
    frame, _ = tabled(place, "osm", what=what, url=server.url(osm.RAW if raw else osm.NAME))
    assert len(frame) == (1 if raw else count), "no footway, no subway, no suburb, nothing of another continent"
    assert set(frame.geom_type) == {kind}
    assert list(frame.columns) == ["name", "class", "geometry"]


def test_ports_and_power_lines_stand_in_the_raw_extract_alone(server: Folder, place: Place) -> None:
    assert list(tabled(place, "osm", what="ports", url=server.url(osm.RAW))[0]["name"]) == ["Port"]
    assert len(tabled(place, "osm", what="power", url=server.url(osm.RAW))[0]) == 1
    with pytest.raises(DataError, match="cannot be read as an OpenStreetMap extract"):
        acquired(place, "osm", what="power", url=server.url(emag2.NAME))
    tabled(place, "osm", what="roads", url=server.url(osm.NAME))
    tabled(place, "osm", what="settlements", url=server.url(osm.NAME))
    assert len(list((place.cache / "downloads").glob("*free.shp.zip"))) == 1, "one archive serves every theme"


def test_protected_areas_in_force_are_read_and_can_never_be_redistributed(place: Place) -> None:
    frame, _ = tabled(place, "wdpa", path=wdpa.NAME)
    assert list(frame["name"]) == ["Hazar Park"]
    function = registry.find("sources", "wdpa")
    assert registry.parameters(function).model_validate({"path": "x"}).model_dump()["redistribute"] is False
    with pytest.raises(ValueError, match="Input should be False"):
        registry.parameters(function).model_validate({"path": "x", "redistribute": True})
    with pytest.raises(DataError, match="has no column 'NAME', which the WDPA has"):
        acquired(place, "wdpa", path=licences.NAME)


def test_tracts_are_picked_by_their_code(place: Place) -> None:
    frame, _ = tabled(place, "porphyry_tracts", path=porphyry_tracts.NAME, tract=["142pCu9002"])
    assert frame[["tract", "name"]].to_numpy().tolist() == [["142pCu9002", "Chagai"]]


def test_titles_have_a_holder_a_status_and_dates(place: Place, tmp_path: Path) -> None:
    frame, _ = tabled(place, "licences", path=licences.NAME, columns=licences.COLUMNS)
    assert sorted(map(tuple, frame[["holder", "status", "granted", "expires"]].to_numpy().tolist())) == [
        ("Acme", "granted", "2020-02-01", "2030-01-31"), ("Beta", "applied", "", ""),
    ]  # fmt: skip
    assert len(tabled(place, "licences", path=licences.NAME, columns=licences.COLUMNS, status=["granted"])[0]) == 1
    with pytest.raises(ConfigError, match="'owner' is nothing a title has"):
        acquired(place, "licences", path=licences.NAME, columns={"owner": "LICENSEE"})
    there = Place(tmp_path, tmp_path / "c", GRID)
    licences.make(tmp_path, EXP_DT=["1st of May", ""])
    refused(there, "expires '1st of May' is no date; write YYYY-MM-DD", "licences", path=licences.NAME, columns=licences.COLUMNS)
    licences.make(tmp_path, EXP_DT=["2019-01-31", ""])
    refused(there, "expires 2019-01-31, before it was granted, 2020-02-01", "licences", path=licences.NAME, columns=licences.COLUMNS)


def test_mrds_is_read_in_the_region_in_the_words_of_the_systems(server: Folder, place: Place) -> None:
    frame, _ = tabled(place, "usgs_mrds", url=server.url(usgs_mrds.NAME))
    said = {row["name"]: (row["deposit_type"], row["commodity"], row["confidence"]) for _, row in frame.iterrows()}
    assert said == {
        "Koh-i-Sar": ("porphyry Cu", "Copper; Gold; Molybdenum", "medium"), "Gor Mine": ("podiform chromite", "Chromium", "high"),
        "Talar": ("sediment-hosted Zn-Pb", "Zinc; Lead", "low"), "Mill": ("", "Copper", "low"),
    }  # fmt: skip
    own, _ = tabled(place, "usgs_mrds", url=server.url(usgs_mrds.NAME), types={"chrome": ["PODIFORM"]})
    assert "chrome" in set(own["deposit_type"]) and "Porphyry copper" in set(own["deposit_type"])


def test_the_porphyry_list_knows_a_deposit_from_a_prospect(server: Folder, place: Place) -> None:
    frame, _ = tabled(place, "usgs_porphyry", url=server.url(usgs_porphyry.NAME))
    assert sorted(map(tuple, frame[["name", "commodity", "confidence"]].to_numpy().tolist())) == [
        ("Koh-i-Sar", "Cu; Mo; Au", "high"), ("Sar-i-Sang", "Cu", "medium"),
    ]  # fmt: skip
    assert set(frame["deposit_type"]) == {"porphyry Cu"}


def test_a_list_without_a_site_in_the_region_says_so_and_gives_an_empty_table(server: Folder, tmp_path: Path) -> None:
    away = Place(tmp_path, tmp_path / "cache", Grid.covering((500_000, 0, 560_000, 50_000), crs=tiny.CRS, cell_m=500, tile=32))
    frame, notices = tabled(away, "usgs_porphyry", url=server.url(usgs_porphyry.NAME))
    assert len(frame) == 0 and "group" in frame.columns
    assert any("lists no site in the region" in notice for notice in notices)


def test_what_is_not_the_list_is_refused(server: Folder, place: Place, tmp_path: Path) -> None:
    odd = _renamed(tmp_path)
    with pytest.raises(DataError, match="has no column 'rec_id', which OFR 2008-1155 has"):
        acquired(Place(tmp_path, tmp_path / "c", GRID), "usgs_porphyry", url=odd)
    (tmp_path / "cut.csv").write_text(usgs_porphyry.TEXT + '9,Pakistan,"open,,1,')
    source, given = acquired(Place(tmp_path, tmp_path / "c", GRID), "usgs_porphyry", url="cut.csv")
    with pytest.raises(DataError, match="cannot be read to the end"):
        source.table(given.assets, Place(tmp_path, tmp_path / "c", GRID))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match="cannot be read as a table"):
        acquired(Place(tmp_path, tmp_path / "c", GRID), "usgs_porphyry", url="empty.csv")


def _renamed(root: Path) -> str:
    import zipfile

    with zipfile.ZipFile(root / "odd.zip", "w") as archive:
        archive.writestr("main.csv", usgs_mrds.HEADER + "\n")
    return "odd.zip"


def test_only_https_is_fetched_from_afar(place: Place) -> None:
    with pytest.raises(DataError, match="only https addresses are fetched"):
        acquired(place, "emag2", url="http://example.org/EMAG2.tif")
