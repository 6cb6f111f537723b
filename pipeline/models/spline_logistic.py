"""The model whose every curve can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

if TYPE_CHECKING:
    from pipeline.learning.spline_logistic import SplineLogistic


EPOCH = 1


def spline_logistic(
    *,
    bags: Annotated[int, Field(ge=2)] = 20,
    knots: Annotated[int, Field(ge=3, le=20)] = 5,
    inverse_penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    seed: int,
) -> SplineLogistic:
    """Logistic regression on a smooth curve of each layer, `bags` times over redrawn deposits and background.

    A curve bends at `knots` places, which part the samples equally; a smaller `inverse_penalty` flattens it. Unlike plain logistic regression
    it can learn "near, but not in"; like it, it adds layers up and knows no interplay. Hastie and Tibshirani (1990).
    """
    from pipeline.learning.spline_logistic import SplineLogistic

    return SplineLogistic(bags=bags, knots=knots, C=inverse_penalty, random_state=seed)
