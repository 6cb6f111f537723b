"""The project as it is written: the same bytes twice, colours of the literature, text that cannot break out."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import pytest
import shapely

from pipeline.bundle import Bundle
from pipeline.publishers import _qgis_rasters, _qgis_vectors
from pipeline.publishers._qgis_maps import APPLICABLE, BELOW
from pipeline.publishers._qgis_xml import document, literal, node, options, quoted, shown
from pipeline.publishers.evidence import evidence
from pipeline.publishers.geopackage import geopackage
from pipeline.publishers.qgis import layers, qgis
from pipeline.publishers.rasters import changes, rasters
from tests.publishers import bundles


def made(folder: Path, **changes: object) -> Bundle:
    bundle = bundles.shown(folder, **changes)
    for publish in (evidence, geopackage, rasters, qgis):
        publish(bundle=bundle)
    return bundle


def test_the_same_bundle_gives_the_same_bytes_whenever_and_wherever(tmp_path: Path) -> None:
    one = made(tmp_path / "one").folder
    code = f"import pathlib; from tests.publishers.test_qgis import made; made(pathlib.Path({str(tmp_path / 'two')!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Karachi"})
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.suffix in {".qgz", ".qml", ".gpkg"})
    assert {p.suffix for p in files} == {".qgz", ".qml", ".gpkg"}
    for path in files:
        assert (one / path).read_bytes() == (tmp_path / "two" / "out" / path).read_bytes(), path


def test_a_file_in_the_project_bears_source_date_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with zipfile.ZipFile(made(tmp_path).folder / "here.qgz") as file:
        assert file.infolist()[0].date_time == (2023, 11, 14, 22, 13, 20)


def test_ramps_are_those_of_the_literature() -> None:
    for name in ("viridis", "cividis"):
        held = getattr(_qgis_rasters, name.upper())
        for i, colour in enumerate(held):
            assert colour == tuple(round(255 * v) for v in mpl.colormaps[name](i / (len(held) - 1))[:3])


def test_half_applicable_is_to_be_believed_and_the_float_below_it_is_not() -> None:
    bounds = [bound for bound, _, _ in APPLICABLE]
    assert BELOW < 0.5
    assert next(i for i, bound in enumerate(bounds) if bound >= 0.5) == 2
    assert next(i for i, bound in enumerate(bounds) if bound >= BELOW) == 1


def test_a_change_has_a_theme_with_its_legend_in_words_and_a_map_without_one_has_neither(tmp_path: Path) -> None:
    bundle = bundles.shown(tmp_path)
    step, classes = changes(bundle)
    assert step == 0.08  # a third of the largest change, 0.25, in a round number
    assert [words for _, _, words in classes] == [
        "fell by more than 0.16", "fell by 0.08 to 0.16", "fell by less than 0.08", "rose by less than 0.08", "rose by 0.08 to 0.16", "rose by more than 0.16",
    ]  # fmt: skip
    assert [bound for bound, _, _ in classes] == [-0.16, -0.08, 0, 0.08, 0.16, float("inf")]
    with zipfile.ZipFile(made(tmp_path / "with").folder / "here.qgz") as file:
        assert "What changed" in file.read("here.qgs").decode()
    plain = bundles.shown(tmp_path / "plain", change=None, changes=None, tables={})
    for publish in (evidence, geopackage, rasters, qgis):
        publish(bundle=plain)
    with zipfile.ZipFile(plain.folder / "here.qgz") as file:
        assert "What changed" not in file.read("here.qgs").decode()
    assert not (plain.folder / "change.tif").exists()


def test_text_cannot_become_markup_an_expression_or_bad_xml() -> None:
    said = 'a<b>&"\'\x00\x1f\ud800\ufffe [%x%]'
    root = ET.fromstring(document(node("x", {"a": said}, node("y", {}, said), options({"k": said}))).partition("\n")[2])
    plain = 'a<b>&"\'\ufffd\ufffd\ufffd\ufffd [%x%]'
    assert (root.get("a"), root[0].text, root[1][0].get("value")) == (plain, plain, plain)
    assert "[%" not in shown(said)
    assert quoted('a"b') == '"a""b"'
    assert literal("it's \\") == r"'it''s \\'"


def test_every_layer_of_the_geopackage_has_its_style_in_it(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    styles = gpd.read_file(bundle.folder / "targets.gpkg", layer="layer_styles", engine="pyogrio")
    assert set(styles["f_table_name"]) == {layer.table for layer in layers(bundle) if layer.geometry}
    assert styles["useAsDefault"].all()
    assert styles["f_table_name"].is_unique
    for text in styles["styleQML"]:
        assert ET.fromstring(text.partition("\n")[2]).find("renderer-v2") is not None


def test_a_layer_of_mixed_geometry_is_shown_by_its_commonest(tmp_path: Path) -> None:
    mixed = gpd.GeoDataFrame({"name": ["a", "b", "c"]}, geometry=[shapely.Point(1, -1), shapely.Point(2, -2), shapely.box(0, -9, 9, 0)], crs=bundles.CRS)
    table = bundles.Shown(bundles.table(tmp_path, "mixed", mixed), "CC0", True)
    bundle = made(tmp_path / "b", vectors={"mixed": table})
    layer = next(layer for layer in _qgis_vectors.layers(bundle) if layer.table == "mixed")
    assert (layer.geometry, layer.source) == ("Point", "./targets.gpkg|layername=mixed|geometrytype=Point")


def test_a_column_named_like_markup_labels_its_districts(tmp_path: Path) -> None:
    west = gpd.GeoDataFrame({'odd" <b>': ["Kech"]}, geometry=[shapely.box(0, -60_000, 40_000, 0)], crs=bundles.CRS)
    table = bundles.table(tmp_path, "districts", west)
    bundle = made(tmp_path / "b", districts=table, vectors={"districts": bundles.Shown(table, "CC0", True)})
    layer = next(layer for layer in layers(bundle) if layer.key == "districts")
    style = next(e for e in layer.style() if e.tag == "labeling").find(".//text-style")
    assert style is not None
    assert style.get("fieldName") == 'to_string("odd"" <b>")'


def test_every_symbol_fits_the_geometry_it_draws_and_what_targets_keep_off_is_hatched_if_it_is_ground(tmp_path: Path) -> None:
    shapes = {"towns": shapely.Point(1000, -1000), "park": shapely.box(0, -9000, 9000, 0), "road": shapely.LineString([(0, 0), (9000, -9000)])}
    tables = {name: bundles.table(tmp_path, name, gpd.GeoDataFrame({"name": [name]}, geometry=[shape], crs=bundles.CRS)) for name, shape in shapes.items()}
    vectors = {name: bundles.Shown(table, "CC0", True, excludes=name != "road") for name, table in tables.items()}
    found = {layer.key: layer for layer in layers(made(tmp_path / "b", vectors=vectors, districts=None))}
    kinds = {"Point": "marker", "LineString": "line", "Polygon": "fill"}
    for layer in found.values():
        if layer.geometry:
            renderer = next(e for e in layer.style() if e.tag == "renderer-v2")
            assert {symbol.get("type") for symbol in renderer.iterfind("symbols/symbol")} <= {kinds[layer.geometry]}, layer.key
    assert found["park"].title == "Park: no target here"
    assert found["towns"].title == "Towns"
