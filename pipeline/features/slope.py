"""Slope of a surface."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Slope of a surface", units="degree", reference="Horn (1981)", reach=one_cell, scale="ratio")
def slope(*, of: Layer) -> Array:
    """Slope in degrees, 0 flat to 90 vertical; (y, x) float32; NaN where any of the 3 x 3 cells is. Horn (1981)."""
    from pipeline.spatial import terrain

    return terrain.slope_degrees(of.values, cell_m=of.cell_m)
