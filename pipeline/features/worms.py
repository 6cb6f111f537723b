"""Multiscale edges of a potential field."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Vector, Whole, drawing

EPOCH = 1
Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@drawing(
    summary="Worms: multiscale edges",
    reference="Hornby and others (1999), Archibald and others (1999)",
    columns={"height_m": "m", "gradient": "input/km", "azimuth_deg": "degree"},
)
def worms(
    *,
    of: Whole,
    heights_m: Annotated[tuple[Length, ...], Field(min_length=1)],
    least_m: Length,
    strongest: Annotated[float, Field(gt=0, le=1)] = 0.3,
    step_m: Length | None = None,
) -> Vector:
    """Lines along which the field, continued upward to each of `heights_m`, changes most: LineStrings with `height_m`, `gradient` (mean along the
    line, the field's units per km) and `azimuth_deg` (of its ends, clockwise from grid north, 0 to below 180).

    They run over contacts of bodies that differ in density or magnetization; the greater the height, the larger and deeper the contact,
    and with height a worm moves down the dip (Archibald and others 1999). Of gravity as it is; of magnetics take the reduction to the
    pole, or lines stand beside their contacts. Of each height the `strongest` share of crests starts a line; those of `least_m` and more are kept. None
    within three squares of a gap. The survey lies on squares near what it resolves, or of about `step_m`, at most 2500 a side.

    Read it like a vector source: `{use: distance_to, of: worms, reach_m: 50000}`; deep boundaries are worms of 10 km and more.
    """
    from pipeline.spatial.worms import edges

    del step_m  # the shell has put `of` on it
    return edges(of, heights_m=heights_m, strongest=strongest, least_m=least_m)
