"""A surface lit from one side, to look at."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Hillshade, display only", units="1", reference="Horn (1981)", reach=one_cell, evidence=False)
def hillshade(
    *,
    of: Layer,
    azimuth_degree: Annotated[float, Field(ge=0, le=360)] = 315.0,
    altitude_degree: Annotated[float, Field(ge=0, le=90)] = 45.0,
) -> Array:
    """Light on a surface from a sun at `azimuth_degree` (clockwise from north) and `altitude_degree` above the horizon, 0 in
    its own shade to 1 where it faces the sun; (y, x) float32.

    NaN where any of the 3 x 3 cells is. It says which way a slope faces the chosen lamp, nothing about ore: its layer is made
    for maps and never given to a model.
    """
    from pipeline.spatial import terrain

    return terrain.illumination(of.values, cell_m=of.cell_m, azimuth_degree=azimuth_degree, altitude_degree=altitude_degree)
