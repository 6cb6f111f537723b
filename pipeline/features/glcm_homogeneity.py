"""Homogeneity of grey levels around the cell."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Fit, Layer, feature
from pipeline.spatial.greys import grey_range, levels_of
from pipeline.spatial.windows import half_cells, window_reach

EPOCH = 1


@feature(summary="Homogeneity of grey levels", units="1", reference="Haralick et al. (1973)", reach=window_reach, fit=grey_range)
def glcm_homogeneity(*, of: Layer, scale: Fit, radius_m: Annotated[float, Field(gt=0)], levels: Annotated[int, Field(ge=2, le=64)] = 16) -> Array:
    """Mean of 1 / (1 + squared difference in level) over neighbours in the window, 0 to 1, 1 where all are alike; (y, x) float32.

    The layer is cut into `levels` equal steps between its 2nd and 98th percentile, the same in every tile. Neighbours are cells that touch, both
    up to `radius_m` away along rows and columns, taken both ways; east, south-east, south and south-west are averaged (Haralick,
    Shanmugam and Dinstein 1973). NaN where the cell itself is missing or the window holds no two known neighbours.
    The inverse difference moment: high over playa, sand and massive rock.
    """
    from pipeline.spatial import cooccurrence

    return cooccurrence.homogeneity(levels_of(of.values, ends=scale.value["ends"], levels=levels), half=half_cells(radius_m, of.cell_m))
