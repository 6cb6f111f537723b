"""The model that takes background for what it is: ground, not absence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pipeline.recipe import Columns

if TYPE_CHECKING:
    from pipeline.learning.presence_background import PresenceBackground

EPOCH = 2
INTENSITY_SCALE = "complementary_log"  # as the model says of itself
_UNTOLD = Columns((), (), ())  # a notebook that fits on bare arrays


def presence_background(
    *,
    bags: Annotated[int, Field(ge=2)] = 20,
    kinds: tuple[Literal["linear", "quadratic", "hinge", "product"], ...] | None = None,
    knots: Annotated[int, Field(ge=1, le=50)] = 8,
    multiplier: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    columns: Columns = _UNTOLD,
    seed: int,
) -> PresenceBackground:
    """Relative intensity of deposits by penalised logistic regression against a background of unbounded weight (MaxEnt, maxnet).

    Layers enter as terms of the named `kinds`, by default as many kinds as the known deposits can teach: linear, from 10 deposits quadratic,
    from 15 hinges (bends at `knots` places). The answer never falls along a layer to which the system gives the sign 1 and never rises along one
    of sign -1. A larger `multiplier` keeps the map smoother. It ranks ground; it gives no chance of a
    deposit. Phillips and others (2006, 2017), Fithian and Hastie (2013).
    """
    from pipeline.learning.presence_background import PresenceBackground

    return PresenceBackground(
        bags=bags, kinds=None if kinds is None else tuple(kinds), knots=knots, multiplier=multiplier,
        signs=columns.signs if any(columns.signs) else None, random_state=seed,
    )  # fmt: skip
