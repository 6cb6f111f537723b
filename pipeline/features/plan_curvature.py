"""Bend of a surface across its slope."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Plan curvature", units="1/km", reference="Zevenbergen, Thorne (1987)", reach=one_cell)
def plan_curvature(*, of: Layer) -> Array:
    """Bend across the line of steepest slope, per km: positive on spurs (convex, runoff parts), negative in hollows
    (concave, runoff gathers); (y, x) float32. Level ground has no direction and gets half the total.

    NaN where any of the 3 x 3 cells is. Second derivative of Zevenbergen and Thorne's surface; their sign and that of other
    programs may be the opposite. At 30 m one cell 1 m too high bends by 4 per km in all: smooth first, or use coarse cells.
    """
    from pipeline.spatial import terrain

    return terrain.plan_curvature(of.values, cell_m=of.cell_m)
