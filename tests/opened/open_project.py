"""Opens a project in PyQGIS as a person would, draws its themes and pages, and prints what it found as JSON.

Run by /usr/bin/python3 with an environment of its own; it imports nothing of this repository.
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import (
    Qgis,
    QgsApplication,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemMap,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

SIZE = (1000, 840)


def main(path: str, to: str) -> None:
    """Open `path`, draw into the folder `to`, print what was found."""
    app = QgsApplication([], False)
    said: list[str] = []
    QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].connect(
        lambda text, tag, level: said.append(f"{tag}: {text}") if level in {Qgis.Warning, Qgis.Critical} else None
    )
    app.initQgis()
    project = QgsProject.instance()
    opened = project.read(path)
    found = {"opened": opened, "qgis": Qgis.QGIS_VERSION, "warnings_on_load": list(said), "error": project.error(), "title": project.title()}
    found["crs"] = project.crs().toProj()
    found["layers"] = {layer.id(): _layer(layer) for layer in project.mapLayers().values()}
    found["groups"] = [group.name() for group in project.layerTreeRoot().children()]
    found["order"] = [layer.id() for layer in project.layerTreeRoot().layerOrder()]
    found["themes"] = {}
    for theme in project.mapThemeCollection().mapThemes():
        shown = project.mapThemeCollection().mapThemeVisibleLayers(theme)
        found["themes"][theme] = {"layers": [layer.id() for layer in shown], "png": _draw(project, shown, f"{to}/theme-{theme}.png")}
    found["layouts"] = {layout.name(): _page(layout, to) for layout in project.layoutManager().printLayouts()}
    found["extent"] = _numbers(project.viewSettings().defaultViewExtent())
    found["absolute"] = project.readBoolEntry("Paths", "/Absolute", True)[0]
    found["styles_in_geopackage"] = _styles(project)
    found["rasters_alone"] = _rasters(project)
    found["warnings"] = list(said)
    print(json.dumps(found))
    project.clear()
    app.exitQgis()


def _numbers(box: object) -> list[float]:
    return [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]


def _layer(layer: object) -> dict[str, object]:
    said = {
        "name": layer.name(), "valid": layer.isValid(), "crs": layer.crs().toProj(), "extent": _numbers(layer.extent()), "source": layer.source(),
        "rights": layer.metadata().rights(), "abstract": layer.metadata().abstract(),
    }  # fmt: skip
    if isinstance(layer, QgsVectorLayer):
        form = layer.editFormConfig()
        said |= {
            "features": layer.featureCount(), "spatial": layer.isSpatial(), "renderer": layer.renderer().type() if layer.renderer() else "",
            "labels": layer.labelsEnabled(), "read_only": layer.readOnly(), "aliases": {f.name(): f.alias() for f in layer.fields() if f.alias()},
            "tabs": {tab.name(): [child.name() for child in tab.children()] for tab in form.tabs() if hasattr(tab, "children")},
        }  # fmt: skip
        if layer.renderer() and said["renderer"] == "RuleRenderer":
            said["rules"] = [rule.label() for rule in layer.renderer().rootRule().children()]
    else:
        said |= {"renderer": layer.renderer().type(), "blend": layer.blendMode(), "size": [layer.width(), layer.height()]}
    return said


def _draw(project: object, layers: list[object], png: str) -> str:
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(project.crs())
    settings.setBackgroundColor(QColor(255, 255, 255))
    settings.setOutputSize(QSize(*SIZE))
    settings.setExtent(project.viewSettings().defaultViewExtent())
    settings.setTransformContext(project.transformContext())
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(png)
    return png


def _page(layout: object, to: str) -> dict[str, object]:
    png = f"{to}/page-{layout.name()}.png"
    options = QgsLayoutExporter.ImageExportSettings()
    options.dpi = 110
    options.generateWorldFile = False
    result = QgsLayoutExporter(layout).exportToImage(png, options)
    items = [item for item in layout.items() if isinstance(item, QgsLayoutItemLabel)]
    kinds = sorted({type(item).__name__ for item in layout.items()})
    maps = [_numbers(item.extent()) for item in layout.items() if isinstance(item, QgsLayoutItemMap)]
    return {"png": png, "result": int(result), "texts": {item.id(): item.currentText() for item in items}, "kinds": kinds, "maps": maps}


def _styles(project: object) -> dict[str, object]:
    """What a layer of the GeoPackage looks like when it is dragged in alone."""
    found = {}
    for layer in project.mapLayers().values():
        if isinstance(layer, QgsVectorLayer) and layer.isSpatial() and "-" not in layer.id():
            alone = QgsVectorLayer(layer.source(), "alone", "ogr")
            message, loaded = alone.loadDefaultStyle()
            found[layer.id()] = {
                "loaded": loaded, "message": message, "renderer": alone.renderer().type(), "labels": alone.labelsEnabled(),
                "same": alone.renderer().dump() == layer.renderer().dump(), "aliases": sum(bool(f.alias()) for f in alone.fields()),
            }  # fmt: skip
    return found


def _rasters(project: object) -> dict[str, object]:
    """What a raster looks like when it is dragged in alone: its .qml is read by itself."""
    found = {}
    for layer in project.mapLayers().values():
        if isinstance(layer, QgsRasterLayer) and not layer.id().endswith("_veil"):
            alone = QgsRasterLayer(layer.source(), "alone", "gdal")
            _, loaded = alone.loadDefaultStyle()
            found[layer.id()] = {"loaded": loaded, "renderer": alone.renderer().type()}
    return found


main(sys.argv[1], sys.argv[2])
