"""Membership that rises or falls along a straight line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Layer, feature

EPOCH = 1
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _own_cell(parameters: Mapping[str, Any], _: float) -> float:
    """Its own cell only; refuses, at plan time, a line without a slope."""
    if parameters["zero_at"] == parameters["one_at"]:
        raise ConfigError(
            f"zero_at and one_at are both {parameters['zero_at']:g}, which is a step and no line; give two values, or use reclass for a step"
        )
    return 0.0


@feature(summary="Fuzzy membership along a line", units="1", reference="An et al. (1991); Carranza (2009)", reach=_own_cell, membership=True, scale="share")
def fuzzy_linear(*, of: Layer, zero_at: Finite, one_at: Finite) -> Array:
    """Membership 0 up to `zero_at`, 1 from `one_at` on, straight between; (y, x) float32, 0 to 1, NaN where missing.

    Both are in the layer's units. It falls where `one_at` is the smaller, as for a distance: `zero_at: 5000, one_at: 500`.
    """
    from pipeline.spatial import membership

    return membership.linear(of.values, zero_at=zero_at, one_at=one_at)
