"""A map that was made, named by PROSPECT_BUNDLE, opened as a person would open it. `.ci/run` names the sample's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.opened import pyqgis
from tests.opened.test_project import picture

BUNDLE = os.environ.get("PROSPECT_BUNDLE", "")

pytestmark = [pyqgis.needed, pytest.mark.skipif(not BUNDLE, reason="PROSPECT_BUNDLE names no folder of a map")]


def test_its_project_opens_whole_and_is_drawn(tmp_path: Path) -> None:
    folder = Path(BUNDLE).resolve()
    said = json.loads((folder / "provenance.json").read_bytes())
    found = pyqgis.opened(folder / f"{said['region']}.qgz", tmp_path)
    assert (found["opened"], found["error"], found["warnings"]) == (True, "", [])
    with rasterio.open(folder / "prospectivity.tif") as file:
        bounds, size = list(file.bounds), [file.width, file.height]
    for layer in found["layers"].values():
        assert layer["valid"], layer["name"]
        if "size" in layer:
            assert (layer["extent"], layer["size"]) == (bounds, size)
    assert {layer["crs"] for layer in found["layers"].values() if layer.get("spatial", True)} == {found["crs"]}
    rasters = {path.relative_to(folder).as_posix() for path in folder.rglob("*.tif")}
    assert rasters == {Path(layer["source"]).relative_to(folder).as_posix() for layer in found["layers"].values() if "size" in layer}
    for page in found["layouts"].values():
        assert page["result"] == 0
        assert len(np.unique(picture(page["png"]).reshape(-1, 3), axis=0)) > 500
        assert ("synthetic" in page["texts"]) is bool(said["synthetic"])
    assert all(style["loaded"] and style["same"] for style in found["styles_in_geopackage"].values())
