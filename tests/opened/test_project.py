"""The project as QGIS opens it: nothing warned of, everything drawn, text as text."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from pipeline import registry
from pipeline.bundle import Bundle
from pipeline.publishers import _targets
from pipeline.publishers._qgis_layers import ANSWER, BLIND, CHANGED, LOOK, SURE, THEMES, WHY
from pipeline.publishers._qgis_xml import shown
from pipeline.stages import publish
from tests.opened import pyqgis
from tests.publishers import bundles

BOUNDS = [0.0, -60_000.0, 80_000.0, 0.0]
SIZE = (1000, 840)  # of a picture of a theme; the grid lies in its middle, 1000 wide and 750 high
RASTERS = ("prospectivity", "uncertainty", "classes", "applicability", "change", "evidence-dem", "evidence-halo")


def made(bundle: Bundle) -> Bundle:
    """The bundle with its files written."""
    for word in publish.order():
        if word != "report":
            registry.find("publishers", word)(bundle=bundle)
    return bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return made(bundles.shown(tmp_path_factory.mktemp("shown")))


@pytest.fixture(scope="module")
def found(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What PyQGIS finds, after the bundle was moved: what is not relative is lost."""
    moved = tmp_path_factory.mktemp("moved") / "else where & <b>"
    shutil.copytree(bundle.folder, moved)
    return pyqgis.opened(moved / "here.qgz", tmp_path_factory.mktemp("pictures"))


def picture(path: str) -> Any:
    """Rows, columns and RGB of a PNG."""
    with rasterio.open(path) as file:
        return np.moveaxis(file.read([1, 2, 3]), 0, -1).astype(int)


def at(image: Any, row: float, col: float) -> Any:
    """The mean colour around a cell of the grid in the picture of a theme."""
    scale = SIZE[0] / bundles.COLS
    y, x = round(SIZE[1] / 2 + (row - bundles.ROWS / 2) * scale), round(col * scale)
    return image[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)


@pyqgis.needed
def test_it_opens_without_a_warning_with_every_layer_valid(found: dict[str, Any]) -> None:
    assert found["opened"]
    assert (found["error"], found["warnings_on_load"], found["warnings"]) == ("", [], [])
    assert all(layer["valid"] for layer in found["layers"].values())
    names = {"targets", "reasons-of-targets", "occurrences", "districts", "faults", "parks", "ridges", "veil", "contents", "by_district", "changes", *RASTERS}
    assert set(found["layers"]) == {f"prospect_{name}" for name in names}


@pyqgis.needed
def test_layers_share_the_grid_and_the_project_opens_on_it(found: dict[str, Any]) -> None:
    assert not found["absolute"]
    assert found["extent"] == BOUNDS
    for name in RASTERS:
        layer = found["layers"][f"prospect_{name}"]
        assert layer["extent"] == BOUNDS
        assert layer["size"] == [bundles.COLS, bundles.ROWS]
    assert {layer["crs"] for layer in found["layers"].values() if layer.get("spatial", True)} == {found["crs"]}


@pyqgis.needed
def test_groups_and_themes_are_there_and_each_theme_draws_what_it_is_for(found: dict[str, Any]) -> None:
    assert found["groups"] == ["Targets", "Context", "Answer", "Confidence", "Evidence", "Relief"]
    assert set(found["themes"]) == set(THEMES)
    of = {name: {layer.removeprefix("prospect_") for layer in theme["layers"]} for name, theme in found["themes"].items()}
    assert {"targets", "occurrences", "evidence-dem", "districts"} <= set.intersection(*of.values())
    assert {"classes", "veil", "parks"} <= of[LOOK]
    assert "uncertainty" in of[SURE]
    assert "applicability" in of[BLIND]
    assert {"evidence-halo", "faults", "ridges", "reasons-of-targets"} <= of[WHY]
    assert {"change", "changes"} <= of[CHANGED] and not {"change", "changes"} & (of[LOOK] | of[WHY])
    assert ANSWER not in of


@pyqgis.needed
def test_themes_and_pages_are_drawn(found: dict[str, Any]) -> None:
    pages = found["layouts"]
    assert set(pages) == set(THEMES)
    for png in [theme["png"] for theme in found["themes"].values()] + [page["png"] for page in pages.values()]:
        image = picture(png)
        assert len(np.unique(image.reshape(-1, 3), axis=0)) > 200, png
        assert (image.min(axis=2) < 250).mean() > 0.2, png
    for page in pages.values():
        assert page["result"] == 0
        items = {"QgsLayoutItemLabel", "QgsLayoutItemLegend", "QgsLayoutItemMap", "QgsLayoutItemPicture", "QgsLayoutItemScaleBar"}
        assert items <= set(page["kinds"])


@pyqgis.needed
def test_high_ground_is_red_low_ground_yellow_and_what_is_not_to_be_believed_is_veiled(found: dict[str, Any]) -> None:
    image = picture(found["themes"][LOOK]["png"])
    low, high = at(image, 50, 13), at(image, 50, 77)  # applicable: class 1, class 5
    veiled = at(image, 20, 77)
    assert low[0] > 1.2 * low[2] and low[1] > 1.2 * low[2]  # yellow
    assert high[0] > 2 * high[1]  # red
    assert np.ptp(veiled) < 0.6 * np.ptp(high)  # the same class, greyed
    scored_not = at(image, 50, 5)
    assert np.ptp(scored_not) < 6  # nothing but relief
    blind = picture(found["themes"][BLIND]["png"])
    assert at(blind, 20, 40)[2] > at(blind, 20, 40)[1] + 20  # purple
    assert at(blind, 50, 40)[0] > at(blind, 50, 40)[2] + 100  # orange


@pyqgis.needed
def test_what_rose_is_red_what_fell_is_blue_and_where_nothing_changed_nothing_is_drawn(found: dict[str, Any]) -> None:
    image = picture(found["themes"][CHANGED]["png"])
    rose, fell, still = at(image, 20, 70), at(image, 50, 70), at(image, 45, 15)
    assert rose[0] > 1.5 * rose[2] and fell[2] > fell[0] + 10
    assert np.ptp(still) < 6  # nothing but relief


@pyqgis.needed
def test_text_from_data_is_shown_as_text(found: dict[str, Any]) -> None:
    odd = shown(bundles.ODD).replace("\x07", "\ufffd")
    assert "[%" not in odd
    assert found["title"] == f"{bundles.ODD}: Copper".replace("\x07", "\ufffd")
    for theme, page in found["layouts"].items():
        assert page["texts"]["title"] == f"{theme}: Copper, {odd}"
        assert f"faults (CC BY; {odd})" in page["texts"]["credits"]
        assert "dem (CC0)" in page["texts"]["credits"]
        assert page["texts"]["synthetic"].startswith("SYNTHETIC DATA")
        assert "not a mineral resource" in page["texts"]["caution"]
    assert found["layers"]["prospect_evidence-halo"]["rights"] == ["CC <b>&"]


@pyqgis.needed
def test_the_form_of_a_target_has_every_column_once_under_its_heading(found: dict[str, Any], bundle: Bundle) -> None:
    columns, layer = _targets.columns(bundle), found["layers"]["prospect_targets"]
    placed = [name for names in layer["tabs"].values() for name in names]
    assert sorted(placed) == sorted(columns)
    assert layer["tabs"]["Why"] == ["for_1", "for_2", "for_3", "against_1"]
    assert layer["aliases"]["area_km2"] == "Area (km2)"
    assert set(layer["aliases"]) == set(columns)
    assert layer["tabs"]["Access and constraints"] == ["port_h"]
    assert layer["aliases"]["port_h"] == "To <b>port</b> (h)"
    table = found["layers"]["prospect_by_district"]
    assert (table["name"], table["abstract"], table["aliases"]) == ("By district", "Who benefits.", {"name": "Name", "km2": "Area (km2)"})
    assert layer["read_only"]
    assert layer["labels"]
    assert len(layer["rules"]) == 3


@pyqgis.needed
def test_a_layer_dragged_in_alone_looks_as_in_the_project(found: dict[str, Any]) -> None:
    styles = found["styles_in_geopackage"]
    assert {f"prospect_{name}" for name in ("targets", "occurrences", "districts", "faults", "parks", "ridges", "changes")} == set(styles)
    for name, style in styles.items():
        assert style["loaded"] and style["same"], (name, style)
    assert styles["prospect_targets"]["labels"]
    assert styles["prospect_targets"]["aliases"] > 10
    for name, style in found["rasters_alone"].items():
        assert style["loaded"], name
        assert style["renderer"] == found["layers"][name]["renderer"]


@pyqgis.needed
def test_a_map_with_nothing_beside_it_opens_too(tmp_path: Path) -> None:
    bare = made(bundles.bundle(tmp_path, targets=[], deposits={"name": [], "x": [], "y": [], "group": []}, districts=None, vectors={}, drawn={}, synthetic=False))
    found = pyqgis.opened(bare.folder / "here.qgz", tmp_path / "pictures")
    assert found["opened"]
    assert (found["error"], found["warnings"]) == ("", [])
    assert all(layer["valid"] for layer in found["layers"].values())
    assert all("synthetic" not in page["texts"] for page in found["layouts"].values())
    assert found["layouts"][LOOK]["texts"]["verdict"].endswith("not tested")


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="no ogrinfo here; .ci/tools installs gdal-bin")
def test_ogrinfo_reads_every_layer_without_a_word(bundle: Bundle) -> None:
    done = subprocess.run(["ogrinfo", "-ro", "-al", bundle.folder / "targets.gpkg"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for layer in ("targets", "occurrences", "districts", "layer_styles", "contents"):
        assert f"Layer name: {layer}" in done.stdout


def test_nothing_in_the_project_is_an_absolute_path(bundle: Bundle) -> None:
    with zipfile.ZipFile(bundle.folder / "here.qgz") as file:
        assert file.namelist() == ["here.qgs"]
        text = file.read("here.qgs").decode()
    for part in (str(bundle.folder.parent), "/work", "/tmp", "/home", "file:"):
        assert part not in text
    assert text.count('source="./') == text.count("source=")
    assert text.count("<datasource>./") == text.count("<datasource>")
