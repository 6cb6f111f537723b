"""Horizontal gradient of any continuous layer."""

from __future__ import annotations

from pipeline.recipe import Array, Layer, feature, one_cell

EPOCH = 1


@feature(summary="Horizontal gradient", units="input/km", reference="Cordell, Grauch (1985)", reach=one_cell)
def horizontal_gradient(*, of: Layer) -> Array:
    """Steepness in the layer's units per km, 0 where it is level; (y, x) float32; NaN where the cell
    or one of its four neighbours is.

    Central differences. Maxima of the gradient of gravity, or of magnetics reduced to the pole, follow steep
    contacts (Cordell and Grauch 1985).
    """
    from pipeline.spatial import terrain

    return terrain.gradient_per_km(of.values, cell_m=of.cell_m)
