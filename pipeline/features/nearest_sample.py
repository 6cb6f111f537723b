"""The value of the nearest sample."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.recipe import Array, Cells, Vector, feature
from pipeline.recipe import reach_m as stated_reach
from pipeline.spatial import tables

EPOCH = 1


@feature(
    summary="Value of the nearest sample",
    units="the column's",
    reference="Thiessen (1911)",
    reach=stated_reach,
    check=tables.columns_are_there,
    units_of=tables.assay_units,
)
def nearest_sample(
    *,
    of: Vector,
    column: str,
    reach_m: Annotated[float, Field(gt=0)],
    at: Cells,
    detection: Literal["half", "as_is"] = "half",
    transform: Literal["none", "log"] = "none",
    unit: str = "1",
) -> Array:
    """The column at the sample nearest to the cell's centre; (y, x) float32 in the column's units (their natural logarithm with
    `transform: log`), NaN beyond `reach_m` of any sample.

    Thiessen's polygons (1911): no value that was not measured, and edges that are not there. Of samples equally far the one
    with the smaller x, then y, counts; samples at one place as their mean. Below detection (`<0.5`, or -0.5 as surveys write it)
    `half` the limit stands; `as_is` takes text at its limit and lets negative numbers be.
    """
    del unit  # a word for whoever reads the layer
    from pipeline.spatial import assays, gridding

    return gridding.nearest(assays.located(of, assays.measured(of, column, detection=detection, transform=transform)), at, reach_m=reach_m)
