"""How rasters are drawn: ramps whose lightness runs one way, classes by name, a veil, and shaded relief."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from pipeline.publishers._qgis_xml import Colour, colour, hexed, node, options

# Smith and van der Walt (2015) and Nunez and others (2018), at equal steps; Purples of Brewer (2003)
VIRIDIS = (
    (68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (40, 174, 128), (94, 201, 98), (173, 220, 48), (253, 231, 37),
)  # fmt: skip
CIVIDIS = (
    (0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115), (138, 134, 120), (165, 156, 116), (195, 179, 105), (225, 204, 85), (254, 232, 56),
)  # fmt: skip
PURPLES = ((242, 240, 247), (218, 218, 235), (188, 189, 220), (158, 154, 200), (128, 125, 186), (106, 81, 163), (74, 20, 134))
NORMAL, MULTIPLY = 0, 6


def ramp(colours: Sequence[Colour], low: float, high: float, *, opacity: float = 1) -> Element:
    """Values from `low` to `high` in colours at equal steps; below and above as at the ends."""
    high = high if high > low else low + 1
    values = [low + (high - low) * i / (len(colours) - 1) for i in range(len(colours))]
    items = [(v, c, f"{v:.3g}") for v, c in zip(values, colours, strict=True)]
    stops = ":".join(f"{i / (len(colours) - 1):.6g};{colour(c)}" for i, c in list(enumerate(colours))[1:-1])
    bar = options({"color1": colour(colours[0]), "color2": colour(colours[-1]), "discrete": "0", "rampType": "gradient", "stops": stops})
    return _pipe(_pseudocolour(items, "INTERPOLATED", low, high, opacity, node("colorramp", {"type": "gradient", "name": "[source]"}, bar)))


def steps(items: Sequence[tuple[float, Colour, str]], *, opacity: float = 1) -> Element:
    """Each value in the colour of the first upper bound it does not pass; bounds may end in infinity. Names go to the legend."""
    finite = [bound for bound, _, _ in items if math.isfinite(bound)]
    return _pipe(_pseudocolour(items, "DISCRETE", min([0.0, *finite]), max(finite), opacity))


def _pseudocolour(items: Sequence[tuple[float, Colour, str]], kind: str, low: float, high: float, opacity: float, *more: Element) -> Element:
    said = [
        node("item", {"value": "inf" if math.isinf(v) else v, "color": hexed(c), "alpha": c[3] if len(c) == 4 else 255, "label": name})
        for v, c, name in items
    ]  # fmt: skip
    shader = {"colorRampType": kind, "classificationMode": 1, "clip": 0, "minimumValue": low, "maximumValue": high, "labelPrecision": 3}
    return node(
        "rasterrenderer", {**_common("singlebandpseudocolor", opacity), "band": 1, "classificationMin": low, "classificationMax": high},
        node("rastershader", {}, node("colorrampshader", shader, *more, *said)),
    )  # fmt: skip


def palette(items: Sequence[tuple[int, Colour, str]], *, opacity: float = 1) -> Element:
    """Whole numbers by colour and name; those without an item are not drawn."""
    entries = [node("paletteEntry", {"value": v, "color": hexed(c), "alpha": c[3] if len(c) == 4 else 255, "label": name}) for v, c, name in items]
    return _pipe(node("rasterrenderer", {**_common("paletted", opacity), "band": 1}, node("colorPalette", {}, *entries)), smooth=False)


def relief(*, cell_m: float, opacity: float = 1) -> Element:
    """Elevation as shaded relief, lit from four sides; steeper than it is where cells are large, since they flatten what they average."""
    exaggeration = max(1.0, math.sqrt(cell_m / 90))
    light = {"azimuth": 315, "angle": 45, "zfactor": exaggeration, "multidirection": 1}
    return _pipe(node("rasterrenderer", {**_common("hillshade", opacity), "band": 1, **light}))


def _common(kind: str, opacity: float) -> dict[str, object]:
    return {"type": kind, "opacity": opacity, "alphaBand": -1, "nodataColor": ""}


def _pipe(renderer: Element, *, smooth: bool = False) -> Element:
    method = "bilinear" if smooth else "nearestNeighbour"
    resampling = node("resampling", {"enabled": 0, "zoomedInResamplingMethod": method, "zoomedOutResamplingMethod": method, "maxOversampling": 2})
    return node(
        "pipe", {}, node("provider", {}, resampling), renderer, node("brightnesscontrast", {"brightness": 0, "contrast": 0, "gamma": 1}),
        node("huesaturation", {"saturation": 0, "grayscaleMode": 0, "colorizeOn": 0, "colorizeStrength": 100}),
        node("rasterresampler", {"maxOversampling": 2}), node("resamplingStage", {}, "resamplingFilter"),
    )  # fmt: skip
