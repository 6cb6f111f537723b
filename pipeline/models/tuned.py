"""A model whose settings are chosen on held-out blocks, inside every fold of validation too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pipeline.models._members import Member, member
from pipeline.recipe import Columns

if TYPE_CHECKING:
    from pipeline.learning.tuned import Tuned

EPOCH = 1
FITS_BLOCKS = True  # as the model says of itself
_FOREST = {"min_samples_leaf": (1, 2, 5, 10), "max_features": ("sqrt", 0.5)}
_GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "random_forest": _FOREST,
    "extra_trees": _FOREST,
    "gradient_boosting": {"trees_per_bag": (50, 100, 200), "max_leaf_nodes": (3, 6, 12), "min_samples_leaf": (5, 10, 20), "l2": (1.0, 10.0)},
    "logistic_regression": {"C": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)},
    "positive_unlabelled_bagging": _FOREST | {"background_per_positive": (1.0, 3.0, 10.0)},
}


def tuned(
    *,
    model: Member = "gradient_boosting",
    budget: Annotated[int, Field(ge=1)] = 8,
    folds: Annotated[int, Field(ge=2)] = 4,
    columns: Columns,
    seed: int,
) -> Tuned:
    """The `model` with the best of `budget` settings, its defaults among them, by mean AUC of `folds` inner folds of whole spatial blocks.

    With few deposits the best of many settings is mostly the luckiest, so the budget is small; validation tunes anew in each of its folds and
    its score therefore pays for the choice. Cawley and Talbot (2010).
    """
    from pipeline.learning.tuned import Tuned

    return Tuned(model=member(model, columns=columns), grid=_GRIDS[model], budget=budget, folds=folds, random_state=seed)
