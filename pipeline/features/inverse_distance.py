"""Samples to cells by inverse distance."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.recipe import Array, Cells, Vector, feature
from pipeline.recipe import reach_m as stated_reach
from pipeline.spatial import tables

EPOCH = 1


@feature(
    summary="Samples by inverse distance",
    units="the column's",
    reference="Shepard (1968)",
    reach=stated_reach,
    check=tables.columns_are_there,
    units_of=tables.assay_units,
)
def inverse_distance(
    *,
    of: Vector,
    column: str,
    reach_m: Annotated[float, Field(gt=0)],
    at: Cells,
    detection: Literal["half", "as_is"] = "half",
    transform: Literal["none", "log"] = "none",
    unit: str = "1",
    power: Annotated[float, Field(gt=0, le=16)] = 2.0,
    neighbours: Annotated[int, Field(ge=1, le=64)] = 12,
) -> Array:
    """Mean of the nearest `neighbours` samples within `reach_m`, weighted by distance to the minus `power`; (y, x) float32 in the
    column's units (their natural logarithm with `transform: log`), NaN beyond `reach_m` of any sample.

    For samples too few for a variogram; it leaves a bull's eye at every extreme one and says nothing of its error (Shepard 1968
    for the weights). Below detection (`<0.5`, or -0.5 as surveys write it) `half` the limit stands; `as_is` takes text at its
    limit and lets negative numbers be. Samples at one place count as their mean.
    """
    del unit  # a word for whoever reads the layer
    from pipeline.spatial import assays, gridding

    points = assays.located(of, assays.measured(of, column, detection=detection, transform=transform))
    return gridding.inverse_distance(points, at, power=power, neighbours=neighbours, reach_m=reach_m)
