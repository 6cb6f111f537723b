"""Membership of large values."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Layer, feature

EPOCH = 1
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@feature(summary="Fuzzy membership of large values", units="1", reference="An et al. (1991); Tsoukalas, Uhrig (1997)", membership=True, scale="share")
def fuzzy_large(*, of: Layer, midpoint: Positive, spread: Positive = 5.0) -> Array:
    """Membership of large values, 1 / (1 + (value / midpoint) ** -spread); (y, x) float32, 0 to 1, NaN where missing.

    1/2 at `midpoint` (the layer's units), steeper with a larger `spread` (none; 1 to 10 is usual). For amounts that
    cannot be negative: values at and below 0 give 0. The curve of Tsoukalas and Uhrig (1997) that GIS packages call
    Large; An, Moon and Rencz (1991) brought membership to mineral maps. The midpoint is the value at which an
    expert would be of two minds, such as the threshold of a soil anomaly.
    """
    from pipeline.spatial import membership

    return membership.large(of.values, midpoint=midpoint, spread=spread)
