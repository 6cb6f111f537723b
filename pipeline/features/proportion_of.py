"""Share of named classes in the surroundings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Layer, feature
from pipeline.spatial.windows import half_cells, window_reach

EPOCH = 1
Codes = Annotated[tuple[int, ...], Field(min_length=1)]


@feature(summary="Share of classes around", units="1", reference="Bonham-Carter (1994)", reads="categorical", reach=window_reach, membership=True, scale="share")
def proportion_of(*, of: Layer, codes: Codes, radius_m: Annotated[float, Field(gt=0)]) -> Array:
    """Of the known cells up to `radius_m` away along rows and columns, the share whose class is one of `codes`; (y, x) float32, 0 to 1.

    NaN where the cell itself is missing. How much of the ground around is host rock: softer than membership, and it forgives a
    contact drawn some cells off.
    """
    from pipeline.spatial import classes

    return classes.share(of.values, codes=codes, half=half_cells(radius_m, of.cell_m))
