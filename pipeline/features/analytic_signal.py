"""Analytic signal of a potential field."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Cells, Fit, Layer, Whole, feature

EPOCH = 1


def amplitude(*, of: Whole) -> dict[str, Array]:
    """Fit: the length of the survey's gradient per km on its own step."""
    from pipeline.spatial import potential

    survey = potential.survey(of)
    east, north, down = potential.gradient(survey)
    return survey.kept(np.sqrt(east**2 + north**2 + down**2))


@feature(summary="Analytic signal", units="input/km", reference="Nabighian (1972), Roest et al. (1992)", fit=amplitude, windowed=True, scale="ratio")
def analytic_signal(*, of: Layer, field: Fit, at: Cells) -> Array:
    """Length of the field's gradient in all three directions per km, 0 where the field is level; (y, x) float32; NaN where the
    layer is. Also called the total gradient.

    It peaks over magnetic bodies whatever the inclination of the field and nearly whatever their remanence, which is why it stands in
    for the reduction to the pole at low latitudes (Roest et al. 1992); over bodies wider than their depth it follows the edges. In
    three dimensions a little of the inclination stays: the peak may sit up to about half the depth off.
    """
    from pipeline.spatial import potential

    return potential.at_cells(field, of, at)
