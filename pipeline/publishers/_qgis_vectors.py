"""The vectors of a project: targets with their form, known deposits, evidence and context, and the tables of the GeoPackage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

import geopandas as gpd
import pyogrio

from pipeline.bundle import Bundle
from pipeline.bundle import Shown as Given
from pipeline.publishers import _targets
from pipeline.publishers._qgis_form import aliases, form
from pipeline.publishers._qgis_layers import ACCESS, CHANGED, CONTEXT, EVIDENCE, LOOK, TARGETS, THEMES, WHY, Shown
from pipeline.publishers._qgis_symbols import (
    BLACK,
    BLUE,
    DARK_GREY,
    GREEN,
    GREY,
    NAVY,
    NONE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    WHITE,
    Label,
    Rule,
    area,
    labels,
    line,
    marker,
    ruled,
    single,
    unseen,
)  # fmt: skip
from pipeline.publishers._qgis_xml import Colour, node, quoted
from pipeline.spatial import areas

FILE = "targets.gpkg"
MIXED = ("Unknown", "GeometryCollection")  # kinds of geometry that say nothing of how to draw
STYLES = "layer_styles"  # what QGIS calls the table of styles
HOW_MUCH = r" \\([-+.0-9]+\\)$"  # the end of a reason, which a label has no room for; QGIS reads two backslashes as one
REASONS = "reasons-of-targets"  # no name of a source has a hyphen
FIRST = 10  # targets that bear their rank at any scale
CLOSE, NEAR = 3_000_000, 1_000_000  # scales (denominators) from which more names are shown
# what a map reader knows by its colour, by a word in the name of its source
USUAL: tuple[tuple[str, Colour, float, str], ...] = (
    ("road", (120, 70, 30), 0.4, "solid"), ("rail", BLACK, 0.6, "dash"), ("fault", VERMILION, 0.4, "solid"), ("power", PURPLE, 0.4, "dot"),
    ("licence", BLUE, 0.5, "solid"), ("title", BLUE, 0.5, "solid"), ("water", SKY, 0.4, "solid"), ("river", SKY, 0.4, "solid"),
)  # fmt: skip
TURN: tuple[Colour, ...] = (VERMILION, BLUE, PURPLE, ORANGE, GREEN, SKY)


@dataclass(frozen=True)
class _Held:
    """A layer of the GeoPackage: its name, its geometry as the file and as QGIS's symbols know it, and its fields."""

    name: str
    kind: str
    geometry: str
    fields: tuple[str, ...]
    mixed: bool = False


def layers(bundle: Bundle) -> list[Shown]:
    """The layers of the GeoPackage, the topmost of each group first."""
    held = {one.name: one for one in _held(bundle)}
    made = [_reasons(held["targets"]), _targets_layer(bundle, held.pop("targets")), _known(held.pop("occurrences"))]
    made += [_outline(held.pop(name)) for name in ("boundary", "districts") if name in held]
    return [*made, *(_other(bundle, one, i) for i, one in enumerate(held.values()))]


def _held(bundle: Bundle) -> list[_Held]:
    path, found = bundle.folder / FILE, []
    for name, said in pyogrio.list_layers(path):
        if name != STYLES:
            kind = _commonest(path, name) if said in MIXED else str(said or "")
            geometry = next((g for g in ("Point", "LineString", "Polygon") if g in kind), "")
            found.append(_Held(str(name), kind, geometry, tuple(map(str, pyogrio.read_info(path, layer=name)["fields"])), said in MIXED))
    return found


def _commonest(path: Path, name: str) -> str:
    """The geometry most features of a mixed layer have; "" for none."""
    found = gpd.read_file(path, layer=name, engine="pyogrio", columns=[]).geometry.geom_type.dropna()
    return str(found.value_counts(sort=False).sort_index().idxmax()) if len(found) else ""


def _layer(one: _Held, title: str, group: str, style: Callable[[], list[Element]], themes: tuple[str, ...], note: str = "", licence: str = "") -> Shown:
    # of a layer of several kinds of geometry QGIS shows one at a time
    source = f"./{FILE}|layername={one.name}" + (f"|geometrytype={one.geometry}" if one.mixed else "")
    explained = one.name not in ("boundary", "districts")
    return Shown(one.name, title, group, source, style, themes, one.geometry, one.kind, note, licence, unfolded=one.name == "targets", explained=explained)


def _targets_layer(bundle: Bundle, one: _Held) -> Shown:
    columns = {name: column for name, column in _targets.columns(bundle).items() if name in one.fields}

    def style() -> list[Element]:
        drawn = ruled(
            [
                Rule(f"target, one of the first {FIRST}", f'"rank" <= {FIRST}', area(NONE, NAVY, 0.5, brush="no", halo=0.3, ring=5)),
                Rule("target", f'"rank" > {FIRST}', area(NONE, NAVY, 0.3, brush="no", halo=0.2)),
                Rule("ground of a known deposit", None, area(NONE, DARK_GREY, 0.3, style="dash", brush="no")),
            ],
            one.name,
        )
        texts = labels(
            [
                Label('"rank"', 11, f'"rank" <= {FIRST}', bold=True, fill=NAVY, priority=10, beside=True),
                Label('"rank"', 7, f'"rank" > {FIRST}', fill=NAVY, to_scale=CLOSE, beside=True),
            ],
            one.name,
        )
        title = "if(\"rank\" is null, 'Ground of a known deposit', 'Target ' || \"rank\")"
        return [drawn, texts, *form(columns), node("previewExpression", {}, title)]

    note = "Ranked ground to look at first. A target is not a mineral resource or reserve (JORC, NI 43-101)."
    return _layer(one, "Targets", TARGETS, style, THEMES, note)


def _reasons(one: _Held) -> Shown:
    """The targets once more, as what speaks most for the first of them."""

    def style() -> list[Element]:
        texts = [Label(f"regexp_replace(\"for_1\", '{HOW_MUCH}', '')", 7, f'"rank" <= {FIRST}', priority=9, beside=True, wrap=24)]
        return [unseen(), labels(texts, REASONS), node("previewExpression", {}, '"for_1"')]

    first = replace(_layer(one, f"What speaks for the first {FIRST}", TARGETS, style, (WHY,)), key=REASONS)
    return replace(first, explained=False, unfolded=False)


def _known(one: _Held) -> Shown:
    def style() -> list[Element]:
        texts = labels([Label('"name"', 7, fill=BLACK, to_scale=NEAR, point=True, beside=True, priority=3)], one.name)
        return [single(marker("diamond", DARK_GREY, 1.8)), texts, node("previewExpression", {}, '"name"')]

    return _layer(one, "Known deposits", TARGETS, style, THEMES, "The deposits the map learnt from.")


def _outline(one: _Held) -> Shown:
    def style() -> list[Element]:
        if one.name == "boundary":
            return [single(area(NONE, BLACK, 0.5, brush="no"))]
        column = next((c for c in areas.NAME_COLUMNS if c in one.fields), one.fields[0] if one.fields else None)
        texts = [labels([Label(f"to_string({quoted(column)})", 7, fill=DARK_GREY, to_scale=CLOSE, priority=1)], one.name)] if column else []
        return [single(area(NONE, GREY, 0.2, brush="no", style="solid")), *texts]

    return _layer(one, one.name.capitalize(), CONTEXT, style, THEMES)


def _changed(bundle: Bundle, one: _Held) -> Shown:
    """The targets that moved, where they are or were: what came, and what went."""
    sheet = bundle.tables[one.name]
    kinds = {"appeared": ("star", VERMILION), "rose": ("triangle", VERMILION), "fell": ("triangle", BLUE), "went": ("cross_fill", BLUE), "changed": ("circle", GREY)}

    def style() -> list[Element]:
        turned = {"fell": 180.0, "went": 45.0}
        rules = [Rule(f"target {what}", f"\"what\" = '{what}'", marker(shape, fill, 3, turned=turned.get(what, 0))) for what, (shape, fill) in kinds.items()]
        texts = labels([Label('"causes"', 7, fill=BLACK, point=True, beside=True, priority=5, wrap=24)], one.name)
        title = "\"what\" || coalesce(', now target ' || \"rank\", '') || coalesce(', was target ' || \"rank_before\", '')"
        return [ruled(rules, one.name), texts, aliases(sheet.columns), node("previewExpression", {}, title)]

    return replace(_layer(one, "Targets that changed", TARGETS, style, (CHANGED,), sheet.what), unfolded=True)


def _other(bundle: Bundle, one: _Held, turn: int) -> Shown:
    """A vector or a table by what it is to the map: what keeps targets off, what features are made of, what is only there to be seen."""
    given = _given(bundle, one.name)
    title = one.name.replace("_", " ").capitalize()
    fill, width, stroke = next(((f, w, s) for word, f, w, s in USUAL if word in one.name), (TURN[turn % len(TURN)], 0.4, "solid"))
    if one.geometry and one.name == "changes" and one.name in bundle.tables:
        return _changed(bundle, one)
    if not one.geometry:
        sheet = bundle.tables.get(one.name)
        style = (lambda: [aliases(sheet.columns)]) if sheet else list
        return _layer(one, sheet.title if sheet else title, CONTEXT, style, (), sheet.what if sheet else "")
    if given and given.excludes and one.geometry == "Polygon":
        return _layer(one, f"{title}: no target here", CONTEXT, lambda: [single(area(GREEN, GREEN, 0.4, brush="b_diagonal"))], (LOOK, ACCESS), "", given.licence)
    if one.name in bundle.drawn or (given and given.evidence):
        licence = given.licence if given else bundle.drawn[one.name].licence
        return _layer(one, title, EVIDENCE, _plain(one, fill, width, stroke), (WHY,), bundle.drawn[one.name].long_name if one.name in bundle.drawn else "", licence)
    seen = () if one.name.endswith("_source") else (ACCESS,)
    return _layer(one, title, CONTEXT, _plain(one, fill, width, stroke), seen, "", given.licence if given else "")


def _given(bundle: Bundle, layer: str) -> Given | None:
    return bundle.vectors.get(layer) or bundle.vectors.get(layer.removesuffix("_source"))


def _plain(one: _Held, fill: Colour, width: float, stroke: str) -> Callable[[], list[Element]]:
    make = {
        "Point": lambda: marker("circle", fill, 1.6, outline=WHITE), "LineString": lambda: line(fill, width, style=stroke),
        "Polygon": lambda: area((*fill[:3], 60), fill, width, style=stroke),
    }[one.geometry]  # fmt: skip
    return lambda: [single(make())]
