"""Orientation of the lines in the surroundings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pipeline.recipe import Array, Cells, Vector, feature, radius

EPOCH = 1


def _cosine_and_sine(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return f"{name}_cos2", f"{name}_sin2"


@feature(summary="Orientation of lines", units="1", reference="Krumbein (1939)", reach=radius, outputs=_cosine_and_sine)
def orientation_of(*, of: Vector, radius_m: Annotated[float, Field(gt=0)], at: Cells) -> tuple[Array, Array]:
    """Mean cosine and sine of twice the azimuth of the lines in the circle of `radius_m` around the cell's centre, weighted by
    length: two (y, x) float32 blocks, -1 to 1, `<name>_cos2` and `<name>_sin2`.

    cos2 is 1 where all run north and -1 where all run east, sin2 is 1 where all run north-east and -1 where all run north-west. Twice the
    azimuth, because a line has two ends and no jump from 180 to 0 degrees (Krumbein 1939). The length of the pair tells
    how parallel they are: 1 for one direction, 0 for all alike and where there is no line; never NaN. Lines are cut by the
    circle exactly; polygons count with their outlines, points not at all.
    """
    from pipeline.spatial import linework

    return linework.orientation(of, at, radius_m=radius_m)
