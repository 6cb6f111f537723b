"""Presence against background: the relative intensity of deposits over the ground that was sampled, as MaxEnt fits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from pipeline.errors import DataError
from pipeline.learning import response_terms
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.forests import column_medians, resampled

Array = npt.NDArray[Any]
HIGHEST = 36.0  # of the log of the scaled intensity: beyond, 1 - exp(-exp(.)) is 1 in float64


class PresenceBackground(ClassifierMixin, BaseEstimator):
    """`bags` log-linear intensities of presences, each fitted to its own draw of deposits and background (see `BaggedForest`).

    The intensity is exp(sum of coefficient x term); terms are linear, quadratic, hinges at `knots` inner points, and products of the
    columns, each scaled to 0..1 over the bag's range and held constant outside it. `kinds` None: as many kinds as the presences can teach
    (`response_terms.affordable`; products only when asked for). A bag fits by the likelihood to which logistic regression tends as the
    weight of its background grows without bound (Fithian and Hastie 2013), which is that of MaxEnt: no coefficient can tell presences
    from each other, and the number of background rows sets no scale. Each coefficient bears an L1 penalty of its own
    (`response_terms.penalties`, times `multiplier`), as in maxnet: Phillips, Anderson and Schapire (2006), Phillips and others (2017).
    Missing values take the bag's medians. `signs` (p,), where given, holds 1 for a column along which the answer may not fall, -1 along which it
    may not rise, 0 for either way. The second class is the presences. Two classes only.

    The answer is 1 - exp(-exp(H) r), r the intensity over its sum on the bag's background, H the entropy of r there (cloglog; Phillips
    and others 2017). Within a bag it orders cells as the intensity does, which is known only up to a factor: it ranks, and is no probability.
    """

    terms_: Floats
    coef_: Floats
    level_: Floats
    median_: Floats
    low_: Floats
    high_: Floats
    classes_: Array
    n_features_in_: int
    intensity_scale = "complementary_log"

    def __init__(
        self, *, bags: int = 20, kinds: tuple[str, ...] | None = None, knots: int = 8, multiplier: float = 1.0,
        signs: Sequence[int] | None = None, random_state: int | np.random.RandomState | None = None,
    ) -> None:  # fmt: skip
        self.bags = bags
        self.kinds = kinds
        self.knots = knots
        self.multiplier = multiplier
        self.signs = signs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> PresenceBackground:
        """Fit to `X` (n, p), NaN missing, and two labels `y` (n,); `groups` (n,) are drawn whole, rows by `sample_weight` (n,), 0 or more.

        ValueError otherwise, or for unknown kinds.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        if len(self.classes_) < 2:
            raise ValueError("PresenceBackground needs samples of two classes; got 1 class")
        if groups is not None and np.shape(groups) != codes.shape:
            raise ValueError(f"groups has shape {np.shape(groups)}; expected one group for each of the {len(codes)} rows")
        if self.signs is not None and len(self.signs) != X.shape[1]:
            raise ValueError(f"signs names {len(self.signs)} columns; expected one of 1, -1 and 0 for each of the {X.shape[1]} columns of X")
        deposit = np.arange(len(X)) if groups is None else np.unique(groups, return_inverse=True)[1]
        kinds = response_terms.affordable(len(np.unique(deposit[codes == 1]))) if self.kinds is None else tuple(self.kinds)
        if not kinds or not set(kinds) <= set(response_terms.KINDS):
            raise ValueError(f"kinds {kinds}: expected some of {', '.join(response_terms.KINDS)}")
        known = ~np.isnan(X)
        self.terms_ = response_terms.terms(((X == 0) | (X == 1) | ~known).all(axis=0), kinds=kinds, knots=self.knots)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        random = check_random_state(self.random_state)
        with threadpool_limits(1):  # the sums of a threaded matrix product depend on the thread count
            bags = [self._fitted(X, codes, deposit, resampled(codes, groups, random, weights)) for _ in range(self.bags)]
        for name, held in zip(("coef_", "level_", "median_", "low_", "high_"), zip(*bags, strict=True), strict=True):
            setattr(self, name, np.stack(held))
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """Mean over bags and standard deviation between bags of the scaled intensity, 0 to 1; (n,) float64 each.

        Summed term by term in float64, so a row's answer does not depend on which others are asked for with it.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        share = np.empty((len(self.coef_), len(X)))
        for bag, coefficients in enumerate(self.coef_):
            scaled = self._scaled(X, self.median_[bag], self.low_[bag], self.high_[bag])
            total = np.full(len(X), self.level_[bag])
            for j in np.flatnonzero(coefficients):  # the penalty sets most of them to 0
                total += coefficients[j] * response_terms.value(self.terms_[j], scaled)
            share[bag] = -np.expm1(-np.exp(np.minimum(total, HIGHEST)))
        average, square = np.zeros(len(X)), np.zeros(len(X))
        for row in share:  # one bag after another: numpy's own sum over an axis chooses its order by the shape of the array
            average += row
        average /= len(share)
        for row in share:
            square += (row - average) ** 2
        return average, np.sqrt(square / len(share))

    def predict_proba(self, X: Any) -> Floats:
        """The scaled intensity and what it lacks to 1; (n, 2) float64. NaN in X allowed; ValueError on infinity. It ranks."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def predict(self, X: Any) -> Array:
        """The second class where the scaled intensity exceeds a half; (n,)."""
        positive, _ = self.predict_both(X)
        return np.asarray(self.classes_[(positive > 0.5).astype(int)])

    def checked(self) -> None:
        """DataError unless the fitted arrays are whole and fit each other; used on models read from files."""
        wrong = "the file is damaged or was not written by this program"
        bags, columns = np.shape(self.level_)[:1], self.n_features_in_
        found = self.terms_
        if not isinstance(found, np.ndarray) or found.dtype != np.float64 or found.ndim != 2 or found.shape[1] != 4 or not np.isfinite(found).all():
            raise DataError(f"model: terms_ is not a table of terms; {wrong}")
        shapes = {"level_": bags, "coef_": (*bags, len(found))} | dict.fromkeys(("median_", "low_", "high_"), (*bags, columns))
        for name, shape in shapes.items():
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.shape != shape or not np.isfinite(array).all():
                raise DataError(f"model: {name} is not {shape} finite numbers; {wrong}")
        whole = found[:, :3]
        hinge = (found[:, 0] == response_terms.ABOVE) | (found[:, 0] == response_terms.BELOW)
        if (whole != np.floor(whole)).any() or (whole < 0).any() or (whole >= [response_terms.CLASS + 1, columns, columns]).any():
            raise DataError(f"model: a term of an unknown kind or column; {wrong}")
        if ((found[hinge, 3] <= 0) | (found[hinge, 3] >= 1)).any() or (self.high_ < self.low_).any():
            raise DataError(f"model: a knot or a range that is none; {wrong}")
        if bags == (0,) or len(self.classes_) != 2:
            raise DataError(f"model: no bags, or not two classes; {wrong}")

    def _fitted(self, X: Array, codes: Ints, deposit: Ints, rows: Ints) -> tuple[Any, ...]:
        median = column_medians(X[rows]).astype(np.float64)
        drawn, times = np.unique(rows, return_counts=True)
        filled = np.where(np.isnan(X[drawn]), median, X[drawn])
        low, high = filled.min(axis=0), filled.max(axis=0)
        scaled = self._scaled(filled, median, low, high)
        values = np.stack([response_terms.value(term, scaled) for term in self.terms_], axis=1)
        present = codes[drawn] == 1
        weight = times[present] / times[present].sum()
        wanted = (weight[:, None] * values[present]).sum(axis=0)
        deposits = len(np.unique(deposit[drawn[present]]))
        cost = response_terms.penalties(self.terms_, values[present], deposits=deposits, multiplier=self.multiplier)
        # the background is the ground, and the ground of the presences belongs to it; without them nothing bounds a coefficient
        may = response_terms.allowed(self.terms_, self.signs or [0] * X.shape[1])
        coefficients = _likeliest(values, times / times.sum(), wanted, cost, *may)
        relative = times / times.sum() * np.exp(values @ coefficients)
        raw = relative / relative.sum()
        # H: of the intensity over the drawn rows, a row drawn twice being two
        entropy = -float((raw * np.log(raw / times)).sum())
        level = entropy - np.log((times * np.exp(values @ coefficients)).sum())
        return coefficients, level, median, low, high

    @staticmethod
    def _scaled(X: Floats, median: Floats, low: Floats, high: Floats) -> Floats:
        """Columns from 0 at `low` to 1 at `high`, constant outside; 0 where the two are one."""
        width = np.where(high > low, high - low, 1.0)
        return (np.clip(np.where(np.isnan(X), median, X), low, high) - low) / width

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def _likeliest(values: Floats, ground: Floats, wanted: Floats, cost: Floats, rising: Array, falling: Array) -> Floats:
    """Coefficients b (terms,) of the least log(sum of ground x exp(values b)) - wanted b + cost |b|.

    Not above 0 where not `rising`, not below where not `falling`.
    The penalty is not smooth, so b is the difference of two parts that are not negative, in which it is. Convex: one least.
    """
    from scipy.optimize import minimize

    terms = values.shape[1]

    def objective(parts: Floats) -> tuple[float, Floats]:
        b = parts[:terms] - parts[terms:]
        score = values @ b
        most = score.max()
        mass = ground * np.exp(score - most)
        total = mass.sum()
        slope = mass @ values / total - wanted
        return float(most + np.log(total) - wanted @ b + cost @ (parts[:terms] + parts[terms:])), np.concatenate((slope + cost, cost - slope))

    found = minimize(
        objective, np.zeros(2 * terms), jac=True, method="L-BFGS-B", bounds=[(0, None if may else 0) for may in (*rising, *falling)],
        options={"maxiter": 2000, "maxfun": 4000, "ftol": 1e-10, "gtol": 1e-6},
    ).x  # fmt: skip
    return np.asarray(found[:terms] - found[terms:], np.float64)
