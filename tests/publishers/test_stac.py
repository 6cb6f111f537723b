"""The item and the catalogue: valid by the schemas pystac ships, readable by its extensions, and true to the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio
from pyproj import Transformer
from pystac import STACObjectType
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import RasterExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from pipeline.publishers.evidence import evidence
from pipeline.publishers.geopackage import geopackage
from pipeline.publishers.qgis import qgis
from pipeline.publishers.rasters import rasters
from pipeline.publishers.stac import EXTENSIONS, footprint, stac
from pipeline.stages import catalogue
from tests.publishers import bundles

CORE = "1.1.0"


def valid(said: dict[str, Any], kind: STACObjectType) -> None:
    """Refuse what the core schemas refuse. Those of extensions are in no package, so their fields are read back instead."""
    assert JsonSchemaSTACValidator().validate_core(said, kind, CORE) is not None


def made(folder: Path, **changes: Any) -> tuple[Path, dict[str, Any]]:
    bundle = bundles.shown(folder, **changes)
    for publish in (evidence, geopackage, rasters, qgis, stac):
        publish(bundle=bundle)
    return bundle.folder, json.loads((bundle.folder / "item.json").read_bytes())


def test_the_item_is_valid_and_a_broken_one_is_not(tmp_path: Path) -> None:
    _, said = made(tmp_path)
    valid(said, STACObjectType.ITEM)
    for word in ("geometry", "assets", "links"):
        with pytest.raises(pystac.STACValidationError):
            valid({k: v for k, v in said.items() if k != word}, STACObjectType.ITEM)


def test_every_file_of_the_bundle_is_an_asset_with_its_kind_role_licence_and_stamp(tmp_path: Path) -> None:
    folder, said = made(tmp_path)
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {"item.json"} | {"provenance.json"}
    assert {asset["href"].removeprefix("./") for asset in said["assets"].values()} == files
    for asset in said["assets"].values():
        assert asset["type"].count("/") == 1
        assert asset["type"] != "application/octet-stream"
        assert len(asset["roles"]) == 1
        assert asset["prospect:licence"]
        assert asset["prospect:synthetic"] is True
    assert said["assets"]["evidence/halo"]["prospect:licence"] == "CC <b>&"
    assert said["properties"]["prospect:licences"] == ["CC BY", "CC0"]
    assert made(tmp_path / "real", synthetic=False)[1]["properties"]["prospect:synthetic"] is False


def test_statistics_and_grid_are_those_of_the_rasters(tmp_path: Path) -> None:
    folder, said = made(tmp_path)
    item = pystac.Item.from_dict(said)
    assert set(EXTENSIONS) == {ProjectionExtension.get_schema_uri(), RasterExtension.get_schema_uri()}
    proj = ProjectionExtension.ext(item)
    with rasterio.open(folder / "prospectivity.tif") as file:
        assert (proj.epsg, tuple(proj.shape or ()), proj.bbox) == (file.crs.to_epsg(), file.shape, list(file.bounds))
        assert tuple(proj.transform or ()) == tuple(file.transform)[:6]
        assert rasterio.CRS.from_wkt(proj.wkt2) == file.crs
        values = file.read(1)
    (band,) = RasterExtension.ext(item.assets["prospectivity"]).bands or ()
    assert (band.data_type, band.nodata, band.unit, band.spatial_resolution) == ("float32", "nan", "1", 1000.0)
    assert band.statistics is not None
    assert band.statistics.minimum == np.nanmin(values)
    assert band.statistics.mean == pytest.approx(np.nanmean(values.astype(float)), rel=1e-12)
    assert band.statistics.stddev == pytest.approx(np.nanstd(values.astype(float)), rel=1e-9)
    assert band.statistics.valid_percent == 87.5
    (codes,) = RasterExtension.ext(item.assets["classes"]).bands or ()
    assert (codes.data_type, codes.nodata) == ("uint8", 0)


def test_a_crs_without_a_code_is_told_by_its_wkt() -> None:
    crs = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +datum=WGS84 +units=m"
    shape = footprint((-467_000.0, -343_000.0, 480_000.0, 453_000.0), crs)
    assert shape.exterior.is_ccw
    assert len(shape.exterior.coords) > 40  # a side of the grid is a curve
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*np.array(shape.exterior.coords).T)
    off = np.minimum.reduce([abs(x + 467_000), abs(x - 480_000), abs(y + 343_000), abs(y - 453_000)])
    assert off.max() < 0.1  # metres


def test_the_catalogue_says_which_maps_there_are_now(tmp_path: Path) -> None:
    one, _ = made(tmp_path / "a")
    outputs = tmp_path / "outputs"
    for name in ("here", "there", ".here.partial"):
        (outputs / name).mkdir(parents=True)
        (outputs / name / "item.json").write_bytes((one / "item.json").read_bytes())
    (outputs / "notes").mkdir()
    (outputs / "broken").mkdir()
    (outputs / "broken" / "item.json").write_text("{")
    catalogue.keep(outputs)
    said = json.loads((outputs / "catalog.json").read_bytes())
    valid(said, STACObjectType.CATALOG)
    assert [link["href"] for link in said["links"] if link["rel"] == "item"] == ["./here/item.json", "./there/item.json"]
    found = pystac.Catalog.from_file(str(outputs / "catalog.json"))
    assert [item.id for item in found.get_items()] == ["here-x", "here-x"]
    (outputs / "here" / "item.json").unlink()
    catalogue.keep(outputs)
    said = json.loads((outputs / "catalog.json").read_bytes())
    assert [link["href"] for link in said["links"] if link["rel"] == "item"] == ["./there/item.json"]
    assert sorted(p.name for p in outputs.iterdir()) == [".here.partial", "broken", "catalog.json", "here", "notes", "there"]


def test_a_catalogue_that_says_it_already_is_not_written_again(tmp_path: Path) -> None:
    catalogue.keep(tmp_path)
    before = (tmp_path / "catalog.json").stat().st_mtime_ns
    catalogue.keep(tmp_path)
    assert (tmp_path / "catalog.json").stat().st_mtime_ns == before


def test_a_run_that_ends_meanwhile_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = made(tmp_path / "a")
    outputs = tmp_path / "outputs"
    real, calls = catalogue.write_atomically, []

    def slow(path: Path, data: bytes) -> None:
        if not calls:  # another run swaps its map in after this one looked
            (outputs / "late").mkdir(parents=True)
            (outputs / "late" / "item.json").write_bytes((folder / "item.json").read_bytes())
        calls.append(path)
        real(path, data)

    monkeypatch.setattr(catalogue, "write_atomically", slow)
    catalogue.keep(outputs)
    assert len(calls) == 2
    assert "./late/item.json" in (outputs / "catalog.json").read_text()
