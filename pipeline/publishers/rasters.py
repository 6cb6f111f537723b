"""The rasters people open: prospectivity and its spread as floats, and the classes with their colours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from pipeline import cog
from pipeline.bundle import Bundle
from pipeline.cube import Cube

EPOCH = 1
CLASSES = ("not applicable", "very low", "low", "moderate", "high", "very high")
# YlOrRd of Brewer (2003), five classes: told apart by colour-blind eyes, and in print by its falling lightness
COLOURS = ((0, 0, 0, 0), (255, 255, 178, 255), (254, 204, 92, 255), (253, 141, 60, 255), (240, 59, 32, 255), (189, 0, 38, 255))


def rasters(*, bundle: Bundle) -> None:
    """Each published raster as a COG: float32 with NaN for cells not scored, `classes` as bytes, 0 where not applicable."""
    for name, layer in bundle.rasters.items():
        shown = look(bundle.cube, layer)
        tags = {"TITLE": bundle.title, "REGION": bundle.region, "SYSTEM": bundle.system, **shown.tags}
        if bundle.synthetic:
            tags["SYNTHETIC"] = cog.SYNTHETIC
        cog.write(bundle.folder / f"{name}.tif", bundle.cube, layer, replace(shown, tags=tags))


def look(cube: Cube, layer: str) -> cog.Look:
    """How a layer is shown: the classes of a map with names and colours, its other layers with their range of 0 to 1, amounts as they are."""
    shown = cog.look(cube, layer)
    word = PurePosixPath(layer)
    if len(word.parts) == 1:
        return shown
    if word.name == "classes":
        names = {f"CLASS_{code}": said for code, said in enumerate(CLASSES)}
        return replace(shown, band_tags=names, palette=dict(enumerate(COLOURS)))
    if word.name == "expected_deposits":
        return shown
    return replace(shown, band_tags={"VALID_MIN": "0", "VALID_MAX": "1"})
