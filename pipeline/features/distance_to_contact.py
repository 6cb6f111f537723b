"""Distance to the nearest boundary between two sets of classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Layer, feature

EPOCH = 1
Codes = Annotated[tuple[int, ...], Field(min_length=1)]


def _far_side(parameters: Mapping[str, Any], cell_m: float) -> float:
    """An edge nearer than `reach_m` is told by the cells on its two sides, the far one half a cell beyond; refuses, at plan time,
    a class on both sides."""
    both = sorted(set(parameters["a"]) & set(parameters["b"]))
    if both:
        raise ConfigError(f"class {both[0]} is in both `a` and `b`, and a contact lies between different classes; take it out of one")
    return math.floor(float(parameters["reach_m"]) / cell_m + 0.5 + 1e-9) * cell_m


@feature(summary="Distance to contacts", units="m", reference="Meijster et al. (2000)", reads="categorical", reach=_far_side, scale="ratio")
def distance_to_contact(*, of: Layer, a: Codes, b: Codes, reach_m: Annotated[float, Field(gt=0)]) -> Array:
    """Metres from the cell's centre to the nearest edge between a cell of the classes `a` and one of the classes `b`; (y, x) float32.

    Half a cell beside the contact, exact and Euclidean to the cell edges, capped: `reach_m` stands where none is nearer.
    NaN where the cell itself is missing; cells that touch at a corner only share no contact. Skarn lies where
    intrusion meets carbonate: name the two. It reads a halo of `reach_m`, so keep that modest (some tens of cells).
    """
    from pipeline.spatial import nearest

    return nearest.to_contact(of.values, a=a, b=b, cell_m=of.cell_m, reach_m=reach_m)
