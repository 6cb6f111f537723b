"""Upward continuation of a potential field."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.recipe import Array, Cells, Fit, Layer, Whole, feature

EPOCH = 1


def higher(*, of: Whole, height_m: float) -> dict[str, Array]:
    """Fit: the survey as measured `height_m` higher, on its own step."""
    from pipeline.spatial import potential

    survey = potential.survey(of)
    return survey.kept(potential.continued(survey, height_m=height_m))


@feature(summary="Upward continuation", units="input", reference="Jacobsen (1987), Blakely (1995)", fit=higher, windowed=True)
def upward_continuation(*, of: Layer, field: Fit, height_m: Annotated[float, Field(gt=0)], at: Cells) -> Array:
    """The field as it would be measured `height_m` metres higher, in its own units; (y, x) float32; NaN where the layer is.

    Shallow sources fade, deep ones stay: continued by h it keeps mostly what lies deeper than h / 2 (Jacobsen 1987). A plane stays
    itself. Within about `height_m` of the survey's edge the answer rests on ground nobody measured.
    """
    from pipeline.spatial import potential

    del height_m  # only the fit reads it
    return potential.at_cells(field, of, at)
