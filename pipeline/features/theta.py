"""Theta map of a potential field."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Cells, Fit, Layer, Whole, feature

EPOCH = 1


def cosine(*, of: Whole) -> dict[str, Array]:
    """Fit: the cosine of the angle between the survey's gradient and the horizontal on its own step, 0 where there is no gradient."""
    from pipeline.spatial import potential

    survey = potential.survey(of)
    east, north, down = potential.gradient(survey)
    level = np.hypot(east, north)
    length = np.hypot(level, down)
    return survey.kept(np.divide(level, length, out=np.zeros_like(level), where=length > 0))


@feature(summary="Theta map", units="1", reference="Wijns et al. (2005)", fit=cosine, windowed=True)
def theta(*, of: Layer, field: Fit, at: Cells) -> Array:
    """Horizontal gradient over analytic signal, 0 to 1, the cosine of the angle theta; (y, x) float32; NaN where the layer is.

    1 along contacts of strong and of weak sources alike (Wijns et al. 2005), made for magnetics at low latitudes. A field that rises
    evenly is 1 throughout, a level one 0. It is the cosine of `tilt`, without its sign: give a model one of the two.
    """
    from pipeline.spatial import potential

    return potential.at_cells(field, of, at)
