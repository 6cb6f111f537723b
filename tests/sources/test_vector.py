"""The vector source: what it gives, what it repairs and tells, and one clear refusal for each way a file can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from pipeline import registry, vectors
from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.grid import Grid
from pipeline.sources.vector import vector

AEA = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
GRID = Grid(AEA, 1000.0, -20_000.0, 15_000.0, 30, 40, 16)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "cache", GRID)


def line(*xy: tuple[float, float]) -> Any:
    return shapely.LineString([(65.5 + x, 28 + y) for x, y in xy])


def faults(**columns: Any) -> gpd.GeoDataFrame:
    """Three lines near the region's centre, one of them 0.5 degrees east: outside the region, inside the margin."""
    shapes = [line((0, 0), (0.1, 0.1)), line((0.05, 0), (0, 0.1)), line((0.5, 0), (0.6, 0))]
    return gpd.GeoDataFrame({"kind": ["old", "active", "old"]} | columns, geometry=shapes, crs="EPSG:4326")


def save(place: Place, frame: gpd.GeoDataFrame, name: str = "faults.gpkg", layer: str | None = "faults") -> None:
    frame.to_file(place.root / name, **({"layer": layer} if layer else {}))


def tabled(place: Place, **said: Any) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    source = vector(**({"path": "faults.gpkg"} | said))
    return source.table(source.acquire(place).assets, place)


def refused(place: Place, match: str, **said: Any) -> None:
    with pytest.raises(DataError, match=match):
        tabled(place, **said)


@pytest.mark.parametrize("name", ["faults.gpkg", "faults.geojson", "faults.shp", "faults.fgb"])
def test_features_come_in_the_grids_crs_whatever_the_format(place: Place, name: str) -> None:
    save(place, faults(), name, None)
    frame, notices = tabled(place, path=name)
    assert notices == () and sorted(frame["kind"]) == ["active", "old", "old"] and frame.crs == AEA
    to = Transformer.from_crs("EPSG:4326", AEA, always_xy=True)
    for shape in faults().geometry:
        want = np.column_stack(to.transform(*shapely.get_coordinates(shape).T))
        assert min(np.abs(shapely.get_coordinates(s) - want).max() for s in frame.geometry if len(s.coords) == 2) < 1e-4


def test_only_features_within_the_margin_are_kept(place: Place) -> None:
    save(place, faults())
    assert len(tabled(place)[0]) == 3
    assert len(tabled(place, margin_m=29_000)[0]) == 2
    assert len(tabled(place, margin_m=29_300)[0]) == 3  # 0.5 degrees are 49.2 km from the middle, the edge 20 km


def test_where_filters_by_column(place: Place) -> None:
    save(place, faults(rank=[1, 2, 3]))
    assert tabled(place, where={"kind": ["active"]})[0]["kind"].tolist() == ["active"]
    assert len(tabled(place, where={"kind": ["active", "old"], "rank": ["2", "3"]})[0]) == 2


def test_rows_are_ordered_by_content(place: Place) -> None:
    save(place, faults(name=["a", "b", "c"]))
    first = tabled(place)[0]
    save(place, faults(name=["a", "b", "c"]).iloc[::-1], "again.gpkg")
    assert tabled(place, path="again.gpkg")[0].equals(first)


def test_the_signature_is_the_config_schema() -> None:
    model = registry.parameters(vector)
    assert vector(**model(path="faults.gpkg", where={"kind": ["old"]}).model_dump()).where == {"kind": ["old"]}
    with pytest.raises(ValueError, match="validation error"):
        model(path="faults.gpkg", margin_m=-1)


def test_synthetic_features_say_so_by_column_or_by_config(place: Place) -> None:
    save(place, faults(synthetic=[False, True, False]))
    save(place, faults(synthetic=["no", "no", "no"]), "real.gpkg")
    assert vector(path="faults.gpkg").acquire(place).synthetic and not vector(path="real.gpkg").acquire(place).synthetic
    assert vector(path="real.gpkg", synthetic=True).acquire(place).synthetic


def test_a_shapefiles_sisters_count_for_its_version(place: Place) -> None:
    save(place, faults(), "faults.shp", None)
    first = vector(path="faults.shp").acquire(place).assets[0].version
    save(place, faults(kind=["old", "old", "old"]), "faults.shp", None)
    assert vector(path="faults.shp").acquire(place).assets[0].version != first


def test_what_has_no_shape_is_left_out_and_told_of(place: Place) -> None:
    frame = faults()
    frame.loc[3] = ["none", None]
    frame.loc[4] = ["empty", shapely.LineString()]
    frame.loc[5] = ["nan", shapely.LineString([(65.5, np.nan), (65.6, 28)])]
    save(place, frame)
    got, notices = tabled(place)
    assert len(got) == 3
    assert notices == (
        "faults.gpkg: 2 of 6 features have no geometry, left out",
        "faults.gpkg: 1 of 4 features have coordinates that are no numbers, left out",
    )


def test_polygons_that_cross_themselves_are_repaired_and_told_of(place: Place) -> None:
    bow = shapely.Polygon([(65.4, 27.9), (65.5, 28.0), (65.5, 27.9), (65.4, 28.0)])
    flat = shapely.Polygon([(65.4, 27.9), (65.5, 28.0), (65.4, 27.9)])
    sound = shapely.box(65.6, 27.9, 65.7, 28)
    save(place, gpd.GeoDataFrame({"n": [1, 2, 3]}, geometry=[bow, flat, sound], crs="EPSG:4326"), "areas.gpkg", None)
    got, notices = tabled(place, path="areas.gpkg")
    assert sorted(got["n"]) == [1, 3] and got.geometry.is_valid.all()
    assert notices == ("areas.gpkg: 2 of 3 polygons cross or touch themselves, repaired", "areas.gpkg: 1 of 3 features have no area, left out")
    halves = got.loc[got["n"] == 1].geometry.iloc[0]
    assert halves.area == pytest.approx(got.loc[got["n"] == 3].geometry.iloc[0].area / 2, rel=0.01)  # two of four triangles


def test_three_dimensions_become_two(place: Place) -> None:
    shape = shapely.LineString([(65.5, 28, 100), (65.6, 28, 200)])
    save(place, gpd.GeoDataFrame({"n": [1]}, geometry=[shape], crs="EPSG:4326"), "high.gpkg", None)
    assert not tabled(place, path="high.gpkg")[0].has_z.any()


def test_a_file_over_the_region_without_features_near_it_gives_an_empty_table(place: Place) -> None:
    far = [line((-5, 0), (-5, 0.1)), line((5, 0), (5, 0.1))]
    save(place, gpd.GeoDataFrame({"kind": ["old", "old"]}, geometry=far, crs="EPSG:4326"))
    got, notices = tabled(place)
    assert len(got) == 0 and notices == ("faults.gpkg: holds no feature within 100 km of the region",)
    vectors.store(got, place.cache / "faults.fgb")
    assert vectors.touching(place.cache / "faults.fgb", GRID.bounds).geometry.size == 0


def test_mixed_kinds_of_geometry_are_refused(place: Place) -> None:
    frame = faults()
    frame.loc[3] = ["spot", shapely.Point(65.5, 28)]
    save(place, frame)
    refused(place, r"faults.gpkg: mixes 3 lines, 1 points; one kind is wanted: pick a `layer:`, filter with `where:`, or split the file")
    assert len(tabled(place, where={"kind": ["spot"]})[0]) == 1


def test_collections_are_refused(place: Place) -> None:
    both = shapely.GeometryCollection([shapely.Point(65.5, 28), line((0, 0), (0.1, 0))])
    save(place, gpd.GeoDataFrame({"kind": ["both"]}, geometry=[both], crs="EPSG:4326"))
    refused(place, r"faults.gpkg: holds geometry collections; split them into points, lines or polygons")


def test_a_file_without_crs_is_refused_and_the_repair_works(place: Place) -> None:
    save(place, faults().set_crs(None, allow_override=True))
    refused(place, r"faults.gpkg: says no CRS; add `crs: EPSG:...` to its source")
    assert len(tabled(place, crs="EPSG:4326")[0]) == 3
    refused(place, r"faults.gpkg: its CRS 'EPSG:99' is not understood by PROJ; say it as `crs: EPSG:...`", crs="EPSG:99")


def test_a_file_that_misses_the_region_is_refused(place: Place) -> None:
    save(place, faults().set_geometry(faults().translate(40, 0)))
    refused(place, r"faults.gpkg: layer 'faults' does not come near the region; it covers 105.5 to 106.1, 28 to 28.1 in WGS 84, the region 64.2")


def test_a_layer_or_column_or_value_that_is_not_there_is_named_with_the_nearest(place: Place) -> None:
    save(place, faults())
    save(place, faults(), layer="roads")
    refused(place, r"faults.gpkg: has 2 layers; say which with `layer:` \(faults, roads\)")
    refused(place, r"faults.gpkg: has no layer 'fault'; did you mean 'faults'\? \(there are: 'faults', 'roads'\)", layer="fault")
    refused(
        place,
        r"faults.gpkg: layer 'roads' has no column 'kinds'; did you mean 'kind'\? \(there are: 'kind'\)",
        layer="roads",
        where={"kinds": ["old"]},
    )
    refused(
        place,
        r"faults.gpkg: no feature has kind = 'olt'; did you mean 'old'\? \(there are: 'active', 'old'\)",
        layer="faults",
        where={"kind": ["olt"]},
    )


def test_what_is_no_vector_file_is_refused(place: Place) -> None:
    (place.root / "a.gpkg").write_bytes(b"SQLite format 3\0" + b"\1" * 80)
    refused(place, r"a.gpkg: cannot be opened as a vector file .*expected GeoPackage, GeoJSON, Shapefile or FlatGeobuf", path="a.gpkg")
    (place.root / "b.geojson").write_text('{"type": "FeatureCollection", "features": [{"type": "Fea')
    refused(place, r"b.geojson: cannot be opened as a vector file", path="b.geojson")
    refused(place, r"gone.gpkg: no such file below", path="gone.gpkg")


def test_a_table_without_geometry_is_refused(place: Place) -> None:
    import pyogrio

    pyogrio.write_dataframe(faults().drop(columns="geometry"), place.root / "table.gpkg", layer="table")
    refused(place, r"table.gpkg: layer 'table' is a table without geometry; name a layer with geometry", path="table.gpkg")
