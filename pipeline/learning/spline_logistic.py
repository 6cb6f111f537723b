"""Logistic regression on smooth curves of the evidence, bagged: it can learn "near, but not in" and still be read."""

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
from pipeline.learning import splines
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.forests import column_medians, resampled

Array = npt.NDArray[Any]


class SplineLogistic(ClassifierMixin, BaseEstimator):
    """`bags` logistic regressions on cubic splines of each column, each fitted to its own draw of deposits and background (see `BaggedForest`).

    The log odds are a sum of one curve per column, constant outside the range of the fit; a column of 0 and 1 only enters as it is.
    Steepness and bends bear an L2 penalty (`splines.penalty`; `C`: its inverse strength), so that a curve nobody asks for is flat.
    Knots (`knots` a column) and the medians that fill missing values are those of all rows of the fit, the same in all bags. Classes weigh
    equally. Two classes only. The same arrays, in the same order, and `random_state` give the same model.
    Hastie and Tibshirani (1990), Eilers and Marx (1996); for maps of species: Elith and others (2006).

    Fitted: `knots_` (p, knots), `median_` (p,), `binary_` (p,), `intercept_` (bags,) and `coef_` (bags, p, knots + 2), of the splines or,
    for a column of 0 and 1, its weight first and zeros.
    """

    knots_: Floats
    median_: Floats
    binary_: npt.NDArray[np.bool_]
    coef_: Floats
    intercept_: Floats
    classes_: Array
    n_features_in_: int

    def __init__(self, *, bags: int = 20, knots: int = 5, C: float = 1.0, random_state: int | np.random.RandomState | None = None) -> None:
        self.bags = bags
        self.knots = knots
        self.C = C
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> SplineLogistic:
        """Fit to `X` (n, p), NaN missing, and two labels `y` (n,); `groups` (n,) are drawn whole, rows by `sample_weight` (n,), 0 or more.

        ValueError otherwise.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        if len(self.classes_) < 2:
            raise ValueError("SplineLogistic needs samples of two classes; got 1 class")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        random = check_random_state(self.random_state)
        self.median_ = column_medians(X).astype(np.float64)
        self.binary_ = ((X == 0) | (X == 1) | np.isnan(X)).all(axis=0)
        self.knots_ = np.stack([splines.knots(column, count=self.knots) for column in X.T])
        filled = np.where(np.isnan(X), self.median_, X)
        with threadpool_limits(1):  # the sums of a threaded matrix product depend on the thread count
            blocks = [self._block(filled[:, j], j) for j in range(X.shape[1])]
            whole = np.concatenate([values for values, _ in blocks], axis=1)
            bags = [self._fitted(whole, codes, resampled(codes, groups, random, weights), blocks) for _ in range(self.bags)]
        self.coef_, self.intercept_ = (np.stack(held) for held in zip(*bags, strict=True))
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """Mean over bags and standard deviation between bags of the second class's probability; (n,) float64 each.

        Summed column by column in float64, so a row's answer does not depend on which others are asked for with it.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        total = np.repeat(self.intercept_[:, None], len(X), axis=1)
        for j in range(X.shape[1]):
            column = np.where(np.isnan(X[:, j]), self.median_[j], X[:, j])
            if self.binary_[j]:
                for bag in range(len(total)):
                    total[bag] += self.coef_[bag, j, 0] * column
                continue
            first, values = splines.basis(column, self.knots_[j])
            for bag in range(len(total)):
                for r, held in enumerate(values):
                    total[bag] += self.coef_[bag, j][first + r] * held
        share = expit(total)
        average, square = np.zeros(len(X)), np.zeros(len(X))
        for row in share:  # one bag after another: numpy's own sum over an axis chooses its order by the shape of the array
            average += row
        average /= len(share)
        for row in share:
            square += (row - average) ** 2
        return average, np.sqrt(square / len(share))

    def predict_proba(self, X: Any) -> Floats:
        """Probability of each class, mean over bags; (n, 2) float64. NaN in X allowed; ValueError on infinity."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def predict(self, X: Any) -> Array:
        """The more probable class; (n,)."""
        positive, _ = self.predict_both(X)
        return np.asarray(self.classes_[(positive > 0.5).astype(int)])

    def checked(self) -> None:
        """DataError unless the fitted arrays are whole and fit each other; used on models read from files."""
        wrong = "the file is damaged or was not written by this program"
        bags, columns = np.shape(self.intercept_)[:1], self.n_features_in_
        count = np.shape(self.knots_)[-1] if np.ndim(self.knots_) == 2 else 0
        shapes = {
            "intercept_": bags, "coef_": (*bags, columns, count + splines.DEGREE - 1), "knots_": (columns, count), "median_": (columns,),
        }  # fmt: skip
        for name, shape in shapes.items():
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.shape != shape or not np.isfinite(array).all():
                raise DataError(f"model: {name} is not {shape} finite numbers; {wrong}")
        if not isinstance(self.binary_, np.ndarray) or self.binary_.dtype != np.bool_ or self.binary_.shape != (columns,):
            raise DataError(f"model: binary_ does not say of {columns} columns whether they are classes; {wrong}")
        if count < 2 or (np.diff(self.knots_, axis=1) <= 0).any():
            raise DataError(f"model: knots that do not rise; {wrong}")
        if bags == (0,) or len(self.classes_) != 2:
            raise DataError(f"model: no bags, or not two classes; {wrong}")

    def _block(self, column: Floats, j: int) -> tuple[Floats, Floats]:
        """What stands for a column in the ridge (n, k), and the matrix (k, knots + 2) from its weights there to `coef_`."""
        splines_of = self.knots + splines.DEGREE - 1
        if self.binary_[j]:
            deviation = column.std() if np.ptp(column) else 1.0
            return column[:, None] / deviation, np.eye(1, splines_of) / deviation
        loose = splines.loosened(splines.penalty(self.knots))
        return splines.design(column, self.knots_[j]) @ loose, loose.T

    def _fitted(self, whole: Floats, codes: Ints, rows: Ints, blocks: list[tuple[Floats, Floats]]) -> tuple[Floats, float]:
        centre = whole[rows].mean(axis=0)  # the solver starts nearer; the intercept takes it back
        model = LogisticRegression(C=self.C, class_weight="balanced", solver="lbfgs", max_iter=1000)
        model.fit(whole[rows] - centre, codes[rows])
        weights = model.coef_[0]
        held, start = [], 0
        for _, back in blocks:
            held.append(weights[start : start + len(back)] @ back)
            start += len(back)
        return np.stack(held), float(model.intercept_[0] - centre @ weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags
