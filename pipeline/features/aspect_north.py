"""How far a slope faces north."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Northward facing of a surface", units="1", reference="Horn (1981)", reach=one_cell)
def aspect_north(*, of: Layer) -> Array:
    """Cosine of the downslope azimuth: 1 faces north, -1 south, (y, x) float32. Use it with `aspect_east`.

    0 on flat ground, which faces nowhere, as on ground that faces due east or west; NaN where any of the 3 x
    3 cells is.
    """
    from pipeline.spatial import terrain

    return terrain.downslope(of.values, cell_m=of.cell_m)[1]
