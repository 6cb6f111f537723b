"""The map of what is known, where no deposit is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

if TYPE_CHECKING:
    from pipeline.learning.fuzzy import FuzzyOverlay


EPOCH = 1
NEEDS_LABELS = False  # as the model says of itself


def fuzzy_overlay(
    *,
    operator: Literal["and", "or", "product", "sum", "gamma"] = "gamma",
    gamma: Annotated[float, Field(ge=0, le=1)] = 0.75,
    seed: int,
) -> FuzzyOverlay:
    """Memberships combined by fuzzy `and`, `or`, `product`, `sum`, or `gamma` between the last two; learns from no deposit.

    Each evidence layer must be a membership from 0 to 1 (fuzzy_large, fuzzy_near, logistic_membership, ...): that is where the knowledge is
    put in. With `gamma` 1 one criterion is enough, with 0 all are needed. Known deposits, if there are any, test the map and do not make it.
    An, Moon and Rencz (1991); for prospectivity: Bonham-Carter (1994).
    """
    from pipeline.learning.fuzzy import FuzzyOverlay

    del seed  # nothing is drawn
    return FuzzyOverlay(operator=operator, gamma=gamma)
