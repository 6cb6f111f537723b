"""The model that adds up weights of classes, and tests whether it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.recipe import Columns

if TYPE_CHECKING:
    from pipeline.learning.weights_of_evidence import WeightsOfEvidence

EPOCH = 2
INTENSITY_SCALE = "share"  # as the model says of itself
_UNTOLD = Columns((), (), ())  # a notebook that fits on bare arrays


def weights_of_evidence(
    *,
    unit_cell_km2: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    steps: Annotated[int, Field(ge=2, le=200)] = 20,
    least_deposits: Annotated[int, Field(ge=5)] = 5,
    least_contrast: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2.0,
    columns: Columns = _UNTOLD,
    seed: int,
) -> WeightsOfEvidence:
    """Weights of evidence: prior log odds of a deposit in a unit cell, plus a weight for the class of each layer the cell is in.

    A unit cell of `unit_cell_km2` holds one deposit or none; probabilities scale with it, ranks hardly. A continuous layer is cut in two where,
    of `steps` equal areas, the studentised contrast is greatest in the direction of the system's sign. Classes with fewer than
    `least_deposits` deposits, or a studentised contrast nearer to 0 than `least_contrast`, get no weight. The spread is the standard
    deviation that the counts give. It supposes that layers are independent where deposits are and where they are not, and tests that; where
    it fails, probabilities are too high. So they are where the background leaves out the surroundings of deposits: give `exclude_m: 0`.
    Bonham-Carter, Agterberg and Wright (1989), Agterberg and Cheng (2002).
    """
    from pipeline.learning.weights_of_evidence import WeightsOfEvidence

    del seed  # nothing is drawn
    return WeightsOfEvidence(
        unit_cell_km2=unit_cell_km2, steps=steps, least_deposits=least_deposits, least_contrast=least_contrast,
        names=columns.names or None, signs=columns.signs or None, counts=columns.counts or None,
    )  # fmt: skip
