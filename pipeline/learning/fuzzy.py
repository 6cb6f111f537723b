"""Fuzzy overlay: knowledge in place of labels. Memberships of each cell, 0 to 1, combined by a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from pipeline.errors import DataError
from pipeline.learning.draws import Floats

Array = npt.NDArray[Any]
OPERATORS = ("and", "or", "product", "sum", "gamma")


class FuzzyOverlay(ClassifierMixin, BaseEstimator):
    """Combines memberships (columns of X, 0 to 1) without learning anything from labels.

    `and`: the least of them; `or`: the greatest; `product`; `sum`: 1 - the product of what each lacks; `gamma`: the sum to the power
    of `gamma` times the product to that of 1 - `gamma`, between the two. An, Moon and Rencz (1991). A missing membership is left out
    of its cell; a cell without any is 0. Values are clipped to 0..1. `fit` looks at shapes and classes only, so known deposits stay
    free to test with.
    """

    needs_labels = False
    classes_: Array
    n_features_in_: int

    def __init__(self, *, operator: str = "gamma", gamma: float = 0.75) -> None:
        self.operator = operator
        self.gamma = gamma

    def fit(self, X: Any, y: Any) -> FuzzyOverlay:
        """Note the number of columns of `X` (n, p) and the two classes of `y` (n,). ValueError for more or fewer, or unknown settings."""
        if self.operator not in OPERATORS or not 0 <= self.gamma <= 1:
            raise ValueError(f"operator {self.operator!r} with gamma {self.gamma}: expected one of {', '.join(OPERATORS)}, and gamma from 0 to 1")
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        found = np.unique(y)
        if len(found) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        if len(found) < 2:
            raise ValueError("FuzzyOverlay needs two classes to name, though it learns nothing of them; got 1 class")
        self.classes_ = found
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """The combined membership, and the standard deviation of those with one column left out in turn; (n,) float64 each.

        The spread tells how much the answer hangs on a single criterion. It is 0 with one column.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        whole = self._combined(X)
        if X.shape[1] < 2:
            return whole, np.zeros(len(X))
        total, square = np.zeros(len(X)), np.zeros(len(X))
        for left_out in range(X.shape[1]):
            part = self._combined(np.delete(X, left_out, axis=1)) - whole
            total += part
            square += part**2
        return whole, np.sqrt(np.maximum(square / X.shape[1] - (total / X.shape[1]) ** 2, 0.0))

    def predict_proba(self, X: Any) -> Floats:
        """Membership of each class, adding up to 1; (n, 2) float64. It ranks; it is no probability."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def predict(self, X: Any) -> Array:
        """The second class where the combined membership exceeds a half; (n,)."""
        positive, _ = self.predict_both(X)
        return np.asarray(self.classes_[(positive > 0.5).astype(int)])

    def checked(self) -> None:
        """DataError unless its settings are ones it knows; used on models read from files."""
        plain = isinstance(self.gamma, int | float) and 0 <= self.gamma <= 1
        if self.operator not in OPERATORS or not plain or self.n_features_in_ < 1 or len(self.classes_) != 2:
            raise DataError("model: a fuzzy overlay with unknown settings; the file is damaged or was not written by this program")

    def _combined(self, X: Floats) -> Floats:
        least, most, product, lacking = np.ones(len(X)), np.zeros(len(X)), np.ones(len(X)), np.ones(len(X))
        known = np.zeros(len(X), bool)
        for column in X.T:  # one column after another: a row's answer does not depend on its batch
            held = ~np.isnan(column)
            member = np.clip(np.where(held, column, 0.0), 0.0, 1.0)
            known |= held
            least = np.where(held, np.minimum(least, member), least)
            most = np.where(held, np.maximum(most, member), most)
            product = np.where(held, product * member, product)
            lacking = np.where(held, lacking * (1 - member), lacking)
        answer = {"and": least, "or": most, "product": product, "sum": 1 - lacking}.get(self.operator)
        answer = (1 - lacking) ** self.gamma * product ** (1 - self.gamma) if answer is None else answer
        return np.where(known, answer, 0.0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True
        return tags
