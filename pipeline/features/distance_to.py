"""Distance to the nearest geometry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Vector, feature
from pipeline.recipe import reach_m as stated_reach

EPOCH = 1


@feature(summary="Distance to geometries", units="m", reference="Bonham-Carter (1994)", reach=stated_reach, scale="ratio")
def distance_to(*, of: Vector, reach_m: Annotated[float, Field(gt=0)], at: Cells) -> Array:
    """Metres from the cell's centre to the nearest point, line or polygon; (y, x) float32, never NaN.

    0 inside polygons. Exact in the plane of the grid, and capped: `reach_m` stands where nothing is nearer.
    Beyond the distance at which a structure can matter for a deposit a larger number only tells the model
    where the cell is.
    """
    from pipeline.spatial import proximity

    return proximity.distance(of, at, reach_m=reach_m)
