"""For ground where many deposits are still unknown: the background counts as unlabelled, not as barren."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

if TYPE_CHECKING:
    from pipeline.learning.unlabelled import PositiveUnlabelledForest


EPOCH = 1


def positive_unlabelled_bagging(
    *,
    bags: Annotated[int, Field(ge=2)] = 50,
    trees_per_bag: Annotated[int, Field(ge=1)] = 10,
    background_per_positive: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    min_samples_leaf: Annotated[int, Field(ge=1)] = 2,
    max_features: Literal["sqrt", "log2"] | float = "sqrt",
    seed: int,
) -> PositiveUnlabelledForest:
    """Many small forests, each of the deposits against a fresh draw of `background_per_positive` background cells for each of them.

    Few of the unknown deposits in the background enter any one draw, so they are not taught as barren. Mordelet and Vert (2014).
    """
    from pipeline.learning.unlabelled import PositiveUnlabelledForest

    return PositiveUnlabelledForest(
        bags=bags, trees_per_bag=trees_per_bag, background_per_positive=background_per_positive, min_samples_leaf=min_samples_leaf,
        max_features=max_features, random_state=seed,
    )  # fmt: skip
