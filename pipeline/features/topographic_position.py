"""Height above or below the surroundings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Layer, feature
from pipeline.spatial.windows import window_reach

EPOCH = 1


@feature(summary="Height above the surroundings", units="input", reference="Weiss (2001)", reach=window_reach)
def topographic_position(*, of: Layer, radius_m: Annotated[float, Field(gt=0)], at: Cells) -> Array:
    """The cell minus the mean of its neighbours: above 0 on ridges, below 0 in valleys, 0 on flat ground and
    even slopes.

    (y, x) float32 in the layer's units; NaN where the cell is missing or has no valid neighbour. The
    neighbours are the valid cells up to `radius_m` away along rows and columns, the cell itself left out.
    Weiss (2001) takes a ring, many a disc; the square ranks ridges and valleys alike and costs the same at
    any radius. Small radii show ledges, large ones ranges: give two.
    """
    from pipeline.spatial import focal

    return focal.departure(of.values, at, radius_m=radius_m)
