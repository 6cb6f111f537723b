"""Boosted trees that obey what geology already knows: the signs of the mineral system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.recipe import Columns

if TYPE_CHECKING:
    from pipeline.learning.boosting import BaggedBoosting

EPOCH = 1


def gradient_boosting(
    *,
    bags: Annotated[int, Field(ge=2)] = 10,
    trees_per_bag: Annotated[int, Field(ge=1)] = 100,
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05,
    max_leaf_nodes: Annotated[int, Field(ge=2)] = 6,
    min_samples_leaf: Annotated[int, Field(ge=1)] = 10,
    l2: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0,
    columns: Columns,
    seed: int,
) -> BaggedBoosting:
    """Sums of `trees_per_bag` small trees, `bags` times over redrawn deposits and background.

    The answer never falls along a layer to which the system gives the sign 1 and never rises along one of sign -1. `learning_rate` is the
    share of each tree's step that is taken, `max_leaf_nodes` bounds how many layers a tree can combine, `min_samples_leaf` is the fewest
    samples in a leaf, `l2` pulls leaves toward 0. The defaults suit some fifty deposits against two thousand cells. Friedman (2001), Ke and
    others (2017).
    """
    from pipeline.learning.boosting import BaggedBoosting

    return BaggedBoosting(
        bags=bags, trees_per_bag=trees_per_bag, learning_rate=learning_rate, max_leaf_nodes=max_leaf_nodes, min_samples_leaf=min_samples_leaf,
        l2=l2, signs=columns.signs, random_state=seed,
    )  # fmt: skip
