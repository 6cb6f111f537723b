"""Length of lines per area."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Vector, feature, radius

EPOCH = 1


@feature(summary="Length of lines per area", units="km/km2", reference="Bonham-Carter (1994)", reach=radius, scale="ratio")
def density_of(*, of: Vector, radius_m: Annotated[float, Field(gt=0)], at: Cells) -> Array:
    """Kilometres of line per square kilometre of the circle of `radius_m` around the cell's centre; (y, x)
    float32.

    0 where there is none, never NaN. Lines are cut by the circle exactly; its whole area counts, so values
    fall off within `radius_m` of where mapping ends. Polygons count with their outlines (twice where two
    share one), points not at all.
    """
    from pipeline.spatial import linework

    return linework.density(of, at, radius_m=radius_m)
