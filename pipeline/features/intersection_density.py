"""Crossings of lines per area."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Vector, feature, radius

EPOCH = 1


@feature(summary="Crossings of lines per area", units="1/km2", reference="Sanderson, Nixon (2015)", reach=radius, scale="ratio")
def intersection_density(*, of: Vector, radius_m: Annotated[float, Field(gt=0)], at: Cells) -> Array:
    """Places per square kilometre of the circle of `radius_m` around the cell's centre at which lines cross or one abuts on
    another; (y, x) float32.

    A place is where at least three branches meet, the X and Y nodes of Sanderson and Nixon (2015): counted once however many
    lines meet there and however they are cut into features; a line that goes on as another feature is no crossing. Lines
    that miss each other by more than a millimetre do not touch. 0 where there is none, never NaN; the circle's whole area counts,
    so values fall off within `radius_m` of where mapping ends. Polygons count with their outlines, points not at all.
    """
    from pipeline.spatial import crossings

    return crossings.density(of, at, radius_m=radius_m)
