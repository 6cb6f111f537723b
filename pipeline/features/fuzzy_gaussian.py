"""Membership of values close to one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Layer, feature

EPOCH = 1
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


@feature(summary="Fuzzy membership of values close to one", units="1", reference="An et al. (1991); Tsoukalas, Uhrig (1997)", membership=True, scale="share")
def fuzzy_gaussian(*, of: Layer, midpoint: Finite, spread: Positive) -> Array:
    """Membership of values close to `midpoint`, exp(-spread * (value - midpoint) ** 2); (y, x) float32, 0 to 1, NaN where missing.

    1 at `midpoint` (the layer's units), 1/2 a distance of sqrt(ln 2 / spread) from it; `spread` is in one over the
    square of the layer's units, so it has no default: ln 2 / w ** 2 for a half width w. Falls off faster than `fuzzy_near`.
    """
    from pipeline.spatial import membership

    return membership.gaussian(of.values, midpoint=midpoint, spread=spread)
