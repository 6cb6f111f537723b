"""How far a slope faces east."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Eastward facing of a surface", units="1", reference="Horn (1981)", reach=one_cell)
def aspect_east(*, of: Layer) -> Array:
    """Sine of the downslope azimuth: 1 faces east, -1 west, (y, x) float32. Use it with `aspect_north`.

    0 on flat ground, which faces nowhere, as on ground that faces due north or south; NaN where any of the 3
    x 3 cells is.
    """
    from pipeline.spatial import terrain

    return terrain.downslope(of.values, cell_m=of.cell_m)[0]
