"""The rasters people open: prospectivity and its spread as floats, and the classes with their colours."""

from __future__ import annotations

from pipeline import cog
from pipeline.bundle import Bundle

EPOCH = 1
CLASSES = ("not applicable", "very low", "low", "moderate", "high", "very high")
# YlOrRd of Brewer (2003), five classes: told apart by colour-blind eyes, and in print by its falling lightness
COLOURS = ((0, 0, 0, 0), (255, 255, 178, 255), (254, 204, 92, 255), (253, 141, 60, 255), (240, 59, 32, 255), (189, 0, 38, 255))


def rasters(*, bundle: Bundle) -> None:
    """Each published raster as a COG: float32 with NaN for cells not scored, `classes` as bytes, 0 where not applicable."""
    for name, layer in bundle.rasters.items():
        look = cog.look(bundle.cube, layer)
        tags = {"TITLE": bundle.title, "REGION": bundle.region, "SYSTEM": bundle.system, "LICENCE": look.tags["LICENCE"]}
        if bundle.synthetic:
            tags["SYNTHETIC"] = cog.SYNTHETIC
        if name == "classes":
            names = {f"CLASS_{code}": word for code, word in enumerate(CLASSES)}
            shown = cog.Look(look.description, look.units, tags, names, dict(enumerate(COLOURS)))
        else:
            shown = cog.Look(look.description, look.units, tags, {"VALID_MIN": "0", "VALID_MAX": "1"})
        cog.write(bundle.folder / f"{name}.tif", bundle.cube, layer, shown)
