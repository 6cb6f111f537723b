"""Largest value in the surroundings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Layer, feature
from pipeline.spatial.windows import half_cells, window_reach

EPOCH = 1


@feature(summary="Largest value around", units="input", reference="van Herk (1992)", reach=window_reach, scale="input")
def focal_max(*, of: Layer, radius_m: Annotated[float, Field(gt=0)]) -> Array:
    """Largest of the known cells up to `radius_m` away along rows and columns, itself included; (y, x) float32.

    In the layer's units; NaN where the cell itself is missing. One cell decides, noise included: smooth first, or take
    `focal_mean`, where the layer is rough.
    """
    from pipeline.spatial import extremes

    return extremes.largest(of.values, half=half_cells(radius_m, of.cell_m))
