"""The forest of the reference protocol, to compare with published scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

if TYPE_CHECKING:
    from pipeline.learning.forests import PlainForest


EPOCH = 1
HAS_BAGS = False  # as the model says of itself


def reference_forest(
    *, trees: Annotated[int, Field(ge=1)] = 300, min_samples_leaf: Annotated[int, Field(ge=1)] = 2, max_features: Literal["sqrt", "log2"] | float = "sqrt", seed: int
) -> PlainForest:
    """One plain random forest, classes balanced by subsample, missing values as -9999.

    For validation only: it has no bags, so it gives no uncertainty and cannot make maps. Breiman (2001).
    """
    from pipeline.learning.forests import PlainForest

    return PlainForest(trees=trees, min_samples_leaf=min_samples_leaf, max_features=max_features, random_state=seed)
