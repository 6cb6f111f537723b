"""Length of class boundaries per area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pipeline.recipe import Array, Layer, feature
from pipeline.spatial.windows import half_cells, window_reach

EPOCH = 1


def _window_and_beside(parameters: Mapping[str, Any], cell_m: float) -> float:
    """The window and the cells beside it: an edge on the rim is half the window's."""
    return window_reach(parameters, cell_m) + cell_m


@feature(summary="Length of contacts per area", units="km/km2", reference="Bonham-Carter (1994)", reads="categorical", reach=_window_and_beside, scale="ratio")
def contact_density(*, of: Layer, radius_m: Annotated[float, Field(gt=0)]) -> Array:
    """Kilometres of boundary between different classes per square kilometre of the known cells up to `radius_m` away along rows and
    columns; (y, x) float32.

    0 inside one class, NaN where the cell itself is missing; edges beside a missing cell are no boundary. Length follows the
    cell edges: exact for contacts along the grid, up to 1.41 times too long for oblique ones, 4 / pi times over all
    directions. Compare it within one layer and cell size, not with the density of drawn lines.
    """
    from pipeline.spatial import classes

    return classes.boundary_km_per_km2(of.values, half=half_cells(radius_m, of.cell_m), cell_m=of.cell_m)
