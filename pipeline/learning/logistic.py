"""Logistic regression on standardised evidence, bagged so that it too tells its uncertainty."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.forests import column_medians, resampled

Array = npt.NDArray[Any]


class StandardizedLogistic(ClassifierMixin, BaseEstimator):
    """`bags` logistic regressions, each fitted to its own draw of deposits and background (see `BaggedForest`).

    Each bag fills missing values with its medians, scales every column to mean 0 and deviation 1, and fits with an L2 penalty
    (`C`: its inverse strength) and classes weighed equally. A column without values or without variation is ignored. The
    weights `coef_` (bags, p) are for scaled columns, so they compare with each other. Two classes only. The same arrays, in
    the same order, and `random_state` give the same model. Agterberg and others (1993) for its use on evidence layers.
    """

    coef_: Floats
    intercept_: Floats
    median_: Floats
    mean_: Floats
    scale_: Floats
    classes_: Array
    n_features_in_: int

    def __init__(self, *, bags: int = 20, C: float = 1.0, random_state: int | np.random.RandomState | None = None) -> None:
        self.bags = bags
        self.C = C
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> StandardizedLogistic:
        """Fit to `X` (n, p), NaN missing, and two labels `y` (n,); `groups` (n,) are drawn whole, rows by `sample_weight` (n,), 0 or more.

        ValueError otherwise.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        if len(self.classes_) < 2:
            raise ValueError("StandardizedLogistic needs samples of two classes; got 1 class")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        random = check_random_state(self.random_state)
        with threadpool_limits(1):  # the sums of a threaded matrix product depend on the thread count
            bags = [self._fitted(X, codes, resampled(codes, groups, random, weights)) for _ in range(self.bags)]
        for name, held in zip(("coef_", "intercept_", "median_", "mean_", "scale_"), zip(*bags, strict=True), strict=True):
            setattr(self, name, np.stack(held))
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """Mean over bags and standard deviation between bags of the second class's probability; (n,) float64 each.

        Summed column by column in float64, so a row's answer does not depend on which others are asked for with it.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        missing = np.isnan(X)
        share = np.empty((len(self.coef_), len(X)))
        for bag, (weight, median, mean, scale) in enumerate(zip(self.coef_, self.median_, self.mean_, self.scale_, strict=True)):
            total = np.full(len(X), self.intercept_[bag])
            for j in range(X.shape[1]):
                total += weight[j] * ((np.where(missing[:, j], median[j], X[:, j]) - mean[j]) / scale[j])
            share[bag] = expit(total)
        # Added one bag after another: numpy's own sum over an axis chooses its order by the shape of the array.
        average = _added(share) / len(share)
        return average, np.sqrt(_added((share - average) ** 2) / len(share))

    def predict_proba(self, X: Any) -> Floats:
        """Probability of each class, mean over bags; (n, 2) float64. NaN in X allowed; ValueError on infinity."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def predict(self, X: Any) -> Array:
        """The more probable class; (n,)."""
        positive, _ = self.predict_both(X)
        return np.asarray(self.classes_[(positive > 0.5).astype(int)])

    def predict_spread(self, X: Any) -> Floats:
        """Standard deviation between bags alone; (n,)."""
        return self.predict_both(X)[1]

    def checked(self) -> None:
        """DataError unless the fitted arrays are whole and fit each other; used on models read from files."""
        bags = np.shape(self.intercept_)[:1]
        for name in ("coef_", "median_", "mean_", "scale_", "intercept_"):
            array, shape = getattr(self, name), bags if name == "intercept_" else (*bags, self.n_features_in_)
            if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.shape != shape or not np.isfinite(array).all():
                raise DataError(f"model: {name} is not {shape} finite numbers; the file is damaged or was not written by this program")
        if bags == (0,) or (self.scale_ <= 0).any() or len(self.classes_) != 2:
            raise DataError("model: no bags, a scale of zero, or not two classes; the file is damaged or was not written by this program")

    def _fitted(self, X: Array, codes: Ints, rows: Ints) -> tuple[Any, ...]:
        median = column_medians(X[rows]).astype(np.float64)
        drawn = np.where(np.isnan(X[rows]), median, X[rows])
        mean, scale = drawn.mean(axis=0), drawn.std(axis=0)
        # A column of one repeated value has a deviation of rounding errors, not of zero.
        flat = np.ptp(drawn, axis=0) == 0
        scale[flat], mean[flat] = 1.0, drawn[0, flat]
        model = LogisticRegression(C=self.C, class_weight="balanced", solver="lbfgs", max_iter=1000)
        model.fit((drawn - mean) / scale, codes[rows])
        return model.coef_[0], float(model.intercept_[0]), median, mean, scale

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def _added(share: Floats) -> Floats:
    total = np.zeros(share.shape[1])
    for bag in share:
        total += bag
    return total
