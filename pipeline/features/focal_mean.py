"""Local mean."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Layer, feature
from pipeline.spatial.windows import window_reach

EPOCH = 1


@feature(summary="Local mean", units="input", reference="Chan et al. (1983)", reach=window_reach, scale="input")
def focal_mean(*, of: Layer, radius_m: Annotated[float, Field(gt=0)], at: Cells) -> Array:
    """Mean of the valid cells up to `radius_m` away along rows and columns, itself included; (y, x) float32.

    In the layer's units; NaN where the cell itself is missing, so that smoothing does not invent ground.
    """
    from pipeline.spatial import focal

    return focal.mean(of.values, at, radius_m=radius_m)
