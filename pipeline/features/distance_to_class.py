"""Distance to the nearest cell of named classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pipeline.recipe import Array, Layer, feature

EPOCH = 1
Codes = Annotated[tuple[int, ...], Field(min_length=1)]


def _whole_cells(parameters: Mapping[str, Any], cell_m: float) -> float:
    """Centres nearer than `reach_m` are a whole number of cells away along rows and columns."""
    return math.floor(float(parameters["reach_m"]) / cell_m + 1e-9) * cell_m


@feature(summary="Distance to classes", units="m", reference="Meijster et al. (2000)", reads="categorical", reach=_whole_cells, scale="ratio")
def distance_to_class(*, of: Layer, codes: Codes, reach_m: Annotated[float, Field(gt=0)]) -> Array:
    """Metres from the cell's centre to the nearest centre of a cell whose class is one of `codes`; (y, x) float32, 0 in such a cell.

    Exact and Euclidean, capped: `reach_m` stands where none is nearer. NaN where the cell itself is missing. It reads a
    halo of `reach_m`, so keep that modest (some tens of cells); for polygons at hand `distance_to` sees any distance.
    """
    from pipeline.spatial import nearest

    return nearest.to_cells(of.values, codes=codes, cell_m=of.cell_m, reach_m=reach_m)
