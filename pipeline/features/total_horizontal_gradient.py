"""Total horizontal gradient of a potential field."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Cells, Fit, Layer, Whole, feature

EPOCH = 1


def steepness(*, of: Whole) -> dict[str, Array]:
    """Fit: the survey's horizontal gradient per km on its own step."""
    from pipeline.spatial import potential

    survey = potential.survey(of)
    east, north, _ = potential.gradient(survey)
    return survey.kept(np.hypot(east, north))


@feature(summary="Total horizontal gradient", units="input/km", reference="Cordell, Grauch (1985)", fit=steepness, windowed=True, scale="ratio")
def total_horizontal_gradient(*, of: Layer, field: Fit, at: Cells) -> Array:
    """Steepness of the field per km, whichever way it rises; (y, x) float32; 0 where it is level; NaN where the layer is.

    Ridges of it follow steep contacts in gravity and in magnetics reduced to the pole (Cordell and Grauch 1985); magnetics not so
    reduced set them aside. `horizontal_gradient` is the same of any layer cell by cell; this one takes it at the survey's true
    resolution, in the Fourier domain, so interpolation between the survey's points is not read as detail.
    """
    from pipeline.spatial import potential

    return potential.at_cells(field, of, at)
