"""Membership of small values."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Layer, feature

EPOCH = 1
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@feature(summary="Fuzzy membership of small values", units="1", reference="An et al. (1991); Tsoukalas, Uhrig (1997)", membership=True, scale="share")
def fuzzy_small(*, of: Layer, midpoint: Positive, spread: Positive = 5.0) -> Array:
    """Membership of small values, 1 / (1 + (value / midpoint) ** spread); (y, x) float32, 0 to 1, NaN where missing.

    1/2 at `midpoint` (the layer's units), steeper with a larger `spread` (none; 1 to 10 is usual). Values at and below 0
    give 1. The usual curve for a distance to a fault or a contact: the midpoint is where half of the influence is left.
    """
    from pipeline.spatial import membership

    return membership.small(of.values, midpoint=midpoint, spread=spread)
