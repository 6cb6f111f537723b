"""Length of lines per area, along a strike."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Vector, feature, radius

EPOCH = 1


@feature(summary="Length of lines per area along a strike", units="km/km2", reference="Bonham-Carter (1994)", reach=radius, scale="ratio")
def aligned_density_of(
    *,
    of: Vector,
    radius_m: Annotated[float, Field(gt=0)],
    strike_deg: Annotated[float, Field(ge=0, lt=180)],
    ratio: Annotated[float, Field(ge=1, le=20)] = 3,
    within_deg: Annotated[float, Field(gt=0, le=90)] = 90,
    at: Cells,
) -> Array:
    """Kilometres of line per square kilometre of an ellipse around the cell's centre; (y, x) float32.

    The ellipse reaches `radius_m` along `strike_deg`, clockwise from grid north, and `ratio` times less across it: structure of a belt goes on
    along the belt. With `within_deg` below 90 only lines that run within so many degrees of the strike count, as spreading-parallel
    faults do for massive sulphide. 0 where there is none, never NaN. Lines are cut exactly; polygons count with their outlines, points
    not at all.
    """
    from pipeline.spatial import ellipses

    return ellipses.density(of, at, radius_m=radius_m, ratio=ratio, strike_deg=strike_deg, within_deg=within_deg)
