"""The random forest on another scale: the chance that ground is mineralised, rather than known to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

if TYPE_CHECKING:
    from pipeline.learning.unlabelled import ElkanNoto


EPOCH = 1
INTENSITY_SCALE = None  # as the model says of itself
FITS_BLOCKS = True


def elkan_noto(
    *,
    bags: Annotated[int, Field(ge=2)] = 20,
    trees_per_bag: Annotated[int, Field(ge=1)] = 25,
    min_samples_leaf: Annotated[int, Field(ge=1)] = 2,
    max_features: Literal["sqrt", "log2"] | float = "sqrt",
    folds: Annotated[int, Field(ge=2)] = 5,
    seed: int,
) -> ElkanNoto:
    """A random forest's score divided by the mean score of deposits held out in `folds` inner folds, and clipped at 1.

    It changes scale, not rank: cells rank as by a `random_forest` that does not balance its classes, but for ties at 1. The scale holds
    if the known deposits are a random choice from all of them. Elkan and Noto (2008).
    """
    from pipeline.learning.unlabelled import ElkanNoto

    return ElkanNoto(
        bags=bags, trees_per_bag=trees_per_bag, min_samples_leaf=min_samples_leaf, max_features=max_features, folds=folds, random_state=seed
    )
