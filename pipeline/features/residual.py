"""Residual of a potential field: what upward continuation takes away."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Fit, Layer, Whole, feature

EPOCH = 1


def shallow(*, of: Whole, height_m: float) -> dict[str, Array]:
    """Fit: the survey less itself continued upward by `height_m`, on its own step."""
    from pipeline.spatial import potential

    survey = potential.survey(of)
    return survey.kept(survey.field - potential.continued(survey, height_m=height_m))


@feature(summary="Residual of upward continuation", units="input", reference="Jacobsen (1987)", fit=shallow, windowed=True)
def residual(*, of: Layer, field: Fit, height_m: Annotated[float, Field(gt=0)], at: Cells) -> Array:
    """The field less itself continued `height_m` metres upward, in its own units, 0 over a level or evenly rising field; (y, x)
    float32; NaN where the layer is.

    What is left stems mostly from sources shallower than about half that height (Jacobsen 1987): intrusions of the upper crust on
    a regional field. The field counts as means near the survey's true resolution.
    """
    from pipeline.spatial import potential

    del height_m  # only the fit reads it
    return potential.at_cells(field, of, at)
