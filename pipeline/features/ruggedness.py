"""Terrain ruggedness index."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Terrain ruggedness", units="input", reference="Riley et al. (1999)", reach=one_cell, scale="ratio")
def ruggedness(*, of: Layer) -> Array:
    """Root of the summed squared differences between the cell and its eight neighbours, 0 where they are equal, in the
    layer's units; (y, x) float32.

    NaN where any of the 3 x 3 cells is. Steep even slopes count as rugged; `focal_std` of `slope` does not. The definition of
    gdaldem TRI (Riley).
    """
    from pipeline.spatial import terrain

    return terrain.ruggedness(of.values)
