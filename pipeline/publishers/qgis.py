"""The project a geologist opens, and the same styles beside the rasters and inside the GeoPackage for who drags in a file alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pipeline.bundle import Bundle
from pipeline.publishers import _qgis_maps, _qgis_vectors
from pipeline.publishers._moment import moment
from pipeline.publishers._qgis_layers import GROUND, GROUPS, Shown
from pipeline.publishers._qgis_project import project, style
from pipeline.publishers._qgis_xml import document
from pipeline.publishers.geopackage import append

EPOCH = 6
AFTER = ("evidence", "geopackage", "rasters")


def qgis(*, bundle: Bundle) -> None:
    """`<region>.qgz`, a project with relative paths only; a .qml beside each raster; the table `layer_styles` in `targets.gpkg`.

    Written without QGIS, for 3.22 and later; the same bundle gives the same bytes. StoreError when the GeoPackage cannot be written.
    """
    found = layers(bundle)
    kept: set[Path] = set()
    for layer in found:
        if layer.is_raster and (path := (bundle.folder / layer.source).with_suffix(".qml")) not in kept:
            own = next(other for other in found[::-1] if other.source == layer.source)  # the layer that shows the raster itself, not a veil made of it
            path.write_text(document(style(own)), encoding="utf-8")
            kept.add(path)
    _keep_styles(bundle, [layer for layer in found if layer.geometry and layer.key == layer.table])
    _zip(bundle.folder / f"{bundle.region}.qgz", f"{bundle.region}.qgs", document(project(bundle, found)))


def layers(bundle: Bundle) -> list[Shown]:
    """Every layer of the project, group by group, the topmost first."""
    found = [*_qgis_vectors.layers(bundle), *_qgis_maps.layers(bundle)]
    return [layer for group in (*GROUPS, GROUND) for layer in found if layer.group == group]


def _keep_styles(bundle: Bundle, vectors: list[Shown]) -> None:
    """The table QGIS looks for styles in: one default style for each layer with a geometry."""
    import pandas as pd

    rows = [
        {
            "f_table_catalog": "", "f_table_schema": "", "f_table_name": layer.table, "f_geometry_column": "geom", "styleName": layer.table,
            "styleQML": document(style(layer)), "styleSLD": "", "useAsDefault": True, "description": layer.note, "owner": "prospect", "ui": "",
            "update_time": moment().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        for layer in vectors
    ]  # fmt: skip
    append(bundle, _qgis_vectors.STYLES, pd.DataFrame(rows))


def _zip(path: Path, name: str, text: str) -> None:
    said = zipfile.ZipInfo(name, moment().timetuple()[:6])
    said.compress_type, said.external_attr, said.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(said, text)
