"""Positive-unlabelled bagging: the background is not barren, only unlabelled."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import type_of_target

from pipeline.learning.draws import Ints
from pipeline.learning.forests import Array, BaggedForest, column_medians, resampled


class PositiveUnlabelledForest(BaggedForest):
    """`BaggedForest` whose bags set the deposits, resampled by group, against a small fresh draw of background each.

    A bag draws `background_per_positive` background rows with replacement for each of its rows of positives. The background
    holds deposits nobody has found. A small draw holds few of them, or none, so most bags never learn that such ground is barren, and
    their mean ranks it by what it has in common with the known deposits. Many small bags, then, rather than few large ones.
    Missing values take the medians of the bag's background: ground that is not known looks ordinary. Two classes, the second the
    positives. Mordelet and Vert (2014), who take as many unlabelled rows as positives; drawing the positives anew as well is ours, for
    the spread.
    """

    def __init__(
        self,
        *,
        bags: int = 50,
        trees_per_bag: int = 10,
        background_per_positive: float = 1.0,
        min_samples_leaf: int = 2,
        max_features: str | float = "sqrt",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            bags=bags, trees_per_bag=trees_per_bag, min_samples_leaf=min_samples_leaf, max_features=max_features, random_state=random_state
        )
        self.background_per_positive = background_per_positive

    def _read(self, X: Any, y: Any) -> tuple[Array, Ints]:
        X, codes = super()._read(X, y)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        return X, codes

    def _rows(self, codes: Ints, groups: Any, random: np.random.RandomState) -> Ints:
        rows = resampled(codes, groups, random)
        positives, background = rows[codes[rows] == 1], np.flatnonzero(codes == 0)
        count = max(1, round(self.background_per_positive * len(positives)))
        return np.concatenate([positives, background[random.randint(len(background), size=count)]])

    def _medians(self, X: Array, codes: Ints, rows: Ints) -> npt.NDArray[np.float32]:
        return column_medians(X[rows[codes[rows] == 0]])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
