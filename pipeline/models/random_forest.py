"""The default model: a random forest that knows how unsure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

if TYPE_CHECKING:
    from pipeline.learning.forests import BaggedForest


EPOCH = 2


def random_forest(
    *,
    bags: Annotated[int, Field(ge=2)] = 20,
    trees_per_bag: Annotated[int, Field(ge=1)] = 25,
    min_samples_leaf: Annotated[int, Field(ge=1)] = 5,
    max_features: Literal["sqrt", "log2"] | float = "sqrt",
    seed: int,
) -> BaggedForest:
    """A random forest of `bags` x `trees_per_bag` trees; each bag redraws the deposits, the background and the seed.

    `min_samples_leaf` is the fewest samples in a leaf, `max_features` how many layers a split may choose from (a share of them,
    or a rule). Missing values take each bag's medians. Breiman (2001); for prospectivity: Carranza and Laborte (2015).
    """
    from pipeline.learning.forests import BaggedForest

    return BaggedForest(bags=bags, trees_per_bag=trees_per_bag, min_samples_leaf=min_samples_leaf, max_features=max_features, random_state=seed)
