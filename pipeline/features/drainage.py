"""The drainage network of a terrain."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Vector, Whole, drawing

EPOCH = 1
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@drawing(
    summary="Drainage network",
    reference="Wang, Liu (2006), Strahler (1957)",
    columns={"order": "1", "upstream_km2": "km2"},
)
def drainage(*, of: Whole, least_km2: Positive, step_m: Positive | None = None) -> Vector:
    """Channels that drain `least_km2` and more, as LineStrings downstream with `order` (Strahler's) and `upstream_km2`, what they drain.

    Of a digital elevation model, on squares of about `step_m`: pits spill over their lowest rim, and all water leaves over the
    border (Wang and Liu 2006). The network needs the whole region at once, so it works on at most 2500 squares a side (a gigabyte and a half): a
    province at 30 m takes `step_m: 500`. What flows in from outside the region is not counted, so rivers that enter it start too small.

    Read it like a vector source: drainage density is `{use: density_of, of: drainage, radius_m: 5000}`, the distance to drainage
    `{use: distance_to, of: drainage, reach_m: 5000}`. Dense drainage tells soft, impermeable rock; straight reaches tell fractures.
    """
    from pipeline.spatial.drainage import channels

    del step_m  # the shell has put `of` on it
    return channels(of, least_km2=least_km2)
