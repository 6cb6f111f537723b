"""The model whose every weight can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

if TYPE_CHECKING:
    from pipeline.learning.logistic import StandardizedLogistic


EPOCH = 1


def logistic_regression(
    *, bags: Annotated[int, Field(ge=2)] = 20, inverse_penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0, seed: int
) -> StandardizedLogistic:
    """Logistic regression on standardised layers, `bags` times over redrawn deposits and background.

    A smaller `inverse_penalty` (scikit-learn's C) pulls the weights closer to zero. Monotonic in every layer, so it cannot learn "near,
    but not in". Agterberg and others (1993).
    """
    from pipeline.learning.logistic import StandardizedLogistic

    return StandardizedLogistic(bags=bags, C=inverse_penalty, random_state=seed)
