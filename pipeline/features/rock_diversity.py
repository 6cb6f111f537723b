"""Variety of classes in the surroundings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Layer, feature
from pipeline.spatial.windows import half_cells, window_reach

EPOCH = 2


@feature(summary="Variety of classes around", units="1", reference="Shannon (1948)", reads="categorical", reach=window_reach, scale="ratio")
def rock_diversity(*, of: Layer, radius_m: Annotated[float, Field(gt=0)]) -> Array:
    """Shannon's entropy of the classes among the known cells up to `radius_m` away along rows and columns, in nats; (y, x) float32.

    -sum p ln p over the shares p of the classes: 0 where one class is alone, ln n where n are equally common. NaN where the cell
    itself is missing. Taken rather than the number of classes, which one stray cell raises by one.
    """
    from pipeline.spatial import classes

    return classes.shannon(of.values, half=half_cells(radius_m, of.cell_m))
