"""Several models in one, weighed where they were not taught."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.models._members import Member, member
from pipeline.recipe import Columns

if TYPE_CHECKING:
    from pipeline.learning.stack import Stack

EPOCH = 1
FITS_BLOCKS = True  # as the model says of itself


def stack(
    *,
    members: Annotated[tuple[Member, ...], Field(min_length=2)] = ("random_forest", "gradient_boosting", "logistic_regression"),
    folds: Annotated[int, Field(ge=2)] = 4,
    inverse_penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    columns: Columns,
    seed: int,
) -> Stack:
    """The `members`, each with its defaults, joined by a logistic regression whose weights are not negative.

    The weights come from scores of `folds` inner folds of whole spatial blocks, so a member that only knows its surroundings gains nothing by
    it; a smaller `inverse_penalty` draws them to equal ones. Takes some three times as long as its members. Wolpert (1992), Breiman (1996).
    """
    from pipeline.learning.stack import Stack

    return Stack(members=tuple(member(word, columns=columns) for word in members), folds=folds, C=inverse_penalty, random_state=seed)
