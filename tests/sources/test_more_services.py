"""ArcGIS layers and images and coverages of a survey, from real servers on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest

from pipeline import registry
from pipeline.asset import Place
from pipeline.errors import DataError, MissingError
from pipeline.grid import Grid, Window
from pipeline.sources.raster import raster
from tests import tiny
from tests.servers.folder import Folder, serving
from tests.servers.surveys import FeatureLayer, Pixels
from tests.sources.test_services import faults, read, same

GRID = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=tiny.CELL_M, tile=32)
UTM, STEP = 32641, 700.0
EXTENT = b'{"pixelSizeX": 1, "pixelSizeY": 1, "pixelType": "%s", "extent": {"xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1, "spatialReference": %s}}'


@pytest.fixture
def layer() -> FeatureLayer:
    return FeatureLayer(faults())


@pytest.fixture
def pixels() -> Pixels:
    """A survey in UTM, greater than the region and not on its grid."""
    from pyproj import Transformer

    east, north = Transformer.from_crs(tiny.CRS, UTM, always_xy=True).transform([-9000.0, 70_000.0], [-9000.0, 60_000.0])
    cols, rows = int((east[1] - east[0]) / STEP), int((north[1] - north[0]) / STEP)
    y, x = np.mgrid[:rows, :cols]
    values = (50 * np.sin(x / 6.0) * np.cos(y / 5.0)).astype("float32")
    values[:, :3] = -9999
    return Pixels(values, UTM, round(east[0]), round(north[1]), STEP)


@pytest.fixture
def server(layer: FeatureLayer, pixels: Pixels, tmp_path: Path) -> Iterator[Folder]:
    def coverages(path: str, query: dict[str, str]) -> Any:
        if query.get("request") != "GetCoverage":
            return pixels.coverage_service(path, query)
        words = [value for key, value in parse_qsl(of.asked[-1].partition("?")[2]) if key == "subset"]
        found = [re.fullmatch(r"(\w)\((.*),(.*)\)", word) for word in words]
        return pixels.subset({match[1]: (float(match[2]), float(match[3])) for match in found if match})

    with serving(tmp_path, {"rest/FeatureServer/0": layer, "rest/ImageServer": pixels.image_server, "wcs": coverages}) as of:
        yield of


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "cache", GRID)


def values(place: Place, use: str, **said: Any) -> np.ndarray:
    function = registry.find("sources", use)
    source = function(**registry.parameters(function).model_validate(said).model_dump())
    given = source.acquire(place)
    source.check_values(given.assets, GRID)
    assert given.assets[0].origin.startswith("http://127.0.0.1")
    return source.read(given.assets, "", Window(GRID, 0, 0, GRID.rows, GRID.cols))


@pytest.mark.parametrize("geojson", [True, False])
def test_an_arcgis_layer_is_read_page_by_page_near_the_region(layer: FeatureLayer, server: Folder, place: Place, geojson: bool) -> None:
    layer.geojson = geojson
    frame = read(place, "arcgis_features", url=server.url("rest/FeatureServer/0"))
    same(frame, faults().iloc[:-1].to_crs(tiny.CRS))
    assert set(frame.columns) == {"kind", "length", "geometry"}
    assert [query["resultoffset"] for query in layer.asked if "resultoffset" in query] == ["0", "10", "20"]


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b'{"error": {"code": 499, "message": "Token Required", "details": []}}', r"the service refuses \(499 Token Required\); a layer that wants a token"),
        (b"[]", "its answer is no JSON object; is the address that of an ArcGIS layer"),
        (b"<a/>", "its answer is no JSON "),
        (b'{"type": "Group Layer"}', r"is no feature layer \(Group Layer\); give the address of one layer"),
        (b'{"type": "Feature Layer", "geometryType": "x", "fields": []}', "does not say how many features there are"),
    ],
)
def test_what_is_no_arcgis_layer_is_told_from_one(server: Folder, place: Place, body: bytes, match: str) -> None:
    server.services["odd"] = lambda *_: (200, "application/json", body)
    with pytest.raises(DataError, match=match):
        read(place, "arcgis_features", url=server.url("odd"))


def test_an_arcgis_layer_that_turns_ill_in_the_middle_is_told(layer: FeatureLayer, server: Folder, place: Place) -> None:
    server.services["ill"] = lambda path, query: (200, "application/json", b'{"features": 1}') if "resultoffset" in query else layer(path, query)
    with pytest.raises(DataError, match="its answer cannot be read as features"):
        read(place, "arcgis_features", url=server.url("ill"))
    with pytest.raises(DataError, match="holds 23 features near the region, the limit is 5"):
        read(place, "arcgis_features", url=server.url("rest/FeatureServer/0"), max_features=5)


@pytest.mark.parametrize(("use", "said"), [("arcgis_image", {"url": "rest/ImageServer"}), ("wcs", {"url": "wcs", "coverage": "tmi"})])
def test_the_pixels_of_a_service_are_those_of_its_file(
    pixels: Pixels, server: Folder, place: Place, use: str, said: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for in pieces, laid side by side and brought to the grid here: the same bits as the whole file gives."""
    (place.root / "whole.tif").write_bytes(pixels.tiff(*pixels.bounds)[2])
    file = raster(path="whole.tif")
    wanted = file.read(file.acquire(place).assets, "", Window(GRID, 0, 0, GRID.rows, GRID.cols))
    monkeypatch.setattr("pipeline.sources._mosaic.SIDE", 40)
    given = said | {"url": server.url(said["url"])}
    found = values(place, use, **given)
    assert np.array_equal(found, wanted, equal_nan=True)
    assert np.isfinite(found).all()
    asked = len(server.asked)
    offline = Place(place.root, place.cache, GRID, offline=True)
    assert np.array_equal(values(offline, use, **given), wanted, equal_nan=True) and len(server.asked) == asked
    with pytest.raises(MissingError):
        values(Place(place.root, place.cache / "fresh", GRID, offline=True), use, **given)


def test_what_is_wrong_with_an_image_or_coverage_is_one_clear_error(
    pixels: Pixels, server: Folder, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = {"url": server.url("rest/ImageServer")}
    with pytest.raises(DataError, match="answers with ExceptionReport in place of CoverageDescriptions: no such coverage"):
        values(place, "wcs", url=server.url("wcs"), coverage="tmy")
    with monkeypatch.context() as less:
        less.setattr("pipeline.sources._mosaic.MOST_PIXELS", 10)
        with pytest.raises(DataError, match="pixels over the region, the limit is 10; ask the survey for the file"):
            values(place, "arcgis_image", **image)
    pixels.off = 0.4
    with pytest.raises(DataError, match="answers on other pixels than it says it has"):
        values(place, "arcgis_image", **image)
    pixels.off, pixels.west = 0.0, pixels.west + 10 * STEP * 500
    with pytest.raises(DataError, match=r"does not touch the region; it covers .* ask the survey for the coverage of the region"):
        values(place, "arcgis_image", **image)


@pytest.mark.parametrize(
    ("use", "body", "match"),
    [
        ("arcgis_image", b'{"name": "x"}', r"is no image service \('extent' is missing\)"),
        ("arcgis_image", EXTENT % (b"C64", b"{}"), "says no CRS, or pixels of type C64, which are no values"),
        ("arcgis_image", EXTENT % (b"F32", b'{"wkt": "odd"}'), "its CRS 'odd' is not understood by PROJ"),
        ("wcs", b"<CoverageDescriptions><Envelope/></CoverageDescriptions>", "its description is not that of a grid with two axes and an EPSG code"),
    ],
)  # fmt: skip
def test_what_is_no_image_service_is_told_from_one(server: Folder, place: Place, use: str, body: bytes, match: str) -> None:
    server.services["odd"] = lambda *_: (200, "application/json", body)
    with pytest.raises(DataError, match=match):
        values(place, use, **({"url": server.url("odd")} | ({"coverage": "x"} if use == "wcs" else {})))


def test_a_service_that_answers_with_a_picture_or_a_fault_is_told(pixels: Pixels, server: Folder, place: Place) -> None:
    server.services["odd"] = lambda path, query: (200, "text/xml", b"<fault>no rights</fault>") if "exportImage" in path else pixels.image_server(path, query)
    with pytest.raises(DataError, match=r"its answer is no raster .*no rights"):
        values(place, "arcgis_image", url=server.url("odd"))
