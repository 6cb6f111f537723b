"""A stack: several models, weighed by what each adds on ground held out within the training set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from pipeline.errors import DataError
from pipeline.learning.boosting import BaggedBoosting
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.fitted import given
from pipeline.learning.forests import BaggedForest
from pipeline.learning.inner import held_out, inner_folds
from pipeline.learning.logistic import StandardizedLogistic

Array = npt.NDArray[Any]
LEAST = 0.001  # a share of 0 or 1 is a forest's way to say "few" or "most", not certainty


class Stack(ClassifierMixin, BaseEstimator):
    """A logistic regression on the log-odds of `members`, whose weights are never negative, learnt where the members were not taught.

    Each member, with at most `bags` bags to save time, scores each of `folds` inner folds (see `inner_folds`) fitted to the others.
    On those scores the weights `weight_` (members,) and the constant `intercept_` are found by least logistic loss, the classes
    weighing alike and each as many as there are deposit groups, plus a ridge that draws the weights to equal ones: with few deposits
    the stack is an average of its members' log-odds. `C` is the ridge's inverse strength. A member that is wrong gets 0, not less.
    Then the members are fitted to all rows. Where no deposit group can be held out the weights are equal. `members` are estimators
    with `predict_both`, and get seeds from `random_state`; by default a bagged forest, boosting and logistic regression. Two classes
    only. Wolpert (1992); weights that are not negative: Breiman (1996).
    """

    members_: list[Any]
    weight_: Floats
    intercept_: float
    classes_: Array
    n_features_in_: int

    def __init__(
        self,
        *,
        members: Sequence[Any] | None = None,
        folds: int = 4,
        bags: int = 5,
        C: float = 1.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.members = members
        self.folds = folds
        self.bags = bags
        self.C = C
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None, blocks: Any = None) -> Stack:
        """Fit to `X` (n, p), NaN missing, and two labels `y` (n,); whole `blocks` (n,), or else `groups`, are held out.

        `sample_weight` (n,), 0 or more: how much a row counts in the weighing, and for members that take weights. ValueError otherwise.
        """
        X, y = validate_data(self, X, y, dtype=np.float32, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        if len(self.classes_) < 2:
            raise ValueError("Stack needs samples of two classes; got 1 class")
        weighed = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        random = check_random_state(self.random_state)
        chosen = (BaggedForest(), BaggedBoosting(), StandardizedLogistic()) if self.members is None else self.members
        members = [clone(member).set_params(random_state=random.randint(2**31 - 1)) for member in chosen]
        fold_of = inner_folds(codes, groups=groups, blocks=blocks, count=self.folds, seed=random.randint(2**31 - 1))
        self.weight_, self.intercept_ = np.full(len(members), 1 / len(members)), 0.0
        if fold_of is not None:
            more = {"groups": groups, "blocks": blocks, "sample_weight": weighed, "bags": self.bags}
            scores = np.column_stack([held_out(member, X, codes, fold_of, **more) for member in members])
            known = np.isfinite(scores).all(axis=1)
            ore = codes == 1
            facts = int(ore.sum()) if groups is None else len(np.unique(np.asarray(groups)[ore]))
            counts = np.ones(len(X)) if weighed is None else weighed
            self.weight_, self.intercept_ = weights(scores[known], codes[known], facts=facts, C=self.C, sample_weight=counts[known])
        self.members_ = [member.fit(X, codes, **given(member, groups=groups, blocks=blocks, sample_weight=weighed)) for member in members]
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """The stacked probability of the second class, and its spread; (n,) float64 each.

        The spread is the standard deviation of one bag drawn from a member drawn by weight: the root of the weighted mean of the members'
        variances between bags plus the variance between the members. Members are added one by one, so a row's answer does not
        depend on which others are asked for with it.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32, ensure_all_finite="allow-nan")
        total = self.weight_.sum()
        shares = self.weight_ / total if total > 0 else np.full(len(self.weight_), 1 / len(self.weight_))
        odds, centre, square = np.full(len(X), self.intercept_), np.zeros(len(X)), np.zeros(len(X))
        found = [member.predict_both(X) for member in self.members_]
        for weight, share, (mean, _) in zip(self.weight_, shares, found, strict=True):
            odds += weight * _odds(mean)
            centre += share * mean
        for share, (mean, spread) in zip(shares, found, strict=True):
            square += share * (spread**2 + (mean - centre) ** 2)
        return np.asarray(expit(odds)), np.sqrt(square)

    def predict_proba(self, X: Any) -> Floats:
        """Probability of each class; (n, 2) float64. NaN in X allowed; ValueError on infinity."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def predict(self, X: Any) -> Array:
        """The more probable class; (n,)."""
        positive, _ = self.predict_both(X)
        return np.asarray(self.classes_[(positive > 0.5).astype(int)])

    def checked(self) -> None:
        """DataError unless the weights are numbers, one for each member; used on models read from files, their members being checked apart."""
        held, shape = self.weight_, (len(self.members_),)
        plain = isinstance(held, np.ndarray) and held.dtype == np.float64 and held.shape == shape and np.isfinite(held).all() and (held >= 0).all()
        if not plain or shape == (0,) or not isinstance(self.intercept_, float) or not np.isfinite(self.intercept_) or len(self.classes_) != 2:
            raise DataError("model: a stack whose weights do not fit its members; the file is damaged or was not written by this program")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def weights(scores: Floats, codes: Ints, *, facts: int, C: float, sample_weight: Floats | None = None) -> tuple[Floats, float]:
    """Weights (k,), none negative, and constant of a logistic regression on the log-odds of `scores` (n, k), each class weighing `facts`, which
    its rows share by `sample_weight` (n,), or evenly.

    Least is C times the loss plus half the squared distance of the weights from 1/k. L-BFGS-B (Byrd and others 1995) finds it; it is convex.
    """
    from scipy.optimize import minimize

    odds = _odds(scores)
    count = odds.shape[1]
    count_of = np.ones(len(codes)) if sample_weight is None else sample_weight
    rows = facts * count_of / np.bincount(codes, count_of, minlength=2)[codes]
    sign = 2.0 * codes - 1.0

    def loss(at: Floats) -> tuple[float, Floats]:
        margin = sign * (odds @ at[:count] + at[count])
        apart = at[:count] - 1 / count
        slope = -C * rows * sign * expit(-margin)
        value = C * float(rows @ np.logaddexp(0.0, -margin)) + 0.5 * float(apart @ apart)
        return value, np.append(odds.T @ slope + apart, slope.sum())

    bounds: list[tuple[float | None, None]] = [(0.0, None)] * count + [(None, None)]
    with threadpool_limits(1):  # the sums of a threaded matrix product depend on the thread count
        found = minimize(loss, np.append(np.full(count, 1 / count), 0.0), jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14})
    return np.asarray(found.x[:count], np.float64), float(found.x[count])


def _odds(share: Floats) -> Floats:
    return np.asarray(logit(np.clip(share, LEAST, 1 - LEAST)))
