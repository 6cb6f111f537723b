"""The occurrence source: records as people keep them, and one notice or refusal for each way they can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer

from pipeline import registry
from pipeline.asset import Place
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid
from pipeline.sources.points import points

AEA = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
GRID = Grid(AEA, 1000.0, -100_000.0, 80_000.0, 160, 200, 64)
HEADER = "name,lon,lat,datum,deposit_type,commodity,confidence,uncertainty_m,synthetic\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "cache", GRID)


def tabled(place: Place, text: str | None = None, **said: Any) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    if text is not None:
        (place.root / "deposits.csv").write_text(text, encoding="utf-8")
    source = points(**({"path": "deposits.csv"} | said))
    return source.table(source.acquire(place).assets, place)


def refused(place: Place, match: str, text: str | None = None, **said: Any) -> None:
    with pytest.raises(DataError, match=match):
        tabled(place, text, **said)


def test_a_table_becomes_points_in_the_grids_crs(place: Place) -> None:
    text = HEADER + 'Reko Diq,65.1,28.05,WGS84,porphyry Cu,"Cu;Au",high,500,false\nNew one,65.5,28.0,,VMS,Cu,low,,yes\n'
    frame, notices = tabled(place, text)
    assert list(frame.columns) == ["name", "deposit_type", "commodity", "confidence", "uncertainty_m", "synthetic", "group", "geometry"]
    assert notices == () and frame.crs == AEA and frame["name"].tolist() == ["Reko Diq", "New one"]
    assert frame["uncertainty_m"].tolist()[0] == 500 and np.isnan(frame["uncertainty_m"].tolist()[1])
    assert frame["synthetic"].tolist() == [False, True] and frame["commodity"].tolist() == ["Cu;Au", "Cu"] and frame["group"].tolist() == [0, 1]
    want = Transformer.from_crs("EPSG:4326", AEA, always_xy=True).transform([65.1, 65.5], [28.05, 28.0])
    assert np.abs(shapely.get_coordinates(frame.geometry.to_numpy()) - np.transpose(want)).max() < 1e-3
    assert np.abs(shapely.get_coordinates(frame.geometry.iloc[1])).max() < 1e-6  # the projection's own centre


def test_columns_may_have_any_name(place: Place) -> None:
    text = "Deposit;X deg;Y deg;Kind\nA;65.5;28;VMS\nB;65.6;28;VMS\n"
    frame, _ = tabled(place, text, columns={"name": "Deposit", "lon": "X deg", "lat": "Y deg", "deposit_type": "Kind"})
    assert sorted(frame["name"]) == ["A", "B"] and set(frame["deposit_type"]) == {"VMS"} and set(frame["confidence"]) == {""}


def test_projected_coordinates_are_read_with_their_crs(place: Place) -> None:
    frame, _ = tabled(place, "name,x,y\nA,740000,3097000\n", crs="EPSG:32641", columns={})
    x, y = Transformer.from_crs("EPSG:32641", AEA, always_xy=True).transform(740000, 3097000)
    assert frame.geometry.iloc[0].distance(shapely.Point(x, y)) < 1e-3


@pytest.mark.parametrize("name", ["d.gpkg", "d.geojson"])
def test_a_file_of_points_brings_its_own_crs(place: Place, name: str) -> None:
    crs = "EPSG:32641" if name.endswith("gpkg") else "EPSG:4326"
    shapes = gpd.GeoSeries([shapely.Point(65.5, 28), shapely.MultiPoint([(65.4, 28)]), None], crs="EPSG:4326").to_crs(crs)
    gpd.GeoDataFrame({"Deposit": ["A", "B", "C"], "DepositID": [1, 2, 3]}, geometry=shapes).to_file(place.root / name)
    frame, notices = tabled(place, path=name, columns={"name": "Deposit"})
    assert sorted(frame["name"]) == ["A", "B"] and notices == (f"{name}: 1 records without usable coordinates are left out (record 3)",)
    at = frame.geometry[frame["name"] == "A"].iloc[0]
    assert at.distance(shapely.Point(0, 0)) < 1e-3


def test_rows_are_ordered_by_content_and_groups_with_them(place: Place) -> None:
    rows = [f"N{i},{65 + i / 20:.3f},{28 + (i * 7 % 11) / 30:.3f},,VMS,Cu,high,,\n" for i in range(15)]
    first, _ = tabled(place, HEADER + "".join(rows))
    assert tabled(place, HEADER + "".join(reversed(rows)))[0].equals(first)
    assert first["group"].tolist()[0] == 0 and 1 < first["group"].nunique() <= 15


def test_grouping_follows_its_parameters(place: Place) -> None:
    text = HEADER + "Koh-i-Dalil,65.4,28,,porphyry Cu,Cu,high,,\nReko Diq,65.514,28,,porphyry Cu,Cu,high,,\nSaindak,66,28,,porphyry Cu,Cu,high,,\n"
    assert 11_000 < Geod(ellps="WGS84").inv(65.4, 28, 65.514, 28)[2] < 11_400
    assert tabled(place, text)[0]["group"].nunique() == 3
    frame, _ = tabled(place, text, aliases={"Koh-i-Dalil": "Reko Diq"})
    assert dict(zip(frame["name"], frame["group"], strict=True)) == {"Koh-i-Dalil": 0, "Reko Diq": 0, "Saindak": 1}
    assert tabled(place, text, group_within_m=12_000)[0]["group"].nunique() == 2


@pytest.mark.parametrize("datum", ["Kalianpur", "EVEREST", "EPSG:4145", "4145", "kalianpur 1962"])
def test_a_datum_of_the_old_sheets_moves_the_point_by_its_shift(place: Place, datum: str) -> None:
    text = HEADER + f"WGS,65.5,28,WGS 84,VMS,,,,\nOld,65.5,28,{datum},VMS,,,,\n"
    frame, _ = tabled(place, text)
    at = dict(zip(frame["name"], frame.geometry, strict=True))
    # Kalianpur 1962 to WGS 84 (EPSG:1247 and its kin): geocentric shifts of 283, 682, 231 m, worked through by hand here
    moved = _shifted(65.5, 28.0, (283, 682, 231), everest=(6377301.243, 300.8017255))
    want = shapely.Point(Transformer.from_crs("EPSG:4326", AEA, always_xy=True).transform(*moved))
    assert 20 < at["Old"].distance(at["WGS"]) < 35 and at["Old"].distance(want) < 0.01


def _shifted(lon: float, lat: float, shift: tuple[float, float, float], *, everest: tuple[float, float]) -> tuple[float, float]:
    """Geodetic to geocentric on one ellipsoid, a shift, and back on WGS 84: textbook formulas, no PROJ."""
    a, f = everest[0], 1 / everest[1]
    e2, phi, lam = f * (2 - f), np.radians(lat), np.radians(lon)
    n = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
    x, y, z = n * np.cos(phi) * np.cos(lam), n * np.cos(phi) * np.sin(lam), n * (1 - e2) * np.sin(phi)
    x, y, z = x + shift[0], y + shift[1], z + shift[2]
    a, f = 6378137.0, 1 / 298.257223563
    e2, p = f * (2 - f), np.hypot(x, y)
    phi = np.arctan2(z, p * (1 - e2))
    for _ in range(9):
        n = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
        phi = np.arctan2(z + e2 * n * np.sin(phi), p)
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(phi))


def test_a_datum_may_be_the_epsg_code_of_a_projection(place: Place) -> None:
    frame, _ = tabled(place, "name,x,y,datum\nA,740000,3097000,EPSG:32641\nB,0,0,\n", crs=AEA)
    x, y = Transformer.from_crs("EPSG:32641", AEA, always_xy=True).transform(740000, 3097000)
    at = dict(zip(frame["name"], frame.geometry, strict=True))
    assert at["A"].distance(shapely.Point(x, y)) < 1e-3 and at["B"].distance(shapely.Point(0, 0)) < 1e-3


def test_an_unknown_datum_is_refused_with_its_line(place: Place) -> None:
    text = HEADER + "A,65.5,28,WGS84,VMS,,,,\nB,65.5,28,Clarke,VMS,,,,\n"
    refused(place, r"deposits.csv: line 3 says datum 'Clarke', which is not known; write WGS84, Kalianpur, Everest or an EPSG code", text)
    refused(place, r"line 2 says datum 'EPSG:99999', which is not known", HEADER + "A,65.5,28,EPSG:99999,VMS,,,,\n")
    refused(place, r"line 2 says datum 'Kalianpur' for projected coordinates; give the EPSG code", "name,x,y,datum\nA,0,0,Kalianpur\n", crs=AEA)


def test_records_without_usable_coordinates_are_left_out_and_named(place: Place) -> None:
    text = HEADER + "A,65.5,28,,VMS,,,,\nB,,28,,VMS,,,,\nC,nan,28,,VMS,,,,\nD,65 30 E,28,,VMS,,,,\nE,65.5,128,,VMS,,,,\nF,inf,28,,VMS,,,,\n"
    frame, notices = tabled(place, text)
    assert frame["name"].tolist() == ["A"]
    assert notices == ("deposits.csv: 5 records without usable coordinates are left out (line 3, line 4, line 5, line 6, line 7)",)


def test_records_outside_the_region_are_counted_and_the_first_named(place: Place) -> None:
    rows = "".join(f"Far {i},{10 + i},50,,VMS,,,,\n" for i in range(7))
    frame, notices = tabled(place, HEADER + "Near,65.5,28,,VMS,,,,\n" + rows)
    assert frame["name"].tolist() == ["Near"]
    assert notices == ("deposits.csv: 7 records lie outside the region and are left out (Far 0, Far 1, Far 2, Far 3, Far 4 ...)",)


def test_exact_copies_are_merged_and_near_copies_are_not(place: Place) -> None:
    text = HEADER + "A,65.5,28,,VMS,,,,\nA,65.50,28.0,,VMS,,,,\nA,65.5,28,,VMS,Cu,,,\n"
    frame, notices = tabled(place, text)
    assert len(frame) == 2 and notices == ("deposits.csv: 1 exact copies of other records are merged (A)",)


def test_an_uncertainty_that_is_no_distance_is_told_of(place: Place) -> None:
    frame, notices = tabled(place, HEADER + "A,65.5,28,,VMS,,,about 2 km,\nB,65.5,28.1,,VMS,,,-5,\nC,65.5,28.2,,VMS,,,250,\n")
    assert np.isnan(frame["uncertainty_m"]).sum() == 2
    assert notices == ("deposits.csv: uncertainty_m of 2 records is no distance in metres and is taken as not known (line 2, line 3)",)


def test_no_usable_record_is_refused(place: Place) -> None:
    refused(place, r"deposits.csv: none of its 1 records has usable coordinates in the region \(A\); check the file", HEADER + "A,10,50,,VMS,,,,\n")
    refused(place, r"deposits.csv: none of its 0 records has usable coordinates in the region", HEADER)


@pytest.mark.parametrize(("middle", "row"), [(65.5, "A,28,65.5"), (139.0, "A,-20,139.2")])
def test_swapped_longitude_and_latitude_are_recognised(place: Place, middle: float, row: str) -> None:
    grid = GRID if middle < 90 else Grid(f"+proj=laea +lat_0=-20 +lon_0={middle} +datum=WGS84 +units=m", 1000.0, -50_000.0, 50_000.0, 100, 100, 64)
    refused(
        Place(place.root, place.cache, grid),
        r"deposits.csv: no record lies in the region as written, but with the two coordinates swapped some do; correct `columns:`",
        f"name,lon,lat\n{row}\n",
    )


def test_columns_that_are_not_there_are_named_with_the_nearest(place: Place) -> None:
    refused(
        place,
        r"has no column 'Lon' \(for lon\); did you mean 'lon'\? \(there are: 'name', 'lon', 'lat'\)",
        "name,lon,lat\nA,65,28\n",
        columns={"lon": "Lon"},
    )
    refused(
        place,
        r"no columns for lon and lat \(or x and y\); say them as `columns: \{lon: ..., lat: ...\}` \(there are: name, east, north\)",
        "name,east,north\nA,65,28\n",
    )
    with pytest.raises(ConfigError, match=r"columns: unknown column 'deposit_typ'; did you mean 'deposit_type'"):
        points(path="deposits.csv", columns={"deposit_typ": "lon"})


def test_a_table_that_cannot_be_read_is_refused_with_its_line(place: Place) -> None:
    refused(place, r"deposits.csv: line 3 has 4 values, the header 3; quote values that hold ','", "name,lon,lat\nA,65,28\nB,65,28,Cu\n")
    refused(place, r"deposits.csv: a column name stands twice in the header; rename one", "name,lon,lat,lon\nA,65,28,1\n")
    refused(place, r"deposits.csv: line 2 cannot be read \(.*\); correct the quotes there", 'name,lon,lat\n"A"x,65,28\n')
    (place.root / "deposits.csv").write_bytes("name,lon,lat\nKāmil,65,28\n".encode("utf-16"))
    refused(place, r"deposits.csv: is not UTF-8 text \(byte 0\); save it as CSV in UTF-8")
    refused(place, r"deposits.csv: `crs: EPSG:99` is not understood by PROJ", "name,lon,lat\nA,65.5,28\n", crs="EPSG:99")


def test_lines_and_coordinate_columns_do_not_fit_a_file_of_points(place: Place) -> None:
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.LineString([(65, 28), (66, 28)])], crs="EPSG:4326").to_file(place.root / "l.gpkg")
    refused(place, r"l.gpkg: holds LineString; occurrences are points: use `vector` for the others", path="l.gpkg")
    refused(place, r"l.gpkg: holds geometry with its own CRS; leave 'lon' out of `columns:`", path="l.gpkg", columns={"lon": "x"})


def test_a_byte_order_mark_blank_lines_and_quoted_line_breaks_do_no_harm(place: Place) -> None:
    text = '\ufeffname,lon,lat\n"A\nnorth",65.5,28\n\n , ,\nB,nan,28\n'
    frame, notices = tabled(place, text)
    assert frame["name"].tolist() == ["A\nnorth"]
    assert notices == ("deposits.csv: 1 records without usable coordinates are left out (line 6)",)


def test_synthetic_occurrences_say_so(place: Place) -> None:
    (place.root / "deposits.csv").write_text(HEADER + "A,65.5,28,,VMS,,,,true\nB,65.6,28,,VMS,,,,false\n")
    assert points(path="deposits.csv").acquire(place).synthetic and not points(path="deposits.csv", synthetic=False).acquire(place).synthetic
    (place.root / "deposits.csv").write_text(HEADER + "B,65.6,28,,VMS,,,,false\n")
    assert not points(path="deposits.csv").acquire(place).synthetic


def test_the_signature_is_the_config_schema() -> None:
    model = registry.parameters(points)
    assert points(**model(path="d.csv", columns={"name": "Deposit"}).model_dump()).columns == {"name": "Deposit"}
    with pytest.raises(ValueError, match="validation error"):
        model(path="d.csv", group_within_m=0)
