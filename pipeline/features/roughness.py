"""Roughness of a surface."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Roughness of a surface", units="input", reference="Wilson et al. (2007)", reach=one_cell, scale="ratio")
def roughness(*, of: Layer) -> Array:
    """Largest difference between any two of the 3 x 3 cells, 0 where they are equal, in the layer's units;
    (y, x) float32.

    NaN where any of the 3 x 3 cells is. The definition of gdaldem roughness, after Wilson et al. (2007).
    """
    from pipeline.spatial import terrain

    return terrain.roughness(of.values)
