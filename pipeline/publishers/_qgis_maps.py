"""The rasters of a project: the answer, how far it may be believed, and the evidence."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import rasterio

from pipeline import cog
from pipeline.bundle import Bundle
from pipeline.publishers import rasters as published
from pipeline.publishers._qgis_layers import ANSWER, BLIND, CHANGED, CONFIDENCE, EVIDENCE, GROUND, LOOK, SURE, THEMES, WHY, Shown
from pipeline.publishers._qgis_rasters import CIVIDIS, MULTIPLY, NORMAL, PURPLES, VIRIDIS, palette, ramp, relief, steps
from pipeline.publishers._qgis_xml import Colour, node

BELIEVED = 0.5  # applicability below this is not to be believed
BELOW = float(np.nextafter(np.float32(BELIEVED), np.float32(0)))  # a bound counts with what lies below it, and 0.5 is believed
VEIL: Colour = (110, 110, 110, 165)
HIDDEN: Colour = (255, 255, 255, 0)
# PuOr of Brewer (2003): two hues that colour-blind eyes tell apart, changing at what may be believed
APPLICABLE = (
    (0.25, (94, 60, 153), "below 0.25: like nothing the map was taught with"), (BELOW, (178, 171, 210), "0.25 to 0.5: not to be believed"),
    (0.75, (253, 184, 99), "0.5 to 0.75: believe with care"), (math.inf, (230, 97, 1), "0.75 and more: like known ground"),
)  # fmt: skip
SHADE: Colour = (214, 214, 214)


def layers(bundle: Bundle) -> list[Shown]:
    """The rasters of the bundle, the topmost of each group first."""
    return [*_answers(bundle), *_confidence(bundle), *_evidence(bundle), *_relief(bundle)]


def _drawn(make: Callable[[], Element], blend: int = NORMAL) -> Callable[[], list[Element]]:
    return lambda: [make(), node("blendMode", {}, str(blend))]


def _answers(bundle: Bundle) -> list[Shown]:
    made, there = [], bundle.rasters
    if "applicability" in there:
        said = [(BELOW, VEIL, "applicability below 0.5"), (math.inf, HIDDEN, "")]
        note = "Drawn over ground unlike any the model was taught with: what lies under it is not to be believed."
        made.append(_map("veil", "Do not believe the map here", ANSWER, "applicability", _drawn(lambda: steps(said)), (LOOK, SURE), note))
    if "classes" in there:
        rows = list(zip(range(1, 6), published.COLOURS[1:], published.CLASSES[1:], strict=True))[::-1]
        blend = MULTIPLY if bundle.relief else NORMAL
        note = "Prospectivity cut at stated shares of the area. It ranks the ground of this map and is no probability."
        made.append(_map("classes", "Prospectivity", ANSWER, "classes", _drawn(lambda: palette(rows), blend), (LOOK,), note, entries=5))
    if bundle.change:
        _, bands = published.changes(bundle)
        note = "Not coloured: no change beyond the noise of the map. " + str((bundle.changes or {}).get("noise_said", ""))
        made.append(_map("change", "Change of prospectivity", ANSWER, "change", _drawn(lambda: steps(bands)), (CHANGED,), note.strip(), entries=len(bands)))
    if "prospectivity" in there:
        made.append(_map("prospectivity", "Prospectivity, 0 to 1", ANSWER, "prospectivity", _drawn(lambda: ramp(VIRIDIS, 0, 1)), (), "Relative; no probability."))
    if "expected_deposits" in there:
        high = float(f"{_said(bundle.folder / 'expected_deposits.tif').get('MAXIMUM', 1.0):.2g}")
        note = "Undiscovered deposits expected in each cell: an expert's number, shared out by the map."
        made.append(_map("expected_deposits", "Expected deposits", ANSWER, "expected_deposits", _drawn(lambda: ramp(VIRIDIS, 0, high)), (), note))
    return made


def _confidence(bundle: Bundle) -> list[Shown]:
    made, there = [], bundle.rasters
    if "uncertainty" in there:
        said = _said(bundle.folder / "uncertainty.tif")
        high = float(f"{min(said.get('MAXIMUM', 1.0), said.get('MEAN', 0.0) + 3 * said.get('STDDEV', 1.0)):.2g}")
        note = "Standard deviation between models refitted on redrawn deposits and background."
        made.append(_map("uncertainty", "Uncertainty (refit spread)", CONFIDENCE, "uncertainty", _drawn(lambda: ramp(PURPLES, 0, high)), (SURE,), note))
    if "applicability" in there:
        note = "How like the ground the model was taught with a cell is; 0.5 and more may be believed."
        made.append(_map("applicability", "Applicability", CONFIDENCE, "applicability", _drawn(lambda: steps(APPLICABLE)), (BLIND,), note, entries=4))
    if "permissive" in there:
        said_rock = [(0.5, SHADE, "the rock does not allow it: not mapped"), (math.inf, HIDDEN, "")]
        note = "The map is confined to ground whose rock allows this kind of deposit, or of which nothing is known."
        made.append(_map("permissive", "Ground left out", CONFIDENCE, "permissive", _drawn(lambda: steps(said_rock)), (BLIND,), note))
    if "evidence_kind" in there:
        kinds = [(code, published.KIND_COLOURS[code], f"the rock is {published.KINDS[code]}") for code in (1, 2)]
        note = "Measured: from the detailed map. Inferred: told from coarser maps and what can be seen."
        made.append(_map("evidence_kind", "Rock measured or inferred", CONFIDENCE, "evidence_kind", _drawn(lambda: palette(kinds)), (), note, entries=2))
    if "taught_by" in there:
        names = (bundle.region, *(one["region"] for one in bundle.scorecard["taught_by"]))
        alike = [(code, published.REGION_COLOURS[code], name) for code, name in enumerate(names, 1)]
        note = "Whose explored ground the cell is most like, in the evidence the map rests on."
        made.append(_map("taught_by", "Region it is most like", CONFIDENCE, "taught_by", _drawn(lambda: palette(alike)), (), note, entries=len(alike)))
    own = ("classes", "prospectivity", "expected_deposits", "uncertainty", "applicability", "permissive", "evidence_kind", "taught_by")
    return [*made, *(_amounts(bundle, name, name, CONFIDENCE, ()) for name in there if name not in own)]


def _evidence(bundle: Bundle) -> list[Shown]:
    names = [name for name in bundle.evidence if name != bundle.relief]
    return [_amounts(bundle, name, f"evidence/{name}", EVIDENCE, (WHY,) if i == 0 else ()) for i, name in enumerate(names)]


def _relief(bundle: Bundle) -> list[Shown]:
    name = bundle.relief
    if name is None:
        return []
    style = _drawn(lambda: relief(cell_m=bundle.cube.grid.cell_m, opacity=0.45))  # pale: what lies on it is to be seen
    return [_map(f"evidence-{name}", "Relief", GROUND, f"evidence/{name}", style, THEMES, "Shaded from four sides.", unfolded=False, explained=False)]


def _amounts(bundle: Bundle, name: str, file: str, group: str, themes: tuple[str, ...]) -> Shown:
    """A layer of amounts, over two standard deviations either side of its mean on the ground that is scored: that is where it must tell."""
    layer = bundle.evidence.get(name) or bundle.rasters[name]
    said = _on_scored_ground(bundle, layer)
    spread = 2 * said.stddev if said.known else 0.0
    low, high = (max(said.minimum, said.mean - spread), min(said.maximum, said.mean + spread)) if said.known else (0.0, 1.0)
    low, high = float(f"{low:.3g}"), float(f"{high:.3g}")  # a legend is read by people
    of = bundle.cube.said(layer)
    unit = "" if str(of.get("units", "1")) in ("", "1") else f" ({of['units']})"
    style, key = _drawn(lambda: ramp(CIVIDIS, low, high)), file.replace("/", "-")
    return _map(key, f"{name.replace('_', ' ').capitalize()}{unit}", group, file, style, themes, str(of.get("long_name", "")), str(of.get("licence", "")))


def _on_scored_ground(bundle: Bundle, layer: str) -> cog.Statistics:
    """The statistics of a layer where the map has a score."""
    made = cog.Statistics()
    for block, score in zip(cog.blocks(bundle.cube, layer), cog.blocks(bundle.cube, bundle.rasters["prospectivity"]), strict=True):
        made.add(block.values[np.isfinite(score.values)])
    return made


def _map(
    key: str, title: str, group: str, file: str, style: Callable[[], list[Element]], themes: tuple[str, ...], note: str, licence: str = "", *,
    unfolded: bool = True, entries: int = 1, explained: bool = True,
) -> Shown:  # fmt: skip
    legend = tuple(range(1, 1 + entries))
    return Shown(
        key, title, group, f"./{file}.tif", style, themes, note=note, licence=licence, unfolded=unfolded and bool(themes), legend=legend, explained=explained
    )


def _said(path: Path) -> dict[str, float]:
    """The statistics a raster carries: MINIMUM, MAXIMUM, MEAN, STDDEV; empty where no cell is known."""
    with rasterio.open(path) as file:
        tags: dict[str, Any] = file.tags(1)
    return {word.removeprefix("STATISTICS_"): float(value) for word, value in tags.items() if word.startswith("STATISTICS_")}
