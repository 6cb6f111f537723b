"""Membership of values near one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Layer, feature

EPOCH = 1
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


@feature(summary="Fuzzy membership of values near one", units="1", reference="An et al. (1991); Tsoukalas, Uhrig (1997)", membership=True, scale="share")
def fuzzy_near(*, of: Layer, midpoint: Finite, spread: Positive) -> Array:
    """Membership of values near `midpoint`, 1 / (1 + spread * (value - midpoint) ** 2); (y, x) float32, 0 to 1, NaN where missing.

    1 at `midpoint` (the layer's units), 1/2 a distance of 1 / sqrt(spread) from it; `spread` is in one over the square
    of the layer's units, so it has no default: 1 / w ** 2 for a half width w. Keeps longer tails than `fuzzy_gaussian`.
    """
    from pipeline.spatial import membership

    return membership.near(of.values, midpoint=midpoint, spread=spread)
