"""Tilt angle of a potential field."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Cells, Fit, Layer, Whole, feature

EPOCH = 1


def angle(*, of: Whole) -> dict[str, Array]:
    """Fit: the survey's tilt in degrees on its own step."""
    from pipeline.spatial import potential

    survey = potential.survey(of)
    east, north, down = potential.gradient(survey)
    return survey.kept(np.degrees(np.arctan2(down, np.hypot(east, north))))


@feature(summary="Tilt angle", units="degree", reference="Miller, Singh (1994), Salem et al. (2007)", fit=angle, windowed=True)
def tilt(*, of: Layer, field: Fit, at: Cells) -> Array:
    """Angle between the field's gradient and the horizontal, -90 to 90 degrees; (y, x) float32; NaN where the layer is.

    Positive over a body that lifts the field, 0 over its vertical edges, negative outside, with the same range over strong and weak
    sources (Miller and Singh 1994). The distance from 0 to 45 degrees is the depth of a vertical contact (Salem et al. 2007).
    For magnetics, of the field reduced to the pole. It lifts noise as it lifts faint bodies: over quiet ground continue upward
    first. 0 where the field is level or rises evenly.
    """
    from pipeline.spatial import potential

    return potential.at_cells(field, of, at)
