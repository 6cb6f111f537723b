"""Local standard deviation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Layer, feature
from pipeline.spatial.windows import window_reach

EPOCH = 1


@feature(summary="Local deviation", units="input", reference="Chan et al. (1983)", reach=window_reach, scale="ratio")
def focal_std(*, of: Layer, radius_m: Annotated[float, Field(gt=0)], at: Cells) -> Array:
    """Population standard deviation of the valid cells up to `radius_m` away along rows and columns; (y, x)
    float32.

    In the layer's units, 0 where they are equal or the cell stands alone; NaN where the cell itself is
    missing.
    """
    from pipeline.spatial import focal

    return focal.deviation(of.values, at, radius_m=radius_m)
