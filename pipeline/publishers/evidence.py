"""The evidence a reader wants to see beside the map."""

from __future__ import annotations

from dataclasses import replace

from pipeline import cog
from pipeline.bundle import Bundle

EPOCH = 3


def evidence(*, bundle: Bundle) -> None:
    """`evidence/<layer>.tif`: each layer of evidence that is copied, as a COG in its own units, float32 with NaN where it is not known
    and outside the region."""
    for name, layer in bundle.evidence.items():
        shown = cog.look(bundle.cube, layer)
        synthetic = {"SYNTHETIC": cog.SYNTHETIC} if bundle.synthetic else {}  # of a map that is, no part is told apart
        tags = {"TITLE": bundle.title, "REGION": bundle.region, **shown.tags, **synthetic}
        cog.write(bundle.folder / "evidence" / f"{name}.tif", bundle.cube, layer, replace(shown, tags=tags))
