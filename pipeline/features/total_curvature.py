"""Bend of a surface in all directions."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Total curvature", units="1/km", reference="Zevenbergen, Thorne (1987)", reach=one_cell)
def total_curvature(*, of: Layer) -> Array:
    """Profile and plan curvature together, per km: positive on crests and domes, negative in valleys and basins, 0 on planes
    and even saddles; (y, x) float32.

    NaN where any of the 3 x 3 cells is. Second derivative of Zevenbergen and Thorne's surface; their sign and that of other
    programs may be the opposite. At 30 m one cell 1 m too high bends by 4 per km in all: smooth first, or use coarse cells.
    """
    from pipeline.spatial import terrain

    return terrain.total_curvature(of.values, cell_m=of.cell_m)
