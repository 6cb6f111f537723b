"""Bend of a surface along its slope."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Profile curvature", units="1/km", reference="Zevenbergen, Thorne (1987)", reach=one_cell)
def profile_curvature(*, of: Layer) -> Array:
    """Bend along the line of steepest slope, per km: positive where the slope steepens downhill (convex, runoff speeds up),
    negative where it eases (concave, deposits); (y, x) float32. Level ground has no direction and gets half the total.

    NaN where any of the 3 x 3 cells is. Second derivative of Zevenbergen and Thorne's surface; their sign and that of other
    programs may be the opposite. At 30 m one cell 1 m too high bends by 4 per km in all: smooth first, or use coarse cells.
    """
    from pipeline.spatial import terrain

    return terrain.profile_curvature(of.values, cell_m=of.cell_m)
