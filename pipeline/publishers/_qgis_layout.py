"""A page to print for each theme: the map, what it says, its legend, scale and north, whose data it is made of, and what it is not."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np
import shapely

from pipeline import cog
from pipeline.bundle import Bundle
from pipeline.publishers._qgis_layers import ACCESS, BLIND, CHANGED, LOOK, SURE, WHY, Shown, leaf
from pipeline.publishers._qgis_symbols import BLACK, NONE, WHITE, area, line, text_style
from pipeline.publishers._qgis_xml import Colour, identity, node, shown

PAGE_MM = (297.0, 210.0)
MAP_MM = (8.0, 24.0, 205.0, 160.0)  # left, top, width, height
SIDE_MM = (217.0, 24.0, 74.0, 132.0)
INSET_MM = (217.0, 122.0, 44.0, 34.0)
CROWD = 10  # layers in a legend
MARGIN = 0.08  # around the ground of the map, as a share of its longer side
PAGE, MAP, PICTURE, LABEL, LEGEND, SCALE_BAR = 65638, 65639, 65640, 65641, 65642, 65646  # kinds of item, as QGIS numbers them
ASKED = {
    LOOK: "The ground to look at first, by rank, over the prospectivity it rests on.",
    SURE: "How much the answer moves when the model is refitted: light ground holds still, dark ground does not.",
    BLIND: "How like the ground the model was taught with each place is. Purple: do not believe the map. Grey: not mapped.",
    WHY: "The layer of evidence the map rests on most, the lines that features are made of, and beside the first targets what speaks most for each.",
    ACCESS: "Targets beside roads, districts and ground that is closed to them.",
    CHANGED: "Where the map rose or fell, beyond its noise, since its model was fitted; and the targets that moved since the map before, with the cause.",
}  # fmt: skip
STEPS_KM = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500)
NORTH = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 60"><path d="M20 2 L34 46 L20 37 Z" fill="#000"/>'
    '<path d="M20 2 L6 46 L20 37 Z" fill="#fff" stroke="#000" stroke-width="1.5"/></svg>'
)


def layout(bundle: Bundle, layers: Sequence[Shown], theme: str) -> Element:
    """The page of a theme, A4 across."""
    at = f"{bundle.region}/{theme}"
    map_id = identity(at, "map")
    title = f"{theme}: {bundle.system_title or bundle.system}, {bundle.title}"
    items = [
        _item(at, "page", PAGE, (0, 0, *PAGE_MM), {}, area(WHITE, WHITE, 0.1)),
        _map(at, "map", MAP_MM, focus(bundle), {"followPreset": "true", "followPresetName": theme}),
        *_inset(bundle, layers, at, map_id),
        _label(at, "title", (8, 6, 281, 9), title, 16, bold=True),
        _label(at, "question", (8, 15, 281, 7), ASKED[theme], 10),
        _legend(at, map_id, [layer for layer in layers if theme in layer.themes and layer.explained]),
        _scale_bar(bundle, at, map_id),
        _north(at, map_id),
        _label(at, "credits", (8, 186, 205, 20), credits_of(bundle), 5.5),
        _label(at, "verdict", (217, 158, 74, 20), f"How the score held up on ground kept from the model: {bundle.scorecard.get('verdict') or 'not tested'}", 6.5),
        _label(at, "caution", (217, 178, 74, 8), "A target is a place to look first. It is not a mineral resource or reserve (JORC, NI 43-101).", 6.5, bold=True),
    ]
    if bundle.synthetic:
        stamp = f"SYNTHETIC DATA. {cog.SYNTHETIC.partition(': ')[2].capitalize()}."
        items.append(_label(at, "synthetic", (217, 188, 74, 16), stamp, 9, bold=True, fill=(190, 0, 0), frame=True))
    page, *rest = items
    return node(
        "Layout", {"name": theme, "units": "mm", "printResolution": 200, "worldFileMap": map_id},
        node("Snapper", {"snapToGrid": 0, "snapToGuides": 1, "snapToItems": 1, "tolerance": 5}),
        node("Grid", {"resolution": 10, "resUnits": "mm", "offsetX": 0, "offsetY": 0, "offsetUnits": "mm"}),
        node("PageCollection", {}, area(WHITE, NONE, 0, style="no"), page, node("GuideCollection", {"visible": 1})),
        *reversed(rest),
    )  # fmt: skip


def credits_of(bundle: Bundle) -> str:
    """Whose data the map is made of and under which licences, each once, from the bundle's provenance."""
    said: dict[tuple[str, str], list[str]] = {}
    for one in bundle.provenance.get("inputs", ()):
        names = said.setdefault((str(one["licence"]), str(one["citation"])), [])
        if one["source"] not in names:
            names.append(str(one["source"]))
    parts = []
    for (licence, citation), names in sorted(said.items(), key=lambda kept: kept[1]):
        cited = "" if citation == "not stated" else f"; {citation}"
        parts.append(f"{', '.join(names)} ({licence if licence != 'not stated' else 'licence not stated'}{cited})")
    return f"Data: {'. '.join(parts)}. Made by prospect; inputs, versions and checks stand in provenance.json and scorecard.json."


def _item(at: str, name: str, kind: int, box: Sequence[float], said: dict[str, object], *inside: Element, frame: bool = False) -> Element:
    left, top, width, height = box
    key, position = identity(at, name), f"{left:g},{top:g},mm"
    common = {
        "type": kind, "uuid": key, "templateUuid": key, "id": name, "position": position, "positionOnPage": position, "size": f"{width:g},{height:g},mm",
        "positionLock": "false", "visibility": 1, "opacity": 1, "blendMode": 0, "referencePoint": 0, "itemRotation": 0, "groupUuid": "",
        "frame": str(frame).lower(), "outlineWidthM": "0.3,mm", "frameJoinStyle": "miter", "background": str(kind in {PAGE, MAP, SCALE_BAR}).lower(),
        "excludeFromExports": 0, "zValue": {PAGE: 0, MAP: 1}.get(kind, 2),
    }  # fmt: skip
    return node("LayoutItem", common | said, _rgb("FrameColor", (120, 120, 120)), _rgb("BackgroundColor", WHITE), node("LayoutObject"), *inside)


def _rgb(tag: str, value: Colour) -> Element:
    return node(tag, {**dict(zip(("red", "green", "blue"), value, strict=False)), "alpha": 255})


def _map(
    at: str, name: str, box: Sequence[float], bounds: Sequence[float], said: dict[str, object], *inside: Element
) -> Element:
    common: dict[str, object] = {"mapRotation": 0, "keepLayerSet": "false", "drawCanvasItems": "true", "mapFlags": 1}
    extent = node("Extent", dict(zip(("xmin", "ymin", "xmax", "ymax"), _filled(bounds, box[2] / box[3]), strict=True)))
    layers = () if any(e.tag == "LayerSet" for e in inside) else (node("LayerSet"),)
    atlas = node("AtlasMap", {"atlasDriven": 0, "scalingMode": 2, "margin": 0.1})
    return _item(at, name, MAP, box, common | said, extent, *layers, *inside, atlas, frame=True)


def _inset(bundle: Bundle, layers: Sequence[Shown], at: str, map_id: str) -> list[Element]:
    """The whole region with the ground of the map on it, where there is an outline to show it by."""
    outline = next((layer for name in ("boundary", "districts") for layer in layers if layer.key == name), None)
    if outline is None:
        return []
    shown_layer = node("Layer", {"name": shown(outline.title), "source": outline.source, "provider": "ogr"}, outline.id)
    marked = {
        "show": 1, "name": "ground of the map", "frameMap": map_id, "uuid": identity(at, "overview"), "blendMode": 0, "inverted": 0, "centered": 0,
        "position": 3,
    }  # fmt: skip
    overview = node("ComposerMapOverview", marked, area((213, 94, 0, 60), (213, 94, 0), 0.3))
    said: dict[str, object] = {"followPreset": "false", "keepLayerSet": "true"}
    return [_map(at, "inset", INSET_MM, bundle.cube.grid.bounds, said, node("LayerSet", {}, shown_layer), overview)]


def focus(bundle: Bundle) -> tuple[float, float, float, float]:
    """The ground a reader wants first: that of targets and known deposits with a margin, in the grid; the whole grid where there are none."""
    whole, held = bundle.cube.grid.bounds, bundle.deposits
    boxes = [shapely.from_wkb(target["wkb"]).bounds for target in bundle.targets]
    boxes += [(x, y, x, y) for x, y in zip(held["x"], held["y"], strict=True)]
    if not boxes:
        return whole
    low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
    margin = max(MARGIN * float(np.max(high - low)), 20 * bundle.cube.grid.cell_m)
    (xmin, ymin), (xmax, ymax) = (low - margin).tolist(), (high + margin).tolist()
    return max(xmin, whole[0]), max(ymin, whole[1]), min(xmax, whole[2]), min(ymax, whole[3])


def _filled(bounds: Sequence[float], aspect: float) -> tuple[float, ...]:
    """The bounds, a little wider, and as wide to their height as the map on the page is."""
    xmin, ymin, xmax, ymax = bounds
    width, height = 1.02 * (xmax - xmin), 1.02 * (ymax - ymin)
    width, height = max(width, height * aspect), max(height, width / aspect)
    x, y = (xmin + xmax) / 2, (ymin + ymax) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _label(
    at: str, name: str, box: Sequence[float], text: str, size: float, *, bold: bool = False, fill: Colour = BLACK, frame: bool = False
) -> Element:
    said: dict[str, object] = {"labelText": shown(text), "htmlState": 0, "halign": 1, "valign": 32, "marginX": 1 if frame else 0, "marginY": 1 if frame else 0}
    return _item(at, name, LABEL, box, said, _font("LabelFont", size, bold=bold), _rgb("FontColor", fill), frame=frame)


def _font(tag: str, size: float, *, bold: bool = False) -> Element:
    return node(tag, {"description": f"Sans Serif,{size:g},-1,5,{75 if bold else 50},0,0,0,0,0", "style": ""})


def _legend(at: str, map_id: str, layers: Sequence[Shown]) -> Element:
    sizes = {"title": 10.0, "group": 9.0, "subgroup": 8.0, "symbol": 7.0, "symbolLabel": 7.0}
    apart = 2.0 if len(layers) <= CROWD else 1.3  # a long legend ends above the inset
    styles = [
        node("style", {"name": name, "alignment": 1, "indent": 0, "marginTop": apart, "marginBottom": 0, "marginLeft": 2 if name == "symbolLabel" else 0},
             _font("styleFont", size, bold=name == "subgroup"))
        for name, size in sizes.items()
    ]  # fmt: skip
    said: dict[str, object] = {
        "map_uuid": map_id, "resizeToContents": 1, "columnCount": 1, "splitLayer": 0, "equalColumnWidth": 0, "title": "", "titleAlignment": 1, "boxSpace": 1,
        "columnSpace": 2, "symbolWidth": 6, "symbolHeight": 3.5, "symbolAlignment": 1, "lineSpacing": 1, "wrapChar": "", "fontColor": "#000000",
        "minSymbolSize": 0, "maxSymbolSize": 0, "wmsLegendWidth": 50, "wmsLegendHeight": 25, "rasterBorder": 1, "rasterBorderColor": "0,0,0,255",
        "rasterBorderWidth": 0, "legendFilterByAtlas": 0,
    }  # fmt: skip
    tree = node("layer-tree-group", {}, node("customproperties", {}, node("Option")), *(leaf(layer, seen=True, unfolded=True) for layer in layers))
    return _item(at, "legend", LEGEND, SIDE_MM, said, node("styles", {}, *styles), tree)


def _scale_bar(bundle: Bundle, at: str, map_id: str) -> Element:
    xmin, _, xmax, _ = _filled(focus(bundle), MAP_MM[2] / MAP_MM[3])
    wide_km = (xmax - xmin) / 1000
    step = max((s for s in STEPS_KM if 2 * s <= wide_km / 4), default=STEPS_KM[0])  # two of them, a quarter of the map at most
    said: dict[str, object] = {
        "mapUuid": map_id, "style": "Single Box", "unitType": "km", "unitLabel": "km", "numMapUnitsPerScaleBarUnit": 1, "numUnitsPerSegment": step,
        "numSegments": 2, "numSegmentsLeft": 0, "height": 2, "labelBarSpace": 1, "boxContentSpace": 1, "alignment": 0, "segmentSizeMode": 0,
        "segmentMillimeters": step / wide_km * MAP_MM[2], "minBarWidth": 20, "maxBarWidth": 80, "outlineWidth": 0.2, "lineJoinStyle": "miter",
        "lineCapStyle": "square", "labelHorizontalPlacement": 0, "labelVerticalPlacement": 0, "numSubdivisions": 1, "subdivisionsHeight": 1,
    }  # fmt: skip
    parts = [
        node("lineSymbol", {}, line(BLACK, 0.2)), node("divisionLineSymbol", {}, line(BLACK, 0.2)), node("subdivisionLineSymbol", {}, line(BLACK, 0.2)),
        node("fillSymbol1", {}, area(BLACK, BLACK, 0.1)), node("fillSymbol2", {}, area(WHITE, BLACK, 0.1)),
    ]  # fmt: skip
    left, top, _, height = MAP_MM
    return _item(at, "scale bar", SCALE_BAR, (left + 3, top + height - 13, 70, 11), said, text_style(7, halo=0), *parts)


def _north(at: str, map_id: str) -> Element:
    left, top, width, _ = MAP_MM
    said: dict[str, object] = {
        "file": "base64:" + base64.b64encode(NORTH.encode()).decode(), "mapUuid": map_id, "northMode": 1, "northOffset": 0, "pictureRotation": 0,
        "resizeMode": 0, "anchorPoint": 4, "mode": 2, "svgFillColor": "0,0,0,255", "svgBorderColor": "0,0,0,255", "svgBorderWidth": 0.2,
        "pictureWidth": 8, "pictureHeight": 12,
    }  # fmt: skip
    return _item(at, "north", PICTURE, (left + width - 12, top + 3, 9, 13), said)
