"""Height range of the surroundings."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.recipe import Array, Layer, feature
from pipeline.spatial.windows import half_cells, window_reach

EPOCH = 1


@feature(summary="Local relief", units="input", reference="Hammond (1964)", reach=window_reach, scale="ratio")
def local_relief(*, of: Layer, radius_m: Annotated[float, Field(gt=0)]) -> Array:
    """Highest minus lowest of the valid cells up to `radius_m` away along rows and columns; (y, x) float32.

    In the layer's units, 0 where they are equal; NaN where the cell itself is missing. The cost is that of any radius. One
    wrong cell raises a whole window: `focal_std` is the robust sister.
    """
    from pipeline.spatial import extremes

    half = half_cells(radius_m, of.cell_m)
    high, low = extremes.largest(of.values, half=half), extremes.smallest(of.values, half=half)
    return (high.astype(np.float64) - low).astype(np.float32)
