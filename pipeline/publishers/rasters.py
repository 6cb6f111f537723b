"""The rasters people open: prospectivity, its spread and applicability as floats, classes and kinds of evidence with their colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from pipeline import cog
from pipeline.bundle import Bundle
from pipeline.cube import Cube

EPOCH = 4
CLASSES = ("not applicable", "very low", "low", "moderate", "high", "very high")
# YlOrRd of Brewer (2003), five classes: told apart by colour-blind eyes, and in print by its falling lightness
COLOURS = ((0, 0, 0, 0), (255, 255, 178, 255), (254, 204, 92, 255), (253, 141, 60, 255), (240, 59, 32, 255), (189, 0, 38, 255))
KINDS = ("not scored", "measured", "inferred")
KIND_COLOURS = ((0, 0, 0, 0), (27, 120, 55, 255), (175, 141, 195, 255))  # PRGn of Brewer (2003): told apart by colour-blind eyes

# Set2 of Brewer (2003), told apart by colour-blind eyes in its first three; as many as regions may have a hand in a map
REGION_COLOURS = (
    (0, 0, 0, 0), (102, 194, 165, 255), (252, 141, 98, 255), (141, 160, 203, 255), (231, 138, 195, 255), (166, 216, 84, 255), (255, 217, 47, 255),
    (229, 196, 148, 255), (179, 179, 179, 255),
)  # fmt: skip


# RdBu of Brewer (2003), six classes: two hues that colour-blind eyes tell apart, none of them white, for where there is no change nothing is drawn
CHANGE_COLOURS = ((33, 102, 172, 255), (103, 169, 207, 255), (209, 229, 240, 255), (253, 219, 199, 255), (239, 138, 98, 255), (178, 24, 43, 255))


def rasters(*, bundle: Bundle) -> None:
    """Each published raster as a COG: float32 with NaN for cells not scored, `classes` and `evidence_kind` as bytes, 0 where not scored."""
    taught_by = [str(one["region"]) for one in bundle.scorecard.get("taught_by") or ()]
    own = named(bundle.title, bundle.region, bundle.system, taught_by=taught_by, synthetic=bundle.synthetic)
    for name, layer in bundle.maps.items():
        shown = look(bundle.cube, layer)
        cog.write(bundle.folder / f"{name}.tif", bundle.cube, layer, replace(shown, tags={**shown.tags, **own}))


def named(title: str, region: str, system: str, *, taught_by: Sequence[str], synthetic: bool) -> dict[str, str]:
    """The tags by which a raster says of what map it is, which regions taught that, and whether it is synthetic."""
    tags = {"TITLE": title, "REGION": region, "SYSTEM": system}
    if taught_by:
        tags["TAUGHT_BY"] = ", ".join((region, *taught_by))
    return tags | ({"SYNTHETIC": cog.SYNTHETIC} if synthetic else {})


def look(cube: Cube, layer: str) -> cog.Look:
    """How a layer is shown: classes and kinds of a map with names and colours, amounts as they are, its other layers with their range of 0 to 1."""
    shown = cog.look(cube, layer)
    word = PurePosixPath(layer)
    if len(word.parts) == 1:
        return shown
    if word.name == "classes":
        names = {f"CLASS_{code}": said for code, said in enumerate(CLASSES)}
        return replace(shown, band_tags=names, palette=dict(enumerate(COLOURS)))
    if word.name == "evidence_kind":
        return replace(shown, band_tags={f"CLASS_{code}": said for code, said in enumerate(KINDS)}, palette=dict(enumerate(KIND_COLOURS)))
    if word.name in ("expected_deposits", "change"):
        return shown
    if word.name == "taught_by":
        regions = ("not scored", *shown.tags["SOURCE"].split(", "))
        names = {f"CLASS_{code}": region for code, region in enumerate(regions)}
        return replace(shown, band_tags=names, palette=dict(enumerate(REGION_COLOURS[: len(regions)])))
    threshold = {"THRESHOLD": "0.5"} if word.name == "applicability" else {}  # an absolute ramp: what lies below is not to be believed
    return replace(shown, band_tags={"VALID_MIN": "0", "VALID_MAX": "1"} | threshold)


def changes(bundle: Bundle) -> tuple[float, list[tuple[float, tuple[int, int, int, int], str]]]:
    """How a change is shown: the step between classes, and the classes, falling first, each with its upper bound, colour and words. The third step is
    about the largest change there is."""
    seen = cog.Statistics()
    for block in cog.blocks(bundle.cube, bundle.maps["change"]):
        seen.add(block.values)
    step = float(f"{max(-seen.minimum, seen.maximum) / 3:.1g}") if seen.known else 0.1
    words = [f"fell by more than {2 * step:g}", f"fell by {step:g} to {2 * step:g}", f"fell by less than {step:g}"]
    words += [word.replace("fell", "rose") for word in words[::-1]]
    bounds = (-2 * step, -step, 0.0, step, 2 * step, math.inf)
    return step, list(zip(bounds, CHANGE_COLOURS, words, strict=True))
