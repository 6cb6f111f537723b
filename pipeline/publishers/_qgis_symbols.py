"""Symbols, renderers and labels of vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from pipeline.publishers._qgis_xml import Colour, colour, identity, node, options

# Okabe and Ito (2008): told apart by colour-blind eyes
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    (0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
)  # fmt: skip
WHITE, GREY, DARK_GREY, NAVY = (255, 255, 255), (140, 140, 140), (70, 70, 70), (0, 40, 95)
NONE = (0, 0, 0, 0)


@dataclass(frozen=True)
class Rule:
    """What meets `when` (an expression; None: all the rest) is drawn as `symbol` and named `label`."""

    label: str
    when: str | None
    symbol: Element


@dataclass(frozen=True)
class Label:
    """A text by an expression, `size` in points, for features that meet `when`; `to_scale` is the smallest scale (its denominator) it is shown at."""

    expression: str
    size: float = 8
    when: str | None = None
    bold: bool = False
    fill: Colour = BLACK
    to_scale: float | None = None
    priority: int = 5
    point: bool = False
    wrap: int = 0  # letters in a line; 0 leaves it whole
    beside: bool = False  # beside a point or a polygon, else over it


def symbol(kind: str, *parts: Element) -> Element:
    """A symbol of a kind (marker, line, fill) of layers, the lowest first."""
    return node("symbol", {"type": kind, "name": "0", "alpha": 1, "clip_to_extent": 1, "force_rhr": 0}, *parts)


def _part(kind: str, **said: object) -> Element:
    return node("layer", {"class": kind, "enabled": 1, "pass": 0, "locked": 0}, options(said))


def line(fill: Colour, width: float, *, style: str = "solid", halo: float = 0) -> Element:
    """A line of a width in millimetres, with a white halo `halo` wide on either side."""
    parts = [(WHITE, width + 2 * halo, "solid")] if halo else []
    return symbol("line", *(_stroke(*said) for said in (*parts, (fill, width, style))))


def _stroke(fill: Colour, width: float, style: str) -> Element:
    return _part(
        "SimpleLine", line_color=colour(fill), line_width=f"{width:g}", line_width_unit="MM", line_style=style, capstyle="round", joinstyle="round"
    )


def area(fill: Colour, outline: Colour, width: float, *, style: str = "solid", brush: str = "solid", halo: float = 0, ring: float = 0) -> Element:
    """A polygon: filled with a brush (solid, b_diagonal, no ...), outlined by a line as of `line`; with a ring of that many millimetres around
    its middle, by which it is found at any scale."""
    under = _part("SimpleFill", color=colour(fill), style=brush, outline_style="no")
    parts = [(WHITE, width + 2 * halo, "solid")] if halo else []
    rings: list[Element] = []
    if ring:
        for stroke, wide in ((WHITE, width + 0.6), (outline, width)):
            said_ring = {"name": "circle", "color": colour(NONE), "size": f"{ring:g}", "size_unit": "MM", "outline_color": colour(stroke)}
            drawn = symbol("marker", _part("SimpleMarker", **said_ring, outline_width=f"{wide:g}", outline_width_unit="MM", outline_style="solid", angle="0"))
            drawn.set("name", f"@0@{1 + len(parts) + 1 + len(rings)}")
            middle = _part("CentroidFill", point_on_surface="1", point_on_all_parts="0")
            middle.append(drawn)
            rings.append(middle)
    return symbol("fill", under, *(_stroke(*said) for said in (*parts, (outline, width, style))), *rings)


def marker(shape: str, fill: Colour, size: float, *, outline: Colour = WHITE, turned: float = 0) -> Element:
    """A point drawn as a shape (circle, diamond, star ...) of a size in millimetres, `turned` by so many degrees."""
    said = {"name": shape, "color": colour(fill), "size": f"{size:g}", "size_unit": "MM", "outline_color": colour(outline)}
    return symbol("marker", _part("SimpleMarker", **said, outline_width="0.3", outline_width_unit="MM", outline_style="solid", angle=f"{turned:g}"))


def single(drawn: Element) -> Element:
    """A renderer that draws all features alike."""
    return node("renderer-v2", {"type": "singleSymbol", "symbollevels": 0, "forceraster": 0, "enableorderby": 0}, node("symbols", {}, drawn))


def unseen() -> Element:
    """A renderer that draws nothing: only labels are seen."""
    return node("renderer-v2", {"type": "nullSymbol", "symbollevels": 0, "forceraster": 0, "enableorderby": 0})


def ruled(rules: Sequence[Rule], name: str) -> Element:
    """A renderer by rules."""
    said, symbols = [], []
    for i, rule in enumerate(rules):
        rule.symbol.set("name", str(i))
        symbols.append(rule.symbol)
        filters = {"filter": rule.when or "ELSE"}
        said.append(node("rule", {"key": identity(name, "rule", str(i)), "symbol": i, "label": rule.label, **filters}))
    rules_node = node("rules", {"key": identity(name, "rules")}, *said)
    return node("renderer-v2", {"type": "RuleRenderer", "symbollevels": 0, "forceraster": 0, "enableorderby": 0}, rules_node, node("symbols", {}, *symbols))


def labels(said: Sequence[Label], name: str) -> Element:
    """Labels by rules, each the text of its expression."""
    rules = []
    for i, label in enumerate(said):
        scale = {"scalemaxdenom": f"{label.to_scale:.0f}"} if label.to_scale else {}
        filters = {"filter": label.when} if label.when else {}
        rules.append(node("rule", {"key": identity(name, "label", str(i)), **filters, **scale}, _settings(label)))
    return node("labeling", {"type": "rule-based"}, node("rules", {"key": identity(name, "labels")}, *rules))


def text_style(size: float, *, bold: bool = False, fill: Colour = BLACK, expression: str | None = None, halo: float = 0.8) -> Element:
    """How text is written, in the font of the program: one that is named may be missing on another machine. HTML in it is text."""
    said = {
        "fontSize": size, "fontSizeUnit": "Point", "fontWeight": 75 if bold else 50, "textColor": colour(fill), "textOpacity": 1, "allowHtml": 0,
        "fontKerning": 1, "multilineHeight": 1, "textOrientation": "horizontal", "blendMode": 0, "namedStyle": "Bold" if bold else "",
    }  # fmt: skip
    if expression is not None:
        said |= {"fieldName": expression, "isExpression": 1}
    buffer = {"bufferDraw": bool(halo), "bufferSize": halo, "bufferSizeUnits": "MM", "bufferColor": colour(WHITE), "bufferOpacity": 1, "bufferJoinStyle": 128}
    return node("text-style", said, node("text-buffer", {**buffer, "bufferNoFill": 0, "bufferBlendMode": 0}))


def _settings(label: Label) -> Element:
    placement = {
        "placement": (6 if label.point else 8) if label.beside else 1, "dist": 1 if label.beside else 0, "distUnits": "MM", "priority": label.priority,
        "quadOffset": 4, "offsetType": 1 if label.point else 0,
        "predefinedPositionOrder": "TR,BR,TL,BL,R,L,TSR,BSR", "centroidInside": 1, "centroidWhole": 1, "polygonPlacementFlags": 2, "rotationAngle": 0,
        "xOffset": 0, "yOffset": 0, "offsetUnits": "MM", "preserveRotation": 1, "overrunDistance": 0, "repeatDistance": 0,
        "maxCurvedCharAngleIn": 25, "maxCurvedCharAngleOut": -25, "lineAnchorPercent": 0.5, "layerType": "UnknownGeometry",
    }  # fmt: skip
    rendering = {
        "drawLabels": 1, "obstacle": 1, "obstacleFactor": 1, "obstacleType": 1, "scaleVisibility": 0, "displayAll": 0, "maxNumLabels": 2000,
        "fontMinPixelSize": 3, "fontMaxPixelSize": 10000, "fontLimitPixelSize": 0, "labelPerPart": 0, "mergeLines": 0, "minFeatureSize": 0,
        "limitNumLabels": 0, "upsidedownLabels": 0, "zIndex": 0,
    }  # fmt: skip
    style = text_style(label.size, bold=label.bold, fill=label.fill, expression=label.expression)
    wrapped = {"autoWrapLength": label.wrap, "useMaxLineLengthForAutoWrap": 1, "wrapChar": ""}
    formatted = node("text-format", {"formatNumbers": 0, "multilineAlign": 3, "addDirectionSymbol": 0, **wrapped})
    return node("settings", {"calloutType": "simple"}, style, formatted, node("placement", placement), node("rendering", rendering))
