"""First vertical derivative of a potential field."""

from __future__ import annotations

from pipeline.recipe import Array, Cells, Fit, Layer, Whole, feature

EPOCH = 1


def derivative(*, of: Whole) -> dict[str, Array]:
    """Fit: the survey's downward derivative per km on its own step."""
    from pipeline.spatial import potential

    survey = potential.survey(of)
    return survey.kept(potential.downward(survey))


@feature(summary="First vertical derivative", units="input/km", reference="Evjen (1936), Blakely (1995)", fit=derivative, windowed=True)
def first_vertical_derivative(*, of: Layer, field: Fit, at: Cells) -> Array:
    """Change of the field per km downward, towards its sources; (y, x) float32; 0 over a level or evenly rising field; NaN where the
    layer is.

    Positive over a shallow body that lifts the field: near sources stand out, deep ones fade, neighbours part (Evjen 1936). Of
    Bouguer or isostatic gravity it is the vertical gravity gradient. Taken of means near the survey's true resolution, over the
    whole region in one piece: FFT after a plane is removed, gaps are filled and edges padded (Blakely 1995, section 12.3).
    """
    from pipeline.spatial import potential

    return potential.at_cells(field, of, at)
