"""The project: layers in groups, themes, the view it opens with, and its layouts, as QGIS keeps them in XML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from pyproj import CRS

from pipeline.bundle import Bundle
from pipeline.publishers._qgis_layers import GEOMETRIES, GROUND, GROUPS, LOOK, Shown, leaf, themes
from pipeline.publishers._qgis_layout import focus, layout
from pipeline.publishers._qgis_xml import VERSION, node, shown

STYLE = {"version": VERSION, "styleCategories": "AllStyleCategories"}
NO_SCALES = {"hasScaleBasedVisibilityFlag": 0, "minScale": 1e8, "maxScale": 0}


def project(bundle: Bundle, layers: Sequence[Shown]) -> Element:
    """The project of a bundle's layers, the topmost first."""
    bounds, crs = bundle.cube.grid.bounds, spatial_reference(bundle.cube.grid.crs)
    title = f"{bundle.title}: {bundle.system_title or bundle.system}"
    return node(
        "qgis", {"version": VERSION, "projectname": title},
        node("homePath", {"path": ""}), node("title", {}, title), node("projectCrs", {}, crs()),
        tree(layers, "layer-tree-group"),
        node("relations"),
        node("mapcanvas", {"name": "theMapCanvas", "annotationsVisible": 1}, node("units", {}, "meters"), extent(focus(bundle)), node("rotation", {}, "0"),
             node("destinationsrs", {}, crs())),
        node("projectlayers", {}, *(_layer(layer, bundle) for layer in layers)),
        node("layerorder", {}, *(node("layer", {"id": layer.id}) for layer in layers)),
        _properties(), node("visibility-presets", {}, *(_theme(name, layers) for name in themes(layers))),
        node("projectMetadata", {}, node("title", {}, title), node("abstract", {}, "\n".join(bundle.notices))),
        node("Layouts", {}, *(layout(bundle, layers, name) for name in themes(layers))),
        node("ProjectViewSettings", {"UseProjectScales": 0, "rotation": 0}, node("Scales"),
             node("DefaultViewExtent", dict(zip(("xmin", "ymin", "xmax", "ymax"), bounds, strict=True)), crs())),
    )  # fmt: skip


def style(layer: Shown) -> Element:
    """What is kept beside a raster as its .qml, and in the GeoPackage for a vector."""
    kind = {} if layer.is_raster else {"readOnly": 1, "labelsEnabled": int(any(e.tag == "labeling" for e in layer.style()))}
    return node("qgis", {**STYLE, **NO_SCALES, **kind}, *layer.style())


def spatial_reference(crs: str) -> Callable[[], Element]:
    """A function that makes the element of a CRS: its code where it has one, and its whole WKT."""
    known = CRS.from_user_input(crs)
    code = known.to_authority(min_confidence=100)
    said = {
        "wkt": known.to_wkt(), "proj4": "", "srsid": "0", "srid": code[1] if code and code[1].isdigit() else "0", "authid": ":".join(code) if code else "",
        "description": "" if known.name == "unknown" else known.name, "projectionacronym": "", "ellipsoidacronym": "",
        "geographicflag": str(known.is_geographic).lower(),
    }  # fmt: skip
    return lambda: node("spatialrefsys", {}, *(node(word, {}, value) for word, value in said.items()))


def extent(bounds: Sequence[float]) -> Element:
    """An extent of xmin, ymin, xmax, ymax."""
    return node("extent", {}, *(node(word, {}, repr(float(value))) for word, value in zip(("xmin", "ymin", "xmax", "ymax"), bounds, strict=True)))


def tree(layers: Sequence[Shown], tag: str) -> Element:
    """The list of layers in their groups, seen as in the first theme."""
    groups = []
    for group in GROUPS:
        held = [layer for layer in layers if layer.group == group]
        said = {"name": group, "checked": "Qt::Checked", "expanded": int(any(LOOK in layer.themes for layer in held))}
        leaves = [leaf(layer, seen=LOOK in layer.themes, unfolded=layer.unfolded) for layer in held]
        groups += [node("layer-tree-group", said, node("customproperties", {}, node("Option")), *leaves)] if held else []
    ground = [leaf(layer, seen=LOOK in layer.themes, unfolded=layer.unfolded) for layer in layers if layer.group == GROUND]
    return node(tag, {}, node("customproperties", {}, node("Option")), *groups, *ground)


def _layer(layer: Shown, bundle: Bundle) -> Element:
    crs = spatial_reference(bundle.cube.grid.crs)
    kind = {"type": "raster"} if layer.is_raster else {"type": "vector", "geometry": GEOMETRIES[layer.geometry or ""], "wkbType": layer.kind.replace(" ", "")}
    drawn = layer.style()
    if not layer.is_raster:
        kind |= {"readOnly": "1", "labelsEnabled": str(int(any(e.tag == "labeling" for e in drawn)))}
        if not layer.geometry:
            kind["wkbType"] = "NoGeometry"
    provider = node("provider", {}, "gdal") if layer.is_raster else node("provider", {"encoding": "UTF-8"}, "ogr")
    said = node(
        "resourceMetadata", {}, node("identifier", {}, layer.id), node("type", {}, "dataset"), node("title", {}, layer.title),
        node("abstract", {}, layer.note), *([node("rights", {}, layer.licence)] if layer.licence else []),
    )  # fmt: skip
    manager = node("map-layer-style-manager", {"current": "default"}, node("map-layer-style", {"name": "default"}))
    return node(
        "maplayer", {**kind, **NO_SCALES, "autoRefreshEnabled": 0}, node("id", {}, layer.id), node("datasource", {}, layer.source),
        node("layername", {}, shown(layer.title)), node("srs", {}, crs()), said, provider, manager, *drawn,
    )  # fmt: skip


def _theme(name: str, layers: Sequence[Shown]) -> Element:
    seen = [node("layer", {"id": layer.id, "style": "default", "visible": 1, "expanded": int(layer.unfolded)}) for layer in layers if name in layer.themes]
    groups = node("checked-group-nodes", {}, *(node("checked-group-node", {"id": group}) for group in GROUPS))
    return node("visibility-preset", {"name": name, "has-expanded-info": 0, "has-checked-group-info": 1}, *seen, groups)


def _properties() -> Element:
    def said(word: str, kind: str, value: str) -> Element:
        return node(word, {"type": kind}, value)

    return node(
        "properties", {}, node("Paths", {}, said("Absolute", "bool", "false")),
        node("Measurement", {}, said("DistanceUnits", "QString", "kilometers"), said("AreaUnits", "QString", "km2")),
        node("Measure", {}, said("Ellipsoid", "QString", "EPSG:7030")), node("SpatialRefSys", {}, said("ProjectionsEnabled", "int", "1")),
        node("PAL", {}, said("PlacementEngineVersion", "int", "1")),
    )  # fmt: skip
