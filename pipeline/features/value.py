"""A layer as it is."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature

EPOCH = 1


@feature(summary="A layer as it is", units="input", reads="any", dtype="input", scale="input")
def value(*, of: Layer) -> Array:
    """The layer unchanged, (y, x) in its own units and dtype, missing where it is missing; categories keep
    their codes."""
    return of.values
